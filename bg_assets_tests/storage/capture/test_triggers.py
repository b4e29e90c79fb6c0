"""Which changes a write of people or companies leads to, one write at a time."""

from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bg_assets.storage.priorities import OF_KIND
from bg_assets_tests.storage.rows import company, forget_changes, group, insert, rows, run, value

SEEN = """
    select company_id, person_id, kind, source, old, new, priority, is_departure
    from bg.changes order by id
"""


def seen(engine: sa.Engine) -> list[tuple[str, str | None, str]]:
    return sorted(
        ((row["company_id"], row["person_id"], row["kind"]) for row in rows(engine, SEEN)),
        key=repr,
    )


@pytest.fixture
def staffed(engine: sa.Engine) -> sa.Engine:
    company(engine, "acme", ["ann", "bob"])
    company(engine, "bolt")
    return engine


def update(engine: sa.Engine, assignments: str, where: str = "id = 'ann'") -> None:
    run(engine, f"update bg.people set {assignments} where {where}")


def test_a_new_person_has_joined(staffed: sa.Engine) -> None:
    insert(staffed, "bg.people", id="cid", company_id="acme", title="CFO", email="c@acme.example")

    (row,) = rows(staffed, SEEN)
    assert row == {
        "company_id": "acme",
        "person_id": "cid",
        "kind": "person_joined",
        "source": "people_table",
        "old": None,
        "new": {"title": "CFO"},
        "priority": OF_KIND["person_joined"],
        "is_departure": False,
    }


@pytest.mark.parametrize(
    "columns",
    [{"company_id": None}, {"status": "left"}, {"end_date": date(2020, 1, 1)}],
    ids=["no company", "left", "ended"],
)
def test_somebody_who_is_not_on_the_staff_does_not_join(
    staffed: sa.Engine, columns: dict[str, object]
) -> None:
    insert(staffed, "bg.people", **({"id": "cid", "company_id": "acme"} | columns))

    assert seen(staffed) == []


@pytest.mark.parametrize(
    ("assignment", "kind", "old", "new"),
    [
        ("title = 'CEO'", "role_change", {"title": "CFO"}, {"title": "CEO"}),
        ("title = null", "role_change", {"title": "CFO"}, {}),
        ("seniority = 'c'", "role_change", {}, {"seniority": "c"}),
        ("manager_id = 'bob'", "role_change", {}, {"manager_id": "bob"}),
        ("start_date = '2024-01-01'", "role_change", {}, {"start_date": "2024-01-01"}),
        ("end_date = '9999-01-01'", "role_change", {}, {"end_date": "9999-01-01"}),
        ("department = 'IT'", "department_change", {}, {"department": "IT"}),
        (
            "title = 'CEO', department = 'Board'",
            "role_change",
            {"title": "CFO"},
            {"title": "CEO", "department": "Board"},
        ),
        ("name = 'Ann'", "contact_change", {}, {"name": "Ann"}),
        ("email = 'a@acme.example'", "contact_change", {}, {"email": "a@acme.example"}),
        ("location = 'Graz'", "contact_change", {}, {"location": "Graz"}),
    ],
)
def test_each_watched_column_has_its_kind_of_change(
    staffed: sa.Engine, assignment: str, kind: str, old: Any, new: Any
) -> None:
    update(staffed, assignment)

    (row,) = rows(staffed, SEEN)
    assert (row["company_id"], row["person_id"], row["kind"]) == ("acme", "ann", kind)
    assert (row["old"], row["new"]) == (old, new)
    assert row["priority"] == OF_KIND[kind]
    assert not row["is_departure"]


@pytest.mark.parametrize(
    "assignment",
    [
        "title = title",
        "title = 'CFO'",
        "observed_at = now()",
        "updated_at = now() + interval '1 day'",
        "company_id = company_id, status = status, deleted_at = null",
    ],
)
def test_an_update_that_changes_nothing_watched_writes_nothing(
    staffed: sa.Engine, assignment: str
) -> None:
    update(staffed, assignment, "true")

    assert seen(staffed) == []


