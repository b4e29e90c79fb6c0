"""The whole verdict on each title, and by which version of the lexicon it was given."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# Null in the rows that stand: until their companies are refreshed their titles are read anew.
VERDICTS = """
alter table bg.company_people
    add column function_alternatives jsonb,
    add column level_alternatives jsonb,
    add column has_left boolean,
    add column by_department boolean,
    add column lexicon_version text;

comment on column bg.company_people.function_alternatives is
    'What the function could be too, the most likely first.';
comment on column bg.company_people.level_alternatives is
    'What the level could be too, the most likely first.';
comment on column bg.company_people.has_left is
    'The title itself says that the person no longer holds it.';
comment on column bg.company_people.by_department is
    'Only the department tells the function.';
comment on column bg.company_people.lexicon_version is
    'What gave function, level and all that is known of the title. Another version may read it '
    'differently; null: from before verdicts were kept whole.';
"""


def upgrade() -> None:
    op.execute(VERDICTS)
