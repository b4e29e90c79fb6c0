"""Each change carries the trace of the event it came from, however many are applied at once."""

import pytest
import sqlalchemy as sa

from bg_assets_tests.storage import told
from bg_assets_tests.storage.rows import company, forget_changes, rows, run
from bg_assets_tests.storage.told import apply, event

TRACES = {n: f"00-{n:032x}-{n:016x}-01" for n in range(1, 60)}


@pytest.fixture(autouse=True)
def world(engine: sa.Engine) -> None:
    """Two companies with a person each, and a source that may create."""
    told.source(engine, "crm", may_create=True)
    company(engine, "acme", ["ada"])
    company(engine, "globex", ["bob"])
    forget_changes(engine)


def traced(engine: sa.Engine, number: int, event_id: str) -> None:
    """The event came in within this trace."""
    run(
        engine,
        "update bg.webhook_events set trace_id = :trace where event_id = :id",
        trace=TRACES[number], id=event_id,
    )  # fmt: skip


def found(engine: sa.Engine) -> list[tuple[str, str | None, str | None]]:
    return [
        (row["company_id"], row["person_id"], row["trace_id"])
        for row in rows(engine, "select * from bg.changes order by company_id, person_id, id")
    ]


def title(engine: sa.Engine, person: str, where: str, seconds: float = 0) -> str:
    return event(
        engine, "person.role_change", {"id": person, "newTitle": "CEO"}, where, seconds=seconds
    )


def test_the_change_of_one_event_is_in_its_trace(engine: sa.Engine) -> None:
    traced(engine, 1, title(engine, "ada", "acme"))
    assert apply(engine).traces == (TRACES[1],)
    assert found(engine) == [("acme", "ada", TRACES[1])]


def test_the_changes_of_many_events_are_each_in_the_trace_of_their_own(engine: sa.Engine) -> None:
    told.known(engine, "update bg.people set title = 'Cook' where id = 'bob'")
    traced(engine, 1, title(engine, "ada", "acme"))
    traced(engine, 2, title(engine, "bob", "acme", seconds=1))
    traced(engine, 3, title(engine, "new", "globex", seconds=2))
    title(engine, "untraced", "globex", seconds=3)
    traced(engine, 4, event(engine, "company.refresh_requested", company="globex", seconds=4))
    assert set(apply(engine).traces) == {TRACES[1], TRACES[2], TRACES[3], TRACES[4]}
    assert found(engine) == [
        ("acme", "ada", TRACES[1]),
        # Bob moved: both companies have it from the same event.
        ("acme", "bob", TRACES[2]),
        # What somebody else wrote before is of no event.
        ("globex", "bob", None),
        ("globex", "bob", TRACES[2]),
        ("globex", "new", TRACES[3]),
        # Of an event whose coming in was not traced nobody makes up one.
        ("globex", "untraced", None),
        ("globex", None, TRACES[3]),
    ]  # fmt: skip


def test_many_people_of_one_company_are_one_change_in_the_trace_of_the_first(
    engine: sa.Engine,
) -> None:
    for number in range(1, 40):
        traced(engine, number, title(engine, f"p{number}", "acme", seconds=number))
    apply(engine)
    assert found(engine) == [("acme", None, TRACES[1])]


def test_what_a_writer_says_of_himself_stays_as_it_is(engine: sa.Engine) -> None:
    with engine.begin() as conn:
        run(conn, "set local bg.observed = 'told'")
        run(conn, "set local bg.source = 'webhook'")
        run(conn, "set local bg.trace_id = 'mine'")
        run(conn, "update bg.people set title = 'Cook' where id = 'ada'")
    for number, person in enumerate(("ada", "bob"), 1):
        traced(engine, number, title(engine, person, "acme", seconds=number))
    apply(engine)
    assert ("acme", "ada", "mine") in found(engine)
    assert ("acme", "ada", TRACES[1]) in found(engine)
