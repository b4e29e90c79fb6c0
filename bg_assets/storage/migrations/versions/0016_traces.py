"""Where in a trace events and refreshes stand, as W3C traceparents; nothing where none are kept."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

# Nullable and without default: nothing is rewritten. bg.changes has its column from the start.
TRACES = """
alter table bg.webhook_events add column trace_id text;
alter table bg.buyer_group_refresh_log add column trace_id text;
"""


def upgrade() -> None:
    op.execute(TRACES)
