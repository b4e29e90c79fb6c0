"""When companies are refreshed next without news, and how each attempt of a refresh failed."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# Which share of its rhythm a company comes after the others: the same for ever, and evenly spread.
_SHARE = "('x' || substr(md5(company_id), 1, 8))::bit(32)::bigint / 4294967296.0"

NEXT_REFRESHES = f"""
-- Of every company that was refreshed: when it is refreshed next though nothing is heard of it.
create table bg.next_refreshes (
    company_id text primary key,
    at timestamptz not null,
    rhythm text not null check (rhythm in ('daily', 'weekly', 'monthly')),
    -- How probable it is that somebody of the group has left unseen; null where nobody has judged.
    chance double precision check (chance between 0 and 1),
    because text not null
);
create index next_refreshes_by_time on bg.next_refreshes (at, company_id);

-- What stands already is looked at within a week, evenly spread, and judged then.
insert into bg.next_refreshes (company_id, at, rhythm, because)
select company_id, now() + interval '7 days' * ({_SHARE}), 'weekly',
    'weekly until it has been judged how much may have changed unseen'
from bg.company_profiles;
"""

ATTEMPTS = """
-- How each attempt ended that completed nothing, but for those that an outage ended.
create table bg.refresh_attempts (
    refresh_id uuid not null references bg.buyer_group_refresh_log (id) on delete cascade,
    attempt integer not null,
    run_id text,
    ended_at timestamptz not null,
    error text not null,
    primary key (refresh_id, attempt)
);

-- Why an event was dead before it was tried anew.
create table bg.webhook_event_failures (
    webhook_event_id bigint not null references bg.webhook_events (id) on delete cascade,
    failed_at timestamptz not null,
    reason text not null,
    primary key (webhook_event_id, failed_at)
);

create index audit_log_of_discarded on bg.audit_log (at)
    where action in ('refresh.discarded', 'webhook_event.discarded');
"""


def upgrade() -> None:
    for statements in (NEXT_REFRESHES, ATTEMPTS):
        op.execute(statements)