def test_an_update_of_no_row_writes_nothing(staffed: sa.Engine) -> None:
    update(staffed, "title = 'CEO'", "false")

    assert seen(staffed) == []


@pytest.mark.parametrize(
    "gone",
    ["status = 'left'", "deleted_at = now()", "end_date = current_date - 2"],
)
def test_who_leaves_and_comes_back_makes_a_change_each_time(staffed: sa.Engine, gone: str) -> None:
    update(staffed, gone)
    (left,) = rows(staffed, SEEN)
    forget_changes(staffed)
    update(staffed, "title = 'CEO'")
    while_away = seen(staffed)
    update(staffed, "status = 'active', deleted_at = null, end_date = null")

    assert (left["kind"], left["is_departure"]) == ("person_left", True)
    assert left["priority"] == OF_KIND["person_left"]
    assert while_away == []
    assert seen(staffed) == [("acme", "ann", "person_joined")]


def test_the_last_day_still_counts_as_employed(staffed: sa.Engine) -> None:
    today = value(staffed, "select (now() at time zone 'UTC')::date")
    update(staffed, f"end_date = '{today}'")
    update(staffed, f"end_date = '{today - timedelta(days=1)}'")

    kinds = [row["kind"] for row in rows(staffed, SEEN)]
    assert kinds == ["role_change", "person_left"]


def test_a_delete_is_a_departure(staffed: sa.Engine) -> None:
    run(staffed, "delete from bg.people where id = 'ann'")

    (row,) = rows(staffed, SEEN)
    assert (row["kind"], row["old"], row["new"]) == ("person_left", {"title": "CFO"}, None)
    assert row["is_departure"]


def test_the_delete_of_somebody_long_gone_writes_nothing(staffed: sa.Engine) -> None:
    update(staffed, "status = 'left'")
    forget_changes(staffed)
    run(staffed, "delete from bg.people where id = 'ann'")

    assert seen(staffed) == []


def test_a_move_is_a_change_for_each_of_the_two_companies(staffed: sa.Engine) -> None:
    update(staffed, "company_id = 'bolt', title = 'CEO'")

    found = {row["company_id"]: row for row in rows(staffed, SEEN)}
    assert {one: row["kind"] for one, row in found.items()} == {
        "acme": "company_change",
        "bolt": "company_change",
    }
    assert found["acme"]["is_departure"]
    assert not found["bolt"]["is_departure"]
    assert found["bolt"]["old"] == {"company_id": "acme", "title": "CFO"}
    assert found["bolt"]["new"] == {"company_id": "bolt", "title": "CEO"}


def test_a_move_from_or_to_no_company_concerns_the_other_one_only(staffed: sa.Engine) -> None:
    update(staffed, "company_id = null")
    left = seen(staffed)
    forget_changes(staffed)
    update(staffed, "company_id = 'bolt'")

    assert left == [("acme", "ann", "company_change")]
    assert seen(staffed) == [("bolt", "ann", "company_change")]


def test_who_leaves_while_moving_only_leaves(staffed: sa.Engine) -> None:
    update(staffed, "company_id = 'bolt', status = 'left'")

    assert seen(staffed) == [("acme", "ann", "company_change")]


def test_a_person_with_a_new_id_has_left_by_the_old_one_and_joined_by_the_new(
    staffed: sa.Engine,
) -> None:
    update(staffed, "id = 'anna'")

    assert seen(staffed) == [("acme", "ann", "person_left"), ("acme", "anna", "person_joined")]


def test_truncating_people_resyncs_each_company_and_tells_of_each_member(
    staffed: sa.Engine,
) -> None:
    group(staffed, "acme", {"ann": "decision_maker"})
    insert(staffed, "bg.people", id="cid", company_id="bolt")
    forget_changes(staffed)
    run(staffed, "truncate bg.people")

    assert seen(staffed) == [
        ("acme", "ann", "person_left"),
        ("acme", None, "resync"),
        ("bolt", None, "resync"),
    ]


