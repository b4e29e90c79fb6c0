"""Lines from bytes, as imports and lists of titles read them: ends, damage, and other files."""

import errno
import gzip
import io
from typing import Any

import pytest

from bg_assets.files.header import BadHeader
from bg_assets.files.lines import BrokenFile, Lines, undecoded

LONGEST = 40


def opened(content: bytes, **options: Any) -> Lines:
    return Lines(io.BufferedReader(io.BytesIO(content)), LONGEST, **options)


def read(lines: Lines) -> list[str]:
    return list(iter(lines.read, ""))


class Failing(io.RawIOBase):
    """A disk that gives one line and fails."""

    def __init__(self) -> None:
        self._given = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._given:
            raise OSError(errno.EIO, "Input/output error")
        self._given = True
        buffer[:9] = b"id,name\na"
        return 9


@pytest.mark.parametrize("packed", [False, True])
def test_lines_keep_their_ends_and_a_byte_order_mark_is_none_of_them(packed: bool) -> None:
    content = "\ufeffé\r\nb\n\nc\rd".encode()
    lines = opened(gzip.compress(content) if packed else content)
    assert read(lines) == ["é\r\n", "b\n", "\n", "c\r", "d"]
    assert lines.number == 5


@pytest.mark.parametrize("end", ["\n", ""])
def test_a_line_that_is_too_long_is_cut_and_skipped_and_counts_once(end: str) -> None:
    lines = opened(f"a\n{'x' * 3 * LONGEST}{end}last".encode() if end else b"a\n" + b"x" * 99)
    assert lines.read() == "a\n"
    long = lines.read()
    assert (len(long), lines.is_cut(long)) == (LONGEST, True)
    assert lines.skip() == end
    assert lines.number == 2
    assert read(lines) == (["last"] if end else [])


@pytest.mark.parametrize("length", [LONGEST - 2, LONGEST - 1])
def test_a_line_of_the_longest_with_its_end_is_whole(length: int) -> None:
    lines = opened(b"x" * length + b"\n")
    assert not lines.is_cut(lines.read())


def test_bytes_that_are_not_utf8_stay_and_are_seen() -> None:
    lines = read(opened(b"caf\xe9\ncaf\xc3\xa9\n"))
    assert [undecoded(line) for line in lines] == [True, False]
    assert lines[0].encode(errors="surrogateescape") == b"caf\xe9\n"


@pytest.mark.parametrize("lost", [1, 9, 30])
def test_damaged_compression_is_told_with_the_lines_before_it(lost: int) -> None:
    lines = opened(gzip.compress(b"".join(b"%d\n" % i for i in range(99)))[:-lost])
    with pytest.raises(BrokenFile, match=r"is damaged or cut off after line \d+: copy or make it"):
        read(lines)


def test_a_disk_that_fails_is_told_with_the_lines_before_it() -> None:
    lines = Lines(io.BufferedReader(Failing()), LONGEST)
    with pytest.raises(BrokenFile, match="can't be read after line 1: Input/output error"):
        read(lines)
    lines = Lines(io.BufferedReader(Failing()), 3)
    assert lines.is_cut(lines.read())
    assert lines.skip() == "\n"
    with pytest.raises(BrokenFile, match="can't be read after line 1"):
        lines.read()


@pytest.mark.parametrize(
    ("start", "what", "advice"),
    [
        (b"PK\x03\x04", "a workbook or zip archive", "save the sheet as CSV (UTF-8)"),
        (b"\xd0\xcf\x11\xe0", "an old Excel workbook", "save the sheet as CSV (UTF-8)"),
        (b"PAR1", "a Parquet file", "save it as CSV (UTF-8)"),
        (b"%PDF", "a PDF", "it takes a CSV file (UTF-8)"),
        (b"\xff\xfe", "UTF-16", "save it as CSV in UTF-8"),
        (b"\xfe\xff", "UTF-16", "save it as CSV in UTF-8"),
    ],
)
def test_another_file_is_told_from_its_beginning_with_what_to_do(
    start: bytes, what: str, advice: str
) -> None:
    for options, said in (({}, advice), ({"takes": "it takes a list"}, "it takes a list")):
        with pytest.raises(BadHeader) as error:
            opened(start + b"rest", **options)
        assert str(error.value) == f"is {what}: {said}"


def test_a_name_that_ends_in_gz_promises_compression() -> None:
    with pytest.raises(BadHeader, match=r"is named \.gz but is not compressed with gzip"):
        opened(b"PK\x03\x04", compressed=True)
    assert read(opened(gzip.compress(b"a"), compressed=True)) == ["a"]
