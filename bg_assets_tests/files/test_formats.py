"""Of which format a file is, and what is said where its name and its bytes disagree."""

import gzip
import io
import sys
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import openpyxl
import pyarrow as pa
import pytest
from pyarrow import parquet

from bg_assets.files import formats
from bg_assets.files.header import BadHeader
from bg_assets.files.reading import open_import

OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(3000)
CSV = b"id,company_id\np1,c1\n"


def workbook() -> bytes:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append(["id", "company_id"])
    sheet.append(["p1", "c1"])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def columns() -> bytes:
    out = io.BytesIO()
    parquet.write_table(pa.table({"id": ["p1"], "company_id": ["c1"]}), out)
    return out.getvalue()


def packed_workbook() -> bytes:
    return gzip.compress(workbook())


def packed_columns() -> bytes:
    return gzip.compress(columns())


def archive(name: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr(name, "x")
    return out.getvalue()


# Made in the test itself: the time of day is in some of them, and names of tests must be the same
# in every process that collects them.
Content = bytes | Callable[[], bytes]


def made(content: Content) -> bytes:
    return content if isinstance(content, bytes) else content()


@pytest.mark.parametrize(
    ("name", "content", "form"),
    [
        ("f.csv", CSV, "csv"), ("f.txt", CSV, "csv"), ("f", CSV, "csv"), ("f.xls", CSV, "csv"),
        ("f.csv.gz", gzip.compress(CSV, mtime=0), "csv"), ("f.NDJSON", b"{}", "json"),
        ("f.jsonl.gz", gzip.compress(b"{}", mtime=0), "json"), ("f.XLSX", workbook, "xlsx"),
        ("f.xlsm", workbook, "xlsx"), ("f.a.parquet", columns, "parquet"),
        ("f.pq", columns, "parquet"), ("f.csv", b"", "csv"),
    ],
)  # fmt: skip
def test_a_format_is_told_by_name_and_bytes(
    tmp_path: Path, name: str, content: Content, form: str
) -> None:
    (tmp_path / name).write_bytes(made(content))
    assert formats.told(tmp_path / name) == form


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("f.csv", workbook, "is a workbook or zip archive but is named .csv: rename it to .xlsx"),
        ("f", workbook, "is a workbook or zip archive but has no ending"),
        ("f.parquet", workbook, "is a workbook or zip archive but is named .parquet"),
        ("f.csv", columns, "is a Parquet file but is named .csv: rename it to .parquet"),
        ("f.xlsx", columns, "is a Parquet file but is named .xlsx"),
        ("f.xlsx", CSV, "is named .xlsx but is no workbook: if it holds text, rename it to .csv"),
        ("f.parquet", CSV, "is named .parquet but is no Parquet file: if it holds text, rename"),
        ("f.xlsx", b"", "is empty"), ("f.xlsx", bytes(20), "or is damaged"),
        ("f.xls", OLD, "is an old Excel workbook: save it as .xlsx"),
        ("f.csv", OLD, "is an old Excel workbook"),
        ("f.xlsx", OLD + "EncryptedPackage".encode("utf-16-le"), "is protected by a password"),
        ("f.xls", b" <HTML><table>", "is a web page named .xls"),
        ("f.xlsx.gz", packed_workbook, "is packed with gzip, which only files of"),
        ("f.csv.gz", packed_columns, "is packed with gzip"),
        ("f.zip", partial(archive, "people.csv"), "is a zip archive: unpack it, and import"),
        ("f.json", b' [ {"id": 1}]', "is one JSON array: make it JSON lines"),
        ("f.jsonl", b'\xef\xbb\xbf[\n  {"id": 1}\n]', "is one JSON array"),
        ("f.json", b'{"id": 1}\n', "is JSON: if each of its lines is an object, rename"),
        ("f.xlsx", partial(archive, "xl/workbook.bin"), "is a binary workbook (.xlsb)"),
        ("f.xlsx", partial(archive, "content.xml"), "is an OpenDocument sheet (.ods)"),
        ("f.xlsx", partial(archive, "people.csv"), "is a zip archive but no workbook: unpack it"),
        ("f.xlsx", partial(archive, "[Content_Types].xml"), "is no workbook that can be read"),
    ],
)  # fmt: skip
def test_what_a_file_is_not_is_told_plainly(
    tmp_path: Path, name: str, content: Content, said: str
) -> None:
    (tmp_path / name).write_bytes(made(content))
    with pytest.raises(BadHeader) as error:
        open_import(tmp_path / name, "people", {}, False)
    assert str(error.value).startswith(f"{name} ")
    assert said in str(error.value)


def test_a_mark_of_encryption_is_found_wherever_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(formats, "_PIECE", 64)
    for before in range(64):
        path = tmp_path / "f.xlsx"
        path.write_bytes(OLD[: 100 + before] + "EncryptedPackage".encode("utf-16-le") + bytes(90))
        with pytest.raises(BadHeader, match="password"):
            formats.told(path)


@pytest.mark.parametrize(
    ("name", "content", "library", "extra"),
    [
        ("f.xlsx", workbook, "openpyxl.reader", "excel"),
        ("f.parquet", columns, "pyarrow", "parquet"),
    ],
)
def test_a_missing_library_is_named_with_what_to_install(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    content: Content,
    library: str,
    extra: str,
) -> None:
    (tmp_path / name).write_bytes(made(content))
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(BadHeader, match=rf"needs: pip install 'bg-assets\[{extra}\]'"):
        open_import(tmp_path / name, "people", {}, False)


@pytest.mark.parametrize(
    ("name", "content", "options", "said"),
    [
        ("f.csv", CSV, {"sheet": "1"}, "--sheet means nothing"),
        ("f.parquet", columns, {"sheet": "1"}, "--sheet means nothing"),
        ("f.parquet", columns, {"encoding": "utf-8"}, "--encoding means nothing"),
        ("f.xlsx", workbook, {"encoding": "cp1252"}, "--encoding means nothing"),
    ],
)
def test_an_option_that_means_nothing_for_a_format_is_refused(
    tmp_path: Path, name: str, content: Content, options: dict[str, str], said: str
) -> None:
    (tmp_path / name).write_bytes(made(content))
    with pytest.raises(BadHeader, match=said):
        open_import(tmp_path / name, "people", {}, False, **options)  # type: ignore[arg-type]
