"""The rows of a list of titles and of a CSV of them, as they come from a stream."""

import io

import pytest

from bg_assets.files.titles import TitleFile, TitleRow


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
