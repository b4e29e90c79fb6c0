"""How a cell is read strictly: text to a checked value, or to a verdict why it is not fit."""

import re
import unicodedata
from datetime import date, datetime

from bg_assets.domain.values import controls, people
from bg_assets.domain.values.unfit import Unfit

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NOT_A_DATE = Unfit("is not a date like 2026-01-31")


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
