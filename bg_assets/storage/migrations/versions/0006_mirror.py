"""What one process at a time does once in a while, and how the checks judged each group."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

MIRROR = """
-- One row for each thing that all processes together do once in a while: when somebody began it
-- last, and what they have to remember for the next time.
create table bg.chores (
    name text primary key,
    begun_at timestamptz not null,
    state jsonb
);

-- Without a foreign key: whoever deletes a group must not wait for whoever judges it.
create table bg.group_verdicts (
    company_id text not null,
    product text not null,
    -- The refresh whose group was judged: another one stands where it is to be judged anew.
    refresh_id uuid not null,
    judged_at timestamptz not null default clock_timestamp(),
    fails text[] not null,
    completeness double precision not null,
    confidence double precision,
    cohesion double precision,
    primary key (company_id, product)
);
create index group_verdicts_by_age on bg.group_verdicts (judged_at);
"""


def upgrade() -> None:
    op.execute(MIRROR)
