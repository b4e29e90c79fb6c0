"""When people were last written by somebody else than the door, and what an event's body was."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# The columns of which a change is news of the person, as capture watches them.
_TOLD = (
    "company_id", "name", "title", "department", "seniority", "email", "location", "manager_id",
    "start_date", "end_date", "status", "deleted_at",
)  # fmt: skip
_OLD, _NEW = (", ".join(f"{row}.{name}" for name in _TOLD) for row in ("old", "new"))

# Of who observed it the writer may tell, and the door always does: a time of its own is not
# recognised by being another, since two events may be of one moment.
OBSERVED = f"""
create function bg.touch_person() returns trigger language plpgsql as $$
begin
    new.updated_at := pg_catalog.now();
    if new.observed_at is not distinct from old.observed_at
        and ({_NEW}) is distinct from ({_OLD})
        and coalesce(pg_catalog.current_setting('bg.observed', true), '') <> 'told' then
        new.observed_at := pg_catalog.clock_timestamp();
    end if;
    return new;
end $$;
drop trigger touch_updated_at on bg.people;
create trigger touch_updated_at before update on bg.people
    for each row when (old.* is distinct from new.*) execute function bg.touch_person();
-- The clock of the statement: COPY takes many rows at a time where a default does not change in it.
alter table bg.people alter column observed_at set default statement_timestamp();
"""

# What stands in the future makes all true news look old.
MENDED = """
update bg.people set observed_at = now() where observed_at > now();
update bg.webhook_events set occurred_at = received_at where occurred_at > received_at;
"""

BODIES = """
-- A keyed hash of the body; null where it is not known, as for events from before this column.
alter table bg.webhook_events add column body_digest bytea;
create index audit_log_of_differing on bg.audit_log (at) where action = 'webhook.differing';
"""


def upgrade() -> None:
    for statements in (OBSERVED, MENDED, BODIES):
        op.execute(statements)
