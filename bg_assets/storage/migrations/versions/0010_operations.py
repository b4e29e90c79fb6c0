"""Calls of providers of outside data: questions and answers, the bill, and how providers do."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

OPERATIONS = """
-- One question to one provider: cache, bill and idempotency record in one. The question itself is
-- not kept, only the digest of all of it.
create table bg.pipeline_operations (
    id bigint generated always as identity primary key,
    key text not null unique check (key ~ '^[0-9a-f]{64}$'),
    provider text not null,
    kind text not null check (kind in ('company', 'discovery', 'person')),
    company_id text not null,
    person_id text,
    status text not null check (status in ('running', 'done', 'failed')),
    -- Whether anybody was found; null until there was an answer.
    found boolean,
    -- Personal data: gone once it is purged.
    output jsonb,
    failure text check (failure in (
        'temporary', 'permanent', 'provider', 'not_checked', 'lost')),
    error text,
    attempts integer not null default 0 check (attempts >= 0),
    -- US dollars: what was paid for this question so far, and what the call under way may cost.
    cost numeric not null default 0 check (cost >= 0),
    reserved numeric check (reserved >= 0),
    reserved_on date,
    -- Seconds that the last call took.
    duration double precision,
    -- Whose call it is, and until when nobody else makes it.
    holder text,
    leased_until timestamptz,
    created_at timestamptz not null default clock_timestamp(),
    started_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz,
    expires_at timestamptz,
    check ((status = 'running') = (leased_until is not null)),
    check ((reserved is null) = (reserved_on is null)),
    check (reserved is null or status = 'running'),
    check (status <> 'done' or (found is not null and expires_at is not null)),
    check ((status = 'failed') <= (failure is not null and error is not null))
);
create index pipeline_operations_running on bg.pipeline_operations (provider)
    where status = 'running';
create index pipeline_operations_by_time on bg.pipeline_operations (started_at);
create index pipeline_operations_by_company on bg.pipeline_operations (company_id, started_at);
create index pipeline_operations_by_person on bg.pipeline_operations (person_id)
    where person_id is not null;
create index pipeline_operations_failed on bg.pipeline_operations (finished_at)
    where status = 'failed';
create index pipeline_operations_kept on bg.pipeline_operations (expires_at)
    where output is not null;
"""

BILL = """
-- The bill of each day (UTC). It outlives the answers.
create table bg.provider_costs (
    provider text not null,
    day date not null,
    kind text not null,
    found integer not null default 0,
    not_found integer not null default 0,
    failed integer not null default 0,
    -- Calls whose end nobody knows: of a process that is gone, or that was stopped.
    lost integer not null default 0,
    -- US dollars: paid, and what those whose bill nobody knows may have cost.
    cost numeric not null default 0,
    uncertain numeric not null default 0,
    primary key (provider, day, kind)
);

-- Answers from the cache, in sixteen parts: who counts one does not wait for others.
create table bg.provider_hits (
    provider text not null,
    day date not null,
    kind text not null,
    part smallint not null,
    hits bigint not null default 0,
    primary key (provider, day, kind, part)
);
"""

HEALTH = """
-- One row for each provider. Whoever calls it takes the row's lock first, for a millisecond.
create table bg.provider_health (
    provider text primary key,
    failures integer not null default 0,
    opened_at timestamptz,
    probe_by text,
    probe_until timestamptz,
    rest_until timestamptz,
    -- The last failure that told of the provider and not of a question alone.
    error text,
    failed_at timestamptz,
    -- What the last call would have cost that a cap forbade; null once one is made again.
    refused_price numeric
);
"""


def upgrade() -> None:
    for statements in (OPERATIONS, BILL, HEALTH):
        op.execute(statements)
