"""Titles to classify from a stream of bytes: a list, one a line, or a CSV with a header.

Rows are given as they are read, in bounded memory; what a title means is not known here.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, NamedTuple, Self, cast

from bg_assets.domain.values.near import near
from bg_assets.files.header import BadHeader
from bg_assets.files.lines import BrokenFile, Lines, undecoded

LONGEST_LINE = 100_000  # characters of a line, and of a quoted field with line breaks
# Names under which a column of context may come.
CONTEXT = {
    "department": ("department",),
    "employee_count": ("employee_count", "company_size"),
    "country": ("country",),
}


class TitleRow(NamedTuple):
    """One row as it is written; an empty cell or an absent column is None, but for the title.

    A tuple, since of a million rows nothing is made and compared as fast.
    """

    title: str
    department: str | None = None
    employee_count: str | None = None
    country: str | None = None


class TitleFile:
    """The rows of one stream. ``columns``: the header of a CSV, None for a list."""

    def __init__(self, stream: BinaryIO, column: str | None) -> None:
        """Read the beginning and find out which of the two it is.

        ``column``: the name of the titles' column; without one a first line that names `title`
        is a header. Raises BadHeader or BrokenFile.
        """
        self._lines = _CheckedLines(stream)
        first = self._lines.peeked()
        self.columns = _header(first, column)
        # A list all the same, but somebody may have meant a CSV.
        self.looks_like_columns = self.columns is None and first.count(",") > 1
        self._at = positions(self.columns, column or "title") if self.columns else {}

    def __iter__(self) -> Iterator[TitleRow]:
        """The rows in their order; a line of a list is a row even where it is empty.

        Raises BrokenFile, with the line, for what can't be read.
        """
        return self._listed() if self.columns is None else self._records(len(self.columns))

    def _listed(self) -> Iterator[TitleRow]:
        for line in self._lines:
            self._lines.held = 0
            yield TitleRow(line.rstrip("\r\n"))

    def _records(self, width: int) -> Iterator[TitleRow]:
        lines = self._lines
        reader = csv.reader(lines, strict=True)
        records = iter(reader)
        next(records)
        while True:
            began = lines.number + 1
            lines.held = 0
            try:
                fields = next(records)
            except StopIteration:
                return
            except csv.Error:
                raise BrokenFile(
                    f"is cut off, or holds a quote that is not in its place, in the record of "
                    f"line {began:,}: mend that line"
                ) from None
            if width == 1 and len(fields) != 1:
                # An empty line of a list with a header, or commas that belong to the title.
                fields = [lines.last.rstrip("\r\n")]
            if not fields:
                continue
            if len(fields) != width:
                raise BrokenFile(
                    f"line {began:,} has {len(fields)} fields, the header has {width}: mend the "
                    "line; a title with commas stands in quotes"
                )
            yield TitleRow(**{name: fields[at] for name, at in self._at.items()})


class _CheckedLines:
    """Lines with their ends; refuses bytes that are not UTF-8 and endless lines."""

    def __init__(self, stream: BinaryIO) -> None:
        buffered = io.BufferedReader(cast(Any, stream))
        takes = "it takes a list or a CSV file in UTF-8"
        self._file = Lines(buffered, LONGEST_LINE, takes=takes)
        self._pushed: str | None = None
        self.number = 0
        self.held = 0  # characters since somebody set it to 0
        self.last = ""

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        line, self._pushed = self._pushed or self._read(), None
        if not line:
            raise StopIteration
        self.number += 1
        self.held += len(line)
        if self.held >= LONGEST_LINE:
            raise BrokenFile(
                f"line {self.number:,} is longer than {LONGEST_LINE:,} characters, or a quote "
                "before it is never closed"
            )
        self.last = line
        return line

    def peeked(self) -> str:
        """The first line, which is given again; empty where there is none."""
        self._pushed = self._read()
        return self._pushed

    def _read(self) -> str:
        line = self._file.read()
        if undecoded(line):
            raise BrokenFile(
                f"line {self._file.number:,} holds bytes that are not UTF-8: save it as UTF-8"
            )
        return line


def _header(line: str, column: str | None) -> tuple[str, ...] | None:
    """The columns that the first line names, or None where it is a title."""
    try:
        names = tuple(name.strip() for name in next(csv.reader([line], strict=True), []))
    except csv.Error:
        names = ()
    wanted = _plain(column or "title")
    if wanted in map(_plain, names):
        return names
    for mark, word in ((";", "semicolons"), ("\t", "tabs")):
        if wanted in (_plain(name.strip('"')) for name in line.split(mark)):
            raise BadHeader(f"the columns are separated by {word}: save the file with commas")
    if column is not None:
        there = near(column, [name for name in names if name])
        raise BadHeader(f"the first line names no column {column!r}; {there}".rstrip("; "))
    return None


def positions(columns: Sequence[str], title: str) -> dict[str, int]:
    """Where the title, which is one of the columns, and its context stand. Raises BadHeader."""
    plain = [_plain(name) for name in columns]
    if plain.count(_plain(title)) > 1:
        raise BadHeader(f"the column {title!r} comes twice")
    found = {"title": plain.index(_plain(title))}
    for name, spellings in CONTEXT.items():
        at = next((plain.index(s) for s in spellings if s in plain), None)
        if at is not None and at != found["title"]:
            found[name] = at
    return found


def _plain(name: str) -> str:
    return "_".join(name.casefold().split())
