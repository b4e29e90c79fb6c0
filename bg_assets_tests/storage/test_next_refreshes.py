"""Companies of which nothing is heard come again by themselves: spread, capped, once, and last."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from bg_assets.domain.groups.churn import Churn, Rhythm
from bg_assets.storage import next_refreshes, priorities
from bg_assets.storage.next_refreshes import DAYS, Raised
from bg_assets_tests.conftest import Cluster
from bg_assets_tests.storage import steps, told
from bg_assets_tests.storage.rows import at, change, company, insert, refresh, rows, run, value

RAISED = "select company_id, kind, source, priority from bg.changes order by company_id"


def judged(engine: sa.Engine, companies: list[str], rhythm: Rhythm = "weekly") -> None:
    with engine.begin() as conn:
        found = {one: Churn(0.5, rhythm, f"{rhythm}: it says why") for one in companies}
        next_refreshes.write(conn, found)


def due(engine: sa.Engine, companies: list[str], seconds: float = 0) -> None:
    """These companies' moment came then, one second after another."""
    judged(engine, companies)
    for number, one in enumerate(companies):
        run(engine, "update bg.next_refreshes set at = :at where company_id = :one",
            at=at(seconds + number), one=one)  # fmt: skip


def look(engine: sa.Engine, seconds: float = 100, most: int = 50) -> Raised:
    with engine.begin() as conn:
        return next_refreshes.raise_changes(conn, at(seconds), most)


def moments(engine: sa.Engine) -> dict[str, datetime]:
    return {
        row["company_id"]: row["at"]
        for row in rows(engine, "select company_id, at from bg.next_refreshes")
    }


@pytest.mark.parametrize("rhythm", DAYS)
def test_companies_are_spread_evenly_over_their_rhythm(engine: sa.Engine, rhythm: Rhythm) -> None:
    judged(engine, [f"co-{number:06}" for number in range(10_000)], rhythm)
    now = value(engine, "select now()")
    length = timedelta(days=DAYS[rhythm])

    waits = [(one - now) / length for one in moments(engine).values()]
    assert 0.49 < min(waits) < 0.51
    assert 1.49 < max(waits) < 1.51
    tenths = Counter(int(wait * 10) for wait in waits)
    assert all(900 < tenths[tenth] < 1100 for tenth in range(6, 14))


def test_a_company_keeps_its_place_in_the_rhythm_whenever_it_is_judged(engine: sa.Engine) -> None:
    judged(engine, ["acme"])
    first = moments(engine)["acme"]
    judged(engine, ["acme"])
    again = moments(engine)["acme"]
    judged(engine, ["acme"], "monthly")
    judged(engine, ["acme"])

    assert again == first == moments(engine)["acme"]


def test_a_moment_that_has_come_raises_a_change_behind_all_else(engine: sa.Engine) -> None:
    due(engine, ["acme", "bolt"])
    judged(engine, ["calm"])

    assert look(engine, 0) == Raised(raised=1, due=1, waiting=0)
    (row,) = rows(engine, RAISED)
    assert row == {"company_id": "acme", "kind": "resync", "source": "schedule", "priority": -20}
    lowest = min(*priorities.OF_KIND.values(), priorities.OF_TEMPLATE, priorities.BACKFILL)
    assert row["priority"] < lowest


def test_each_moment_raises_one_change_however_often_one_looks(engine: sa.Engine) -> None:
    due(engine, ["acme"])

    assert [look(engine).raised for _ in range(3)] == [1, 0, 0]
    assert moments(engine)["acme"] > at(100) + timedelta(days=3.4)


def test_looks_at_once_raise_one_change_a_company(engine: sa.Engine) -> None:
    names = [f"c{number:03}" for number in range(200)]
    due(engine, names)
    with ThreadPoolExecutor(max_workers=4) as pool:
        done = list(pool.map(lambda _: look(engine, 1000, 60), range(8)))

    assert sum(one.raised for one in done) == value(engine, "select count(*) from bg.changes")
    assert max(Counter(row["company_id"] for row in rows(engine, RAISED)).values()) == 1


def test_who_waits_already_or_is_being_refreshed_gets_no_second_change(engine: sa.Engine) -> None:
    due(engine, ["pending", "running", "requested", "dead", "acme"])
    change(engine, "pending")
    refresh(engine, "running", "running")
    refresh(engine, "requested", "requested")
    refresh(engine, "dead", "dead")

    assert look(engine) == Raised(raised=2, due=5, waiting=0)
    assert [row["company_id"] for row in rows(engine, RAISED) if row["kind"] == "resync"] == [
        "acme", "dead",
    ]  # fmt: skip
    assert min(moments(engine).values()) > at(100)


