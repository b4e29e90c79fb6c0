"""Titles to classify from a workbook or a Parquet file; lists and CSV are read in titles.py."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from bg_assets.domain.values.near import near
from bg_assets.files import formats, workbooks
from bg_assets.files.header import BadHeader
from bg_assets.files.parquet import ParquetRecords
from bg_assets.files.spellings import plain
from bg_assets.files.titles import CONTEXT, TitleRow, positions
from bg_assets.files.workbooks import SheetRecords


def is_table(path: Path) -> bool:
    """Whether a file is a workbook or Parquet; whoever reads texts tells of all that is wrong."""
    with suppress(BadHeader):
        return path.is_file() and formats.told(path) in ("xlsx", "parquet")
    return False


class TitleTable:
    """The rows of an open workbook or Parquet file; a context manager that closes it."""

    looks_like_columns = False

    def __init__(self, path: Path, column: str | None, sheet: str | None) -> None:
        """``column``: of the titles, else `title`; ``sheet``: of a workbook. Raises BadHeader."""
        wanted = column or "title"
        self._records: SheetRecords | ParquetRecords
        if formats.told(path) == "xlsx":
            names = (wanted, *(name for spellings in CONTEXT.values() for name in spellings))
            table, _ = workbooks.told(path, frozenset(map(plain, names)), sheet)
            self._records = SheetRecords(path, table)
        elif sheet is not None:
            raise BadHeader("is no workbook, so that --sheet means nothing: leave it out")
        else:
            self._records = ParquetRecords(path)
        try:
            first = self._records.first()
            header = [name.strip() for name in first[1]] if first else []
            if plain(wanted) not in map(plain, header):
                there = near(wanted, [name for name in header if name])
                raise BadHeader(f"its header names no column {wanted!r}; {there}".rstrip("; "))
            self._at = positions(header, wanted)
        except BaseException:
            self._records.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._records.close()

    def __iter__(self) -> Iterator[TitleRow]:
        """The rows in their order. Raises BrokenFile where the file is damaged."""
        for _, fields, _ in self._records:
            yield TitleRow(**{name: fields[at] for name, at in self._at.items()})
