"""The processes that work, by their signs of life; and the refreshes that were cancelled."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

WORKERS = """
-- A process of the system; see storage/workers.py. A few dozen rows, rewritten all the time.
create table bg.workers (
    host text not null,
    pid integer not null,
    -- Tells it from a later process with the same id.
    started text not null,
    kind text not null check (kind <> ''),
    run_id text,
    started_at timestamptz not null,
    beat_at timestamptz not null,
    memory bigint not null check (memory >= 0),
    state text not null default '',
    ended_at timestamptz,
    primary key (host, pid)
);
alter table bg.workers set (fillfactor = 50);
"""

# Until now no refresh was ever cancelled: the index is empty.
CANCELLED = """
create index refreshes_cancelled on bg.buyer_group_refresh_log (company_id)
    where status = 'cancelled';
"""


def upgrade() -> None:
    for statements in (WORKERS, CANCELLED):
        op.execute(statements)
