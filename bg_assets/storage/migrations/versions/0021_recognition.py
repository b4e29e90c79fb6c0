"""By what rows without ids are known: keys of companies' names, and identities of companies."""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

KEYS = """
-- What the spellings of a company's name share, made by the import that looks for it: of another
-- name or by other rules it counts for nothing until it is made anew.
create table bg.company_keys (
    company_id text primary key,
    name text not null,
    key text not null,
    rules integer not null
);
create index company_keys_by_key on bg.company_keys (key);
-- Whether a source calls a company otherwise already.
create index webhook_identities_of_companies on bg.webhook_identities (our_id)
    where kind = 'company';
"""


def upgrade() -> None:
    op.execute(KEYS)
