"""Tables of somebody else's that stand in for people and companies, and what capture failed at."""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

ATTACH = """
-- See storage/capture/attached.py.
create table bg.attached_tables (
    kind text primary key check (kind in ('people', 'companies')),
    -- As SQL names it, and its number, by which it is known after it was renamed.
    on_table text not null,
    schema text not null,
    table_oid oid not null,
    -- Of ours the names of theirs, and the names of those that tell who is gone.
    mapping jsonb not null,
    gone text[] not null,
    -- Of ours the SQL that reads it; of theirs number and type as they were.
    readers jsonb not null,
    columns jsonb not null,
    attached_by text not null,
    attached_at timestamptz not null default clock_timestamp()
);

-- A statement of the owner's whose changes could not be captured, since the columns do not fit any
-- more: one row for each way in which it failed, until that is mended and companies are compared.
create table bg.capture_failures (
    on_table text not null,
    event text not null,
    code text not null,
    first_at timestamptz not null default clock_timestamp(),
    primary key (on_table, event, code)
);
"""


def upgrade() -> None:
    op.execute(ATTACH)
