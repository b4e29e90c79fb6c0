"""How each field of an event's body is read, and the JSON Schema of what it takes.

A JSON value becomes a checked one, or UnfitField is raised. Knows nothing of what an event means.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from typing import Any, Generic, TypeVar

from bg_assets.domain.values import companies, controls, people
from bg_assets.domain.values.columns import Form
from bg_assets.domain.values.unfit import Unfit

_T = TypeVar("_T")

LONGEST_EVENT_ID = 256
LONGEST_SOURCE = 100
LONGEST_TYPE = 100
LONGEST_MOMENT = 60
MOST_AHEAD = timedelta(days=1)

# Line and paragraph ends count as controls: a value is one line. Lone surrogates are no text.
_NEVER = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_NO_MOMENT = "is not a time in ISO 8601 with its offset, like 2026-01-31T09:30:00Z"


class UnfitField(Exception):
    """A field that can't be read; the reason never repeats its value."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(field)
        self.unfit = Unfit(reason, field)


@dataclass(frozen=True, slots=True)
class Field(Generic[_T]):
    """A reader of a value, given where it stands, and the JSON Schema of what it takes beside null.

    The reader gives None for null and for nothing but white space.
    """

    read: Callable[[object, str], _T | None]
    schema: Mapping[str, Any]


def required(value: _T | None, field: str) -> _T:
    """The value; what is missing, null or empty is refused."""
    if value is None:
        raise UnfitField(field, "is required")
    return value


def mapping(value: object, field: str) -> Mapping[str, Any] | None:
    """A JSON object; None for null."""
    if value is None or isinstance(value, dict):
        return value
    raise UnfitField(field, "takes an object")


def text(value: object, field: str, most: int = people.LONGEST_TEXT) -> str | None:
    """One line of text in any script, NFC-normalised and trimmed; None for null and for nothing.

    Control characters become a space, as in an import.
    """
    line = _line(controls.cleaned(value) if isinstance(value, str) else value, field, most)
    if line is None or line.isascii():
        return line
    line = unicodedata.normalize("NFC", line)
    if len(line) > most:
        raise UnfitField(field, f"takes at most {most:,} characters")
    return line


def reference(value: object, field: str, most: int = people.LONGEST_ID) -> str | None:
    """An id as it is, trimmed: not normalised, so that no two ids become one. A whole number is
    its digits.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        # Written out it may be longer than Python writes a number.
        value = str(value) if abs(value) < 10**most else "9" * (most + 1)
    found = _line(value, field, most)
    return None if found is None else _fit(people.parse_id(found, most), field)


def email(value: object, field: str) -> str | None:
    """An e-mail address as it is written, in its shape only."""
    found = _line(value, field, people.LONGEST_EMAIL)
    return None if found is None else _fit(people.parse_email(found), field)


def domain(value: object, field: str) -> str | None:
    """The domain in lower case; a URL gives its host."""
    found = text(value, field, companies.LONGEST_URL)
    return None if found is None else _fit(_parsed_domain(found), field)


# A source tells of the same companies again and again.
@lru_cache(1024)
def _parsed_domain(text: str) -> str | Unfit:
    return companies.parse_domain(text)


def moment(value: object, field: str, now: datetime) -> datetime:
    """A time in UTC, at most a day ahead of ``now``: a later one would make all news look old."""
    written = required(value, field)
    if not isinstance(written, str) or len(written) > LONGEST_MOMENT or not written.isascii():
        raise UnfitField(field, _NO_MOMENT)
    try:
        # The two letters may be small.
        parsed = datetime.fromisoformat(written.strip().upper())
        if parsed.tzinfo is None:
            raise UnfitField(field, "takes a time with its offset, like 2026-01-31T09:30:00Z")
        parsed = parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        raise UnfitField(field, _NO_MOMENT) from None
    if parsed > now + MOST_AHEAD:
        raise UnfitField(field, "is more than a day ahead")
    return parsed


def twins(
    owner: Mapping[str, Any],
    path: str,
    names: tuple[str, str],
    read: Callable[[object, str], _T | None],
) -> _T | None:
    """What a field says that may be written in two ways; refused where both are and differ."""
    if names[0] not in owner and names[1] not in owner:
        return None
    first, second = (read(owner.get(name), f"{path}.{name}") for name in names)
    if first is not None and second is not None and first != second:
        raise UnfitField(f"{path}.{names[0]}", f"says something else than {path}.{names[1]}")
    return second if first is None else first


def leniently(read: Callable[[], _T]) -> _T | None:
    """What a reader gives, None where it refuses."""
    try:
        return read()
    except UnfitField:
        return None


def _fit(parsed: str | Unfit, field: str) -> str:
    if isinstance(parsed, Unfit):
        raise UnfitField(field, parsed.reason)
    return parsed


def _line(value: object, field: str, most: int) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise UnfitField(field, "takes text")
    found = value.strip(" ")
    if len(found) > most:
        raise UnfitField(field, f"takes at most {most:,} characters")
    if not found.isprintable() and _NEVER.search(found):
        raise UnfitField(field, "holds a control character or half a character")
    return found.strip() or None


def _text(most: int) -> Field[str]:
    return Field(partial(text, most=most), {"type": "string", "maxLength": most})


def _name(value: object, field: str, most: int) -> str | None:
    """What is like an id, but never a number."""
    found = _line(value, field, most)
    return None if found is None else _fit(people.parse_id(found, most), field)


def _reference(most: int) -> Field[str]:
    schema = {
        "type": ["string", "integer"],
        "maxLength": most,
        "description": "Printable characters, or a whole number, which is taken as its digits",
    }
    return Field(partial(reference, most=most), schema)


def _named(most: int) -> Field[str]:
    schema = {"type": "string", "maxLength": most, "description": "Printable characters"}
    return Field(partial(_name, most=most), schema)


REFERENCE = _reference(people.LONGEST_ID)
EVENT_ID = _reference(LONGEST_EVENT_ID)
SOURCE = _named(LONGEST_SOURCE)
TYPE = _named(LONGEST_TYPE)
TEXT = _text(people.LONGEST_TEXT)
DOMAIN = Field(
    domain,
    {
        "type": "string",
        "maxLength": companies.LONGEST_URL,
        "description": "A domain like acme.com; of a URL its host is taken",
    },
)
# How events tell the columns of people, by the form of their values.
BY_FORM: Mapping[Form, Field[str]] = {
    "name": TEXT,
    "title": _text(people.LONGEST_TITLE),
    "text": TEXT,
    "e-mail": Field(
        email,
        {
            "type": "string",
            "maxLength": people.LONGEST_EMAIL,
            "pattern": f"^(?:{people.EMAIL.pattern})?$",
        },
    ),
}
MOMENT: Mapping[str, Any] = {
    "type": "string",
    "format": "date-time",
    "maxLength": LONGEST_MOMENT,
}
