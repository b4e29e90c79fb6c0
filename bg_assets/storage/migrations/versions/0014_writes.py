"""Who wrote to people and companies, import by import and round of events by round."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

WRITES = """
-- An import, or a round in which events were applied; see storage/writes.py.
create table bg.writes (
    id bigint generated always as identity primary key,
    writer text not null check (writer in ('import', 'webhook')),
    -- The file, or the sources of the events.
    names text[] not null,
    -- The table that it was for; null: events may be about both.
    asset text check (asset in ('people', 'companies')),
    counts jsonb not null,
    began_at timestamptz not null,
    ended_at timestamptz not null default clock_timestamp(),
    told_at timestamptz
);
create index writes_by_time on bg.writes (writer, began_at);
create index writes_untold on bg.writes (id) where told_at is null;
"""


def upgrade() -> None:
    op.execute(WRITES)
