"""What is staged goes in as a whole; a snapshot says who is no longer there."""

import pytest
import sqlalchemy as sa

from bg_assets.storage import imports
from bg_assets.storage.imports import Imported, TooManyLeavers
from bg_assets_tests.storage.rows import company, rows, value

PEOPLE = ("id", "company_id", "title")


def take_in(
    conn: sa.Connection, kind: str, columns: tuple[str, ...], *values: tuple[str, ...],
    full_snapshot: bool = False,
) -> Imported:  # fmt: skip
    """Stage these rows, judge and apply them."""
    imports.stage(conn, kind, columns, [(at, None, None, *row) for at, row in enumerate(values, 2)])
    imports.judge(conn, kind)
    return imports.apply(conn, kind, columns, full_snapshot=full_snapshot)


def staff(engine: sa.Engine) -> dict[str, tuple[str, str]]:
    found = rows(engine, "select id, title, status from bg.people order by id")
    return {row["id"]: (row["title"], row["status"]) for row in found}


def test_rows_are_inserted_updated_or_left_as_they_are(engine: sa.Engine) -> None:
    company(engine, "acme", ["ann", "bob"])
    with engine.begin() as conn:
        done = take_in(
            conn, "people", PEOPLE,
            ("ann", "acme", "CFO"), ("bob", "acme", "CEO"), ("cid", "acme", "CIO"),
        )  # fmt: skip
    assert done == Imported(inserted=1, updated=1, unchanged=1)
    assert staff(engine) == {
        "ann": ("CFO", "active"), "bob": ("CEO", "active"), "cid": ("CIO", "active"),
    }  # fmt: skip


def test_in_a_snapshot_of_people_who_is_not_in_it_has_left_its_companies_and_no_other(
    engine: sa.Engine,
) -> None:
    company(engine, "acme", ["ann", "bob"])
    company(engine, "bolt", ["cid"])
    with engine.begin() as conn:
        done = take_in(conn, "people", PEOPLE, ("ann", "acme", "CFO"), full_snapshot=True)
    assert done == Imported(inserted=0, updated=0, unchanged=1, left=1)
    assert {who: status for who, (_, status) in staff(engine).items()} == {
        "ann": "active", "bob": "left", "cid": "active",
    }  # fmt: skip


def test_a_snapshot_in_which_most_are_missing_is_refused(engine: sa.Engine) -> None:
    company(engine, "acme", ["ann", "bob", "cid"])
    with engine.connect() as conn, pytest.raises(TooManyLeavers, match="2 of 3 people"):
        take_in(conn, "people", PEOPLE, ("ann", "acme", "CFO"), full_snapshot=True)


def test_a_snapshot_of_companies_makes_nobody_leave(engine: sa.Engine) -> None:
    company(engine, "acme", ["ann"])
    with engine.begin() as conn:
        done = take_in(conn, "companies", ("id", "name"), ("acme", "Acme"), full_snapshot=True)
    assert (done.updated, done.left) == (1, 0)
    assert value(engine, "select status from bg.people") == "active"
