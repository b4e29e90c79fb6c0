"""COPY from Python rows, streamed: the fast way in for any number of rows in bounded memory."""

import io
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime

import psycopg2
import sqlalchemy as sa

from bg_assets.storage import errors

_PIECE = 1 << 16
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


@dataclass(frozen=True, slots=True)
class Encoded:
    """Neighbouring values of a row as COPY takes them, for rows that share them."""

    text: str


def encoded(values: Iterable[object]) -> Encoded:
    """These values, once for all rows in which they stand side by side."""
    return Encoded("\t".join(map(_field, values)))


def copy_rows(
    conn: sa.Connection, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]
) -> None:
    """COPY rows of plain values (text, numbers, dates, None; lists and dicts as JSON) to a table.

    One that is Encoded stands for several. Raises what SQLAlchemy raises for a statement, without
    the row that was refused; and what ``rows`` raises.
    """
    driver = conn.connection.driver_connection
    assert driver is not None
    command = f"copy {table} ({', '.join(columns)}) from stdin"
    reader = _Reader(_line(row) for row in rows)
    with driver.cursor() as cursor, _nothing_printed():
        try:
            cursor.copy_expert(command, reader, _PIECE)
        except psycopg2.Error as err:
            # The driver hands an error of the rows to the server and raises the server's answer.
            if reader.failure is not None:
                raise reader.failure from None
            raise errors.wrapped(err, command) from None


@contextmanager
def _nothing_printed() -> Iterator[None]:
    """Keep the driver from printing errors, which quote rows, when it loses the connection.

    psycopg2 2.9 trips over the second of two errors of the server and prints the first by itself.
    """
    before, sys.excepthook = sys.excepthook, lambda *_: None
    try:
        yield
    finally:
        sys.excepthook = before


def _line(row: Sequence[object]) -> str:
    # Most values are texts in which nothing is to be escaped: these are told without a call.
    fields = [
        value
        if isinstance(value, str) and value.isprintable() and "\\" not in value
        else _field(value)
        for value in row
    ]
    return "\t".join(fields) + "\n"


def _field(value: object) -> str:
    if value is None:
        return r"\N"
    if isinstance(value, str):
        # Most texts have nothing to escape, and to ask costs a tenth.
        return value if value.isprintable() and "\\" not in value else value.translate(_ESCAPES)
    if isinstance(value, Encoded):
        return value.text
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
        self.failure: BaseException | None = None

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        try:
            return self._read(size)
        except BaseException as err:
            self.failure = err
            raise

    def _read(self, size: int) -> bytes:
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
