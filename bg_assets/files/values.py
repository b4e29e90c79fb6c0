"""How each cell of a file is read: text to a checked value, or to a verdict why it is not fit."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import partial

from bg_assets.domain.values import companies, controls
from bg_assets.domain.values.companies import Unfit
from bg_assets.files.header import Kind

LONGEST_TITLE = 1000
LONGEST_TEXT = 300
LONGEST_EMAIL = 254
_CACHED = 50_000

_PLAIN_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,2}", re.ASCII)
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(?:\.[^@\s.]+)*")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NOT_A_DATE = Unfit("is not a date like 2026-01-31")


def readers(kind: Kind) -> Mapping[str, Callable[[str], object]]:
    """A reader for each canonical column: gives a value, None for empty, or an Unfit.

    Readers of columns whose values repeat remember them; take new readers for each file.
    """
    if kind == "companies":
        return {
            "id": _of_text(companies.parse_company_id, 200),
            "name": _of_text(companies.parse_name, 200),
            "domain": _of_text(companies.parse_domain, 2048),
            "website": _of_text(companies.parse_website, 2048),
            "industry": _Remembering(partial(read_text, most=LONGEST_TEXT)).__getitem__,
            "employee_count": _Remembering(_of_text(companies.parse_headcount, 100)).__getitem__,
            "revenue": _of_text(companies.parse_revenue, 100),
            "country": _Remembering(_of_text(companies.parse_country, 100)).__getitem__,
        }
    short = _Remembering(partial(read_text, most=LONGEST_TEXT)).__getitem__
    day = _Remembering(read_date).__getitem__
    return {
        "id": read_person_id,
        "company_id": _Remembering(_of_text(companies.parse_company_id, 200)).__getitem__,
        "name": partial(read_text, most=LONGEST_TEXT),
        "title": _Remembering(partial(read_text, most=LONGEST_TITLE)).__getitem__,
        "department": short,
        "seniority": short,
        "email": read_email,
        "location": short,
        "manager_id": _Remembering(read_person_id).__getitem__,
        "start_date": day,
        "end_date": day,
        "status": _Remembering(read_status).__getitem__,
    }


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


def read_person_id(raw: str) -> str | Unfit | None:
    """A person's id as it is, trimmed: not normalised, so that no two ids become one."""
    value = raw.strip()
    if not value:
        return None
    if len(value) > 200 or not value.isprintable():
        return Unfit("takes 1 to 200 printable characters")
    return value


def read_email(raw: str) -> str | Unfit | None:
    """An e-mail address as it is written, in its shape only."""
    if len(raw) <= LONGEST_EMAIL and _PLAIN_EMAIL.fullmatch(raw):
        return raw
    value = raw.strip()
    if not value:
        return None
    if len(value) > LONGEST_EMAIL or not value.isprintable() or not _EMAIL.fullmatch(value):
        return Unfit("is not an e-mail address like name@acme.com")
    return value


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
    """``active``, also where empty, or ``left``, in any case."""
    value = raw.strip().lower() or "active"
    return value if value in {"active", "left"} else Unfit("takes active or left")


class _Remembering(dict[str, object]):
    """Values that were read before; the oldest are forgotten all at once when there are many."""

    def __init__(self, read: Callable[[str], object]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, raw: str) -> object:
        value = self._read(raw)
        if len(self) >= _CACHED:
            self.clear()
        if len(raw) <= LONGEST_TITLE:
            self[raw] = value
        return value


def _of_text(parse: Callable[[str], object], most: int) -> Callable[[str], object]:
    """A reader that hands clean text to a rule of the domain."""

    def read(raw: str) -> object:
        value = read_text(raw, most)
        return parse(value) if isinstance(value, str) else value

    return read
