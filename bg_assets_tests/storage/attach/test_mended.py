"""A table that is attached again, its mapping mended, stays attached since when it was."""

import pytest
import sqlalchemy as sa

from bg_assets_tests.storage import steps, told
from bg_assets_tests.storage.attach import shapes
from bg_assets_tests.storage.attach.shapes import RAILS, as_owner
from bg_assets_tests.storage.attach.telling import person, since_start
from bg_assets_tests.storage.rows import forget_changes, rows, run, value
from bg_assets_tests.storage.steps import take_by_hand
from bg_assets_tests.storage.told import APPLIED

COMPANY = {"id": "7", "name": "Acme"}
SINCE = "select attached_at from bg.attached_tables where kind = 'people'"


@pytest.fixture(params=[True, False], ids=["writable", "read-only"])
def to_write(request: pytest.FixtureRequest, engine: sa.Engine) -> bool:
    """People with their town, whose groups stand; the town's column is gone since."""
    found: bool = request.param
    shapes.make(engine, RAILS)
    run(engine, "alter table app.people add column town text default 'Graz'")
    shapes.attach(engine, "companies", RAILS.companies)
    shapes.attach(engine, "people", RAILS.people, {"location": "town"}, to_write=found)
    told.source(engine, "crm", may_create=True)
    shapes.catch_up(engine)
    steps.complete(engine, "run", take_by_hand(engine, "run", ["7", "8"]))
    run(engine, "update bg.changes set refresh_id = null, handled_at = null")
    forget_changes(engine)
    as_owner(engine, "alter table app.people drop column town")
    return found


def mend(engine: sa.Engine, *, to_write: bool) -> None:
    shapes.attach(engine, "people", RAILS.people, {}, to_write=to_write)
    shapes.catch_up(engine)


def test_events_that_waited_while_a_column_was_gone_are_applied_once_that_is_mended(
    engine: sa.Engine, to_write: bool
) -> None:
    since = value(engine, SINCE)
    events = [
        told.event(engine, kind, {"id": one, "name": "Some One", **more}, COMPANY,
                   seconds=since_start())
        for kind, one, more in (
            ("person.role_change", "1", {"newTitle": "VP Finance"}), ("person.left", "2", {}),
        )
    ]  # fmt: skip
    told.apply(engine)
    waiting = [told.became(engine, one) for one in events]
    mend(engine, to_write=to_write)
    resync = rows(engine, "select kind from bg.changes where kind = 'resync' and company_id = '7'")
    told.apply(engine)

    assert waiting == [("pending", None)] * 2
    assert len(resync) == 1
    assert [told.became(engine, one) for one in events] == [APPLIED] * 2
    assert (person(engine, "1")["title"], person(engine, "2")["status"]) == ("VP Finance", "left")
    assert value(engine, SINCE) == since


def test_what_its_owner_wrote_unseen_meanwhile_is_newer_than_events_that_waited(
    engine: sa.Engine, to_write: bool
) -> None:
    events = [
        told.event(engine, "person.role_change", {"id": one, "name": "S", "newTitle": "VP"},
                   COMPANY, seconds=since_start())
        for one in ("1", "2")
    ]  # fmt: skip
    as_owner(engine, "update app.people set title = 'Treasurer' where id = 2")
    mend(engine, to_write=to_write)
    told.apply(engine)

    became = [told.became(engine, one) for one in events]
    assert became == [APPLIED, ("ignored", "older than what is known of the person")]
    assert [person(engine, one)["title"] for one in ("1", "2")] == ["VP", "Treasurer"]


def test_another_table_in_its_place_is_attached_since_now(engine: sa.Engine) -> None:
    shapes.make(engine, RAILS)
    shapes.attach(engine, "people", RAILS.people)
    since = value(engine, SINCE)
    as_owner(engine, "create table app.others as select * from app.people",
             "alter table app.others add primary key (id)")  # fmt: skip
    shapes.attach(engine, "people", "app.others")
    other = value(engine, SINCE)
    shapes.attach(engine, "people", "app.others", {"title": "none"})

    assert since < other == value(engine, SINCE)


def test_what_is_written_of_a_company_makes_no_event_of_its_people_older(
    engine: sa.Engine,
) -> None:
    shapes.make(engine, RAILS)
    shapes.attach_both(engine, RAILS)
    told.source(engine, "crm", may_create=True)
    ada = {"id": "1", "name": "Ada A", "newTitle": "VP"}
    event = told.event(engine, "person.role_change", ada, COMPANY, seconds=since_start())
    as_owner(engine, "update app.companies set name = 'Acme Inc' where id = 7")
    assert rows(engine, "select source from bg.changes") == [{"source": "company_table"}]
    told.apply(engine)

    assert told.became(engine, event) == APPLIED
