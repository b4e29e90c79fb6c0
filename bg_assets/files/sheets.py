"""The rows of one sheet as texts, read from its XML as it streams by.

openpyxl reads rows too, at a fifth of the speed, and keeps all texts of the workbook in memory;
here they lie in a file. Nothing is known of workbooks, headers and columns.
"""

import mmap
import re
import tempfile
from array import array
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import BinaryIO, Self
from xml.parsers import expat

from bg_assets.domain.values import days
from bg_assets.domain.values.days import CountedFrom
from bg_assets.files.lines import BrokenFile

_PIECE = 1 << 16
_LONGEST_TEXT = 1_000_000
_DIGITS = "0123456789"
# Digits that a cell holds; those behind them are lost.
_KEPT = 15
_WHOLE = re.compile(r"-?[0-9]{1,15}")
_REMEMBERED = 50_000

# Of one row: the text of each column that holds one, the first column being 0.
Cells = dict[int, str]


@dataclass(frozen=True, slots=True)
class Styles:
    """What numbers mean: ``dates`` are the styles that show dates, and how these are counted."""

    dates: Collection[int]
    counted_from: CountedFrom


class Texts:
    """The texts that cells share, by number, in a file that nobody else sees; close it."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115
        self._ends = array("Q", [0])
        self._map: mmap.mmap | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        if self._map is not None:
            self._map.close()
        self._file.close()

    def fill(self, stream: BinaryIO) -> None:
        """Take all texts of the workbook's part for them. Raises BrokenFile."""
        found = _Strings()
        end = 0
        for piece in found.parsed(stream):
            for text in piece:
                end += self._file.write(text.encode("utf-8", "surrogatepass"))
                self._ends.append(end)
        self._file.flush()
        if end:
            self._map = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)

    def __getitem__(self, number: int) -> str:
        begin, end = self._ends[number], self._ends[number + 1]
        return self._map[begin:end].decode("utf-8", "replace") if self._map else ""


def rows(stream: BinaryIO, texts: Texts, styles: Styles) -> Iterator[tuple[int, Cells]]:
    """The number of each row that holds anything, and its cells. Raises BrokenFile.

    Dates are written YYYY-MM-DD, with a time behind a space where they have one; numbers as they
    are, of more than 15 digits as a spreadsheet shortens them; truths ``true`` and ``false``;
    errors as they are shown. Of a formula it is the value that was last calculated.
    """
    for piece in _Rows(texts, styles).parsed(stream):
        yield from piece


class _Parser:
    """Feeds expat, and keeps the text of the elements that are asked for."""

    def __init__(self) -> None:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.buffer_size = _PIECE
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.StartDoctypeDeclHandler = self._refuse
        self._parser = parser
        self._text: list[str] = []
        self._length = 0
        self._names: dict[str, str] = {}
        # Above 0 within pronunciations, which are no part of a text.
        self._aside = 0

    def _feed(self, stream: BinaryIO) -> Iterator[None]:
        try:
            while piece := stream.read(_PIECE):
                self._parser.Parse(piece, False)
                yield
            self._parser.Parse(b"", True)
        except (expat.ExpatError, EOFError, OSError, IndexError, ValueError) as err:
            raise BrokenFile(
                f"is damaged in or after row {self._at():,}: save it again as .xlsx"
            ) from err
        yield

    def _at(self) -> int:
        return 0

    def _refuse(self, *_: object) -> None:
        raise ValueError("a workbook declares no types of documents")

    def _named(self, name: str) -> str:
        short = self._names[name] = name.rpartition(" ")[2]
        return short

    def _listen(self) -> None:
        self._parser.CharacterDataHandler = self._take

    def _take(self, text: str) -> None:
        self._length += len(text)
        if self._length > _LONGEST_TEXT:
            raise ValueError("a text that no cell can hold")
        self._text.append(text)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        raise NotImplementedError

    def _end(self, name: str) -> None:
        raise NotImplementedError


