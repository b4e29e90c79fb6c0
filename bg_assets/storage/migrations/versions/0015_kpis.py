"""KPIs over time, what they are measured from: the receivers' counts, and indexes by time."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

RECEIVER_COUNTS = """
-- What each process of the receiver counted, a row a minute; see storage/measures/receiver.py.
-- What is older than three days is added up in the row of minute -infinity and no process, so that
-- the sums over all rows only grow.
create table bg.receiver_counts (
    minute timestamptz not null,
    process text not null,
    -- Requests with an event that came.
    received bigint not null default 0,
    -- Events stored for the first time, those that were there, and those there with another body.
    accepted bigint not null default 0,
    duplicates bigint not null default 0,
    differing bigint not null default 0,
    -- Requests refused, by kind.
    refused jsonb not null default '{}',
    -- From the head of a request to its answer: the sum in s, and how many took up to each bound.
    seconds_sum double precision not null default 0,
    seconds_buckets bigint[] not null,
    primary key (minute, process)
);
comment on column bg.receiver_counts.seconds_buckets is
    'Answers by the first of 1, 2, 5, 10, 20, 50, 100, 200, 500 ms, 1, 2, 5, 10 s that they took '
    'at most; the last is beyond. Not cumulative.';
"""

VALUES = """
create table bg.kpi_values (
    id bigint generated always as identity primary key,
    name text not null,
    -- Null for what is no matter of a product.
    product text,
    at timestamptz not null,
    -- Null where there was nothing to measure.
    value double precision,
    -- As it was written then: < 100, > 95, 8 to 12; null where there was none.
    target text,
    state text not null check (state in ('met', 'missed', 'unknown', 'untargeted'))
);
create index kpi_values_by_name on bg.kpi_values (name, at);
create index kpi_values_by_time on bg.kpi_values (at);
"""

BY_TIME = """
create index refreshes_by_end on bg.buyer_group_refresh_log (finished_at)
    where finished_at is not null;
create index refresh_attempts_by_end on bg.refresh_attempts (ended_at);
create index buyer_groups_by_age on bg.buyer_groups (updated_at);
"""


def upgrade() -> None:
    for statements in (RECEIVER_COUNTS, VALUES, BY_TIME):
        op.execute(statements)
