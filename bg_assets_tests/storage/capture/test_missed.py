"""What changed while capture was lost: exactly these companies get a change, however many."""

from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from bg_assets.storage import database
from bg_assets.storage.capture import missed, watch
from bg_assets_tests.storage import steps
from bg_assets_tests.storage.rows import change, company, forget_changes, insert, rows, run, value
from bg_assets_tests.storage.steps import take_by_hand

FOUND = "select company_id, person_id, kind from bg.changes order by company_id, person_id, kind"
NAMES = ("acme", "bolt", "corp")


@pytest.fixture
def built(engine: sa.Engine) -> sa.Engine:
    """Three companies whose groups stand, of two people each; nothing is pending."""
    for name in NAMES:
        company(engine, name, [f"{name}-1", f"{name}-2"])
    run(engine, "update bg.companies set employee_min = 5, employee_max = 9, country = 'AT', "
        "industry = 'tools'")  # fmt: skip
    run(engine, "update bg.people set department = 'Finance', location = 'Graz', "
        "manager_id = 'x', start_date = '2020-01-01', email = id || '@x.example'")  # fmt: skip
    steps.complete(engine, "run", take_by_hand(engine, "run", NAMES))
    run(engine, "update bg.changes set refresh_id = null, handled_at = null")
    forget_changes(engine)
    return engine


def unseen(engine: sa.Engine, *statements: str) -> None:
    """Write while no trigger works, which nobody sees until the triggers work again."""
    with engine.begin() as conn:
        for table in ("people", "companies"):
            run(conn, f"alter table bg.{table} disable trigger all")
        for statement in statements:
            run(conn, statement)
        for table in ("people", "companies"):
            run(conn, f"alter table bg.{table} enable trigger all")
        watch.keep_watch(conn, every=0)


def catch_up(engine: sa.Engine, most: int = 100) -> int:
    raised = 0
    while True:
        with engine.begin() as conn:
            found = missed.raise_changes(conn, most)
        if found is None:
            return raised
        raised += found


def found(engine: sa.Engine) -> list[tuple[str, str | None, str]]:
    return [(row["company_id"], row["person_id"], row["kind"]) for row in rows(engine, FOUND)]


def test_where_nothing_differs_nothing_is_raised(built: sa.Engine) -> None:
    unseen(
        built,
        "update bg.people set title = title, name = 'New Name', observed_at = now(), "
        "email = 'other@x.example'",
        "update bg.companies set domain = 'x.example', website = 'x'",
    )

    assert catch_up(built) == 0
    assert found(built) == []
    assert not value(built, "select to_compare from bg.capture_watch")


@pytest.mark.parametrize(
    "assignment",
    [
        "title = 'CEO'", "title = null", "department = 'IT'", "location = 'Linz'",
        "manager_id = null", "start_date = '2021-01-01'", "email = null", "seniority = 'VP'",
    ],
)  # fmt: skip
def test_each_column_that_groups_depend_on_is_compared(built: sa.Engine, assignment: str) -> None:
    unseen(built, f"update bg.people set {assignment} where id = 'bolt-1'")

    assert catch_up(built) == 1
    assert found(built) == [("bolt", None, "resync")]
    assert catch_up(built) == 0


@pytest.mark.parametrize(
    "gone",
    [
        "delete from bg.people where id = 'bolt-1'",
        "update bg.people set status = 'left' where id = 'bolt-1'",
        "update bg.people set deleted_at = now() where id = 'bolt-1'",
        "update bg.people set end_date = '2021-01-01' where id = 'bolt-1'",
        "update bg.people set start_date = '9999-01-01' where id = 'bolt-1'",
        "update bg.people set company_id = null where id = 'bolt-1'",
    ],
)
def test_a_member_who_is_gone_is_a_departure(built: sa.Engine, gone: str) -> None:
    unseen(built, gone)

    assert catch_up(built) == 1
    assert found(built) == [("bolt", "bolt-1", "person_left"), ("bolt", None, "resync")]
    assert rows(
        built, "select kind, priority, is_departure, source from bg.changes order by 1"
    ) == [
        {"kind": "person_left", "priority": 50, "is_departure": True, "source": "people_table"},
        {"kind": "resync", "priority": 0, "is_departure": False, "source": "people_table"},
    ]


def test_who_was_no_member_is_no_departure(built: sa.Engine) -> None:
    run(built, "delete from bg.buyer_group_members where person_id = 'bolt-1'")
    unseen(built, "delete from bg.people where id = 'bolt-1'")
    catch_up(built)

    assert found(built) == [("bolt", None, "resync")]


