"""Workbooks and Parquet files through the command: what is imported from them, and exported."""

import csv
import gzip
import io
import json
import stat
import sys
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pytest
from pyarrow import parquet

from bg_assets.cli import export_formats
from bg_assets_tests.cli.command import Command
from bg_assets_tests.cli.refreshing import refresh

PEOPLE = [
    ("id", "company_id", "name", "title", "start_date"),
    (4711, 17, "Ines Marble", "Chief Financial Officer", date(2024, 3, 5)),
    (4712, 17, "=cmd()", "_x0041_ Controller", None),
    (123456789012345678, 17, "Lost Digits", "Clerk", None),
]


def workbook(folder: Path, **sheets: Any) -> Path:
    """A workbook of these sheets, in which no text is a formula."""
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
        texts = (cell for row in sheet.iter_rows() for cell in row if cell.data_type == "f")
        for cell in texts:
            cell.data_type = "s"
    path = folder / "crm.xlsx"
    book.save(path)
    return path


@pytest.fixture
def world(bg: Command, tmp_path: Path) -> Command:
    """One company with its group, from a workbook of two sheets."""
    path = workbook(tmp_path, Companies=[("id", "name"), (17, "Acme Ltd")], People=PEOPLE)
    done = bg("import", "companies", path, "--sheet", "Companies")
    assert done.code == 0, done.err
    done = bg("import", "people", path, "--sheet", "2")
    assert done.code == 0, done.err
    refresh(bg, "17")
    return bg


def test_a_workbook_is_imported_by_sheets_and_again_without_a_change(
    world: Command, tmp_path: Path
) -> None:
    path = tmp_path / "crm.xlsx"
    found = world.rows("select id, company_id, name, start_date from bg.people order by id")
    assert found == [
        ("4711", "17", "Ines Marble", date(2024, 3, 5)), ("4712", "17", "=cmd()", None),
    ]  # fmt: skip
    rejects = list(csv.reader((tmp_path / "crm.xlsx.rejects.csv").read_text().splitlines()))
    assert rejects[1][0] == "4"
    assert "shortened by a spreadsheet" in rejects[1][1]
    assert rejects[1][4] == "Lost Digits"
    done = world.json("import", "people", path, "--sheet", "people")
    assert (done["unchanged"], done["updated"], done["format"]) == (2, 0, "xlsx")
    assert done["sheet"] == "People"
    done = world("import", "people", path)
    assert done.code == 2
    assert 'several sheets with rows, "Companies", "People"' in done.err


def test_a_parquet_file_is_imported_and_again_without_a_change(bg: Command, tmp_path: Path) -> None:
    bg.companies("c1")
    count = 600
    ids = pa.array(range(count), pa.int64())
    table = pa.table({"id": ids, "company_id": ["c1"] * count, "hired": [None] * count})
    parquet.write_table(table, tmp_path / "p.parquet")
    options = ("--map", "start_date=hired")
    done = bg.json("import", "people", tmp_path / "p.parquet", *options)
    assert (done["inserted"], done["format"], done["sheet"]) == (count, "parquet", None)
    assert bg.json("import", "people", tmp_path / "p.parquet", *options)["unchanged"] == count


def test_a_broken_workbook_leaves_the_tables_as_they_are(bg: Command, tmp_path: Path) -> None:
    bg.companies("c1")
    rows = [(f"p{number}", "c1", f"T{number * 7919 % 9973}") for number in range(5000)]
    path = workbook(tmp_path, S=[("id", "company_id", "title"), *rows])
    content = path.read_bytes()
    at = content.index(b"xl/worksheets/sheet1.xml") + 60_000
    path.write_bytes(content[:at] + bytes(50) + content[at + 50 :])
    done = bg("import", "people", path)
    assert (done.code, "crm.xlsx is damaged" in done.err) == (1, True)
    assert bg.rows("select count(*) from bg.people") == [(0,)]


def exported(world: Command, path: Path) -> list[dict[str, Any]]:
    """The rows of a file of any format that has rows."""
    assert world("export", path).code == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    if path.suffix == ".xlsx":
        (sheet,) = openpyxl.load_workbook(path).worksheets
        header, *rows = sheet.iter_rows(values_only=True)
        return [dict(zip(map(str, header), row, strict=True)) for row in rows]
    if path.suffix in (".parquet", ".pq"):
        return list(parquet.read_table(path).to_pylist())
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    return list(csv.DictReader(io.StringIO(text)))


