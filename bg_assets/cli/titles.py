"""`titles FILE|-`: what job titles say, row by row, without a database."""

import csv
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from io import StringIO
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO, TextIO, cast

import click

from bg_assets import settings, terminal
from bg_assets.cli import session
from bg_assets.domain.titles import authority, languages
from bg_assets.domain.titles.verdict import classify, hear_tail
from bg_assets.domain.values.companies import Headcount, parse_headcount
from bg_assets.files import title_tables
from bg_assets.files.header import BadHeader
from bg_assets.files.lines import BrokenFile
from bg_assets.files.title_tables import TitleTable
from bg_assets.files.titles import TitleFile, TitleRow

# So many rows of a file tell in which language it is.
_TELLING_ROWS = 1000
COLUMNS = (
    "title",
    "function",
    "level",
    "confidence",
    "reasons",
    "function_alternatives",
    "level_alternatives",
    "left",
)


@dataclass(frozen=True, slots=True)
class _Answer:
    """One row of the output; None is unknown."""

    title: str
    function: str | None
    level: str | None
    confidence: float
    reasons: tuple[str, ...]
    function_alternatives: tuple[str, ...]
    level_alternatives: tuple[str, ...]
    left: bool


@click.command()
@click.argument("file", metavar="FILE|-", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--column", help="The column of the titles, if its name is not title.")
@click.option("--sheet", metavar="NAME", help="Of a workbook, by name or number, if several.")
@click.option("--json", "as_json", is_flag=True, help="One array of objects instead of CSV.")
def titles(file: Path, column: str | None, sheet: str | None, as_json: bool) -> None:
    """Say what job titles mean: function and level, how sure that is, and why.

    FILE (- for standard input; .gz is fine) is a list, one title a line, or a CSV whose header
    names a column `title` and, if you have them, `department`, `employee_count` and `country`; or
    an .xlsx or .parquet file with such a header.
    A word that means different things in several languages is read in that of its title, else of
    the country, else of the file. One row goes out for each that came in, in its order. What a
    title does not tell is `unknown`, with the reason. Alternatives are separated by |.
    """
    name = "standard input" if str(file) == "-" else file.name
    with (
        session.clear_errors(),
        terminal.data_out() as out,
        _named(name),
        _read(file, column, sheet) as rows,
    ):
        hear_tail(settings.read().title_tail)
        _csv_text.cache_clear()
        _json_text.cache_clear()
        if rows.looks_like_columns:
            session.say("read as a list, one title a line: the first line names no column title")
        told = _with_languages(iter(rows))
        if as_json:
            _json(out, told)
        else:
            out.write(_csv_line(COLUMNS))
            out.writelines(_csv_text(row, spoken) for row, spoken in told)


@contextmanager
def _read(file: Path, column: str | None, sheet: str | None) -> Iterator[TitleFile | TitleTable]:
    if title_tables.is_table(file):
        with TitleTable(file, column, sheet) as table:
            yield table
        return
    if sheet is not None:
        raise BadHeader("is no workbook, so that --sheet means nothing: leave it out")
    with _opened(file) as stream:
        yield TitleFile(stream, column)


def _opened(file: Path) -> BinaryIO:
    try:
        if file.is_dir():
            raise BadHeader("is a folder")
        return cast(BinaryIO, click.open_file(str(file), "rb"))
    except OSError as err:
        raise BadHeader(f"can't be read: {err.strerror}") from None


@contextmanager
def _named(name: str) -> Iterator[None]:
    try:
        yield
    except BadHeader as err:
        raise BadHeader(f"{name}: {err}") from None
    except BrokenFile as err:
        raise BrokenFile(f"{name}: {err}") from None


def _with_languages(rows: Iterator[TitleRow]) -> Iterator[tuple[TitleRow, tuple[str, ...]]]:
    """The rows, each with the languages of its country, else of the file."""
    first = list(islice(rows, _TELLING_ROWS))
    of_file = languages.of_many(row.title for row in first)
    for row in chain(first, rows):
        yield row, (languages.spoken_in(row.country) or of_file) if row.country else of_file


def _answer(row: TitleRow, spoken: tuple[str, ...]) -> _Answer:
    verdict = classify(row.title, row.department, spoken)
    reasons = verdict.reasons
    if row.employee_count or row.country:
        reasons += _authority(row.title, verdict.level, row.employee_count or "", row.country)
    return _Answer(
        row.title,
        verdict.function,
        verdict.level,
        verdict.confidence,
        reasons,
        verdict.function_alternatives,
        verdict.level_alternatives,
        verdict.left,
    )


@lru_cache(maxsize=1 << 16)
def _authority(
    title: str, level: str | None, employee_count: str, country: str | None
) -> tuple[str, ...]:
    """What company size and country add: the rank, and up to what such a person signs alone."""
    size = parse_headcount(employee_count.strip()) if employee_count.strip() else None
    known = isinstance(size, Headcount)
    employees = size.least if isinstance(size, Headcount) else None
    unread = () if known or size is None else ("company size: not a number of employees",)
    if level is None:
        return unread
    rank = authority.rank(title, level, employees=employees, country=country)
    return (*unread, f"authority: rank {rank:g} of 10, {authority.signs(rank, employees)}")


# Most rows of a file are titles that came before: what goes out for them is made once.
@lru_cache(maxsize=1 << 16)
def _csv_text(row: TitleRow, spoken: tuple[str, ...]) -> str:
    answer = _answer(row, spoken)
    return _csv_line(
        (
            answer.title,
            answer.function or "unknown",
            answer.level or "unknown",
            answer.confidence,
            "; ".join(answer.reasons),
            "|".join(answer.function_alternatives),
            "|".join(answer.level_alternatives),
            "true" if answer.left else "false",
        )
    )


def _csv_line(fields: Iterable[object]) -> str:
    line = StringIO()
    csv.writer(line, lineterminator="\n").writerow(fields)
    return line.getvalue()


@lru_cache(maxsize=1 << 16)
def _json_text(row: TitleRow, spoken: tuple[str, ...]) -> str:
    return terminal.json_text(_answer(row, spoken), indent=None)


def _json(out: TextIO, told: Iterator[tuple[TitleRow, tuple[str, ...]]]) -> None:
    """An array, written as it goes, so that no list of a million is held."""
    between = "[\n"
    for row, spoken in told:
        out.write(between + _json_text(row, spoken))
        between = ",\n"
    out.write("[]\n" if between == "[\n" else "\n]\n")
