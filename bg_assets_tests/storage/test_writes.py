"""By when they happened, changes find the import or the source of events that they came from."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from bg_assets.storage import causes, claims, imports, writes
from bg_assets.storage.claims import Request
from bg_assets_tests.storage import bulk, plans, told
from bg_assets_tests.storage.rows import at, change, company, run, value


@pytest.fixture
def conn(engine: sa.Engine) -> Iterator[sa.Connection]:
    with engine.begin() as made:
        yield made


def put(engine: sa.Engine, file: str | None, *rows: tuple[str, str, str]) -> None:
    """An import of people: id, company and title of each."""
    columns = ("id", "company_id", "title")
    with engine.begin() as conn:
        imports.stage(
            conn, "people", columns, [(n, None, None, *row) for n, row in enumerate(rows)]
        )
        imports.judge(conn, "people")
        imports.wait_for_others(conn, lambda: None)
        imports.apply(conn, "people", columns, file=file)


def purpose(engine: sa.Engine, *companies: str) -> str:
    with engine.begin() as conn:
        (asked,) = causes.explained(conn, [Request("key", companies, 0, {})])
    return asked.purpose


def test_each_import_is_told_by_its_own_file(engine: sa.Engine) -> None:
    company(engine, "acme", ["ann", "bob"])
    put(engine, "a.csv", ("ann", "acme", "CEO"))
    put(engine, "b.csv", ("ann", "acme", "CTO"), ("bob", "acme", "CIO"))
    assert purpose(engine, "acme") == (
        "Company acme: import b.csv: 2 new titles; import a.csv: new title"
    )


def test_imports_that_run_at_once_are_told_apart(engine: sa.Engine) -> None:
    names = [f"c{number}" for number in range(6)]
    for name in names:
        company(engine, name, [f"{name}-ann"])
    with ThreadPoolExecutor(len(names)) as pool:
        done = [
            pool.submit(put, engine, f"{name}.csv", (f"{name}-ann", name, "CEO")) for name in names
        ]
        assert [one.result() for one in done] == [None] * len(names)
    for name in names:
        assert purpose(engine, name) == f"Company {name}: import {name}.csv: new title"


def test_two_who_tell_at_once_tell_nothing_twice(engine: sa.Engine) -> None:
    company(engine, "acme", ["ann"])
    put(engine, "a.csv", ("ann", "acme", "CEO"))
    with engine.begin() as first, engine.begin() as second:
        (one,) = writes.untold(first, ["import"], 9)
        assert writes.untold(second, ["import"], 9) == []
        writes.told(first, [one])
    with engine.begin() as conn:
        assert writes.untold(conn, ["import"], 9) == []


def test_what_an_import_without_a_file_or_somebody_else_by_its_name_wrote_has_no_file(
    engine: sa.Engine,
) -> None:
    company(engine, "acme", ["ann"])
    put(engine, None, ("ann", "acme", "CEO"))
    assert purpose(engine, "acme") == "Company acme: import: new title"
    put(engine, "a.csv", ("ann", "acme", "CTO"))
    run(engine, "delete from bg.changes")
    with engine.begin() as conn:
        run(conn, "select set_config('bg.source', 'import', true)")
        run(conn, "update bg.people set title = 'CIO'")
    assert purpose(engine, "acme") == "Company acme: import: new title"


def test_an_import_that_is_undone_leaves_nothing_to_tell(engine: sa.Engine) -> None:
    company(engine, "acme", ["ann"])
    with pytest.raises(ZeroDivisionError):
        _broken(engine)
    assert value(engine, "select count(*) from bg.writes") == 0


def _broken(engine: sa.Engine) -> None:
    with engine.begin() as conn:
        imports.stage(conn, "people", ("id", "company_id"), [(1, None, None, "ann", "acme")])
        imports.judge(conn, "people")
        imports.apply(conn, "people", ("id", "company_id"), file="a.csv")
        raise ZeroDivisionError


def test_events_of_one_source_are_told_by_it_and_of_several_by_each_that_it_may_be(
    engine: sa.Engine,
) -> None:
    told.source(engine, "crm")
    told.source(engine, "erp")
    company(engine, "acme", ["ada", "bob"])
    told.event(engine, "person.role_change", {"id": "ada", "newTitle": "CEO"})
    told.apply(engine)
    assert purpose(engine, "acme") == "Company acme: webhook crm: new title"
    told.event(engine, "person.role_change", {"id": "ada", "newTitle": "CTO"})
    told.event(engine, "person.role_change", {"id": "bob", "newTitle": "CIO"}, by="erp")
    told.apply(engine)
    assert purpose(engine, "acme") == (
        "Company acme: webhook crm or erp: 2 new titles; webhook crm: new title"
    )


def test_a_round_in_which_no_event_was_applied_wrote_nothing(engine: sa.Engine) -> None:
    told.source(engine, "crm")
    company(engine, "acme", ["ada"])
    told.event(engine, "person.role_change", {"id": "nobody", "newTitle": "CEO"})
    told.apply(engine)
    assert value(engine, "select count(*) from bg.writes") == 0


def test_what_was_told_is_forgotten_after_a_month_and_what_was_not_is_kept(
    conn: sa.Connection,
) -> None:
    now = claims.database_now(conn)
    for name in ("told", "old", "untold"):
        writes.record(conn, "import", [name], {}, now, "people")
    run(conn, "update bg.writes set told_at = now() where names[1] <> 'untold'")
    run(conn, "update bg.writes set ended_at = ended_at - interval '31 days' "
              "where names[1] <> 'told'")  # fmt: skip
    assert writes.forget(conn) == 1
    assert [one.names for one in writes.untold(conn, ["import"], 9)] == [("untold",)]
    assert value(conn, "select count(*) from bg.writes") == 2


def test_a_member_that_left_and_a_template_that_changed_are_told_as_such(
    engine: sa.Engine,
) -> None:
    company(engine, "acme", ["ann"])
    change(engine, "acme", departure_of="ann", source="my-job")
    run(engine, "insert into bg.changes (company_id, kind, source, old, new) values ('acme', "
                "'resync', 'template', '{\"templates\": {\"a\": \"1\", \"b\": null}}', "
                "'{\"templates\": {\"a\": \"2\", \"b\": \"3\"}}')")  # fmt: skip
    assert purpose(engine, "acme") == (
        "Company acme: a template changed: a, b; my-job: somebody left"
    )


def test_writes_of_long_ago_are_forgotten_a_portion_at_a_time(conn: sa.Connection) -> None:
    run(conn, bulk.PAST["writes"], start=at(0))
    run(conn, "analyze bg.writes")
    with plans.watched(conn) as reads:
        assert writes.forget(conn) == 5000
    plans.check(reads, rows=40_000, pages=20_000)