class _Strings(_Parser):
    """Texts that are shared, each as all parts that it is made of."""

    def __init__(self) -> None:
        super().__init__()
        self._found: list[str] = []

    def parsed(self, stream: BinaryIO) -> Iterator[list[str]]:
        for _ in self._feed(stream):
            yield self._found
            self._found.clear()

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        short = self._names.get(name) or self._named(name)
        if short == "t" and not self._aside:
            self._listen()
        elif short == "rPh":
            self._aside += 1

    def _end(self, name: str) -> None:
        short = self._names.get(name) or self._named(name)
        if short == "t":
            self._parser.CharacterDataHandler = None
        elif short == "rPh":
            self._aside -= 1
        elif short == "si":
            self._found.append(_unescaped("".join(self._text)))
            self._text.clear()
            self._length = 0


class _Rows(_Parser):
    """Rows with their cells."""

    def __init__(self, texts: Texts, styles: Styles) -> None:
        super().__init__()
        self._texts = texts
        self._dates = frozenset(map(str, styles.dates))
        self._counted_from = styles.counted_from
        self._found: list[tuple[int, Cells]] = []
        self._columns: dict[str, int] = {}
        self._days: dict[str, str] = {}
        self._cells: Cells = {}
        self._row, self._column = 0, -1
        self._kind = self._style = ""

    def parsed(self, stream: BinaryIO) -> Iterator[list[tuple[int, Cells]]]:
        for _ in self._feed(stream):
            yield self._found
            self._found.clear()

    def _at(self) -> int:
        return self._row

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        short = self._names.get(name) or self._named(name)
        if short == "c":
            where = attributes.get("r")
            if where is None:
                self._column += 1
            else:
                letters = where.rstrip(_DIGITS)
                column = self._columns.get(letters)
                self._column = self._lettered(letters) if column is None else column
            self._kind = attributes.get("t", "n")
            self._style = attributes.get("s", "")
        elif short == "v" or (short == "t" and not self._aside):
            self._listen()
        elif short == "row":
            self._row = int(attributes.get("r", self._row + 1))
            self._column = -1
        elif short == "rPh":
            self._aside += 1

    def _end(self, name: str) -> None:
        short = self._names.get(name) or self._named(name)
        if short in ("v", "t"):
            self._parser.CharacterDataHandler = None
        elif short == "c":
            if self._text:
                if value := self._value("".join(self._text)):
                    self._cells[self._column] = value
                self._text.clear()
                self._length = 0
        elif short == "row":
            if self._cells:
                self._found.append((self._row, self._cells))
                self._cells = {}
        elif short == "rPh":
            self._aside -= 1

    def _lettered(self, letters: str) -> int:
        number = 0
        for letter in letters:
            number = 26 * number + ord(letter) - 64
        if not (letters.isascii() and letters.isupper() and number <= 1 << 14):
            raise ValueError("a column that no sheet has")
        self._columns[letters] = number - 1
        return number - 1

    def _value(self, text: str) -> str:
        kind = self._kind
        if kind == "s":
            return self._texts[int(text)]
        if kind == "n":
            if self._style in self._dates:
                return self._days.get(text) or self._day(text)
            return text if text.isdigit() and len(text) <= _KEPT else number(text)
        if kind == "b":
            return "false" if text == "0" else "true"
        return _unescaped(text)

    def _day(self, text: str) -> str:
        if len(self._days) >= _REMEMBERED:
            self._days.clear()
        found = self._days[text] = _day(text, self._counted_from)
        return found


def _day(text: str, counted_from: CountedFrom) -> str:
    """The day, or the time of a day, of a serial number; the number where it is none."""
    found = days.of_serial(float(text), counted_from)
    if found is None:
        return number(text)
    midnight = found.time().isoformat() == "00:00:00"
    return found.date().isoformat() if midnight else found.isoformat(" ")


def number(text: str) -> str:
    """A number as it is meant: 2.5E1 is 25, and 0.30000000000000004 is 0.3."""
    text = text.strip()
    if _WHOLE.fullmatch(text):
        return text
    value = float(text)
    if abs(value) >= 10**_KEPT:
        return f"{value:.5E}"
    return str(int(value)) if value.is_integer() else f"{value:.{_KEPT}g}"


def _unescaped(text: str) -> str:
    """Characters that XML can't hold are written _x000D_, and a _ before such with _x005F_."""
    if "_x" not in text:
        return text
    return re.sub(r"_x([0-9A-Fa-f]{4})_", lambda found: chr(int(found[1], 16)), text)
