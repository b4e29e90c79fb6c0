"""A file of companies or people as a stream of checked rows and of rejects with their reason.

Whether a key comes twice in a file is not seen here: that takes the whole file, thus a table.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

from bg_assets.domain.values import days
from bg_assets.domain.values.columns import PEOPLE
from bg_assets.domain.values.days import Order
from bg_assets.domain.values.unfit import Unfit
from bg_assets.files import dates, shapes, spellings
from bg_assets.files.cells import DayForms
from bg_assets.files.header import BadHeader, Fitted, Kind, columns, fit
from bg_assets.files.json_lines import JsonLines
from bg_assets.files.lines import BrokenFile
from bg_assets.files.parquet import ParquetRecords
from bg_assets.files.records import Record, Records
from bg_assets.files.rows import Checks, Reject, Row, blank
from bg_assets.files.shapes import Shape
from bg_assets.files.spellings import Spelling
from bg_assets.files.workbooks import SheetRecords

# Rows that are checked together: column by column is faster than row by row.
_BLOCK = 500
# Lines at the end of a file that may be remarks, as reports have them.
_MOST_NOTES = 20
AnyRecords = Records | JsonLines | SheetRecords | ParquetRecords
_DAYS = frozenset(column.name for column in PEOPLE if column.form == "day")


class ImportFile:
    """An open file whose header fits; a context manager that closes it.

    ``header``: the file's own column names. ``columns``: the canonical ones that its rows fill;
    ``fitted``: which of the file's fill which, and which are passed over; ``shape``: its encoding
    and the like.
    ``source``: whose own the ids in it are, None where they are ours; ``told_source``: whether the
    user said so, else it is the export of that system.
    ``notes``: lines at its end that are no rows, once all were read.
    ``size``: bytes on disk, ``position``: how many of them are read, for a progress bar.
    """

    def __init__(
        self,
        path: Path,
        kind: Kind,
        header: list[str],
        fitted: Fitted,
        shape: Shape,
        forms: DayForms,
        records: AnyRecords,
        source: str | None = None,
        *,
        told_source: bool = True,
    ) -> None:
        self.path = path
        self.kind = kind
        self.header = header
        self.size = path.stat().st_size
        self.columns = tuple(
            column
            for name in fitted.positions
            for column in (
                ("employee_min", "employee_max") if name == "employee_count" else (name,)
            )
        )
        self.fitted = fitted
        self.source = source
        self.told_source = told_source
        self.notes = 0
        self._checks = Checks(kind, fitted, self.columns, forms, of_source=source is not None)
        self.shape = shape
        self._records = records
        self._started = False

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
        self._records.close()

    @property
    def position(self) -> int:
        return self._records.position

    @property
    def nameless(self) -> tuple[str, ...]:
        """Columns of a sheet in which something stood so far, without a name over it."""
        return self._records.nameless if isinstance(self._records, SheetRecords) else ()

    @property
    def cleaned(self) -> int:
        """Values read so far in which control characters became a space."""
        return self._checks.cleaned

    def rows(self) -> Iterator[Row | Reject]:
        """All records after the header, in the order of the file; once only.

        Raises BrokenFile where the file is damaged or cut off: then nothing may be stored.
        """
        if self._started:
            raise RuntimeError("the rows of an ImportFile can be read once: open it again")
        self._started = True
        try:
            yield from self._checked(iter(self._records))
        except BrokenFile as err:
            raise BrokenFile(f"{self.path.name} {err}") from None

    def again(self, reasons: Iterable[tuple[int, str]]) -> Iterator[Reject]:
        """Reads the file a second time for the original fields of the lines in ``reasons``.

        For rows that turn out to be rejects only once all have been seen; lines in ascending order.
        """
        wanted = iter(reasons)
        following = next(wanted, None)
        if following is None:
            return
        records = _open(self.path, self.shape, self.header)
        try:
            for line, fields, _ in records:
                if line != following[0]:
                    continue
                yield Reject(*following, fields)
                following = next(wanted, None)
                if following is None:
                    return
        except BrokenFile as err:
            raise BrokenFile(f"{self.path.name} {err}") from None
        finally:
            records.close()

    def key(self, reject: Reject) -> str | None:
        """The id that stands in a rejected record; None where it can't be told."""
        if len(reject.original) != len(self.header) or "id" not in self.fitted.positions:
            return None
        text = reject.original[self.fitted.positions["id"][0]].strip()
        return text if text.isprintable() and text else None

    def _checked(self, records: Iterator[Record]) -> Iterator[Row | Reject]:
        checks = self._checks
        width = len(self.header)
        lines: list[int] = []
        block: list[list[str]] = []
        for line, fields, problem in self._without_notes(records):
            if problem is None and len(fields) == width:
                lines.append(line)
                block.append(fields)
                if len(block) < _BLOCK:
                    continue
            yield from checks.rows(lines, block)
            lines.clear()
            block.clear()
            if problem is not None:
                yield Reject(line, f"the record {problem}", fields)
            elif len(fields) != width and not blank(fields):
                if len(fields) < width and self._records.cut:
                    raise BrokenFile(
                        f"ends in the middle of line {line:,}: make or copy it again, or end that "
                        "line with a line break if it is whole"
                    )
                yield Reject(line, f"has {len(fields)} fields, the header has {width}", fields)
        yield from checks.rows(lines, block)

    def _without_notes(self, records: Iterator[Record]) -> Iterator[Record]:
        """The records up to the last one that may be a row; what stands behind is counted."""
        held: list[Record] = []
        wide = len(self.header) > 2
        for record in records:
            lonely = wide and len(record[1]) == 1 and record[2] is None
            # What is cut off is no note.
            if lonely and len(held) < _MOST_NOTES and not self._records.cut:
                held.append(record)
                continue
            if held:
                yield from held
                held.clear()
            yield record
        self.notes = len(held)


