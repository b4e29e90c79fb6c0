"""Under which headers our columns come: in the exports of known systems, and anywhere.

The table is headers.csv; a user's own of the same shape is read before it. Its columns: system
(``any`` holds for every file), kind, column (ours; empty where the header only tells the system),
header (`A + B`: two that are joined), mark (``yes``: a file with this header is of this system).
"""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from bg_assets.domain.values.folding import fold

SHIPPED = Path(__file__).with_name("headers.csv")
ANY = "any"
COLUMNS = ("system", "kind", "column", "header", "mark")


class BadHeaders(Exception):
    """A table of headers that can't be used; the message names the file, the line, what to do."""


@dataclass(frozen=True, slots=True)
class Spelling:
    """One line of the table: ``parts`` are the headers that together fill our ``column``."""

    system: str
    column: str
    parts: tuple[str, ...]
    mark: bool


def plain(name: str) -> str:
    """A header as it is compared: without case, accents, spaces, underscores and other signs."""
    return "".join(filter(str.isalnum, fold(name))) or name.strip()


def split(header: str) -> tuple[str, ...]:
    """The headers that ``A + B`` joins, in their order, without quotes around them."""
    return tuple(part.strip().strip('"').strip() for part in header.split("+"))


@cache
def _shipped() -> tuple[tuple[int, dict[str, str]], ...]:
    return tuple(_rows(SHIPPED))


def rows(own: Path | None = None) -> Iterator[dict[str, str]]:
    """The lines of the table as they are written, the user's own first. Raises BadHeaders."""
    for lines in (_rows(own) if own else (), _shipped()):
        yield from (line for _, line in lines)


def load(own: Path | None, kind: str, columns: Sequence[str]) -> list[Spelling]:
    """What the table knows of one kind of file. Raises BadHeaders for a line that can't be meant.

    ``columns``: those of ours that such a file may have. What is of a system that no header tells
    holds for every file.
    """
    found = []
    for number, line in (*(_rows(own) if own else ()), *_shipped()):
        if line["kind"] != kind:
            continue
        if line["column"] and line["column"] not in columns:
            # The shipped lines are right, as a test sees to it.
            raise BadHeaders(
                f"{own}, line {number}: {line['column']} is no column of {kind}; these are "
                f"{', '.join(columns)}"
            )
        mark = line["mark"].casefold() == "yes"
        found.append(Spelling(line["system"], line["column"], split(line["header"]), mark))
    marked = {one.system for one in found if one.mark}
    return [one if one.system in marked else replace(one, system=ANY) for one in found]


def system(header: Iterable[str], spellings: Iterable[Spelling]) -> str | None:
    """Whose export a file is by what only that system calls so; None where nothing tells."""
    # Signs count here: "Person - ID" is of one system, "Person ID" of anybody.
    there = set(map(_spelt, header))
    marks: Counter[str] = Counter()
    for one in spellings:
        if one.mark and all(_spelt(part) in there for part in one.parts):
            marks[one.system] += 1
    # Of equals the first of the table.
    return marks.most_common(1)[0][0] if marks else None


def _spelt(header: str) -> str:
    return " ".join(header.casefold().split())


def _line(row: Mapping[str, str | None], where: str) -> dict[str, str]:
    line = {name: (row.get(name) or "").strip() for name in COLUMNS}
    if line["kind"] not in ("companies", "people") or not (line["system"] and line["header"]):
        raise BadHeaders(f"{where}: wants a system, companies or people as kind, and a header")
    return line


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    takes = f"it takes a CSV with the columns {', '.join(COLUMNS)}"
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            if not set(COLUMNS[:4]) <= set(reader.fieldnames or ()):
                raise BadHeaders(f"{path}, line 1: {takes}")
            for row in reader:
                yield reader.line_num, _line(row, f"{path}, line {reader.line_num}")
    except OSError as err:
        raise BadHeaders(f"{path} can't be read: {err.strerror}; BG_HEADERS names it") from None
    except (csv.Error, UnicodeDecodeError):
        raise BadHeaders(f"{path} is no CSV in UTF-8: {takes}") from None
