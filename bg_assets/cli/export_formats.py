"""The formats of `export`: which one a file's name asks for, and all groups written in it."""

import csv
import gzip
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO, Literal, TextIO, cast

from bg_assets import terminal
from bg_assets.domain.values.formulas import is_formula

Format = Literal["csv", "json", "jsonl", "xlsx", "parquet"]
Groups = Iterable[dict[str, Any]]
# Of groups and of members.
Counts = tuple[int, int]

_ENDINGS: dict[str, Format] = {
    ".csv": "csv", ".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl", ".xlsx": "xlsx",
    ".parquet": "parquet", ".pq": "parquet",
}  # fmt: skip
FORMATS: tuple[Format, ...] = tuple(dict.fromkeys(_ENDINGS.values()))
BINARY = ("xlsx", "parquet")
_OF_GROUP = ("workspace", "company_id", "company_name", "company_domain", "product", "as_of")
_OF_MEMBER = (
    "person_id", "name", "email", "title", "department", "function", "level", "role",
    "confidence", "influence", "pinned", "reasons",
)  # fmt: skip
# What a sheet has room for, below its header.
_MOST_IN_A_SHEET = (1 << 20) - 1
_AT_ONCE = 5000
_ESCAPED = re.compile("_(?=x[0-9A-Fa-f]{4}_)")


class BadFormat(Exception):
    """A format that can't be written: an unknown ending, a missing library, too many rows."""


def of(path: Path, asked: Format | None) -> Format:
    """The format that is asked for, else that of the name's ending; CSV where it has none.

    Raises BadFormat for an unknown ending, and where the library that the format needs is missing.
    """
    suffixes = [one.lower() for one in path.suffixes]
    packed = suffixes[-1:] == [".gz"]
    if packed:
        suffixes.pop()
    form = asked or (_ENDINGS.get(suffixes[-1]) if suffixes else "csv")
    if form is None:
        raise BadFormat(
            f"{path.name} ends in {suffixes[-1]}, which is no format: there are "
            f"{', '.join(_ENDINGS)}, and .gz behind those of text; or say it with --format"
        )
    if packed and form in BINARY:
        raise BadFormat(f"{path.name}: only files of text are packed with gzip, not .{form}")
    if form == "xlsx":
        _library("openpyxl", "excel")
    if form == "parquet":
        _library("pyarrow", "parquet")
    return form


def write(form: Format, out: TextIO, groups: Groups, *, packed: bool = False) -> Counts:
    """Write all groups and count them and their members. Raises BadFormat for too many.

    ``out`` is a text in UTF-8, whose bytes are written where the format is no text, or ``packed``.
    """
    if form in BINARY:
        out.flush()
        binary = cast(BinaryIO, cast(Any, out).buffer)
        return (_write_xlsx if form == "xlsx" else _write_parquet)(binary, groups)
    writers: dict[Format, Callable[[TextIO, Groups], Counts]] = {
        "csv": _write_csv, "json": _write_json, "jsonl": _write_lines,
    }  # fmt: skip
    with _packed(out) if packed else _as_it_is(out) as text:
        return writers[form](text, groups)


def _library(name: str, extra: str) -> Any:
    try:
        return __import__(name)
    except ImportError:
        raise BadFormat(f"this format needs: pip install 'bg-assets[{extra}]'") from None


@contextmanager
def _packed(out: TextIO) -> Iterator[TextIO]:
    binary = cast(Any, out).buffer
    with gzip.open(binary, "wt", encoding="utf-8", newline="") as text:
        yield cast(TextIO, text)


@contextmanager
def _as_it_is(out: TextIO) -> Iterator[TextIO]:
    yield out


class _Members:
    """The cells of each member of each group, counted as they go by."""

    def __init__(self, groups: Groups) -> None:
        self._groups = groups
        self.counts: Counts = (0, 0)

    def __iter__(self) -> Iterator[list[Any]]:
        members = 0
        for written, group in enumerate(self._groups, 1):
            of_group = [group[name] for name in _OF_GROUP]
            for member in group["members"]:
                members += 1
                yield of_group + [member[name] for name in _OF_MEMBER]
            self.counts = written, members


def _write_csv(out: TextIO, groups: Groups) -> Counts:
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow((*_OF_GROUP, *_OF_MEMBER))
    rows = _Members(groups)
    for cells in rows:
        writer.writerow([_cell(cell) for cell in cells])
    return rows.counts


def _cell(value: Any) -> Any:
    value = _joined(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and is_formula(value):
        return f"'{value}"
    return value


def _joined(value: Any) -> Any:
    return "; ".join(value) if isinstance(value, list) else value


def _write_json(out: TextIO, groups: Groups) -> Counts:
    written = members = 0
    out.write("[")
    for group in groups:
        out.write(("," if written else "") + "\n" + terminal.json_text(group))
        written += 1
        members += len(group["members"])
    out.write("\n]\n")
    return written, members


def _write_lines(out: TextIO, groups: Groups) -> Counts:
    written = members = 0
    for group in groups:
        out.write(terminal.json_text(group, None) + "\n")
        written += 1
        members += len(group["members"])
    return written, members


def _write_xlsx(out: BinaryIO, groups: Groups) -> Counts:
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet("buyer groups")
    sheet.freeze_panes = "A2"
    sheet.append((*_OF_GROUP, *_OF_MEMBER))
    rows = _Members(groups)
    for number, cells in enumerate(rows):
        if number == _MOST_IN_A_SHEET:
            # What was written so far lies in a file of the library's, which goes with the book.
            sheet.close()
            raise BadFormat(
                f"a sheet has room for {_MOST_IN_A_SHEET:,} members and there are more: write "
                ".parquet or .csv, or a part with --product or --workspace"
            )
        sheet.append([_cell_of_sheet(sheet, cell) for cell in cells])
    book.save(out)
    return rows.counts


def _cell_of_sheet(sheet: Any, value: Any) -> Any:
    """Texts are texts, whatever they look like."""
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, WriteOnlyCell

    value = _joined(value)
    if not isinstance(value, str):
        return value
    cell = WriteOnlyCell(sheet, _ESCAPED.sub("_x005F_", ILLEGAL_CHARACTERS_RE.sub(" ", value)))
    cell.data_type = "s"
    return cell


def _write_parquet(out: BinaryIO, groups: Groups) -> Counts:
    import pyarrow as pa
    from pyarrow import parquet

    kinds = {
        "as_of": pa.date32(), "confidence": pa.float64(), "influence": pa.float64(),
        "pinned": pa.bool_(), "reasons": pa.list_(pa.string()),
    }  # fmt: skip
    names = (*_OF_GROUP, *_OF_MEMBER)
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in names])
    rows = _Members(groups)
    cells = iter(rows)
    with parquet.ParquetWriter(out, schema) as writer:
        for first in cells:
            block = zip(*chain([first], islice(cells, _AT_ONCE - 1)), strict=True)
            columns = [
                pa.array(column, field.type) for column, field in zip(block, schema, strict=True)
            ]
            writer.write_table(pa.table(columns, schema))
    return rows.counts
