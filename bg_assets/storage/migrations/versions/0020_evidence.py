"""What tells of somebody's level beside the title is kept, and the name of each company."""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

# Null in the people who stand until their companies are refreshed.
EVIDENCE = """
alter table bg.company_people add column seniority text;
alter table bg.company_profiles add column name text;

comment on column bg.company_people.seniority is
    'The column of people as its writer has it: beside the title it tells the level.';
comment on column bg.company_profiles.name is
    'Shows which departments only repeat it, and of what sector the company may be.';
"""

NAMES = """
update bg.company_profiles as k set name = c.name
from bg.companies as c where c.id = k.company_id
"""


def upgrade() -> None:
    op.execute(EVIDENCE)
    op.execute(NAMES)
