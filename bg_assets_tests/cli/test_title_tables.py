"""`titles` of a workbook and of a Parquet file: as of a CSV with the same columns."""

import csv
import io
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pytest
from click.testing import CliRunner
from pyarrow import parquet

from bg_assets.cli.main import main

ROWS = [("CFO", "Danmark"), ("Leder", "Danmark"), (None, None), ("Leder", "Deutschland")]


def run(path: Path, *options: str) -> Any:
    result = CliRunner().invoke(main, ["titles", str(path), *options])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def rows(path: Path, *options: str) -> list[dict[str, str]]:
    result = run(path, *options)
    assert result.exit_code == 0, result.stderr
    return list(csv.DictReader(io.StringIO(result.stdout)))


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """The same rows as a CSV, a workbook with lines above its header, and a Parquet file."""
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in [("Titles of 2026",), ("Job Title", "Country"), *ROWS]:
        sheet.append(list(row))
    book.save(tmp_path / "t.xlsx")
    names, countries = zip(*ROWS, strict=True)
    table = pa.table({"Job Title": names, "Country": countries})
    parquet.write_table(table, tmp_path / "t.parquet")
    lines = "".join(f"{title or ''},{country or ''}\n" for title, country in ROWS)
    (tmp_path / "t.csv").write_text(f"Job Title,Country\n{lines}")
    return {one: tmp_path / f"t.{one}" for one in ("csv", "xlsx", "parquet")}


def test_titles_of_each_format_are_read_alike(files: dict[str, Path]) -> None:
    plain = rows(files["csv"], "--column", "Job Title")
    assert [row["level"] for row in plain] == ["c_level", "manager", "unknown", "unknown"]
    assert rows(files["parquet"], "--column", "job title") == plain
    # A row of a sheet that holds nothing is none.
    assert rows(files["xlsx"], "--column", "Job Title") == [plain[0], plain[1], plain[3]]


@pytest.mark.parametrize("form", ["xlsx", "parquet"])
def test_a_table_without_the_column_says_so(files: dict[str, Path], form: str) -> None:
    result = run(files[form])
    assert result.exit_code == 2
    assert f"t.{form}: its header names no column 'title'" in result.stderr


def test_a_sheet_is_taken_by_name_and_means_nothing_elsewhere(files: dict[str, Path]) -> None:
    assert len(rows(files["xlsx"], "--column", "Job Title", "--sheet", "Sheet")) == 3
    for form in ("csv", "parquet"):
        result = run(files[form], "--column", "Job Title", "--sheet", "Sheet")
        assert (result.exit_code, "--sheet means nothing" in result.stderr) == (2, True)


def test_a_broken_workbook_is_one_clear_line(files: dict[str, Path]) -> None:
    content = files["xlsx"].read_bytes()
    files["xlsx"].write_bytes(content[: len(content) // 2])
    result = run(files["xlsx"], "--column", "Job Title")
    assert result.exit_code == 2
    assert "t.xlsx: is damaged or cut off" in result.stderr
