"""The rows of a list of titles and of a CSV of them, as they come from a stream."""

import gzip
import io

import pytest

from bg_assets.files.header import BadHeader
from bg_assets.files.lines import BrokenFile
from bg_assets.files.titles import LONGEST_LINE, TitleFile, TitleRow


def read(text: str, column: str | None = None) -> list[TitleRow]:
    return list(TitleFile(io.BytesIO(text.encode()), column))


def test_each_line_of_a_list_is_a_row_without_its_end_even_where_it_is_empty() -> None:
    assert [row.title for row in read("CFO\r\n\nHead of Tax, Europe\nCIO")] == [
        "CFO", "", "Head of Tax, Europe", "CIO",
    ]  # fmt: skip
    assert read("") == []


def test_a_header_is_no_row_and_names_the_title_and_its_context() -> None:
    text = "id,Title,country,company size\n1,CFO,DE,200\n2,CIO,,\n"
    assert read(text) == [
        TitleRow("CFO", None, "200", "DE"), TitleRow("CIO", None, "", ""),
    ]  # fmt: skip


@pytest.mark.parametrize("header", ["", "title\n"])
def test_a_list_of_any_length_is_read_line_by_line(header: str) -> None:
    """No line is counted together with those before it."""
    many = "Chief Financial Officer\n" * 5000
    assert read(header + many) == [TitleRow("Chief Financial Officer")] * 5000


def test_of_titles_alone_a_record_without_quotes_is_its_whole_line() -> None:
    assert read('title\nVP, Sales\n\n"Head, Tax"\n') == [
        TitleRow("VP, Sales"), TitleRow(""), TitleRow("Head, Tax"),
    ]  # fmt: skip


def test_beside_other_columns_empty_lines_are_none_and_a_column_may_have_another_name() -> None:
    text = "Job  Title,Department,employee_count\nCFO,Finance,\n\n\nCIO,IT,9\n"
    assert read(text, "job title") == [
        TitleRow("CFO", "Finance", ""), TitleRow("CIO", "IT", "9"),
    ]  # fmt: skip
    assert TitleFile(io.BytesIO(text.encode()), "job_title").columns == (
        "Job  Title", "Department", "employee_count",
    )  # fmt: skip


def test_a_column_that_holds_the_titles_is_not_their_context_too() -> None:
    assert read("department,country\nCFO,DE\n", "department") == [TitleRow("CFO", None, None, "DE")]


@pytest.mark.parametrize(
    ("first", "looks"), [("VP, Sales", False), ("1,CFO,Acme", True), ("title,a,b", False)]
)
def test_a_list_whose_first_line_has_commas_may_be_meant_as_a_csv(first: str, looks: bool) -> None:
    assert TitleFile(io.BytesIO(first.encode()), None).looks_like_columns is looks


BROKEN: list[tuple[bytes, str]] = [
    (b"CFO\nf\xfcr\n", "line 2 holds bytes that are not UTF-8"),
    (b"title,x\nCFO,1\nCTO\n", "line 3 has 1 fields, the header has 2"),
    (b"title,x\nCFO,1\nCTO,1,2\n", "line 3 has 3 fields, the header has 2"),
    (b'title,x\nCFO,"1\n2"\nCTO,"1', "in the record of line 4"),
    (b'title,x\nCFO,"' + b"x\n" * 60_000, "a quote before it is never closed"),
    (b"CFO\n" + b"x" * LONGEST_LINE, "line 2 is longer than"),
    (gzip.compress(b"CFO\n" * 99, mtime=0)[:-9], "damaged or cut off after line"),
]


@pytest.mark.parametrize(("content", "said"), BROKEN)
def test_what_can_not_be_read_is_named_with_its_line(content: bytes, said: str) -> None:
    with pytest.raises(BrokenFile, match=said):
        list(TitleFile(io.BytesIO(content), None))


@pytest.mark.parametrize(("content", "column", "said"), [
    (b"title;x\n", None, "separated by semicolons"),
    (b'"Title"\tx\n', None, "separated by tabs"),
    (b"title,x,Title\n", None, "the column 'title' comes twice"),
    (b"name,job\n", "jobb", "names no column 'jobb'; did you mean job"),
    (b"CFO\n", "job", "names no column 'job'"),
    (b"\xff\xfet\0", None, "is UTF-16"), (b"\xfe\xff\0t", None, "is UTF-16"),
    (b"PK\x03\x04", None, "workbook"), (b"PAR1", None, "Parquet"), (b"%PDF-1", None, "PDF"),
    (b"\xd0\xcf\x11\xe0", None, "old Excel"),
])  # fmt: skip
def test_what_is_neither_list_nor_csv_is_refused_from_its_beginning(
    content: bytes, column: str | None, said: str
) -> None:
    with pytest.raises(BadHeader, match=said):
        TitleFile(io.BytesIO(content), column)


def test_a_line_just_short_of_the_longest_and_a_compressed_list_are_read() -> None:
    long = "x" * (LONGEST_LINE - 2)
    assert read(f"{long}\n{long}\n") == [TitleRow(long)] * 2
    packed = gzip.compress(b"\xef\xbb\xbfCFO\nCIO\n")
    assert list(TitleFile(io.BytesIO(packed), None)) == [TitleRow("CFO"), TitleRow("CIO")]
