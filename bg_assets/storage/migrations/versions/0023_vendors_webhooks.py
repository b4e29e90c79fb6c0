"""The webhooks of CRMs: whose events tell a property at a time, and who is to be forgotten."""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

SCHEMES = """
alter table bg.webhook_sources drop constraint webhook_sources_scheme_check;
alter table bg.webhook_sources add constraint webhook_sources_scheme_check
    check (scheme in ('standard', 'plain', 'hubspot', 'pipedrive', 'salesforce'));
"""

SEEN = """
-- When each value of somebody was told, where the last event told a part. It counts as long as
-- observed_at is that of people; once somebody else has written, theirs is the time of all.
create table bg.webhook_seen (
    person_id text primary key,
    observed_at timestamptz not null,
    whole_at timestamptz,
    told jsonb not null
);
"""

# To find all that sources call somebody who is merged or erased.
IDENTITIES = """
create index webhook_identities_by_ours on bg.webhook_identities (our_id) where kind = 'person'
"""


def upgrade() -> None:
    for statements in (SCHEMES, SEEN, IDENTITIES):
        op.execute(statements)
