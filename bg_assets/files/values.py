"""How each cell of a file is read: text to a checked value, or to a verdict why it is not fit."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import partial

from bg_assets.domain.values import companies, controls, people
from bg_assets.domain.values.columns import Column, Form, in_files
from bg_assets.domain.values.unfit import Unfit
from bg_assets.files.header import COLUMNS, Kind

_CACHED = 50_000
# Beyond these a cell is not even looked at.
_CELL = 200
_FIGURE = 100
# Forms whose values differ from row to row.
_HARDLY_TWICE = frozenset({"name", "e-mail", "company name", "domain", "website", "revenue"})

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NOT_A_DATE = Unfit("is not a date like 2026-01-31")


def readers(kind: Kind) -> Mapping[str, Callable[[str], object]]:
    """A reader for each column of a file: gives a value, None for empty, or an Unfit.

    Readers of columns whose values repeat remember them; take new readers for each file.
    """
    return {name: _reader(column) for name, column in in_files(COLUMNS[kind])}


def read_text(raw: str, most: int) -> str | Unfit | None:
    """One line of text in any script, NFC-normalised; control characters become a space.

    Nothing else is changed: accents, emoji and marks for right-to-left text stay.
    """
    value = controls.cleaned(raw)
    if not value:
        return None
    # To normalise takes long for long runs of marks.
    if len(value) <= 4 * most and not value.isascii():
        value = unicodedata.normalize("NFC", value)
    if len(value) > most:
        return Unfit(f"has {len(value):,} characters, at most {most:,} are stored")
    return value


def read_id(raw: str) -> str | Unfit | None:
    """A person's id as it is, trimmed."""
    value = raw.strip()
    return people.parse_id(value) if value else None


def read_email(raw: str) -> str | Unfit | None:
    """An e-mail address as it is written, trimmed."""
    value = raw.strip()
    return people.parse_email(value) if value else None


def read_date(raw: str) -> date | Unfit | None:
    """A day written ``YYYY-MM-DD``; of a time in ISO 8601 the day as it is written there."""
    value = raw.strip()
    if not value:
        return None
    if not _DATE.match(value) or len(value) > 40:
        return _NOT_A_DATE
    try:
        if len(value) == 10:
            return date.fromisoformat(value)
        return datetime.fromisoformat(value).date()
    except ValueError:
        return _NOT_A_DATE


def read_status(raw: str) -> str | Unfit:
    """A status; where it is empty ``active``."""
    return people.parse_status(raw.strip() or "active")


def _reader(column: Column) -> Callable[[str], object]:
    read = _READERS[column.form]
    if column.name == "id" or column.form in _HARDLY_TWICE:
        return read
    return _Remembering(read).__getitem__


class _Remembering(dict[str, object]):
    """Values that were read before; the oldest are forgotten all at once when there are many."""

    def __init__(self, read: Callable[[str], object]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, raw: str) -> object:
        value = self._read(raw)
        if len(self) >= _CACHED:
            self.clear()
        if len(raw) <= people.LONGEST_TITLE:
            self[raw] = value
        return value


def _of_text(parse: Callable[[str], object], most: int) -> Callable[[str], object]:
    """A reader that hands clean text to a rule of the domain."""

    def read(raw: str) -> object:
        value = read_text(raw, most)
        return parse(value) if isinstance(value, str) else value

    return read


# Of the forms that files may have.
_READERS: Mapping[Form, Callable[[str], object]] = {
    "person id": read_id,
    "company id": _of_text(companies.parse_company_id, _CELL),
    "name": partial(read_text, most=people.LONGEST_TEXT),
    "title": partial(read_text, most=people.LONGEST_TITLE),
    "text": partial(read_text, most=people.LONGEST_TEXT),
    "e-mail": read_email,
    "day": read_date,
    "status": read_status,
    "company name": _of_text(companies.parse_name, companies.LONGEST_NAME),
    "domain": _of_text(companies.parse_domain, companies.LONGEST_URL),
    "website": _of_text(companies.parse_website, companies.LONGEST_URL),
    "headcount": _of_text(companies.parse_headcount, _FIGURE),
    "revenue": _of_text(companies.parse_revenue, _FIGURE),
    "country": _of_text(companies.parse_country, companies.LONGEST_COUNTRY),
}
