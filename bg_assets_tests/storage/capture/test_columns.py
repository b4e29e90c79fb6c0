"""The table of columns and the database agree: which there are, of which type, and what is news."""

from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa

from bg_assets.domain.values.columns import COMPANIES, PEOPLE, Column
from bg_assets_tests.storage.rows import at, company, forget_changes, insert, rows, run

_VALUES: dict[str, Any] = {
    "company id": "bolt", "day": date(2020, 1, 2), "status": "left", "moment": at(0),
    "headcount": 7, "revenue": 8,
}  # fmt: skip


@pytest.fixture
def ada(engine: sa.Engine) -> sa.Engine:
    company(engine, "acme")
    company(engine, "bolt")
    insert(engine, "bg.people", id="ada", company_id="acme")
    forget_changes(engine)
    return engine


def _types(engine: sa.Engine, table: str) -> dict[str, str]:
    found = rows(
        engine,
        "select attname as name, format_type(atttypid, null) as type from pg_attribute "
        "where attrelid = cast(:table as regclass) and attnum > 0 and not attisdropped",
        table=table,
    )
    long = "timestamp with time zone"
    return {row["name"]: "timestamptz" if row["type"] == long else row["type"] for row in found}


def test_our_own_tables_have_the_columns_and_what_is_kept_has_its_place(engine: sa.Engine) -> None:
    for columns, table, kept in (
        (PEOPLE, "bg.people", "bg.company_people"),
        (COMPANIES, "bg.companies", "bg.company_profiles"),
    ):
        types, kept_types = _types(engine, table), _types(engine, kept)
        assert {one.name: one.type for one in columns}.items() <= types.items()
        assert {one.name: one.type for one in columns if one.kept}.items() <= kept_types.items()


@pytest.mark.parametrize("column", PEOPLE[1:], ids=lambda column: column.name)
def test_a_change_of_a_watched_column_is_captured_and_makes_the_person_seen(
    ada: sa.Engine, column: Column
) -> None:
    # The end of an employment that lies ahead, so that they stay.
    told = date(2999, 1, 1) if column.name == "end_date" else _VALUES.get(column.form, "x")
    run(ada, f"update bg.people set {column.name} = :told", told=told)

    kinds = {row["kind"] for row in rows(ada, "select kind from bg.changes")}
    (person,) = rows(ada, "select observed_at from bg.people")
    expected = "person_left" if column.change == "presence" else column.change
    assert kinds == ({expected} if column.change else set())
    assert (person["observed_at"] is not None) is (
        column.change is not None or column.name == "observed_at"
    )


@pytest.mark.parametrize("column", COMPANIES[1:], ids=lambda column: column.name)
def test_a_change_of_a_companys_watched_column_is_captured(ada: sa.Engine, column: Column) -> None:
    told = _VALUES.get(column.form, "xy")
    run(ada, f"update bg.companies set {column.name} = :told where id = 'acme'", told=told)

    kinds = {row["kind"] for row in rows(ada, "select kind from bg.changes")}
    assert kinds == {"company_deleted" if column.change == "presence" else column.change}
