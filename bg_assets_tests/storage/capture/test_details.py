"""What a captured change says beyond its kind, and whom a statement of many tells of."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bg_assets.storage.capture import triggers
from bg_assets.storage.capture.bodies import MANY_AT_ALL, MANY_OF_ONE_COMPANY
from bg_assets.storage.priorities import OF_KIND
from bg_assets_tests.storage.rows import company, forget_changes, group, insert, rows, run, value

PEOPLE = "insert into bg.people (id, company_id, title) "
NEW = {"title": "CFO", "department": "Finance", "seniority": "c", "location": "Graz",
       "manager_id": "bob"}  # fmt: skip


def kinds(engine: sa.Engine) -> dict[str, int]:
    found = rows(engine, "select kind, count(*) as n from bg.changes group by kind")
    return {row["kind"]: row["n"] for row in found}


def changed(engine: sa.Engine) -> dict[str | None, dict[str, Any]]:
    """The changes by person; forgets them."""
    found = rows(engine, "select * from bg.changes")
    forget_changes(engine)
    by_person = {row["person_id"]: row for row in found}
    assert len(by_person) == len(found)
    return by_person


@pytest.fixture
def staff(engine: sa.Engine) -> sa.Engine:
    """A company of more people than a statement tells of one by one; p1 and p2 are members."""
    company(engine, "acme")
    run(engine, f"{PEOPLE} select 'p' || g, 'acme', 'x' from generate_series(1, 100) as g")
    group(engine, "acme", {"p1": "champion", "p2": "champion"})
    forget_changes(engine)
    return engine


def test_a_bulk_retitle_is_one_change_members_or_not(staff: sa.Engine) -> None:
    run(staff, "update bg.people set title = 'y'")

    assert kinds(staff) == {"resync": 1}


def test_of_many_who_leave_only_members_of_that_company_are_told_of_each(
    staff: sa.Engine,
) -> None:
    """p3 is still a member of a company that they left before."""
    company(staff, "bolt")
    group(staff, "bolt", {"p3": "champion"})
    with staff.begin() as conn:
        run(conn, "set local bg.source = 'my-job'")
        run(conn, "set local bg.trace_id = 'trace-7'")
        run(conn, "update bg.people set status = 'left'")

    found = changed(staff)
    assert set(found) == {None, "p1", "p2"}
    assert {(row["source"], row["trace_id"]) for row in found.values()} == {("my-job", "trace-7")}
    assert (found["p1"]["priority"], found["p1"]["is_departure"]) == (50, True)
    assert (found["p1"]["old"], found["p1"]["new"]) == ({"status": "active"}, {"status": "left"})
    assert (found[None]["priority"], found[None]["is_departure"]) == (0, False)
    assert found[None]["new"] == {"people": 100}


@pytest.mark.parametrize(("more", "expected"), [(0, "person_joined"), (2, "resync")])
def test_pairs_of_many_companies_are_one_change_each_beyond_the_limit(
    engine: sa.Engine, more: int, expected: str
) -> None:
    people = MANY_AT_ALL + more
    run(engine, f"{PEOPLE} select 'p' || g, 'c' || g / 2, 'x' "
        "from generate_series(2, :last) as g", last=people + 1)  # fmt: skip

    assert kinds(engine) == {expected: people if more == 0 else people // 2}


def test_the_limits_are_those_that_were_measured() -> None:
    assert (MANY_OF_ONE_COMPANY, MANY_AT_ALL) == (20, 1000)


def test_who_comes_is_told_with_what_the_group_goes_by_and_who_leaves_with_title_and_unit(
    engine: sa.Engine,
) -> None:
    company(engine, "acme")
    insert(engine, "bg.people", id="ann", company_id="acme", name="Ann", email="a@x", **NEW)
    came = changed(engine)["ann"]
    run(engine, "update bg.people set id = 'anna'")
    renamed = changed(engine)
    run(engine, "delete from bg.people")
    gone = changed(engine)["anna"]

    left = {"title": "CFO", "department": "Finance"}
    assert (came["old"], came["new"]) == (None, NEW)
    assert (renamed["ann"]["old"], renamed["ann"]["new"]) == (left, None)
    assert (renamed["anna"]["old"], renamed["anna"]["new"]) == (None, NEW)
    assert (renamed["ann"]["is_departure"], renamed["anna"]["is_departure"]) == (True, False)
    assert (gone["old"], gone["new"], gone["is_departure"]) == (left, None, True)


def test_who_had_left_and_starts_elsewhere_is_news_for_the_new_company_only(
    engine: sa.Engine,
) -> None:
    company(engine, "acme", ["ann"])
    run(engine, "update bg.people set status = 'left'")
    forget_changes(engine)
    run(engine, "update bg.people set status = 'active', company_id = 'bolt'")

    assert rows(engine, "select company_id, is_departure from bg.changes") == [
        {"company_id": "bolt", "is_departure": False}
    ]


@pytest.mark.parametrize("status", ["Left", " left ", "LEFT"])
def test_left_is_read_however_another_table_spells_it(crm: sa.Engine, status: str) -> None:
    run(crm, "insert into crm.accounts (nr, label) values (7, 'Acme')")
    run(crm, "insert into crm.contacts (account, full_name) values (7, 'Ann')")
    forget_changes(crm)
    run(crm, "update crm.contacts set state = :status", status=status)

    assert kinds(crm) == {"person_left": 1}


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12", "UTC"])
def test_the_day_is_that_of_utc_wherever_the_writer_is(engine: sa.Engine, zone: str) -> None:
    """At any moment the day is another one in one of these zones."""
    today = value(engine, "select (clock_timestamp() at time zone 'UTC')::date")
    with engine.begin() as conn:
        run(conn, f"set local timezone = '{zone}'")
        for days in (-1, 0):
            run(conn, "insert into bg.people (id, company_id, end_date) values (:id, 'acme', :day)",
                id=f"e{days}", day=today + timedelta(days=days))  # fmt: skip
        for days in (1, 2):
            run(conn, "insert into bg.people (id, company_id, start_date) "
                "values (:id, 'acme', :day)", id=f"s{days}",
                day=today + timedelta(days=days))  # fmt: skip

    assert set(changed(engine)) == {"e0", "s1"}


def test_a_truncate_tells_of_each_member_once_and_of_each_company_with_its_people(
    engine: sa.Engine,
) -> None:
    company(engine, "acme", ["ann", "bob"])
    group(engine, "acme", {"ann": "champion"})
    run(engine, "insert into bg.buyer_groups select company_id, 'hr_system', refresh_id, "
        "template_hash, as_of, completeness, confidence, cohesion, cohesion_reason, coverage, gaps "
        "from bg.buyer_groups")  # fmt: skip
    run(engine, "insert into bg.buyer_group_members select company_id, 'hr_system', person_id, "
        "role, confidence, influence, pinned, reasons from bg.buyer_group_members")  # fmt: skip
    insert(engine, "bg.people", id="of-nobody", company_id=None)
    run(engine, "truncate bg.people")

    found = changed(engine)
    assert set(found) == {None, "ann"}
    assert (found["ann"]["kind"], found["ann"]["is_departure"]) == ("person_left", True)
    assert found["ann"]["priority"] == OF_KIND["person_left"]
    assert (found[None]["priority"], found[None]["new"]) == (0, {"people": 2})


def test_a_company_that_is_deleted_already_is_nobodys_news(engine: sa.Engine) -> None:
    insert(engine, "bg.companies", id="acme", name="Acme", deleted_at="2026-01-01")
    run(engine, "update bg.companies set name = 'Other'")
    run(engine, "update bg.companies set id = 'acme2'")
    run(engine, "delete from bg.companies")

    assert kinds(engine) == {}


def test_a_company_of_a_new_id_was_not_known_before(engine: sa.Engine) -> None:
    company(engine, "acme")
    run(engine, "update bg.companies set id = 'acme2', industry = 'tools'")

    found = rows(engine, "select kind, old, new from bg.changes order by kind")
    assert found == [
        {"kind": "company_deleted", "old": None, "new": None},
        {"kind": "company_profile_change", "old": None,
         "new": {"workspace": "default", "name": "Company acme", "industry": "tools"}},
    ]  # fmt: skip


def test_a_profile_tells_what_it_was_and_is_for_what_differs(engine: sa.Engine) -> None:
    company(engine, "acme")
    run(engine, "update bg.companies set industry = 'tools'")
    forget_changes(engine)
    run(engine, "update bg.companies set industry = 'toys', employee_min = 3")

    (row,) = rows(engine, "select old, new from bg.changes")
    assert row == {"old": {"industry": "tools"}, "new": {"industry": "toys", "employee_min": 3}}


def test_the_views_have_the_canonical_types_whatever_the_table_has(crm: sa.Engine) -> None:
    found = rows(crm, "select attrelid::regclass::text as view, attname as name, "
                 "format_type(atttypid, null) as type from pg_attribute where attrelid in "
                 "('bg.canonical_people'::regclass, 'bg.canonical_companies'::regclass) "
                 "order by attrelid, attnum")  # fmt: skip
    others = {(row["name"], row["type"]) for row in found if row["type"] != "text"}
    moment = "timestamp with time zone"
    assert others == {
        ("start_date", "date"), ("end_date", "date"), ("deleted_at", moment),
        ("observed_at", moment), ("updated_at", moment), ("employee_min", "integer"),
        ("employee_max", "integer"), ("revenue", "numeric"),
    }  # fmt: skip
    for view, columns in (
        ("people", triggers.PEOPLE_COLUMNS),
        ("companies", triggers.COMPANY_COLUMNS),
    ):
        assert [row["name"] for row in found if row["view"] == f"bg.canonical_{view}"] == [*columns]


@pytest.mark.parametrize("which", ["people", "companies"])
def test_a_mapping_of_either_table_that_lacks_a_column_is_refused(
    engine: sa.Engine, which: str
) -> None:
    own = triggers.OWN_PEOPLE if which == "people" else triggers.OWN_COMPANIES
    short = {name: name for name in own.columns if name != "deleted_at"}
    with engine.begin() as conn, pytest.raises(ValueError, match="the mapping lacks deleted_at"):
        triggers.install(conn, **{which: triggers.CapturedTable(own.table, short)})
