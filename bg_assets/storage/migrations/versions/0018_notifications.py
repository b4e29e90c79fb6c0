"""Who subscribed to news of groups, the outbox that their commits write, and what was delivered."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

SUBSCRIPTIONS = """
create table bg.subscriptions (
    id bigint generated always as identity primary key,
    url text not null check (url ~ '^https?://'),
    workspace text not null check (workspace <> ''),
    -- Empty: all of them.
    products text[] not null default '{}',
    kinds text[] not null default '{}' check (
        kinds <@ array['joined', 'left', 'role_changed', 'gap_opened', 'gap_closed']),
    -- What its messages may say, and where they may go.
    names boolean not null default false,
    insecure boolean not null default false,
    private boolean not null default false,
    -- disabled: by hand; failed: by us, after days without success; removed: its rows are going.
    status text not null default 'active' check (
        status in ('active', 'disabled', 'failed', 'removed')),
    status_reason text,
    status_since timestamptz not null default clock_timestamp(),
    created_at timestamptz not null default clock_timestamp(),
    last_success_at timestamptz,
    failing_since timestamptz,
    paused_until timestamptz
);

-- Of each subscription those sign whose end has not come.
create table bg.subscription_secrets (
    id bigint generated always as identity primary key,
    subscription_id bigint not null references bg.subscriptions (id) on delete cascade,
    secret bytea not null,
    created_at timestamptz not null default clock_timestamp(),
    expires_at timestamptz
);
create index subscription_secrets_by_subscription on bg.subscription_secrets (subscription_id);
"""

# No name of a person is ever in it.
OUTBOX = """
create table bg.outbox (
    id bigint generated always as identity primary key,
    message_id uuid not null default gen_random_uuid(),
    -- Null where a company was deleted for good, so that nobody knows it any more.
    workspace text,
    company_id text not null,
    product text not null,
    refresh_id uuid not null,
    kinds text[] not null check (cardinality(kinds) > 0),
    payload jsonb not null,
    trace_id text,
    created_at timestamptz not null default clock_timestamp()
);
create index outbox_by_time on bg.outbox (created_at, id);

-- A message on its way to a subscription. While it is pending and has a lease, somebody sends it
-- until next_attempt_at, after which anybody may.
create table bg.deliveries (
    subscription_id bigint not null references bg.subscriptions (id),
    outbox_id bigint not null references bg.outbox (id) on delete cascade,
    company_id text not null,
    status text not null default 'pending' check (status in ('pending', 'delivered', 'dead')),
    attempts integer not null default 0 check (attempts >= 0),
    next_attempt_at timestamptz not null default clock_timestamp(),
    lease uuid,
    last_attempt_at timestamptz,
    last_code integer,
    last_error text,
    finished_at timestamptz,
    primary key (subscription_id, outbox_id),
    check ((status = 'pending') = (finished_at is null)),
    check (lease is null or status = 'pending')
);
-- Who asks by time says "unfinished", who asks by company says "pending": the same rows, so that
-- PostgreSQL, which believes there are next to none, never takes the one index for the other.
create index deliveries_due on bg.deliveries (subscription_id, next_attempt_at, outbox_id)
    where finished_at is null;
create index deliveries_waiting on bg.deliveries (subscription_id, company_id, outbox_id)
    where status = 'pending';
create index deliveries_leased on bg.deliveries (subscription_id, company_id)
    where lease is not null;
create index deliveries_dead on bg.deliveries (subscription_id, outbox_id) where status = 'dead';
create index deliveries_by_message on bg.deliveries (outbox_id);
alter table bg.deliveries set (
    autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 5000,
    autovacuum_analyze_scale_factor = 0.02, autovacuum_analyze_threshold = 5000);
"""


def upgrade() -> None:
    for statements in (SUBSCRIPTIONS, OUTBOX):
        op.execute(statements)