def test_the_ending_of_a_files_name_says_what_is_written(world: Command, tmp_path: Path) -> None:
    plain = exported(world, tmp_path / "g.csv")
    assert exported(world, tmp_path / "g.csv.gz") == plain
    assert exported(world, tmp_path / "g") == plain
    (group,) = json.loads(world("export", "--format", "json").out)
    world("export", tmp_path / "g.jsonl")
    assert [json.loads(line) for line in (tmp_path / "g.jsonl").read_text().splitlines()] == [group]
    sheet, columns = (
        exported(world, tmp_path / "g.XLSX".lower()),
        exported(world, tmp_path / "g.pq"),
    )
    members = {one["person_id"]: one for one in group["members"]}
    assert len(plain) == len(members) == len(sheet) == len(columns) > 0
    for of_csv, of_sheet, of_parquet in zip(plain, sheet, columns, strict=True):
        assert set(of_csv) == set(of_sheet) == set(of_parquet)
        member = members[of_csv["person_id"]]
        assert of_sheet["confidence"] == pytest.approx(member["confidence"])
        assert of_parquet["confidence"] == member["confidence"]
        assert of_parquet["reasons"] == member["reasons"]
        assert of_sheet["reasons"] == of_csv["reasons"]
        assert of_sheet["pinned"] is of_parquet["pinned"] is False
        assert of_parquet["as_of"].isoformat() == of_csv["as_of"]
        assert of_sheet["as_of"].date() == of_parquet["as_of"]
        assert of_sheet["email"] is of_parquet["email"] is None


def test_texts_of_a_sheet_are_no_formulas_and_stay_what_they_are(
    world: Command, tmp_path: Path
) -> None:
    """Written, opened by what opens workbooks, and imported again as they were."""
    world.execute("update bg.people set name = '=1+1', title = '_x0041_ CFO'")
    refresh(world, "17")
    rows = exported(world, tmp_path / "g.xlsx")
    cells = list(openpyxl.load_workbook(tmp_path / "g.xlsx").worksheets[0].iter_rows())[1:]
    assert rows
    assert {cell.data_type for row in cells for cell in row if cell.value == "=1+1"} == {"s"}
    done = world.json("import", "people", tmp_path / "g.xlsx", "--map", "id=person_id",
                      "--ignore-unknown")  # fmt: skip
    assert done["updated"] + done["inserted"] == 0
    assert done["unchanged"] == len(rows)


def test_an_unknown_ending_is_refused_with_those_there_are(world: Command, tmp_path: Path) -> None:
    for name in ("g.xls", "g.txt", "g.txt.gz"):
        done = world("export", tmp_path / name)
        assert done.code == 2
        assert ".csv, .json, .jsonl, .ndjson, .xlsx, .parquet, .pq, and .gz" in done.err
        assert not (tmp_path / name).exists()
    assert world("export", tmp_path / "g.txt", "--format", "csv").code == 0
    done = world("export", tmp_path / "g.xlsx.gz")
    assert (done.code, "only files of text are packed" in done.err) == (2, True)


@pytest.mark.parametrize(
    ("name", "library", "extra"),
    [("g.xlsx", "openpyxl", "excel"), ("g.parquet", "pyarrow", "parquet")],
)
def test_a_format_whose_library_is_missing_says_what_to_install(
    bg: Command, monkeypatch: pytest.MonkeyPatch, name: str, library: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    done = bg("export", bg.folder / name)
    assert done.code == 2
    assert f"pip install 'bg-assets[{extra}]'" in done.err


def test_more_members_than_a_sheet_has_room_for_are_refused_and_nothing_is_written(
    world: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_formats, "_MOST_IN_A_SHEET", 0)
    done = world("export", tmp_path / "g.xlsx")
    assert done.code == 1
    assert "a sheet has room for 0 members and there are more: write .parquet" in done.err
    assert not (tmp_path / "g.xlsx").exists()


def test_without_groups_there_is_the_header_alone_in_each_format(
    bg: Command, tmp_path: Path
) -> None:
    assert exported(bg, tmp_path / "g.xlsx") == exported(bg, tmp_path / "g.parquet") == []
    assert "person_id" in parquet.read_schema(tmp_path / "g.parquet").names
