"""Who is new is made once, whoever else looks for the same people at the same moment."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import sqlalchemy as sa

from bg_assets.domain.values.names import person_key
from bg_assets.files.clues import FOUND_BY
from bg_assets.storage import imports
from bg_assets.storage.imports import Imported
from bg_assets.storage.recognition.search import Search
from bg_assets_tests.storage import told
from bg_assets_tests.storage.rows import company, value

COLUMNS = ("id", "company_id", "name", "email")
SEARCH = Search("people", "default", create_companies=True)


def staged(number: int, companies: int = 7) -> list[tuple[object, ...]]:
    """People of some companies, half of them with an e-mail, as a list names them."""
    rows: list[tuple[object, ...]] = []
    for line in range(2, number + 2):
        at = f"firm{line % companies}"
        called = str(line).translate(str.maketrans("0123456789", "vcxfghwklz"))
        key = person_key(f"{called} Lee")
        found = (None, None, at, None, at, None, None, key, f"\x1f\x1f{at}\x1f")
        email = f"p{line}@{at}.example" if line % 2 else None
        rows.append((line, None, None, None, None, f"{called} Lee", email, *found))
    return rows


def take_in(conn: sa.Connection, number: int) -> Imported:
    imports.stage(conn, "people", COLUMNS, staged(number), beside=FOUND_BY)
    imports.wait_for_others(conn, lambda: None, searching=True)
    assert imports.judge(conn, "people", SEARCH).rows == 0
    return imports.apply(conn, "people", COLUMNS, search=SEARCH)


def test_of_two_imports_of_one_list_at_once_one_makes_the_people_and_the_other_knows_them(
    engine: sa.Engine,
) -> None:
    ready = Barrier(2)

    def one(_: int) -> Imported:
        with engine.execution_options(isolation_level="READ COMMITTED").begin() as conn:
            ready.wait()
            return take_in(conn, 200)

    with ThreadPoolExecutor(2) as pool:
        done = sorted(pool.map(one, range(2)), key=lambda each: each.inserted)
    assert [each.inserted for each in done] == [0, 200]
    assert done[0].unchanged == 200
    assert value(engine, "select count(*) from bg.people") == 200
    assert value(engine, "select count(*) from bg.companies") == 7


def test_events_wait_while_a_list_looks_for_its_people_and_then_find_them(
    engine: sa.Engine,
) -> None:
    company(engine, "acme")
    told.source(engine, "crm", may_create=True)
    person = {"id": "x", "name": "F Lee", "email": "p3@firm3.example", "newTitle": "CEO"}
    told.event(engine, "person.role_change", person, "acme", seconds=1e6)
    with engine.begin() as conn:
        imports.stage(conn, "people", COLUMNS, staged(10), beside=FOUND_BY)
        imports.wait_for_others(conn, lambda: None, searching=True)
        assert told.apply(engine).looked_at == 0
        imports.judge(conn, "people", SEARCH)
        imports.apply(conn, "people", COLUMNS, search=SEARCH)
    assert told.apply(engine).looked_at == 1
    same = "select count(*) from bg.people where email = 'p3@firm3.example'"
    assert value(engine, same) == 1


def test_a_round_of_events_ends_before_a_list_looks_for_its_people(engine: sa.Engine) -> None:
    waited: list[bool] = []
    with engine.begin() as conn, engine.begin() as other:
        imports.wait_for_others(other, lambda: None, searching=True)
        with ThreadPoolExecutor(1) as pool:
            doing = pool.submit(
                imports.wait_for_others, conn, lambda: waited.append(True), searching=True
            )
            while not waited:
                assert not doing.done()
            other.rollback()
            doing.result()
    assert waited
