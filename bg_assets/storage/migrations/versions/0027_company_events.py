"""Events about companies: when each value was last written and told, and which ids have ended."""

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

# The columns of which a change is news of the company, as capture watches them.
_TOLD = (
    "workspace", "name", "domain", "website", "industry", "employee_min", "employee_max", "revenue",
    "country", "deleted_at",
)  # fmt: skip
_OLD, _NEW = (", ".join(f"{row}.{name}" for name in _TOLD) for row in ("old", "new"))

# As of people: of who observed it the writer may tell, and the door always does. Of what stands
# already nobody knows when it was seen.
OBSERVED = f"""
alter table bg.companies add column observed_at timestamptz;
alter table bg.companies alter column observed_at set default statement_timestamp();
create function bg.touch_company() returns trigger language plpgsql as $$
begin
    new.updated_at := pg_catalog.now();
    if new.observed_at is not distinct from old.observed_at
        and ({_NEW}) is distinct from ({_OLD})
        and coalesce(pg_catalog.current_setting('bg.observed', true), '') <> 'told' then
        new.observed_at := pg_catalog.clock_timestamp();
    end if;
    return new;
end $$;
drop trigger touch_updated_at on bg.companies;
create trigger touch_updated_at before update on bg.companies
    for each row when (old.* is distinct from new.*) execute function bg.touch_company();
"""

HEARD = """
-- When each value of a company was told. It counts as long as observed_at is that of the company.
create table bg.webhook_heard (
    company_id text primary key,
    observed_at timestamptz not null,
    whole_at timestamptz,
    told jsonb not null
);
"""

IDENTITIES = """
-- Since when it is the id of a record that is one with another.
alter table bg.webhook_identities add column merged_at timestamptz;
"""


def upgrade() -> None:
    for statements in (OBSERVED, HEARD, IDENTITIES):
        op.execute(statements)
