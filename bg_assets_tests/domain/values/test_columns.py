"""The columns of people and companies stand once; what can't be made of the list agrees with it."""

from bg_assets.domain.values.columns import COMPANIES, PEOPLE, in_files, named, watched
from bg_assets.domain.webhooks.known import PERSON_COLUMNS


def test_events_write_all_of_a_person_but_what_the_database_tells_itself() -> None:
    assert {*PERSON_COLUMNS} == {*named(PEOPLE)} - {"id", "deleted_at", "updated_at"}


def test_what_an_event_may_tell_makes_a_change() -> None:
    assert all(column.change is not None for column in PEOPLE if column.in_events)


def test_no_column_stands_twice() -> None:
    for columns in (PEOPLE, COMPANIES):
        assert len(set(named(columns))) == len(columns)


def test_watched_columns_come_kind_by_kind_in_their_order() -> None:
    assert watched(PEOPLE, "department_change", "contact_change") == (
        "department", "name", "email", "location",
    )  # fmt: skip


def test_a_column_of_a_file_may_fill_several() -> None:
    names = dict(in_files(COMPANIES))
    assert [*names] == [
        "id", "name", "domain", "website", "industry", "employee_count", "revenue", "country",
    ]  # fmt: skip
    assert names["employee_count"].name == "employee_min"
