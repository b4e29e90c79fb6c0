"""What is watched beside changes: that capture stands, and the dates that pass."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

CAPTURE = """
-- The triggers on people and companies as they were installed; see storage/capture_watch.py.
create table bg.capture_triggers (
    on_table text not null,
    name text not null,
    shape text not null,
    body text not null,
    mark text not null,
    trigger_text text not null,
    function_text text not null,
    primary key (on_table, name)
);

create table bg.capture_watch (
    single boolean primary key default true check (single),
    looked_at timestamptz not null default '-infinity',
    -- What was lost at the last look, a line each.
    lost text[] not null default '{}',
    -- Capture was lost and stands again: companies are compared, up to this one by now.
    to_compare boolean not null default false,
    compared_to text not null default ''
);
insert into bg.capture_watch default values;

-- What of each company its last refresh has seen, as company_people holds it of the people.
create table bg.company_profiles (
    company_id text primary key,
    workspace text,
    employee_min integer,
    employee_max integer,
    country text,
    industry text
);
insert into bg.company_profiles
select id, workspace, employee_min, employee_max, country, industry from bg.companies as c
where deleted_at is null and exists (
    select from bg.buyer_group_refresh_log as r
    where r.company_id = c.id and r.status = 'completed');
"""

DATES = """
create index people_by_end_date on bg.people (end_date) where end_date is not null;
create index people_by_start_date on bg.people (start_date) where start_date is not null;

-- The day (UTC) whose employments are seen to; beyond it, those of the next day up to this person.
create table bg.dates_passed (
    single boolean primary key default true check (single),
    done_to date not null default (clock_timestamp() at time zone 'UTC')::date,
    after_person text not null default ''
);
insert into bg.dates_passed default values;
"""

# Until now nothing happened on these days.
MISSED = """
insert into bg.changes (company_id, person_id, kind, source, old, new, priority, is_departure)
select p.company_id, p.id, 'person_left', 'schedule',
    jsonb_build_object('end_date', p.end_date), null, 50, true
from bg.people as p, bg.dates_passed as d
where p.end_date < d.done_to and p.status = 'active' and p.deleted_at is null and exists (
    select from bg.buyer_groups as g where g.company_id = p.company_id and g.as_of <= p.end_date)
union all
select p.company_id, p.id, 'person_joined', 'schedule',
    null, jsonb_build_object('start_date', p.start_date), 30, false
from bg.people as p, bg.dates_passed as d
where p.start_date <= d.done_to and (p.end_date is null or p.end_date >= d.done_to)
    and p.status = 'active' and p.deleted_at is null and exists (
        select from bg.buyer_groups as g
        where g.company_id = p.company_id and g.as_of < p.start_date);
"""


def upgrade() -> None:
    for statements in (CAPTURE, DATES, MISSED):
        op.execute(statements)
