"""A file of JSON objects, one a line, to the records that a CSV of the same columns would have.

Objects within objects are columns of both names (``company.id`` is `company id`), lists are joined
by semicolons. A column is whatever key comes in any line.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bg_assets.files.header import BadHeader
from bg_assets.files.lines import Lines, undecoded
from bg_assets.files.records import LONGEST_LINE, Record

_MOST_COLUMNS = 1000


class JsonLines:
    """The records of one open file, the names of its columns first; close it in the end."""

    # A line without an end is whole if it is an object.
    cut = False

    def __init__(self, path: Path, encoding: str, header: list[str] | None = None) -> None:
        """Reads the file once for its keys, unless ``header`` has them. Raises BadHeader."""
        if header is None:
            lines = _Objects(path, encoding)
            try:
                header = _keys(lines)
            finally:
                lines.close()
        self._header = header
        self._lines = _Objects(path, encoding)
        self._first = True

    @property
    def position(self) -> int:
        return self._lines.position

    def close(self) -> None:
        self._lines.close()

    def first(self) -> Record | None:
        """The names of the columns; None for a file without any object."""
        return (0, self._header, None) if self._header else None

    def __iter__(self) -> Iterator[Record]:
        """A record for each line; what is no object is one with its problem."""
        for line, found, text in self._lines:
            if found is None:
                yield line, [text], "is no JSON object in one line"
            else:
                yield line, [found.get(name, "") for name in self._header], None


class _Objects:
    """The objects of a file, flat, with their line; None, and the line as it is, for another."""

    def __init__(self, path: Path, encoding: str) -> None:
        self._file = Lines.of_file(path, LONGEST_LINE, encoding)

    @property
    def position(self) -> int:
        return self._file.position

    def close(self) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[tuple[int, dict[str, str] | None, str]]:
        while line := self._file.read():
            if self._file.is_cut(line):
                self._file.skip()
                yield self._file.number, None, line[:1000] + "…"
            elif line.strip():
                yield self._file.number, _flat(line), line.rstrip("\r\n")


def _keys(lines: _Objects) -> list[str]:
    keys: dict[str, None] = {}
    for _, found, _ in lines:
        keys.update(dict.fromkeys(found or ()))
        if len(keys) > _MOST_COLUMNS:
            raise BadHeader(f"has more than {_MOST_COLUMNS:,} different keys")
    return list(keys)


def _flat(line: str) -> dict[str, str] | None:
    if undecoded(line):
        return None
    try:
        # Numbers as they are written: an id may be one.
        found = json.loads(line, parse_int=str, parse_float=str, parse_constant=str)
        return dict(_columns(found)) if isinstance(found, dict) else None
    except (ValueError, RecursionError):
        return None


def _columns(found: dict[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    for key, value in found.items():
        name = f"{before} {key}".strip()
        if isinstance(value, dict):
            yield from _columns(value, name)
        else:
            yield name, _cell(value)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ";".join(_cell(one) for one in value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
