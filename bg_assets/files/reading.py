"""A file of companies or people as a stream of checked rows and of rejects with their reason.

Whether a key comes twice in a file is not seen here: that takes the whole file, thus a table.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Self

from bg_assets.domain.companies import Headcount, Unfit
from bg_assets.files.header import REQUIRED, BadHeader, Kind, fit
from bg_assets.files.records import BrokenFile, Record, Records
from bg_assets.files.values import readers


@dataclass(frozen=True, slots=True)
class Row:
    """A record that fits: the line it starts at and its values by canonical column.

    Only columns that the file has are there; None is unknown. ``employee_count`` stands as
    ``employee_min`` and ``employee_max``. Texts are str, days ``date``, revenue ``Decimal``.
    """

    line: int
    values: dict[str, object]


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that is not stored: its line, the reason (which repeats no value), its fields."""

    line: int
    reason: str
    original: list[str]


class ImportFile:
    """An open file whose header fits; a context manager that closes it.

    ``header``: the file's own column names. ``columns``: the canonical ones that its rows fill.
    ``size``: bytes on disk, ``position``: how many of them are read, for a progress bar.
    """

    def __init__(
        self, path: Path, kind: Kind, header: list[str], found: dict[str, int], records: Records
    ) -> None:
        self.path = path
        self.kind = kind
        self.header = header
        self.size = path.stat().st_size
        self.columns = tuple(
            column
            for name in found
            for column in (
                ("employee_min", "employee_max") if name == "employee_count" else (name,)
            )
        )
        self._found = found
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

    def rows(self) -> Iterator[Row | Reject]:
        """All records after the header, in the order of the file; once only.

        Raises BrokenFile where the file is damaged or cut off: then nothing may be stored.
        """
        if self._started:
            raise RuntimeError("the rows of an ImportFile can be read once: open it again")
        self._started = True
        try:
            yield from self._checked(iter(self._records))
        except BrokenFile as error:
            raise BrokenFile(f"{self.path.name} {error}") from None

    def again(self, reasons: Mapping[int, str]) -> Iterator[Reject]:
        """Reads the file a second time for the original fields of the lines in ``reasons``.

        For rows that turn out to be rejects only once all have been seen.
        """
        records = Records(self.path)
        try:
            for record in records:
                if record.line in reasons:
                    yield Reject(record.line, reasons[record.line], record.fields)
        except BrokenFile as error:
            raise BrokenFile(f"{self.path.name} {error}") from None
        finally:
            records.close()

    def _checked(self, records: Iterator[Record]) -> Iterator[Row | Reject]:
        by_name = readers(self.kind)
        plan = [(name, index, by_name[name]) for name, index in self._found.items()]
        required = REQUIRED[self.kind]
        finish = _finish_company if self.kind == "companies" else _finish_person
        width = len(self.header)
        for line, fields, problem in records:
            if problem is not None:
                yield Reject(line, f"the record {problem}", fields)
                continue
            if len(fields) != width:
                if _blank(fields):
                    continue
                if len(fields) < width and self._records.cut:
                    raise BrokenFile(
                        f"ends in the middle of line {line:,}: make or copy it again, or end that "
                        "line with a line break if it is whole"
                    )
                yield Reject(line, f"has {len(fields)} fields, the header has {width}", fields)
                continue
            values = {name: read(fields[index]) for name, index, read in plan}
            reason = finish(values)
            if reason or None in map(values.get, required) or Unfit in map(type, values.values()):
                if not _blank(fields):
                    yield Reject(line, _reasons(values, required, reason), fields)
                continue
            yield Row(line, values)


def open_import(
    path: Path, kind: Kind, mapping: Mapping[str, str], ignore_unknown: bool
) -> ImportFile:
    """Open a file of companies or people, its header read and checked before anything else.

    ``mapping`` goes from our column to the file's. Raises BadHeader, or BrokenFile where the
    compression is damaged before the header ends; both messages name the file and what to do.
    """
    try:
        records = Records(path)
    except BadHeader as error:
        raise BadHeader(f"{path.name} {error}") from None
    try:
        header = _read_header(records)
        return ImportFile(path, kind, header, fit(header, kind, mapping, ignore_unknown), records)
    except BaseException as error:
        records.close()
        if isinstance(error, BadHeader):
            raise BadHeader(f"{path.name}: {error}") from None
        if isinstance(error, BrokenFile):
            raise BrokenFile(f"{path.name} {error}") from None
        raise


def _read_header(records: Records) -> list[str]:
    first = records.first()
    if first is None:
        raise BadHeader("the file is empty: its first line must name the columns")
    if first.problem is not None:
        raise BadHeader(
            f"the first line {first.problem}; it takes a CSV file in UTF-8 with a header"
        )
    return first.fields


def _blank(fields: list[str]) -> bool:
    return not any(field.strip() for field in fields)


def _finish_company(values: dict[str, object]) -> str | None:
    """Splits the number of employees into its ends."""
    if "employee_count" in values:
        count = values["employee_count"]
        if count is None or isinstance(count, Headcount):
            del values["employee_count"]
            values["employee_min"], values["employee_max"] = count or (None, None)
    return None


def _finish_person(values: dict[str, object]) -> str | None:
    """What can be wrong with a person only as a whole, as a reason."""
    manager = values.get("manager_id")
    if manager is not None and manager == values["id"]:
        return "manager_id: is the person itself"
    start, end = values.get("start_date"), values.get("end_date")
    if isinstance(start, date) and isinstance(end, date) and end < start:
        return "end_date: is before start_date"
    return None


def _reasons(values: Mapping[str, object], required: tuple[str, ...], reason: str | None) -> str:
    """All that is wrong with a row, in the order of the columns."""
    found = [f"{name}: is empty" for name in required if values.get(name) is None]
    found += [f"{name}: {value.reason}" for name, value in values.items() if type(value) is Unfit]
    return "; ".join([*found, *([reason] if reason else [])])
