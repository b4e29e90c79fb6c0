"""The tables of the webhook door: sources, their secrets, events, identities, and the audit log."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SOURCES = """
create table bg.webhook_sources (
    id text primary key check (id ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
    scheme text not null check (scheme in ('standard', 'plain')),
    workspace text not null default 'default' check (workspace <> ''),
    may_create boolean not null default false,
    networks cidr[] not null default '{}',
    per_second double precision not null default 500 check (per_second > 0),
    burst integer not null default 2000 check (burst >= 1),
    created_at timestamptz not null default now(),
    revoked_at timestamptz
);

-- Of each source those count that are neither revoked nor past their end.
create table bg.webhook_secrets (
    id bigint generated always as identity primary key,
    source_id text not null references bg.webhook_sources (id),
    secret bytea not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    revoked_at timestamptz
);
create index webhook_secrets_by_source on bg.webhook_secrets (source_id);

-- The token bucket of each source, from which the processes of the receiver take by the handful.
create unlogged table bg.webhook_buckets (
    source_id text primary key references bg.webhook_sources (id),
    tokens double precision not null,
    filled_at timestamptz not null
);
"""

EVENTS = """
create table bg.webhook_events (
    id bigint generated always as identity primary key,
    source text not null,
    event_id text not null check (char_length(event_id) between 1 and 256),
    type text not null,
    company_ref text,
    person_ref text,
    occurred_at timestamptz not null,
    received_at timestamptz not null default clock_timestamp(),
    status text not null default 'pending' check (
        status in ('pending', 'applied', 'ignored', 'dead')),
    status_reason text,
    payload bytea not null,
    applied_at timestamptz,
    unique (source, event_id),
    check ((status = 'pending') = (applied_at is null)),
    check (status in ('pending', 'applied') or status_reason is not null)
);
create index webhook_events_pending on bg.webhook_events (occurred_at, id)
    where status = 'pending';
create index webhook_events_dead on bg.webhook_events (id) where status = 'dead';
-- What is encrypted does not compress.
alter table bg.webhook_events alter column payload set storage external;
alter table bg.webhook_events set (
    autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 5000,
    autovacuum_analyze_scale_factor = 0.02, autovacuum_analyze_threshold = 5000);

-- What a source calls a person or a company that it has told us of.
create table bg.webhook_identities (
    id bigint generated always as identity primary key,
    source text not null,
    kind text not null check (kind in ('person', 'company')),
    external_id text not null,
    our_id text not null,
    created_at timestamptz not null default now(),
    unique (source, kind, external_id)
);
-- By whose e-mail or domain an event may mean somebody.
create index people_by_email on bg.people (lower(email)) where email is not null;
create index companies_by_domain on bg.companies (lower(domain)) where domain is not null;
"""

AUDIT = """
create table bg.audit_log (
    id bigint generated always as identity primary key,
    at timestamptz not null default clock_timestamp(),
    actor text not null check (actor <> ''),
    action text not null check (action <> ''),
    subject text,
    count integer not null default 1 check (count >= 1),
    detail jsonb not null default '{}'
);
create index audit_log_by_time on bg.audit_log (at);

create function bg.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'bg.audit_log is append-only';
end $$;
create trigger append_only before update or delete on bg.audit_log
    for each row execute function bg.refuse_change();
"""


def upgrade() -> None:
    for statements in (SOURCES, EVENTS, AUDIT):
        op.execute(statements)
