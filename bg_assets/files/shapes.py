"""What a file to import is besides its columns: its format, encoding, what stands before them.

Told from its bytes and its first lines; what the columns mean is not known here.
"""

import csv
import gzip
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from bg_assets.files import encodings, formats, workbooks
from bg_assets.files.encodings import UTF_8, Encoding
from bg_assets.files.formats import Format
from bg_assets.files.header import BadHeader
from bg_assets.files.lines import is_no_text
from bg_assets.files.spellings import plain
from bg_assets.files.workbooks import Table

_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_GZIP = b"\x1f\x8b"
# The header is one of so many first lines, of so many bytes in all.
_LINES = 25
_START = 1 << 16


@dataclass(frozen=True, slots=True)
class Shape:
    """How the records of a file are read.

    skip: physical lines before the header. table: what of a workbook is read. said: what is not as
    in an ordinary CSV file, in words.
    """

    encoding: str = UTF_8
    delimiter: str = ","
    skip: int = 0
    form: Format = "csv"
    table: Table | None = None
    said: tuple[str, ...] = ()


def told(path: Path, known: Iterable[str], encoding: str | None, sheet: str | None) -> Shape:
    """The shape of a file, by its bytes and by where ``known`` names of columns stand in it.

    ``encoding``, ``sheet``: as the user says. Raises BadHeader where no encoding fits, the file is
    no table, or it can't be read.
    """
    form = formats.told(path)
    names = {plain(name) for name in known}
    if sheet is not None and form != "xlsx":
        raise BadHeader("is no workbook, so that --sheet means nothing: leave it out")
    if encoding is not None and form in ("xlsx", "parquet"):
        raise BadHeader("is no file of text, so that --encoding means nothing: leave it out")
    if form == "xlsx":
        table, said = workbooks.told(path, names, sheet)
        return Shape(form=form, table=table, said=said)
    return Shape(form=form) if form == "parquet" else _of_text(path, form, names, encoding)


def _of_text(path: Path, form: Format, known: set[str], encoding: str | None) -> Shape:
    try:
        with path.open("rb") as raw:
            start = _bytes(raw).read(_START)
        # What can't be read at all is told by whoever reads the records.
        if is_no_text(start):
            return Shape()
        with path.open("rb") as raw:
            found = encodings.named(encoding) if encoding else encodings.told(_bytes(raw))
    except (EOFError, zlib.error, gzip.BadGzipFile):
        return Shape(form=form)
    except OSError as err:
        raise BadHeader(f"can't be read: {err.strerror}") from None
    if form == "json":
        return Shape(found.name, form=form, said=tuple(filter(None, (found.said,))))
    return _of_lines(start, found, known)


def _bytes(raw: BinaryIO) -> BinaryIO:
    compressed = raw.read(2) == _GZIP
    raw.seek(0)
    return cast(BinaryIO, gzip.GzipFile(fileobj=raw)) if compressed else raw


def _of_lines(start: bytes, found: Encoding, known: set[str]) -> Shape:
    text = start.decode(found.name, "replace")
    lines = text.splitlines()[:_LINES]
    said = [found.said] if found.said else []
    if lines and lines[0].lower().startswith("sep=") and len(lines[0]) == 5:
        return Shape(found.name, lines[0][4], 1, said=(*said, "separated as its first line says"))
    best, delimiter, skip = 0, _usual(lines[0] if lines else ""), 0
    for number, line in enumerate(lines):
        for candidate in _DELIMITERS:
            score = len(known & {plain(name) for name in _split(line, candidate)})
            # One word may stand in any text before the header.
            if score > best and (number == 0 or score > 1):
                best, delimiter, skip = score, candidate, number
    if delimiter != ",":
        said.append(f"columns are separated by {_DELIMITERS[delimiter]}")
    if skip:
        said.append(f"the header is in line {skip + 1}: what stands before it is passed over")
    return Shape(found.name, delimiter, skip, said=tuple(said))


def _usual(line: str) -> str:
    """What separates the columns of a header of which no name is known."""
    counts = {delimiter: len(_split(line, delimiter)) for delimiter in _DELIMITERS}
    return "," if counts[","] > 1 else max(counts, key=lambda one: counts[one])


def _split(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []
