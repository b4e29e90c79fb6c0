"""The records of a Parquet file: its types as texts, a batch of rows at a time.

Structs are columns of both names and lists are joined by semicolons, as in JSON lines.
"""

import json
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from bg_assets.files import sheets
from bg_assets.files.header import BadHeader
from bg_assets.files.lines import BrokenFile, opened
from bg_assets.files.records import Record

_ROWS = 5000
# Bytes that are read at once of each column.
_BUFFER = 1 << 18
# Whole numbers up to this are exact in a column of floating point.
_EXACT = 2.0**53
_MOST_COLUMNS = 1000


class ParquetRecords:
    """The records of one open file, the names of its columns first; close it in the end.

    The line of a record is the number of its row, from 1 on.
    """

    # The footer, without which nothing is read, is written last.
    cut = False

    def __init__(self, path: Path) -> None:
        """Raises BadHeader where it can't be read, or pyarrow is missing."""
        try:
            import pyarrow as pa
            from pyarrow import parquet
        except ImportError:
            raise BadHeader(
                "is a Parquet file, which needs: pip install 'bg-assets[parquet]'"
            ) from None
        self._pa = pa
        self._raw = opened(path)
        try:
            self._file = parquet.ParquetFile(self._raw, pre_buffer=False, buffer_size=_BUFFER)
            self._header = [name for one in self._file.schema_arrow for name in _names(one)]
            if len(self._header) > _MOST_COLUMNS:
                raise BadHeader(f"has more than {_MOST_COLUMNS:,} columns")
        except (pa.ArrowException, OSError, ValueError) as err:
            self._raw.close()
            raise BadHeader(_refused(err)) from None
        except BaseException:
            self._raw.close()
            raise
        self._position = 0

    @property
    def position(self) -> int:
        return self._position

    def close(self) -> None:
        self._file.close()
        self._raw.close()

    def first(self) -> Record | None:
        return (0, self._header, None) if self._header else None

    def __iter__(self) -> Iterator[Record]:
        """A record for each row. Raises BrokenFile where the file is damaged."""
        number = 0
        try:
            for batch in self._file.iter_batches(batch_size=_ROWS, use_threads=False):
                self._position = self._raw.tell()
                columns = [
                    texts
                    for field, column in zip(batch.schema, batch.columns, strict=True)
                    for texts in _texts(field, column)
                ]
                for cells in zip(*columns, strict=True):
                    number += 1
                    yield number, list(cells), None
        except (self._pa.ArrowException, OSError, ValueError) as err:
            raise BrokenFile(f"is damaged after row {number:,}: copy or make it again") from err


def _refused(err: Exception) -> str:
    if "encrypt" in str(err):
        return "is encrypted: save it without that"
    return "is damaged or cut off: copy or make it again"


def _names(field: Any, before: str = "") -> Iterator[str]:
    name = f"{before} {field.name}".strip()
    if _is_struct(field.type):
        for inner in field.type:
            yield from _names(inner, name)
    else:
        yield name


def _texts(field: Any, column: Any) -> Iterator[list[str]]:
    """The texts of a column, or of each column that a struct is made of."""
    import pyarrow as pa
    from pyarrow import compute

    kind = column.type
    if _is_struct(kind):
        # Fields of a row without the struct are without a value too.
        for inner, part in zip(kind, column.flatten(), strict=True):
            yield from _texts(inner, part)
        return
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = kind.value_type
    types = pa.types
    as_text = (types.is_string, types.is_large_string, types.is_integer, types.is_date32)
    if any(is_kind(kind) for is_kind in (*as_text, types.is_boolean)):
        yield compute.fill_null(column.cast(pa.string()), "").to_pylist()
    elif types.is_timestamp(kind):
        # Without the parts of a second that Python's times don't have.
        column = column.cast(pa.timestamp("us", kind.tz), safe=False)
        yield [_text(value) for value in column.to_pylist()]
    else:
        yield [_text(value) for value in column.to_pylist()]


def _is_struct(kind: Any) -> bool:
    return hasattr(kind, "fields") and str(kind).startswith("struct")


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, Decimal):
        return str(int(value)) if value == value.to_integral_value() else str(value)
    if isinstance(value, datetime):
        midnight = value.time().isoformat() == "00:00:00"
        return value.date().isoformat() if midnight else value.isoformat(" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        # Texts too, as some programs write them.
        return value.decode("utf-8", "replace")
    if isinstance(value, list):
        return ";".join(map(_text, value))
    return json.dumps(value, ensure_ascii=False, default=str)


def _number(value: float) -> str:
    """Whole where it is: programs make floating point of whole numbers where one is unknown."""
    if value != value:
        return ""
    if value.is_integer() and abs(value) < _EXACT:
        return str(int(value))
    return sheets.number(repr(value))
