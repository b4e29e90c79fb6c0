"""What is kept long enough goes: an index on payloads that are kept, and tables vacuumed sooner."""

from alembic import op

revision = "0025"
down_revision = "0023"
branch_labels = None
depends_on = None

PAYLOADS = """
create index webhook_events_kept on bg.webhook_events (applied_at)
    where payload <> '' and status in ('applied', 'ignored');

comment on column bg.webhook_events.payload is
    'Encrypted; empty once it has been let go of: source and id stay, so that it counts once.';
"""

# By default a fifth of a table is dead before it is vacuumed: of ten million rows two million.
VACUUM = "".join(
    f"""
alter table bg.{table} set (
    autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 5000,
    autovacuum_analyze_scale_factor = 0.02, autovacuum_analyze_threshold = 5000);
"""
    for table in (
        "buyer_group_history", "refresh_attempts", "pipeline_operations", "outbox", "kpi_values",
    )
)  # fmt: skip


def upgrade() -> None:
    op.execute(PAYLOADS)
    op.execute(VACUUM)
