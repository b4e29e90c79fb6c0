"""The ways of triggers for one row and for many tell the same as the one that is right for all."""

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from bg_assets.storage.capture import bodies, triggers
from bg_assets.storage.capture.bodies import MANY_AT_ALL
from bg_assets_tests.storage.rows import rows, run, value

PEOPLE = 1500
TOLD = """
    select company_id, person_id, kind, source, old, new, priority, is_departure, trace_id
    from bg.changes order by company_id, person_id nulls first, kind, is_departure, new::text
"""
# Of any two rows something differs, by figures that are the same each time.
GROWN = """
    insert into bg.people (id, company_id, title, department, name, email, status, start_date,
        end_date, deleted_at, manager_id)
    select 'p' || n, case when n % 17 > 0 then 'c' || (n * n) % 700 end,
        case when n % 3 > 0 then 'Title ' || n % 11 end, 'Unit ' || n % 5, 'Name', 'n@x.example',
        case when n % 7 = 0 then 'left' else 'active' end,
        case n % 9 when 0 then date '2020-01-01' when 1 then date '2999-01-01' end,
        case n % 8 when 0 then date '2020-01-01' when 1 then date '2999-01-01' end,
        case when n % 13 = 0 then now() end, 'p' || n % 100
    from generate_series(1, :people) as n
"""
UPDATES = (
    "set title = 'New'",
    "set title = null, department = 'New'",
    "set name = 'Other', email = null",
    "set department = case when length(id) = 4 then 'x' else department end",
    "set status = case status when 'left' then 'active' else 'left' end",
    "set deleted_at = case when deleted_at is null then now() end, location = 'Graz'",
    "set end_date = start_date, start_date = end_date",
    "set company_id = 'c' || length(title)",
    "set company_id = case when company_id is null then 'c1' end",
    "set company_id = company_id || 'x', status = 'active', title = 'Moved'",
    "set id = id || 'x'",
    "set id = case when length(id) = 4 then id else id || 'x' end, title = 'x', deleted_at = null",
    "set observed_at = now()",
    "set seniority = 'c', manager_id = null, start_date = null",
)


@pytest.fixture
def grown(engine: sa.Engine) -> Iterator[sa.Connection]:
    """People of all kinds; every fifth is a member of a group. What a test does is undone."""
    with engine.connect() as conn:
        run(conn, GROWN, people=PEOPLE)
        run(conn, "alter table bg.buyer_group_members disable trigger all")
        run(conn, "insert into bg.buyer_group_members (company_id, product, person_id, role, "
            "confidence, influence, pinned, reasons) select company_id, 'hr_system', id, "
            "'champion', 1, 1, false, '[]' from bg.people "
            "where company_id is not null and substr(id, 2)::int % 5 = 0")  # fmt: skip
        run(conn, "delete from bg.changes")
        yield conn
        conn.rollback()


def told(conn: sa.Connection, statements: list[str]) -> list[dict[str, Any]]:
    """What these lead to; they are undone."""
    with conn.begin_nested() as undone:
        run(conn, "set local bg.source = 'webhook'")
        run(conn, "set local bg.trace_id = 'trace-7'")
        for statement in statements:
            run(conn, statement)
        found = rows(conn, TOLD)
        undone.rollback()
    return found


def told_plainly(conn: sa.Connection, statements: list[str]) -> list[dict[str, Any]]:
    """The same by the bodies that know one way alone."""
    with conn.begin_nested() as undone:
        plain = bodies.people_functions(triggers.OWN_PEOPLE.readers())
        for event, body in plain.items():
            run(conn, f"create or replace function bg.capture_people_{event}() returns trigger "
                "language plpgsql security definer set search_path = pg_catalog, pg_temp "
                f"as $capture$\n{body.replace(':', chr(92) + ':')}$capture$")  # fmt: skip
        found = told(conn, statements)
        undone.rollback()
    return found


@pytest.mark.parametrize("update", UPDATES)
def test_of_many_people_the_same_is_told_as_if_they_were_few(
    grown: sa.Connection, update: str
) -> None:
    statement = [f"update bg.people {update} where substr(id, 2)::int > 100"]
    found = told(grown, statement)

    assert found == told_plainly(grown, statement)
    assert bool(found) is ("observed_at" not in update)


@pytest.mark.parametrize("update", UPDATES)
def test_of_one_person_the_same_is_told_as_if_there_were_more(
    grown: sa.Connection, update: str
) -> None:
    ones = [f"update bg.people {update} where id = 'p{number}'" for number in range(100, 150)]
    found = told(grown, ones)

    assert found == told_plainly(grown, ones)
    assert bool(found) is ("observed_at" not in update)


@pytest.mark.parametrize(
    "statement",
    [
        "delete from bg.people",
        "insert into bg.people (id, company_id, title, status, end_date, deleted_at) "
        "select 'x' || id, company_id, title, status, end_date, deleted_at from bg.people",
        "merge into bg.people as p using (select 'p' || n as id from generate_series(1, 3000) "
        "as n) as s on p.id = s.id when matched then update set title = 'New' "
        "when not matched then insert (id, company_id) values (s.id, 'c' || length(s.id))",
    ],
    ids=["delete", "insert", "merge"],
)
def test_of_many_who_come_or_go_too(grown: sa.Connection, statement: str) -> None:
    found = told(grown, [statement])

    assert value(grown, "select count(*) from bg.people") > MANY_AT_ALL
    assert len({row["kind"] for row in found}) > 1
    assert found == told_plainly(grown, [statement])


def test_who_is_changed_alone_after_a_column_got_another_type_is_told_of(crm: sa.Engine) -> None:
    """The same session has seen the rows as they were before."""
    run(crm, "insert into crm.accounts (nr, label) values (7, 'Acme')")
    run(crm, "insert into crm.contacts (account, rank) values (7, 0)")
    with crm.connect() as conn:
        for turn in range(8):
            run(conn, "update crm.contacts set rank = :turn", turn=turn + 1)
        run(conn, "drop view bg.canonical_people")
        run(conn, "alter table crm.contacts alter column rank type text")
        run(conn, "delete from bg.changes")
        run(conn, "update crm.contacts set rank = 'first'")
        found = rows(conn, "select kind, old, new from bg.changes")

    assert found == [
        {"kind": "role_change", "old": {"seniority": "8"}, "new": {"seniority": "first"}}
    ]
