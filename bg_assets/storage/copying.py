"""COPY from Python rows, streamed: the fast way in for any number of rows in bounded memory."""

import io
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime

import sqlalchemy as sa

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def copy_rows(
    conn: sa.Connection, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]
) -> None:
    """COPY rows of plain values (text, numbers, dates, None; lists and dicts as JSON) to a table."""
    driver = conn.connection.driver_connection
    assert driver is not None
    with driver.cursor() as cursor:
        cursor.copy_expert(
            f"copy {table} ({', '.join(columns)}) from stdin", _Reader(_line(row) for row in rows)
        )


def _line(row: Sequence[object]) -> str:
    return "\t".join(map(_field, row)) + "\n"


def _field(value: object) -> str:
    if value is None:
        return r"\N"
    if isinstance(value, str):
        return value.translate(_ESCAPES)
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, ensure_ascii=False).translate(_ESCAPES)
    return str(value)


class _Reader(io.RawIOBase):
    """A file of the lines, read in the pieces that psycopg2 asks for."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._rest = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        pieces, length = [self._rest], len(self._rest)
        for line in self._lines if size < 0 or length < size else ():
            piece = line.encode()
            pieces.append(piece)
            length += len(piece)
            if 0 <= size <= length:
                break
        data = b"".join(pieces)
        cut = len(data) if size < 0 else size
        self._rest = data[cut:]
        return data[:cut]
