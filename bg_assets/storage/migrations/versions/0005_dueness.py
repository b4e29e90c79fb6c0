"""Attempts that an outage ended, groups of nobody, and the settings of what runs."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

DUENESS = """
-- Of the attempts, those that ended because the infrastructure was away: no fault of the company.
alter table bg.buyer_group_refresh_log
    add column outages integer not null default 0,
    add check (outages >= 0 and outages < attempt);

-- Built while the company had no staff: what follows is still a first build.
alter table bg.buyer_groups add column of_nobody boolean not null default false;
update bg.buyer_groups as g set of_nobody = true
where not exists (select from bg.company_people as k where k.company_id = g.company_id);

-- What the running instance goes by, so that a command elsewhere speaks of the same world.
create table bg.instance_settings (
    name text primary key,
    value text,
    since timestamptz not null default clock_timestamp()
);
"""


def upgrade() -> None:
    op.execute(DUENESS)
