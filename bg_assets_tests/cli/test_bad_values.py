"""`import`: what is stored for a value that is not as it should be, and what is said of it."""

import pytest

from bg_assets_tests import bad_values
from bg_assets_tests.bad_values import OF_COMPANIES, OF_PEOPLE, REFUSED
from bg_assets_tests.cli.command import Command, rejects_of


@pytest.mark.parametrize(("column", "written", "stored", "said"), OF_PEOPLE)
def test_a_bad_optional_value_of_a_person_loses_nobody(
    bg: Command, column: str, written: str, stored: str | None, said: str | None
) -> None:
    bg.companies("acme")
    cells = {"id": "p1", "company_id": "acme", column: written}
    content = f"{','.join(cells)}\n" + ",".join(f'"{cell}"' for cell in cells.values()) + "\n"
    _check(bg, "people", column, content, stored, said)


@pytest.mark.parametrize(("column", "written", "stored", "said"), OF_COMPANIES)
def test_a_bad_optional_value_of_a_company_loses_none(
    bg: Command, column: str, written: str, stored: str | None, said: str | None
) -> None:
    content = f'id,name,{column}\nacme,Acme,"{written}"\n'
    place = "employee_min" if column == "employee_count" else column
    _check(bg, "companies", place, content, stored, said)


def _check(
    bg: Command, kind: str, column: str, content: str, stored: str | None, said: str | None
) -> None:
    path = bg.file("file.csv", content)
    done = bg.json("import", kind, path)
    assert (done["inserted"], done["rejected"], done["kept"]) == (1, 0, int(said is not None))
    assert bg.value(f"select {column}::text from bg.{kind}") == stored
    if said is None:
        assert rejects_of(path) == []
        return
    ((line, reason, *_),) = rejects_of(path)
    assert line == "2"
    assert reason.startswith(f"kept: {said}")


@pytest.mark.parametrize(("kind", "header", "row", "said"), REFUSED)
def test_a_bad_required_value_is_refused(
    bg: Command, kind: str, header: str, row: str, said: str
) -> None:
    bg.companies("acme")
    path = bg.file("file.csv", f"{header}\n{row}\n")
    assert bg.json("import", kind, path, code=bg("import", kind, path).code)["rejected"] == 1
    ((_, reason, *_),) = rejects_of(path)
    assert reason.startswith(said)


@pytest.mark.parametrize("column", ["id", "company_id"])
def test_a_source_s_id_that_lost_its_digits_is_refused_whatever_else_the_row_tells(
    bg: Command, column: str
) -> None:
    cells = {
        "id": "17",
        "company_id": "9",
        "company_name": "Acme",
        "name": "Ann",
        "email": "a@b.co",
    }
    cells[column] = "1.23457E+17"
    path = bg.file("file.csv", f"{','.join(cells)}\n{','.join(cells.values())}\n")
    assert bg.json("import", "people", path, "--source", "crm", code=1)["rejected"] == 1
    ((_, reason, *_),) = rejects_of(path)
    assert reason.startswith(f"{column}: was shortened by a spreadsheet")


def test_dates_of_a_column_that_fits_one_order_only_are_read_in_it(bg: Command) -> None:
    bg.companies("acme")
    rows = "p1,acme,03/04/2020,\np2,acme,,5/6/2020\np3,acme,31/01/2020,7/13/2020\n"
    path = bg.file("file.csv", f"id,company_id,start_date,end_date\n{rows}")
    assert bg.json("import", "people", path)["kept"] == 0
    assert bg.rows("select start_date::text, end_date::text from bg.people order by id") == [
        ("2020-04-03", None), (None, "2020-05-06"), ("2020-01-31", "2020-07-13"),
    ]  # fmt: skip


def test_dates_are_read_as_the_user_says_and_a_format_that_is_none_is_refused(bg: Command) -> None:
    bg.companies("acme")
    path = bg.file("file.csv", "id,company_id,start_date\np1,acme,03/04/20\np2,acme,2020-01-31\n")
    for form in ("MM/DD/YY", "%m/%d/%y"):
        assert bg.json("import", "people", path, "--date-format", form)["kept"] == 0
        assert bg.value("select start_date::text from bg.people where id = 'p1'") == "2020-03-04"
    done = bg("import", "people", path, "--date-format", "YYYY")
    assert (done.code, "takes day, month and year" in done.err) == (2, True)


def test_days_that_end_before_they_start_are_both_unknown(bg: Command) -> None:
    bg.companies("acme")
    path = bg.file("f.csv", "id,company_id,start_date,end_date\np1,acme,2020-02-01,2020-01-01\n")
    assert bg.json("import", "people", path)["kept"] == 1
    assert bg.rows("select start_date, end_date from bg.people") == [(None, None)]


def test_a_status_that_is_not_understood_changes_nobody_s(bg: Command) -> None:
    bg.companies("acme")
    bg("import", "people", bg.file("f.csv", "id,company_id,status\np1,acme,left\n"))
    path = bg.file("f.csv", "id,company_id,status\np1,acme,who knows\n")
    for _ in range(2):
        done = bg.json("import", "people", path)
        assert (done["updated"], done["unchanged"], done["kept"]) == (0, 1, 1)
    assert bg.value("select status from bg.people") == "left"


def test_what_is_kept_and_what_is_rejected_stand_in_one_file_and_are_counted_apart(
    bg: Command,
) -> None:
    bg.companies("acme")
    path = bg.file("f.csv", "id,company_id,email\np1,acme,what\np2,nowhere,n/a\np3,acme,\n")
    done = bg("import", "people", path, "--strict")
    assert done.out == "people: 2 new, 0 changed, 0 as before, 1 kept with a blank, 1 rejected\n"
    assert done.code == 1
    assert [(row[0], row[1].split(":")[0]) for row in rejects_of(path)] == [
        ("2", "kept"), ("3", "no company nowhere"),
    ]  # fmt: skip
    only_kept = bg.file("f.csv", "id,company_id,email\np1,acme,what\n")
    assert bg("import", "people", only_kept, "--strict").code == 0


def test_the_page_of_bad_values_shows_what_is_stored_and_said(bg: Command) -> None:
    """`python -m bg_assets_tests.bad_values` writes it anew."""
    assert bad_values.page(bg) == bad_values.PAGE.read_text(encoding="utf-8")
