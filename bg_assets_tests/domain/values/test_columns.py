"""The columns of people and companies stand once; what can't be made of the list agrees with it."""

from bg_assets.domain.values.columns import COMPANIES, PEOPLE, Column, in_files, named, watched
from bg_assets.domain.webhooks.known import PERSON_COLUMNS


def test_events_write_all_of_a_person_but_what_the_database_tells_itself() -> None:
    assert {*PERSON_COLUMNS} == {*named(PEOPLE)} - {"id", "deleted_at", "updated_at"}


def test_what_an_event_may_tell_makes_a_change() -> None:
    assert all(column.change is not None for column in PEOPLE if column.in_events)


def test_no_column_stands_twice() -> None:
    for columns in (PEOPLE, COMPANIES):
        assert len(set(named(columns))) == len(columns)


def test_watched_columns_come_kind_by_kind_in_their_order() -> None:
    columns = (
        Column("a", "text", "role_change"),
        Column("b", "text", "contact_change"),
        Column("c", "text"),
        Column("d", "text", "role_change"),
    )
    assert watched(columns, "contact_change", "role_change") == ("b", "a", "d")


def test_a_column_of_a_file_may_fill_several() -> None:
    names = dict(in_files(COMPANIES))
    assert [*names] == [
        "id", "name", "domain", "website", "industry", "employee_count", "revenue", "country",
    ]  # fmt: skip
    assert names["employee_count"].name == "employee_min"


def test_a_new_column_stands_at_the_end_where_a_view_that_stands_can_grow() -> None:
    """PostgreSQL replaces no view whose first columns are others than before."""
    assert named(PEOPLE)[:15] == (
        "id", "company_id", "name", "title", "department", "seniority", "email", "location",
        "manager_id", "start_date", "end_date", "status", "deleted_at", "observed_at",
        "updated_at",
    )  # fmt: skip
    assert named(COMPANIES)[:11] == (
        "id", "workspace", "name", "domain", "website", "industry", "employee_min",
        "employee_max", "revenue", "country", "deleted_at",
    )  # fmt: skip
