"""A CSV or CSV.gz file to records with their line, in bounded memory.

Knows quotes and what is wrong with a record; nothing of what the columns mean.
"""

import csv
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from bg_assets.files.lines import BrokenFile, Lines, undecoded

# A line is cut at so many characters, and a quoted field may not run on for longer than that.
LONGEST_LINE = 1_000_000

# One record: the physical line it starts at, its fields (the line as it is where they can't be
# told apart), and what is wrong with it, if something is. A plain tuple: a file has millions.
Record = tuple[int, list[str], str | None]


class Records:
    """The records of one open file, the header among them; close it in the end.

    Bytes that are not UTF-8 stay in the fields as lone surrogates. Blank lines are skipped.
    """

    def __init__(
        self, path: Path, *, encoding: str = "utf-8-sig", delimiter: str = ",", skip: int = 0
    ) -> None:
        """Raises BadHeader where the file can't be a CSV, before anything is parsed.

        skip: physical lines before the header, which are passed over.
        """
        self._file = Lines.of_file(path, LONGEST_LINE, encoding)
        self._delimiter = delimiter
        self._number = 0
        for _ in range(skip):
            line = self._file.read()
            if self._file.is_cut(line):
                self._file.skip()
            self._number += 1
        self._lines: list[str] = []
        self._pushed: deque[str] = deque()
        self._problem: str | None = None
        self._shortened = False
        self._ended = False
        self._iterator = self._parsed()

    def close(self) -> None:
        self._file.close()

    @property
    def position(self) -> int:
        """Bytes of the file (compressed, if it is) that are read."""
        return self._file.position

    @property
    def cut(self) -> bool:
        """Whether the record just given is the last and its line has no end."""
        return bool(self._lines) and not self._lines[-1].endswith(("\n", "\r"))

    def first(self) -> Record | None:
        """The header; None for a file without any record."""
        return next(self._iterator, None)

    def __iter__(self) -> Iterator[Record]:
        """All records not given yet.

        Raises BrokenFile for damaged compression, a cut-off file or a quote left open.
        """
        return self._iterator

    def _parsed(self) -> Iterator[Record]:
        reader = csv.reader(self._source(), delimiter=self._delimiter, strict=True)
        lines = self._lines
        while True:
            lines.clear()
            self._problem = None
            self._shortened = False
            start = self._number + 1
            try:
                fields = next(reader)
            except StopIteration:
                return
            except csv.Error as err:
                yield self._unparsed(start, err)
                continue
            if self._shortened:
                fields = ["".join(lines).rstrip("\r\n")]
            if fields:
                yield start, fields, self._problem

    def _source(self) -> Iterator[str]:
        """Physical lines; notes what the parser would not notice."""
        file, lines, pushed, held = self._file, self._lines, self._pushed, 0
        while line := pushed.popleft() if pushed else file.read():
            self._number += 1
            if lines:
                held += len(line)
                if held > LONGEST_LINE:
                    raise _open_quote(self._number - len(lines))
            else:
                held = len(line)
            lines.append(line)
            if not line.isascii() and undecoded(line):
                self._problem = "holds bytes that are not UTF-8"
            if len(line) >= LONGEST_LINE and file.is_cut(line):
                self._problem = f"is longer than {LONGEST_LINE:,} characters"
                self._shortened = True
                lines[-1] = line[:1000] + "…" + file.skip()
                line = "\n"
            yield line
        self._ended = True

    def _unparsed(self, start: int, error: csv.Error) -> Record:
        """What the parser refused, as a record of its first line; the rest is read again."""
        first, *rest = self._lines
        too_long = "field larger" in str(error)
        if self._ended or (too_long and rest):
            raise _open_quote(start) from None
        self._pushed.extendleft(reversed(rest))
        self._number = start
        del self._lines[1:]
        what = (
            "holds a field that is too long"
            if too_long
            else ("has a quote inside a quoted field: write it twice")
        )
        return start, [first.rstrip("\r\n")], self._problem or what


def _open_quote(line: int) -> BrokenFile:
    return BrokenFile(
        f"is cut off, or a quote that opens in the record of line {line:,} is never closed: "
        "mend that line, or make the file again"
    )
