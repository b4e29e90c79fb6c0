"""What is older: an event, or what is known of the person from other events and direct writes."""

import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bg_assets.storage import database
from bg_assets.storage.copying import copy_rows
from bg_assets.storage.webhooks import events as webhook_events
from bg_assets.storage.webhooks.events import NewEvent
from bg_assets_tests.conftest import Cluster
from bg_assets_tests.storage import told
from bg_assets_tests.storage.rows import at, company, insert, rows, run, value
from bg_assets_tests.storage.told import APPLIED, apply, became, one

OLDER = ("ignored", "older than what is known of the person")
_NUMBERS = itertools.count(1)


@pytest.fixture(autouse=True)
def world(engine: sa.Engine) -> None:
    """A source, and a company with Ada, of whom nobody knows when she was seen."""
    told.source(engine, "crm", may_create=True)
    company(engine, "acme", ["ada"])


def title(engine: sa.Engine) -> str:
    return str(value(engine, "select title from bg.people where id = 'ada'"))


def observed(engine: sa.Engine, person: str = "ada") -> datetime | None:
    found: datetime | None = value(
        engine, "select observed_at from bg.people where id = :id", id=person
    )
    return found


def now(engine: sa.Engine) -> datetime:
    found: datetime = value(engine, "select clock_timestamp()")
    return found


def arrives(engine: sa.Engine, moment: datetime, new_title: str, who: str = "ada") -> str:
    """An event of this moment comes in just now, through the statement of the door."""
    event_id = f"now-{next(_NUMBERS)}"
    body = told.body(event_id, moment, "person.role_change", {"id": who, "newTitle": new_title})
    event = NewEvent(
        "crm", event_id, "person.role_change", "acme", who, moment.isoformat(), None, body, b"x"
    )
    with engine.begin() as conn:
        assert webhook_events.insert(conn, [event]) == {event.key}
    return event_id


def _by_sql(engine: sa.Engine) -> None:
    run(engine, "update bg.people set title = 'written' where id = 'ada'")


def _by_upsert(engine: sa.Engine) -> None:
    run(engine, "insert into bg.people (id, company_id, title) values ('ada', 'acme', 'x') "
        "on conflict (id) do update set title = 'written'")  # fmt: skip


def _by_insert(engine: sa.Engine) -> None:
    run(engine, "delete from bg.people")
    run(engine, "insert into bg.people (id, company_id, title) values ('ada', 'acme', 'written')")


def _by_copy(engine: sa.Engine) -> None:
    run(engine, "delete from bg.people")
    with engine.begin() as conn:
        copy_rows(conn, "bg.people", ("id", "company_id", "title"), [("ada", "acme", "written")])


@pytest.mark.parametrize("write", [_by_sql, _by_upsert, _by_insert, _by_copy])
def test_an_event_from_before_a_direct_write_does_not_undo_it_and_one_from_after_it_counts(
    engine: sa.Engine, write: Callable[[sa.Engine], None]
) -> None:
    before = now(engine)
    write(engine)
    after = now(engine)
    seen = observed(engine)
    assert seen is not None
    assert before <= seen <= after
    for age in (timedelta(days=30), timedelta(seconds=2)):
        event_id = arrives(engine, before - age, "old news")
        apply(engine)
        assert became(engine, event_id) == OLDER
    assert title(engine) == "written"
    arrives(engine, now(engine), "news")
    assert apply(engine).applied == 1
    assert title(engine) == "news"


@pytest.mark.parametrize(
    "change",
    ["company_id = null", "name = 'A'", "title = 'x'", "department = 'x'", "seniority = 'x'",
     "email = 'a@acme.example'", "location = 'x'", "manager_id = 'x'", "start_date = '2026-01-01'",
     "end_date = '2026-01-01'", "status = 'left'", "deleted_at = now()"],
)  # fmt: skip
def test_whatever_is_written_of_a_person_counts_as_seen(engine: sa.Engine, change: str) -> None:
    run(engine, f"update bg.people set {change}")
    assert observed(engine) is not None


@pytest.mark.parametrize("change", ["title = title", "updated_at = now()", "observed_at = null"])
def test_what_says_nothing_of_a_person_does_not(engine: sa.Engine, change: str) -> None:
    run(engine, f"update bg.people set {change}")
    assert observed(engine) is None


def test_who_writes_may_tell_when_it_was_seen(engine: sa.Engine) -> None:
    run(engine, "update bg.people set title = 'x', observed_at = :at", at=at(5))
    assert observed(engine) == at(5)
    run(engine, "insert into bg.people (id, company_id, observed_at) values ('bo', 'acme', :at)",
        at=at(6))  # fmt: skip
    assert observed(engine, "bo") == at(6)


def test_every_change_of_a_person_still_moves_updated_at(engine: sa.Engine) -> None:
    for change in ("title = 'x'", "observed_at = now()"):
        run(engine, "alter table bg.people disable trigger touch_updated_at")
        run(engine, "update bg.people set updated_at = '2020-01-01'")
        run(engine, "alter table bg.people enable trigger touch_updated_at")
        run(engine, f"update bg.people set {change}")
        assert value(engine, "select updated_at > '2026-01-01' from bg.people")


