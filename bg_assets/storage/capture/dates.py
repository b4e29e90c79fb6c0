"""Dates that pass: whose last day was yesterday has left, whose first day is today has joined.

No write tells of it, so that no trigger does. A row holds the day (UTC) up to which this is done:
an outage is caught up day by day. Behind the views, people want indexes on both dates, as
people_by_end_date and people_by_start_date are; a table of somebody else's wants its own.
"""

from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa

from bg_assets.storage.capture.bodies import CANONICAL, employed
from bg_assets.storage.priorities import OF_KIND

MOST = 20_000

# Two ticks at once do not do the same: the other one goes on with something else.
_TO_DO = sa.text("""
    select done_to, after_person from bg.dates_passed where done_to < :today
    for update skip locked
""")
# Served by people_by_end_date, people_by_start_date and the primary key of companies. What a run
# has taken meanwhile does not count: it may have been taken as of the day before.
_RAISE = sa.text(f"""
    with passed as (
        select p.company_id, p.id as person_id, 'person_left' as kind,
            jsonb_build_object('end_date', p.end_date) as old, null::jsonb as new
        from bg.canonical_people as p
        where p.end_date = :day and {employed("p", CANONICAL, ":day")}
        union all
        select p.company_id, p.id, 'person_joined', null,
            jsonb_build_object('start_date', p.start_date)
        from bg.canonical_people as p
        where p.start_date = :next_day and {employed("p", CANONICAL, ":next_day")}
    ), portion as materialized (
        select * from passed where person_id > :after order by person_id limit :most
    ), raised as (
        insert into bg.changes
            (company_id, person_id, kind, source, old, new, priority, is_departure)
        select company_id, person_id, kind, 'schedule', old, new,
            case kind when 'person_left' then {OF_KIND["person_left"]}
                else {OF_KIND["person_joined"]} end,
            kind = 'person_left'
        from portion as p where exists (
            select from bg.canonical_companies as c
            where c.id = p.company_id and c.deleted_at is null offset 0)
        returning 1
    )
    select (select count(*) from raised) as raised, (select count(*) from portion) as looked,
        (select max(person_id) from portion) as last
""")
_DONE = sa.text("update bg.dates_passed set done_to = :done_to, after_person = :after")


@dataclass(frozen=True, slots=True)
class Passed:
    """How many changes a portion led to, and whether there is more to do at once."""

    raised: int
    more: bool


def raise_changes(conn: sa.Connection, today: date, most: int = MOST) -> Passed:
    """Raise changes for those who left or joined by a date up to today (UTC): a portion of a day.

    Each is raised once, whoever calls and however often. One look at a row while nothing is to do.
    """
    row = conn.execute(_TO_DO, {"today": today}).first()
    if row is None:
        return Passed(0, more=False)
    day = row.done_to
    next_day = date.fromordinal(day.toordinal() + 1)
    asked = {"day": day, "next_day": next_day, "after": row.after_person, "most": most}
    portion = conn.execute(_RAISE, asked).one()
    whole = portion.looked < most
    done_to = next_day if whole else day
    conn.execute(_DONE, {"done_to": done_to, "after": "" if whole else portion.last})
    return Passed(int(portion.raised), more=done_to < today or not whole)
