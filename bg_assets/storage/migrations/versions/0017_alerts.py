"""Alerts and whom they were told to, silences, who sends; and objectives counted by the minute."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

ALERTS = """
-- What is or was wrong; see domain/alerts. An alert is open while it is not resolved.
create table bg.alerts (
    id bigint generated always as identity primary key,
    kind text not null,
    -- Of what it is, where there may be several of a kind.
    subject text not null default '',
    severity text not null check (severity in ('warning', 'critical')),
    said text not null,
    todo text not null default '',
    since timestamptz not null,
    seen_at timestamptz not null,
    -- When it had lasted long enough to be told.
    raised_at timestamptz,
    resolved_at timestamptz,
    check (resolved_at is null or raised_at is not null)
);
create unique index one_open_alert on bg.alerts (kind, subject) where resolved_at is null;
create index alerts_by_end on bg.alerts (resolved_at) where resolved_at is not null;

-- What each channel knows of an alert, and how it is with what it could not be told.
create table bg.alert_deliveries (
    alert_id bigint not null references bg.alerts (id) on delete cascade,
    channel text not null,
    told_at timestamptz,
    severity text not null default '',
    over_at timestamptz,
    tries integer not null default 0,
    try_at timestamptz,
    error text not null default '',
    primary key (alert_id, channel)
);

-- An alert, or all of a kind, of which nobody is told until then.
create table bg.alert_silences (
    key text primary key,
    until timestamptz not null,
    by text not null check (by <> ''),
    reason text not null check (reason <> ''),
    since timestamptz not null default clock_timestamp()
);

-- The process that tells of alerts until then; another one takes over when it says no more.
create table bg.alert_sender (
    one boolean primary key default true check (one),
    holder text not null default '',
    until timestamptz not null default '-infinity'
);
insert into bg.alert_sender default values;
"""

OBJECTIVES = """
-- What was good and bad within each minute; see storage/objectives.py.
create table bg.objective_minutes (
    objective text not null check (objective in ('latency', 'success')),
    minute timestamptz not null,
    good bigint not null,
    bad bigint not null,
    primary key (objective, minute)
);
create table bg.objective_watch (
    one boolean primary key default true check (one),
    counted_to timestamptz not null
);
insert into bg.objective_watch (counted_to) values (clock_timestamp());
"""


def upgrade() -> None:
    for statements in (ALERTS, OBJECTIVES):
        op.execute(statements)