def test_truncating_companies_deletes_each(staffed: sa.Engine) -> None:
    run(staffed, "update bg.companies set deleted_at = now() where id = 'bolt'")
    forget_changes(staffed)
    run(staffed, "truncate bg.companies, bg.people cascade")

    assert seen(staffed) == [("acme", None, "company_deleted"), ("acme", None, "resync")]


def test_a_company_has_a_change_when_it_comes(engine: sa.Engine) -> None:
    insert(engine, "bg.companies", id="acme", name="Acme", employee_min=10, employee_max=20)

    (row,) = rows(engine, SEEN)
    assert row["new"] == {
        "name": "Acme",
        "workspace": "default",
        "employee_min": 10,
        "employee_max": 20,
    }
    assert (row["kind"], row["source"], row["old"]) == (
        "company_profile_change",
        "company_table",
        None,
    )
    assert row["priority"] == OF_KIND["company_profile_change"]


@pytest.mark.parametrize(
    ("column", "new"),
    [
        ("workspace", "w"), ("name", "Acme Ltd"), ("domain", "acme.example"),
        ("website", "https://acme.example"), ("industry", "tools"), ("employee_min", 3),
        ("employee_max", 30), ("revenue", 5), ("country", "AT"),
    ],
)  # fmt: skip
def test_each_column_of_the_profile_is_watched(
    staffed: sa.Engine, column: str, new: object
) -> None:
    run(staffed, f"update bg.companies set {column} = :new where id = 'acme'", new=new)

    (row,) = rows(staffed, SEEN)
    assert (row["company_id"], row["kind"]) == ("acme", "company_profile_change")
    assert row["new"] == {column: new}


def test_a_company_update_that_changes_nothing_watched_writes_nothing(staffed: sa.Engine) -> None:
    run(staffed, "update bg.companies set name = name, updated_at = now(), created_at = now()")

    assert seen(staffed) == []


def test_a_company_that_goes_and_comes_back_makes_a_change_each_time(staffed: sa.Engine) -> None:
    run(staffed, "update bg.companies set deleted_at = now() where id = 'acme'")
    run(staffed, "update bg.companies set name = 'Other' where id = 'acme'")
    run(staffed, "update bg.companies set deleted_at = null where id = 'acme'")

    kinds = [row["kind"] for row in rows(staffed, SEEN)]
    assert kinds == ["company_deleted", "company_profile_change"]


def test_a_company_with_a_new_id_is_deleted_and_new(staffed: sa.Engine) -> None:
    run(staffed, "update bg.companies set id = 'acme2' where id = 'acme'")

    assert seen(staffed) == [
        ("acme", None, "company_deleted"),
        ("acme2", None, "company_profile_change"),
    ]


def test_a_company_deleted_for_good_people_and_all_leaves_its_changes(staffed: sa.Engine) -> None:
    with staffed.begin() as conn:
        run(conn, "delete from bg.people where company_id = 'acme'")
        run(conn, "delete from bg.companies where id = 'acme'")

    assert seen(staffed) == [
        ("acme", "ann", "person_left"),
        ("acme", "bob", "person_left"),
        ("acme", None, "company_deleted"),
    ]


@pytest.mark.parametrize(
    "title",
    ["Chef 🚀 de \u200fكبير\u200f", "x" * 10_000, "back\\slash\ttab\nline", "Ⅷ 財務", "'; drop--"],
    ids=["emoji and right-to-left", "long", "control", "wide", "quote"],
)
def test_an_odd_title_is_kept_as_it_is(staffed: sa.Engine, title: str) -> None:
    run(staffed, "update bg.people set title = :title where id = 'ann'", title=title)

    (row,) = rows(staffed, SEEN)
    assert row["new"] == {"title": title}


def test_a_title_with_a_nul_is_refused_and_leaves_no_change(staffed: sa.Engine) -> None:
    with pytest.raises(ValueError, match="NUL"):
        run(staffed, "update bg.people set title = :title where id = 'ann'", title="C\0FO")

    assert seen(staffed) == []