@pytest.mark.parametrize("ahead", [timedelta(seconds=3), timedelta(minutes=6), timedelta(hours=23)])
def test_an_event_from_the_future_counts_as_of_its_arrival_and_freezes_nobody(
    engine: sa.Engine, ahead: timedelta
) -> None:
    before = now(engine)
    event_id = arrives(engine, before + ahead, "from the future")
    assert apply(engine).applied == 1
    (row,) = rows(engine, "select occurred_at, received_at from bg.webhook_events")
    assert before <= row["occurred_at"] <= now(engine)
    assert row["occurred_at"] == row["received_at"] == observed(engine)
    assert became(engine, event_id) == APPLIED
    arrives(engine, now(engine), "true")
    assert apply(engine).applied == 1
    assert title(engine) == "true"


def test_an_event_that_was_stored_ahead_of_its_arrival_is_applied_as_of_it(
    engine: sa.Engine,
) -> None:
    """Such as one from before the door knew better."""
    told.event(engine, "person.role_change", {"id": "ada", "newTitle": "x"}, seconds=500)
    run(engine, "update bg.webhook_events set received_at = :at", at=at(3))
    assert apply(engine).applied == 1
    assert observed(engine) == at(3)


def test_of_several_from_the_future_the_one_that_arrived_last_counts(engine: sa.Engine) -> None:
    arrives(engine, now(engine) + timedelta(hours=5), "first")
    arrives(engine, now(engine) + timedelta(hours=2), "second")
    assert apply(engine).applied == 2
    assert title(engine) == "second"


@pytest.mark.parametrize(
    ("seconds", "seen", "is_older"),
    [
        (10, 10.4, False),
        (10, 10.999999, False),
        (10, 11, True),
        (10.1, 10.1004, False),
        (10.1, 10.101, True),
        (10.12, 10.129, True),
        (10.000001, 10.000001, False),
        (10.000001, 10.000002, True),
        (10.5, 10.4, False),
    ],
)
def test_a_time_is_compared_in_the_unit_in_which_it_is_given(
    engine: sa.Engine, seconds: float, seen: float, *, is_older: bool
) -> None:
    told.known(engine, "update bg.people set observed_at = :at", at=at(seen))
    came = one(engine, "person.role_change", {"id": "ada", "newTitle": "x"}, seconds=seconds)
    assert came == (OLDER if is_older else APPLIED)
    # What is known never becomes older.
    assert observed(engine) == at(max(seconds, seen))


@pytest.mark.parametrize("kind", ["person.left", "person.joined", "person.contact_update"])
def test_what_is_known_never_becomes_older_by_an_event_of_the_same_second(
    engine: sa.Engine, kind: str
) -> None:
    told.known(engine, "update bg.people set observed_at = :at", at=at(10.4))
    assert one(engine, kind, "ada", seconds=10) == APPLIED
    assert observed(engine) == at(10.4)
    assert one(engine, kind, "ada", seconds=12) == APPLIED
    assert observed(engine) == at(12)


def test_an_event_of_the_moment_that_is_known_is_no_direct_write(engine: sa.Engine) -> None:
    for number in range(3):
        one(engine, "person.role_change", {"id": "ada", "newTitle": f"t{number}"}, seconds=10)
        assert (observed(engine), title(engine)) == (at(10), f"t{number}")
    assert one(engine, "person.role_change", {"id": "ada", "newTitle": "x"}, seconds=11) == APPLIED


# What stood in the future before.


@pytest.fixture
def older(postgres: Cluster) -> Iterator[str]:
    """The URL of a database with the schema from before times were looked at."""
    url = postgres.clone("template0")
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as conn:
        conn.execute(sa.text("create schema bg"))
        told.upgrade(conn, "0003")
    yield url
    postgres.drop(url)


def test_the_migration_mends_what_stands_in_the_future_and_nothing_else(older: str) -> None:
    engine = sa.create_engine(older, poolclass=sa.NullPool)
    ahead = datetime.now(UTC) + timedelta(hours=20)
    seen: dict[str, Any] = {"ahead": ahead, "past": at(0), "never": None}
    for person, moment in seen.items():
        insert(engine, "bg.people", id=person, company_id="acme", title="CFO", observed_at=moment)
    for name, moment in (("ahead", ahead), ("past", at(0))):
        insert(engine, "bg.webhook_events", source="crm", event_id=name, type="person.left",
            occurred_at=moment, payload=b"x")  # fmt: skip
    database.migrate(older)
    assert observed(engine, "past") == at(0)
    assert observed(engine, "never") is None
    mended = observed(engine, "ahead")
    assert mended is not None
    assert mended <= now(engine)
    events = rows(engine, "select * from bg.webhook_events order by event_id")
    assert events[0]["occurred_at"] == events[0]["received_at"]
    assert events[1]["occurred_at"] == at(0)
    told.source(engine, "crm")
    insert(engine, "bg.companies", id="acme", name="Acme")
    arrives(engine, now(engine), "true", "ahead")
    apply(engine)
    assert value(engine, "select title from bg.people where id = 'ahead'") == "true"