def open_import(
    path: Path,
    kind: Kind,
    mapping: Mapping[str, str],
    ignore_unknown: bool,
    own_headers: Path | None = None,
    date_format: str | None = None,
    encoding: str | None = None,
    sheet: str | None = None,
    source: str | None = None,
    *,
    strict: bool = False,
) -> ImportFile:
    """Open a file of companies or people, its header read and checked before anything else.

    ``mapping`` goes from our column to the file's; ``own_headers``: a table of headers of the
    user's, besides the shipped one; ``date_format``: how its days are written, else each column is
    looked through for that; ``encoding``: of its text, else its bytes tell; ``sheet``: of a
    workbook, by name or number; ``source``: whose own its ids are; ``strict``: whether columns that
    are not known are refused. Raises BadHeader, BadHeaders, or BrokenFile where the compression is
    damaged before the header ends; all name the file and what to do.
    """
    known = spellings.load(own_headers, kind, columns(kind))
    try:
        shape = shapes.told(path, _names(kind, mapping, known), encoding, sheet)
        records = _open(path, shape)
    except BadHeader as err:
        raise BadHeader(f"{path.name} {err}") from None
    except BrokenFile as err:
        raise BrokenFile(f"{path.name} {err}") from None
    try:
        header = _read_header(records)
        whose = source or _system_of_ids(header, known)
        of_source = whose is not None
        fitted = fit(
            header, kind, mapping, ignore_unknown, known, of_source=of_source, strict=strict
        )
        forms = _day_forms(path, shape, header, fitted, date_format)
        told = source is not None
        return ImportFile(
            path, kind, header, fitted, shape, forms, records, whose, told_source=told
        )  # fmt: skip
    except BaseException as err:
        records.close()
        if isinstance(err, BadHeader):
            raise BadHeader(f"{path.name}: {err}") from None
        if isinstance(err, BrokenFile):
            raise BrokenFile(f"{path.name} {err}") from None
        raise


def _system_of_ids(header: Iterable[str], known: Iterable[Spelling]) -> str | None:
    """The system whose export it is, and whose own the ids in it therefore are."""
    system = spellings.system([name.strip() for name in header], known)
    return system and system.lower()


def _open(path: Path, shape: Shape, header: list[str] | None = None) -> AnyRecords:
    if shape.form == "json":
        return JsonLines(path, shape.encoding, header)
    if shape.form == "parquet":
        return ParquetRecords(path)
    if shape.table is not None:
        return SheetRecords(path, shape.table)
    return Records(path, encoding=shape.encoding, delimiter=shape.delimiter, skip=shape.skip)


def _names(kind: Kind, mapping: Mapping[str, str], known: Iterable[Spelling]) -> Iterator[str]:
    """All names under which a column may come."""
    yield from columns(kind)
    for value in mapping.values():
        yield from (value, *spellings.split(value))
    for one in known:
        yield from one.parts


def _day_forms(
    path: Path, shape: Shape, header: list[str], fitted: Fitted, date_format: str | None
) -> DayForms:
    if date_format is not None:
        form = days.directives(date_format)
        if isinstance(form, Unfit):
            raise BadHeader(f"--date-format {form.reason}")
        return DayForms(form)
    counted_from = shape.table.counted_from if shape.table else None
    places = {name: fitted.positions[name][0] for name in _DAYS & fitted.positions.keys()}
    return DayForms(None, cache(lambda: _orders(path, shape, header, places)), counted_from)


def _orders(
    path: Path, shape: Shape, header: list[str], places: Mapping[str, int]
) -> Mapping[str, Order]:
    records = _open(path, shape, header)
    try:
        records.first()
        return dates.orders(records, places)
    except BrokenFile:
        # Whoever reads the rows comes to the same place, and says so.
        return {}
    finally:
        records.close()


def _read_header(records: AnyRecords) -> list[str]:
    first = records.first()
    if first is None:
        raise BadHeader("the file is empty: its first line must name the columns")
    _, header, problem = first
    if problem is None and any("\0" in name for name in header):
        # Such as UTF-16 without its mark.
        problem = "holds a NUL byte"
    if problem is not None:
        raise BadHeader(f"the first line {problem}; it takes a CSV file with a header")
    return header