def test_what_an_outage_left_behind_is_caught_up_portion_by_portion_the_oldest_first(
    engine: sa.Engine,
) -> None:
    names = [f"c{number}" for number in range(7)]
    due(engine, names[::-1])

    assert look(engine, 1e6, most=3) == Raised(3, 3, 0)
    assert [row["company_id"] for row in rows(engine, RAISED)] == ["c4", "c5", "c6"]
    assert look(engine, 1e6, most=3) == Raised(0, 0, 3), "those asked for before still wait"
    run(engine, "delete from bg.changes where company_id = 'c5'")
    assert look(engine, 1e6, most=3) == Raised(1, 1, 2)
    run(engine, "delete from bg.changes")
    assert look(engine, 1e6, most=3).raised == 3
    assert {row["company_id"] for row in rows(engine, RAISED)} == {"c0", "c1", "c2"}


def test_a_refresh_without_news_starts_no_interval_and_counts_for_nothing(
    engine: sa.Engine,
) -> None:
    company(engine, "acme", ["ann"])
    change(engine, "acme")
    steps.complete(engine, "run-0", steps.held_by_a_run(engine, "run-0"))
    due(engine, ["acme"])
    assert look(engine).raised == 1
    run(engine, "update bg.changes set occurred_at = :at where source = 'schedule'", at=at(0))
    steps.complete(engine, "run-1", steps.held_by_a_run(engine, "run-1"))

    newest = rows(engine, "select triggered_by, starts_interval, not_before "
                  "from bg.buyer_group_refresh_log where run_id = 'run-1'")  # fmt: skip
    assert newest == [{"triggered_by": "change", "starts_interval": False, "not_before": None}]
    change(engine, "acme", 0)
    assert len(steps.tick(engine)) == 1


def test_the_history_tells_who_left_within_a_year_and_since_when_members_are_there(
    engine: sa.Engine,
) -> None:
    def told_of(person: str, event: str, because: str, days: int) -> None:
        done = refresh(engine, "acme", "completed", finished_at=at(-days * 86400))
        insert(engine, "bg.buyer_group_history", refresh_id=done, company_id="acme", product="p",
               person_id=person, event=event, because=because)  # fmt: skip

    gone = "no longer at the company"
    told_of("ann", "joined", "cfo", 500)
    told_of("bob", "left", gone, 400)
    told_of("cat", "left", gone, 364)
    told_of("cat", "left", gone, 364)
    told_of("dan", "left", "others fit this group better now", 10)
    told_of("eve", "joined", "cio", 90)
    told_of("eve", "left", gone, 60)
    told_of("eve", "joined", "cio", 30)
    with engine.begin() as conn:
        past = next_refreshes.read_past(conn, ["acme", "bolt"], at(0).date())

    assert past.keys() == {"acme"}
    assert past["acme"].left == 2
    assert past["acme"].joined == {
        "ann": at(-500 * 86400).date(), "eve": at(-30 * 86400).date(),
    }  # fmt: skip


def test_a_company_that_is_gone_is_not_looked_at_any_more(engine: sa.Engine) -> None:
    judged(engine, ["acme", "bolt"])
    with engine.begin() as conn:
        next_refreshes.write(conn, {}, ["acme"])

    assert moments(engine).keys() == {"bolt"}


def test_the_overview_names_the_next_and_counts_the_late_and_each_rhythm(
    engine: sa.Engine,
) -> None:
    with engine.begin() as conn:
        assert next_refreshes.overview(conn) == {
            "company_id": None, "at": None, "late": 0, "daily": 0, "weekly": 0, "monthly": 0,
        }  # fmt: skip
    judged(engine, ["calm", "quiet"], "monthly")
    due(engine, ["acme"])
    with engine.begin() as conn:
        assert next_refreshes.overview(conn) == {
            "company_id": "acme", "at": at(0), "late": 1, "daily": 0, "weekly": 1, "monthly": 2,
        }  # fmt: skip
        found = next_refreshes.read(conn, ["acme", "nobody"])
    assert found.keys() == {"acme"}
    assert (found["acme"].rhythm, found["acme"].because) == ("weekly", "weekly: it says why")


@pytest.fixture
def older(postgres: Cluster) -> Iterator[sa.Engine]:
    """A database from before there were refreshes without news."""
    url = postgres.clone("template0")
    made = sa.create_engine(url, poolclass=sa.NullPool)
    with made.begin() as conn:
        run(conn, "create schema bg")
        told.upgrade(conn, "0009")
    yield made
    postgres.drop(url)


def test_companies_that_stood_before_are_spread_over_a_week(older: sa.Engine) -> None:
    run(older, "insert into bg.company_profiles (company_id) "
        "select 'co-' || n from generate_series(1, 7000) as n")  # fmt: skip
    with older.begin() as conn:
        told.upgrade(conn, "0011")
    now = value(older, "select now()")

    days = Counter(int((one - now) / timedelta(days=1)) for one in moments(older).values())
    assert set(days) <= set(range(7))
    assert all(900 < number < 1100 for number in days.values())
