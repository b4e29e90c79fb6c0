"""Dates that pass: who is told of, on which day, how often, and at what cost."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bg_assets.storage import database
from bg_assets.storage.capture import dates
from bg_assets_tests.conftest import Cluster
from bg_assets_tests.storage import plans, steps, told
from bg_assets_tests.storage.rows import (
    at,
    change,
    company,
    forget_changes,
    group,
    insert,
    rows,
    run,
    value,
)

DONE = date(2026, 3, 1)
TODAY = date(2026, 3, 2)
SEEN = """
    select company_id, person_id, kind, source, old, new, priority, is_departure from bg.changes
    order by person_id, id
"""


@pytest.fixture
def acme(engine: sa.Engine) -> sa.Engine:
    """A company, with all dates up to the first of March seen to."""
    company(engine, "acme")
    run(engine, "update bg.dates_passed set done_to = :day", day=DONE)
    return engine


def person(engine: sa.Engine, person_id: str, **columns: object) -> None:
    insert(engine, "bg.people", **{"id": person_id, "company_id": "acme", **columns})
    forget_changes(engine)


def look(engine: sa.Engine, today: date = TODAY, most: int = 100) -> int:
    """All that is to do by this day; how many changes it led to."""
    raised = 0
    while True:
        with engine.begin() as conn:
            passed = dates.raise_changes(conn, today, most)
        raised += passed.raised
        if not passed.more:
            return raised


def changed(engine: sa.Engine) -> list[tuple[str, str]]:
    return [(row["person_id"], row["kind"]) for row in rows(engine, SEEN)]


def test_whose_last_day_was_yesterday_has_left_and_waits_for_no_interval(acme: sa.Engine) -> None:
    person(acme, "ann", end_date=DONE)

    assert look(acme) == 1
    (row,) = rows(acme, SEEN)
    assert row == {
        "company_id": "acme", "person_id": "ann", "kind": "person_left", "source": "schedule",
        "old": {"end_date": "2026-03-01"}, "new": None, "priority": 50, "is_departure": True,
    }  # fmt: skip


def test_whose_first_day_is_today_has_joined(acme: sa.Engine) -> None:
    person(acme, "ann", start_date=TODAY)

    assert look(acme) == 1
    (row,) = rows(acme, SEEN)
    assert row == {
        "company_id": "acme", "person_id": "ann", "kind": "person_joined", "source": "schedule",
        "old": None, "new": {"start_date": "2026-03-02"}, "priority": 30, "is_departure": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    "columns",
    [
        {"end_date": TODAY},
        {"end_date": DONE - timedelta(days=1)},
        {"start_date": TODAY + timedelta(days=1)},
        {"start_date": DONE},
        {"end_date": DONE, "status": "left"},
        {"end_date": DONE, "deleted_at": at(0)},
        {"end_date": DONE, "company_id": None},
        {"end_date": DONE, "company_id": "nowhere"},
        {"end_date": DONE, "start_date": TODAY},
        {"start_date": TODAY, "end_date": DONE},
        {"start_date": TODAY, "status": "left"},
        {"start_date": TODAY, "deleted_at": at(0)},
        {},
    ],
    ids=str,
)
def test_for_others_nothing_happens_that_day(acme: sa.Engine, columns: dict[str, Any]) -> None:
    person(acme, "ann", **columns)

    assert look(acme) == 0
    assert changed(acme) == []


def test_who_works_for_one_day_has_joined_and_left(acme: sa.Engine) -> None:
    person(acme, "ann", start_date=TODAY, end_date=TODAY)

    assert look(acme) == 1
    assert look(acme, TODAY + timedelta(days=1)) == 1
    assert changed(acme) == [("ann", "person_joined"), ("ann", "person_left")]


def test_people_of_a_company_that_is_no_longer_tracked_are_nobodys_news(acme: sa.Engine) -> None:
    run(acme, "update bg.companies set deleted_at = now()")
    person(acme, "ann", end_date=DONE)

    assert look(acme) == 0


def test_a_day_is_seen_to_once(acme: sa.Engine) -> None:
    person(acme, "ann", end_date=DONE)

    assert [look(acme), look(acme), look(acme, DONE)] == [1, 0, 0]
    assert value(acme, "select done_to from bg.dates_passed") == TODAY


def test_an_outage_of_a_week_is_caught_up_day_by_day(acme: sa.Engine) -> None:
    for days in range(9):
        person(acme, f"e{days}", end_date=DONE + timedelta(days=days))
        person(acme, f"s{days}", start_date=DONE + timedelta(days=days))

    assert look(acme, DONE + timedelta(days=7)) == 14
    left, joined = [f"e{days}" for days in range(7)], [f"s{days}" for days in range(1, 8)]
    assert changed(acme) == [
        *((one, "person_left") for one in left), *((one, "person_joined") for one in joined),
    ]  # fmt: skip
    assert value(acme, "select done_to from bg.dates_passed") == DONE + timedelta(days=7)


@pytest.mark.parametrize("most", [1, 3, 4, 5, 100])
def test_portions_of_any_size_tell_of_each_once(acme: sa.Engine, most: int) -> None:
    for number in range(4):
        person(acme, f"e{number}", end_date=DONE)
        person(acme, f"s{number}", start_date=TODAY)

    with acme.begin() as conn:
        first = dates.raise_changes(conn, TODAY, most)
    assert first.raised == min(most, 8)
    look(acme, TODAY, most)
    assert len(changed(acme)) == 8
    assert len(set(changed(acme))) == 8


def test_of_two_looks_at_once_one_does_it_and_the_other_does_not_wait(acme: sa.Engine) -> None:
    person(acme, "ann", end_date=DONE)
    with acme.begin() as first, acme.begin() as second:
        assert dates.raise_changes(first, TODAY).raised == 1
        run(second, "set local lock_timeout = '5s'")
        assert dates.raise_changes(second, TODAY) == dates.Passed(0, more=False)

    assert changed(acme) == [("ann", "person_left")]


def test_what_is_rolled_back_is_done_by_the_next(acme: sa.Engine) -> None:
    person(acme, "ann", end_date=DONE)
    with acme.connect() as conn:
        dates.raise_changes(conn, TODAY)
        conn.rollback()

    assert look(acme) == 1


def test_a_member_whose_end_comes_within_the_interval_leaves_at_once(acme: sa.Engine) -> None:
    today = at(0).date()
    for name in ("ann", "bob"):
        person(acme, name, end_date=today if name == "ann" else None)
    change(acme, "acme")
    for seconds in (10, 20):
        (request,) = steps.tick(acme, seconds)
        steps.complete(acme, "run", steps.take(acme, "run", request, seconds))
        change(acme, "acme", seconds)
    run(acme, "update bg.buyer_group_refresh_log set finished_at = :at", at=at(20))
    assert steps.tick(acme, 30) == []
    run(acme, "update bg.dates_passed set done_to = :today", today=today)
    look(acme, today + timedelta(days=1))
    run(acme, "update bg.changes set occurred_at = :at", at=at(30))

    assert [one.companies for one in steps.tick(acme, 40)] == [("acme",)]


def test_a_run_taken_before_midnight_is_followed_by_one_that_sees_the_day(
    acme: sa.Engine,
) -> None:
    """It has read its people and changes when the day comes: the change waits for the next."""
    person(acme, "ann", end_date=at(0).date())
    run(acme, "update bg.dates_passed set done_to = :day", day=at(0).date())
    change(acme, "acme")
    (request,) = steps.tick(acme)
    held = steps.take(acme, "run-1", request)
    look(acme, at(0).date() + timedelta(days=1))
    assert steps.complete(acme, "run-1", held) == {"acme"}

    assert rows(acme, "select kind, source from bg.changes where handled_at is null") == [
        {"kind": "person_left", "source": "schedule"}
    ]


def test_an_attempt_after_midnight_is_judged_by_the_new_day(acme: sa.Engine) -> None:
    """It takes the change of the new day along, which counts as handled then."""
    company(acme, "bolt", ["bob"])
    change(acme, "bolt")
    (request,) = steps.tick(acme)
    held = steps.take(acme, "run-1", request)
    steps.release(acme, held)
    (request,) = steps.tick(acme)
    (again,) = steps.take(acme, "run-2", request, seconds=86_400)

    assert (held[0].as_of, again.as_of) == (TODAY, TODAY + timedelta(days=1))


def test_who_is_written_on_the_eve_of_the_first_day_is_told_of_at_once_too(
    acme: sa.Engine,
) -> None:
    """Such a write may commit after midnight, behind the look for those who start that day."""
    today = value(acme, "select (clock_timestamp() at time zone 'UTC')::date")
    for days in (0, 1, 2):
        insert(acme, "bg.people", id=f"p{days}", company_id="acme",
               start_date=today + timedelta(days=days))  # fmt: skip

    assert changed(acme) == [("p0", "person_joined"), ("p1", "person_joined")]
    forget_changes(acme)
    run(acme, "update bg.people set title = 'CFO' where id = 'p2'")
    assert changed(acme) == []
    run(acme, "update bg.people set start_date = :day where id = 'p0'",
        day=today + timedelta(days=2))  # fmt: skip
    run(acme, "update bg.people set start_date = :day where id = 'p2'", day=today)
    assert changed(acme) == [("p0", "person_left"), ("p2", "person_joined")]


def test_people_of_another_table_are_told_of_through_its_mapping(crm: sa.Engine) -> None:
    run(crm, "insert into crm.accounts (nr, label) values (7, 'Acme')")
    run(crm, "insert into crm.contacts (account, until, state) "
        "values (7, :day, 'active'), (7, :day, ' LEFT')", day=DONE)  # fmt: skip
    run(crm, "update bg.dates_passed set done_to = :day", day=DONE)
    forget_changes(crm)

    assert look(crm) == 1
    assert value(crm, "select company_id from bg.changes") == "7"


@pytest.mark.parametrize("fresh", [False, True], ids=["old figures", "new figures"])
def test_a_day_costs_a_look_at_those_whose_date_it_is(acme: sa.Engine, *, fresh: bool) -> None:
    run(
        acme,
        "insert into bg.people (id, company_id, start_date, end_date) "
        "select 'p' || g, 'acme', date '2026-03-02' - g % 1000, "
        "case when g % 3 = 0 then date '2026-03-01' + g % 500 end "
        "from generate_series(1, 50000) as g",
    )
    if fresh:
        run(acme, "analyze bg.people")
    with acme.connect() as conn, plans.watched(conn) as reads:
        assert dates.raise_changes(conn, TODAY).raised == 51
        assert not dates.raise_changes(conn, TODAY).more

    plans.check(reads, rows=1500, pages=1500)


@pytest.fixture
def older(postgres: Cluster) -> Iterator[sa.Engine]:
    """A database with the schema from before dates were looked at."""
    url = postgres.clone("template0")
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as conn:
        run(conn, "create schema bg")
        told.upgrade(conn, "0006")
    yield engine
    postgres.drop(url)


def test_the_migration_raises_what_was_not_seen_since_each_group_and_nothing_else(
    older: sa.Engine,
) -> None:
    today = value(older, "select (clock_timestamp() at time zone 'UTC')::date")
    built, day = at(0).date(), timedelta(days=1)
    for name in ("acme", "new"):
        insert(older, "bg.companies", id=name, name="Company", country="AT")
    group(older, "acme", {"left-1": "champion"})
    people: dict[str, dict[str, object]] = {
        "left-1": {"end_date": built}, "left-2": {"end_date": today - day},
        "seen": {"end_date": built - day}, "last-day": {"end_date": today},
        "told": {"end_date": built, "status": "left"},
        "deleted": {"end_date": built, "deleted_at": at(0)},
        "joined-1": {"start_date": built + day}, "joined-2": {"start_date": today},
        "was-there": {"start_date": built}, "later": {"start_date": today + day},
        "not-joined": {"start_date": today, "status": "left"},
    }  # fmt: skip
    for name, columns in people.items():
        insert(older, "bg.people", id=name, company_id="acme", **columns)
    insert(older, "bg.people", id="elsewhere", company_id="new", end_date=built)
    database.migrate(older.url.render_as_string(hide_password=False))

    assert changed(older) == [
        ("joined-1", "person_joined"), ("joined-2", "person_joined"), ("left-1", "person_left"),
        ("left-2", "person_left"),
    ]  # fmt: skip
    found = (
        "select count(*) from bg.changes where is_departure = (kind = 'person_left') "
        "and source = 'schedule' and priority = case kind when 'person_left' then 50 else 30 end"
    )
    assert value(older, found) == 4
    assert value(older, "select done_to from bg.dates_passed") == today
    assert rows(older, "select company_id, country from bg.company_profiles") == [
        {"company_id": "acme", "country": "AT"}
    ]
