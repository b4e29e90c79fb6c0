"""Rows of cells to rows of checked values, or to rejects with all that is wrong with them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import repeat
from operator import eq
from typing import NamedTuple

from bg_assets.domain.values import controls
from bg_assets.domain.values.companies import Headcount
from bg_assets.domain.values.unfit import Unfit
from bg_assets.files.cells import SHORTENED, Amended, DayForms, readers
from bg_assets.files.header import Fitted, Kind

# What a reader gives where there is something to say.
_SAID = frozenset((Amended, Unfit))
_IDS = frozenset(("id", "company_id", "source_id"))


class Row(NamedTuple):
    """A record that fits: the line it starts at and its values by canonical column.

    ``columns`` is the file's ``columns`` and ``cells`` are their values, in the same order. Only
    columns that the file has are there; None is unknown. ``employee_count`` stands as
    ``employee_min`` and ``employee_max``. Texts are str, days ``date``, revenue ``Decimal``.
    ``kept``: what of the record is not stored as it is written, and why, if something is.
    """

    line: int
    columns: tuple[str, ...]
    cells: tuple[object, ...]
    kept: str | None = None

    @property
    def values(self) -> dict[str, object]:
        return dict(zip(self.columns, self.cells, strict=True))


# As Row._make does it, several times faster than Row itself: a file has millions.
_row = partial(tuple.__new__, Row)


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that is not stored: its line, the reason (which repeats no value), its fields."""

    line: int
    reason: str
    original: list[str]


class _Reasons(dict[int, list[str]]):
    """What is said of each row of a block, by its place."""

    def add(self, place: int, reason: str) -> None:
        self.setdefault(place, []).append(reason)

    def said(self, place: int) -> str:
        return "; ".join(self[place])


class Checks:
    """What cells and rows of one file must be; works on blocks of rows, column by column.

    A value that is not fit makes its row a reject only where the column is required, or where an id
    has lost its digits; else it is unknown, and the row tells why.
    ``cleaned``: values of rows that fit in which control characters became a space.
    """

    def __init__(
        self,
        kind: Kind,
        fitted: Fitted,
        columns: tuple[str, ...],
        forms: DayForms,
        *,
        of_source: bool = False,
    ) -> None:
        by_name = readers(kind, forms, of_source=of_source)
        found = fitted.positions
        self._plan = [(name, places, by_name[name]) for name, places in found.items()]
        self._read = [index for places in found.values() for index in places]
        self._required = fitted.required
        self._columns = columns
        self.cleaned = 0

    def rows(self, lines: list[int], block: list[list[str]]) -> Iterator[Row | Reject]:
        if not block:
            return
        raw = list(zip(*block, strict=True))
        columns = {name: list(map(read, _cells(name, raw, at))) for name, at, read in self._plan}
        unfit, kept = _Reasons(), _Reasons()
        _judge_cells(columns, self._required, unfit, kept)
        _judge_rows(columns, self._required, unfit, kept)
        self.cleaned += sum(
            controls.within(cell)
            for index in self._read
            # Looked at one by one only where there is something to find.
            if not "".join(raw[index]).isprintable()
            for place, cell in enumerate(raw[index])
            if not cell.isprintable() and place not in unfit
        )
        if "employee_count" in columns:
            _split_headcount(columns)
        cells = zip(*(columns[name] for name in self._columns), strict=True)
        rows = map(_row, zip(lines, repeat(self._columns), cells, repeat(None), strict=False))
        if not unfit and not kept:
            yield from rows
            return
        for place, row in enumerate(rows):
            if place not in unfit:
                yield Row(*row[:3], kept.said(place)) if place in kept else row
            elif not blank(block[place]):
                yield Reject(row.line, unfit.said(place), block[place])


def _cells(name: str, raw: Sequence[Sequence[str]], places: tuple[int, ...]) -> Iterable[str]:
    """The cells of one column of ours; what stands in several of the file is joined."""
    if len(places) == 1:
        return raw[places[0]]
    between = ", " if name == "location" else " "
    parts = zip(*(raw[place] for place in places), strict=True)
    return (between.join(filter(None, map(str.strip, cells))) for cells in parts)


def blank(fields: list[str]) -> bool:
    """Whether nothing stands in any of the fields, as in lines that spreadsheets leave behind."""
    return not any(field.strip() for field in fields)


def _judge_cells(
    columns: Mapping[str, list[object]], required: Iterable[str], unfit: _Reasons, kept: _Reasons
) -> None:
    """Note what is not fit or not stored as written, and put in its place what is stored."""
    for name, column in columns.items():
        if _SAID.isdisjoint(map(type, column)):
            continue
        for place, value in enumerate(column):
            if not isinstance(value, Amended | Unfit):
                continue
            stored = value.value if isinstance(value, Amended) else None
            lost = stored is None and (name in required or (value is SHORTENED and name in _IDS))
            (unfit if lost else kept).add(place, f"{name}: {value.reason}")
            column[place] = stored


def _judge_rows(
    columns: Mapping[str, list[object]], required: Iterable[str], unfit: _Reasons, kept: _Reasons
) -> None:
    """Note where values are missing or don't go together; these are unknown then."""
    for name in required:
        if None not in columns[name]:
            continue
        for place, value in enumerate(columns[name]):
            if value is None and place not in unfit:
                unfit.add(place, f"{name}: is empty")
    ids, managers = columns.get("id", []), columns.get("manager_id", [])
    equal = list(map(eq, ids, managers))
    for place, same in enumerate(equal if True in equal else ()):
        if same and isinstance(ids[place], str):
            managers[place] = None
            kept.add(place, "manager_id: is the person itself")
    # Both columns or none: without one of them there is nothing to compare.
    starts, ends = columns.get("start_date", []), columns.get("end_date", [])
    for place, end in enumerate(ends if starts else ()):
        start = starts[place] if end is not None else None
        if isinstance(end, date) and isinstance(start, date) and end < start:
            starts[place] = ends[place] = None
            kept.add(place, "end_date: is before start_date, so that neither is taken")


def _split_headcount(columns: dict[str, list[object]]) -> None:
    counts = [
        count if isinstance(count, Headcount) else (None, None)
        for count in columns["employee_count"]
    ]
    columns["employee_min"] = [count[0] for count in counts]
    columns["employee_max"] = [count[1] for count in counts]
