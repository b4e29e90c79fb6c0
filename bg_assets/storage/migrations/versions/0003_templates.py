"""The templates that loaded last, what is wrong with their files now, and which groups are old."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TEMPLATES = """
create table bg.templates (
    name text primary key,
    hash text not null,
    text text not null,
    loaded_at timestamptz not null default clock_timestamp(),
    -- Set once no company is known that lacks a group for the product.
    complete_at timestamptz,
    -- How far the last look at groups of other templates came: a hash, and a company of it.
    looked_hash text not null default '',
    looked_company text not null default ''
);

create table bg.template_mistakes (
    mistake text primary key,
    since timestamptz not null default clock_timestamp()
);

-- Those of a product that another template built than this one are two ranges of it.
create index buyer_groups_by_template on bg.buyer_groups (product, template_hash, company_id);
"""


def upgrade() -> None:
    op.execute(TEMPLATES)