def test_somebody_new_and_somebody_who_moved_are_found(built: sa.Engine) -> None:
    unseen(
        built,
        "insert into bg.people (id, company_id, title) values ('new', 'corp', 'Clerk')",
        "update bg.people set company_id = 'bolt' where id = 'acme-1'",
    )

    assert catch_up(built) == 3
    assert found(built) == [
        ("acme", "acme-1", "person_left"), ("acme", None, "resync"), ("bolt", None, "resync"),
        ("corp", None, "resync"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "columns",
    [
        "'Former CFO', null, null, 'active'",
        "'CFO', null, current_date - 2, 'active'",
        "'CFO', current_date + 2, null, 'active'",
        "'CFO', null, null, 'left'",
    ],
)
def test_somebody_new_who_is_not_on_the_staff_makes_no_difference(
    built: sa.Engine, columns: str
) -> None:
    unseen(
        built,
        "insert into bg.people (id, company_id, title, start_date, end_date, status) "
        f"select 'new', 'corp', {columns}",
    )

    assert catch_up(built) == 0


@pytest.mark.parametrize(
    "assignment",
    ["workspace = 'w'", "employee_min = 6", "employee_max = 10", "country = 'DE'",
     "industry = null"],
)  # fmt: skip
def test_each_column_of_the_company_that_groups_depend_on_is_compared(
    built: sa.Engine, assignment: str
) -> None:
    unseen(built, f"update bg.companies set {assignment} where id = 'bolt'")

    assert catch_up(built) == 1
    assert found(built) == [("bolt", None, "company_profile_change")]
    assert value(built, "select priority from bg.changes") == 20


@pytest.mark.parametrize(
    "gone",
    ["delete from bg.companies where id = 'bolt'",
     "update bg.companies set deleted_at = now() where id = 'bolt'"],
)  # fmt: skip
def test_a_company_that_is_gone_is_found_with_its_group(built: sa.Engine, gone: str) -> None:
    unseen(built, gone)

    assert catch_up(built) == 1
    assert found(built) == [("bolt", None, "company_deleted")]
    assert rows(built, "select priority, source from bg.changes") == [
        {"priority": 50, "source": "company_table"}
    ]
    steps.complete(built, "run-2", take_by_hand(built, "run-2", ["bolt"]))
    run(built, "update bg.capture_watch set to_compare = true")
    assert catch_up(built) == 0


def test_a_new_company_is_found_with_or_without_people(built: sa.Engine) -> None:
    unseen(
        built,
        "insert into bg.companies (id, name) values ('dorn', 'Dorn'), ('erl', 'Erl')",
        "insert into bg.people (id, company_id) values ('d-1', 'dorn')",
    )

    assert catch_up(built) == 2
    assert found(built) == [
        ("dorn", None, "company_profile_change"), ("dorn", None, "resync"),
        ("erl", None, "company_profile_change"),
    ]  # fmt: skip


def test_a_truncate_is_found(built: sa.Engine) -> None:
    unseen(built, "truncate bg.people, bg.companies")

    assert catch_up(built) == 3
    assert {kind for _, _, kind in found(built)} == {"company_deleted"}


def test_people_of_a_company_that_nobody_tracks_are_nobodys_news(built: sa.Engine) -> None:
    unseen(built, "insert into bg.people (id, company_id) values ('x', 'nowhere')")

    assert catch_up(built) == 0


@pytest.mark.parametrize("most", [1, 2, 3, 4])
def test_portions_of_any_size_find_the_same(built: sa.Engine, most: int) -> None:
    unseen(built, "update bg.people set title = 'CEO' where id like '%-2'",
           "update bg.companies set industry = 'x' where id <> 'bolt'")  # fmt: skip

    assert catch_up(built, most) == 3
    assert len(found(built)) == 5


def test_a_company_that_waits_for_something_else_is_raised_too(built: sa.Engine) -> None:
    """The run that takes what waits may have read its people before they were written unseen."""
    change(built, "bolt")
    unseen(built, "update bg.people set title = 'CEO' where id = 'bolt-1'")

    assert catch_up(built) == 1


def test_nothing_is_compared_before_capture_stands_again(built: sa.Engine) -> None:
    run(built, "alter table bg.people disable trigger all")
    run(built, "update bg.people set title = 'CEO'")
    with built.begin() as conn:
        watch.keep_watch(conn, every=0)

    assert catch_up(built) == 0
    assert found(built) == []


def test_what_is_missed_again_while_companies_are_compared_is_found(built: sa.Engine) -> None:
    unseen(built, "update bg.people set title = 'CEO' where id = 'corp-1'")
    with built.begin() as conn:
        assert missed.raise_changes(conn, 1) == 0
    unseen(built, "update bg.people set title = 'CEO' where id = 'acme-1'")

    assert catch_up(built, 1) == 2


def test_migrating_restores_and_raises_what_was_missed(built: sa.Engine) -> None:
    run(built, "alter table bg.people disable trigger all")
    run(built, "update bg.people set title = 'CEO' where id in ('acme-1', 'corp-2')")
    said = database.migrate(built.url.render_as_string(hide_password=False))

    assert said[-1] == "companies that changed while it was lost, to be refreshed now: 2"
    assert found(built) == [("acme", None, "resync"), ("corp", None, "resync")]


def test_who_left_by_date_while_capture_was_lost_is_found(built: sa.Engine) -> None:
    today = value(built, "select (clock_timestamp() at time zone 'UTC')::date")
    assert isinstance(today, date)
    insert(built, "bg.people", id="late", company_id="acme", end_date=today)
    steps.complete(built, "run-2", take_by_hand(built, "run-2", ["acme"]))
    unseen(built, f"update bg.people set end_date = '{today - timedelta(days=1)}' "
           "where id = 'late'")  # fmt: skip

    assert catch_up(built) == 1
