"""Workbooks to import: which sheet, which header, and what each kind of cell is read as."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from bg_assets.files.header import BadHeader
from bg_assets.files.lines import BrokenFile
from bg_assets.files.reading import open_import
from bg_assets.files.rows import Reject, Row
from bg_assets_tests.files.raw_workbook import raw_workbook

HEADER = ("id", "company_id", "name", "title")
AFTERNOON = dt.datetime(2024, 3, 5, 14, 30)  # noqa: DTZ001
DAYS = ("id", "company_id", "start_date")


def saved(folder: Path, *sheets: Sequence[Sequence[Any]], name: str = "f.xlsx") -> Path:
    """A workbook of sheets called S1, S2 and so on."""
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for number, rows in enumerate(sheets, 1):
        sheet: Worksheet = book.create_sheet(f"S{number}")
        for row in rows:
            sheet.append(list(row))
    path = folder / name
    book.save(path)
    return path


def read(path: Path, **options: Any) -> tuple[list[dict[str, object]], list[tuple[int, str]], str]:
    """Values of the rows, the rejects (and what is kept), and what is said of the file."""
    with open_import(path, "people", options.pop("mapping", {}), True, **options) as file:
        found = list(file.rows())
        said = " ".join((*file.shape.said, *file.nameless))
        rejects = [(one.line, one.reason) for one in found if isinstance(one, Reject)]
        again = list(file.again(rejects))
    assert [(one.line, one.original) for one in again] == [
        (one.line, one.original) for one in found if isinstance(one, Reject)
    ]
    kept = [(row.line, row.kept) for row in found if isinstance(row, Row) and row.kept]
    return [row.values for row in found if isinstance(row, Row)], rejects + kept, said


def one_cell(folder: Path, value: Any, form: str | None = None, column: str = "name") -> Any:
    """What a cell is read as, and the reason if it is not taken as it is."""
    header = ("company_id", column) if column == "id" else ("id", "company_id", column)
    path = saved(folder, [header, ["x"] * (len(header) - 1)])
    book = openpyxl.load_workbook(path)
    cell = book.worksheets[0].cell(2, len(header))
    cell.value = value
    if form is not None:
        cell.number_format = form
    book.save(path)
    rows, told, _ = read(path)
    return rows[0][column] if rows else None, told[0][1] if told else ""


@pytest.mark.parametrize(
    ("value", "read_as"),
    [
        (1234567890123, "1234567890123"), (123456789012345, "123456789012345"),
        (42.0, "42"), (2.5, "2.5"), (0.1 + 0.2, "0.3"), (1e3, "1000"), (-7, "-7"),
        ("0042", "0042"), ("1e3", "1e3"), (True, "true"), (False, "false"),
        ("  Ada ", "Ada"), ("a\nb", "a b"), ("Ünï 石川 🙂", "Ünï 石川 🙂"), ("=1+1", None),
    ],
)  # fmt: skip
def test_what_a_cell_holds_is_read_as_it_is_meant(
    tmp_path: Path, value: object, read_as: str | None
) -> None:
    assert one_cell(tmp_path, value) == (read_as, "")


@pytest.mark.parametrize("value", [1234567890123456, 123456789012345678, -1e16, 1.5e15])
def test_an_id_of_which_a_sheet_has_lost_digits_is_refused(tmp_path: Path, value: object) -> None:
    taken, reason = one_cell(tmp_path, value, column="id")
    assert taken is None
    assert "shortened by a spreadsheet" in reason


@pytest.mark.parametrize("error", ["#N/A", "#REF!", "#DIV/0!", "#NAME?", "#VALUE!"])
def test_an_error_in_a_cell_is_unknown_and_said(tmp_path: Path, error: str) -> None:
    assert one_cell(tmp_path, error) == (None, "name: is a word for unknown")


@pytest.mark.parametrize(
    ("value", "form"),
    [
        (dt.date(2024, 3, 5), "DD/MM/YY"), (dt.date(2024, 3, 5), "MMM YYYY"),
        (AFTERNOON, None), (45356, "General"), (45356, "0.00"),
        (45356.604, "General"), ("2024-03-05", None), (45356, '[$-407]d. mmmm yyyy;@'),
    ],
)  # fmt: skip
def test_a_date_is_a_date_however_it_is_shown(
    tmp_path: Path, value: object, form: str | None
) -> None:
    assert one_cell(tmp_path, value, form, "start_date") == (dt.date(2024, 3, 5), "")


def test_a_number_that_may_be_a_year_is_no_date(tmp_path: Path) -> None:
    for value in (2024, 20240305):
        taken, reason = one_cell(tmp_path, value, "General", "start_date")
        assert (taken, "not a date" in reason) == (None, True)


def test_days_are_counted_from_1904_where_the_workbook_says_so(tmp_path: Path) -> None:
    path = saved(tmp_path, [DAYS, ("p1", "c1", None), ("p2", "c1", None)])
    book = openpyxl.load_workbook(path)
    book.epoch = dt.datetime(1904, 1, 1)  # noqa: DTZ001
    sheet = book.worksheets[0]
    sheet["C2"], sheet["C3"] = dt.date(2024, 3, 5), 43894
    book.save(path)
    rows, _, _ = read(path)
    assert [row["start_date"] for row in rows] == [dt.date(2024, 3, 5)] * 2


def test_days_as_texts_that_fit_one_order_only_are_read_by_it(tmp_path: Path) -> None:
    path = saved(tmp_path, [DAYS, ("p1", "c1", "03/04/2026"), ("p2", "c1", "25/04/2026")])
    rows, told, _ = read(path)
    assert [row["start_date"] for row in rows] == [dt.date(2026, 4, 3), dt.date(2026, 4, 25)]
    assert told == []


def test_the_value_of_a_formula_is_the_one_last_calculated(tmp_path: Path) -> None:
    header = zip("ABC", HEADER, strict=False)
    cells = "".join(f'<c r="{at}1" t="str"><v>{name}</v></c>' for at, name in header)
    rows = (
        f'<row r="1">{cells}</row><row r="2"><c r="A2"><f>SUM(1,6)</f><v>7</v></c>'
        '<c r="B2" t="str"><f>"c"&amp;1</f><v>c1</v></c><c r="C2" t="e"><f>1/0</f>'
        "<v>#DIV/0!</v></c></row>"
    )
    found, told, _ = read(raw_workbook(tmp_path / "f.xlsx", rows))
    assert found == [{"id": "7", "company_id": "c1", "name": None}]
    assert told == [(2, "name: is a word for unknown")]


def test_shared_texts_are_whole_without_how_they_are_spoken(tmp_path: Path) -> None:
    """As Excel writes them: in runs of one look, with phonetic ones beside, and escaped signs."""
    shared = (
        "<si><t>id</t></si><si><t>company_id</t></si><si><t>name</t></si><si><t>c1</t></si>"
        "<si><r><t>Ada </t></r><r><rPr><b/></rPr><t>Lovelace</t></r></si>"
        '<si><t>東京</t><rPh sb="0" eb="2"><t>トウキョウ</t></rPh></si>'
        "<si><t>a_x000D_b</t></si><si><t/></si>"
    )

    def row(*numbers: int) -> str:
        cells = "".join(f'<c t="s"><v>{one}</v></c>' for one in numbers)
        return f"<row>{cells}</row>"

    rows = row(0, 1, 2) + "".join(row(0, 3, text) for text in (4, 5, 6, 7))
    found, _, _ = read(raw_workbook(tmp_path / "f.xlsx", rows, shared=shared))
    assert [one["name"] for one in found] == ["Ada Lovelace", "東京", "a b", None]


def test_a_sheet_larger_than_it_says_is_read_whole(tmp_path: Path) -> None:
    """The dimension of a workbook made by hand is A1."""
    rows = "".join(
        f'<row r="{n}"><c r="A{n}"><v>{n}</v></c><c r="AB{n}"><v>7</v></c></row>'
        for n in range(2, 3000)
    )
    head = (
        '<row r="1"><c r="A1" t="str"><v>id</v></c><c r="AB1" t="str"><v>company_id</v></c></row>'
    )
    found, _, _ = read(raw_workbook(tmp_path / "f.xlsx", head + rows))
    assert len(found) == 2998
    assert found[-1] == {"id": "2999", "company_id": "7"}


def test_the_one_sheet_with_rows_is_read_and_named_if_there_are_others(tmp_path: Path) -> None:
    path = saved(tmp_path, [], [HEADER, ("p1", "c1", "Ada", "CFO")], [])
    rows, _, said = read(path)
    assert [row["id"] for row in rows] == ["p1"]
    assert 'sheet "S2"' in said


def test_of_several_sheets_with_rows_one_must_be_named(tmp_path: Path) -> None:
    path = saved(tmp_path, [HEADER, ("p1", "c1")], [HEADER, ("p2", "c1")])
    with pytest.raises(BadHeader, match=r'several sheets with rows, "S1", "S2": .*--sheet "S1"'):
        read(path)
    for sheet, person in (("S2", "p2"), ("s2", "p2"), ("1", "p1"), ("2", "p2")):
        assert [row["id"] for row in read(path, sheet=sheet)[0]] == [person]
    for sheet in ("3", "0", "Sheet", ""):
        with pytest.raises(BadHeader, match=r'has no sheet .*: there are "S1", "S2"'):
            read(path, sheet=sheet)


def test_a_sheet_named_like_a_number_is_meant_before_the_one_of_that_number(tmp_path: Path) -> None:
    path = saved(tmp_path, [HEADER, ("p1", "c1")], [HEADER, ("p2", "c1")])
    book = openpyxl.load_workbook(path)
    book.worksheets[1].title = "1"
    book.save(path)
    assert read(path, sheet="1")[0][0]["id"] == "p2"


def test_hidden_sheets_with_rows_serve_the_shown_one(tmp_path: Path) -> None:
    path = saved(tmp_path, [("Yes",), ("No",)], [HEADER, ("p1", "c1")])
    book = openpyxl.load_workbook(path)
    book.worksheets[0].sheet_state = "hidden"
    book.save(path)
    assert read(path)[0][0]["id"] == "p1"
    with pytest.raises(BadHeader):
        read(path, sheet="S1")


def test_rows_before_the_header_are_passed_over_hidden_or_not(tmp_path: Path) -> None:
    path = saved(tmp_path, [("People of 2026",), (), ("by", "name"), HEADER, ("p1", "c1", "A")])
    book = openpyxl.load_workbook(path)
    book.worksheets[0].row_dimensions[1].hidden = True
    book.save(path)
    rows, _, said = read(path)
    assert [row["id"] for row in rows] == ["p1"]
    assert "the header is in row 4" in said


def test_what_is_merged_over_two_rows_of_a_header_counts_for_the_lower_one(tmp_path: Path) -> None:
    path = saved(
        tmp_path,
        [("id", "company_id", "Person"), (None, None, "First Name", "Last Name"),
         ("p1", "c1", "Ada", "Lovelace")],
    )  # fmt: skip
    book = openpyxl.load_workbook(path)
    for cells in ("A1:A2", "B1:B2", "C1:D1"):
        book.worksheets[0].merge_cells(cells)
    book.save(path)
    rows, _, _ = read(path)
    assert rows == [{"id": "p1", "company_id": "c1", "name": "Ada Lovelace"}]


def test_a_text_of_nothing_is_an_empty_cell(tmp_path: Path) -> None:
    """As programs write it; in a header it hides nothing that is merged into it from above."""
    path = saved(
        tmp_path,
        [("id", "company_id", "Person"), ("", "", "First Name", "Last Name"),
         ("p1", "c1", "Ada", "Lovelace"), ("", "", "", "")],
    )  # fmt: skip
    rows, told, _ = read(path)
    assert (len(rows), told) == (1, [])
    assert rows[0]["name"] == "Ada Lovelace"


def test_columns_without_a_name_are_passed_over_and_told_by_their_letter(tmp_path: Path) -> None:
    path = saved(
        tmp_path,
        [("id", None, "company_id"), ("p1", None, "c1"), ("p2", "!", "c1"),
         ("p3", None, "c1", None, "note")],
    )  # fmt: skip
    rows, told, said = read(path)
    assert [row["id"] for row in rows] == ["p1", "p2", "p3"]
    assert told == []
    assert said == "B E"


def test_rejects_have_the_row_of_the_sheet_as_their_line(tmp_path: Path) -> None:
    path = saved(tmp_path, [HEADER, ("p1", "c1"), (), (None, "c1", "Ada"), ("p2", None)])
    rows, told, _ = read(path)
    assert [row["id"] for row in rows] == ["p1"]
    assert [line for line, _ in told] == [4, 5]


def test_a_workbook_that_is_cut_off_or_damaged_is_told(tmp_path: Path) -> None:
    rows = [(f"p{n}", "c1", f"Name {n}", f"Title {n * 7919 % 9973}") for n in range(3000)]
    path = saved(tmp_path, [HEADER, *rows])
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(BadHeader, match="is damaged or cut off"):
        read(path)
    at = content.index(b"xl/worksheets/sheet1.xml") + 20_000
    path.write_bytes(content[:at] + bytes(50) + content[at + 50 :])
    with pytest.raises(BrokenFile, match="is damaged"):
        read(path)


def test_a_sheet_that_ends_too_early_or_defines_entities_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BrokenFile, match="is damaged"):
        read(raw_workbook(tmp_path / "f.xlsx", '<row r="1"><c r="A1" t="str"><v>id</v>'))
    dtd = '<!DOCTYPE x [<!ENTITY a "b">]>'
    rows = '<row><c t="str"><v>&a;</v></c></row>'
    with pytest.raises(BrokenFile, match="is damaged"):
        read(raw_workbook(tmp_path / "f.xlsx", rows, dtd=dtd))


@pytest.mark.parametrize(
    "rows",
    [
        '<row r="1"><c r="A1" t="s"><v>9</v></c></row>', '<row r="x"/>',
        '<row r="1"><c r="A1"><v>many</v></c></row>', '<row><c r="ABCDE1"><v>1</v></c></row>',
        f'<row><c t="str"><v>{"x" * 1_000_001}</v></c></row>',
        f'<row><c><v>{"9" * 5000}</v></c></row>',
    ],
)  # fmt: skip
def test_cells_that_no_sheet_has_are_refused(tmp_path: Path, rows: str) -> None:
    with pytest.raises((BrokenFile, BadHeader), match=r"damaged|data|required|no column tells"):
        read(raw_workbook(tmp_path / "f.xlsx", rows))


def test_a_workbook_without_rows_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadHeader, match="has no sheet with rows"):
        read(saved(tmp_path, [], []))
    with pytest.raises(BadHeader, match='has no rows in sheet "S1"'):
        read(saved(tmp_path, [], [HEADER]), sheet="S1")
