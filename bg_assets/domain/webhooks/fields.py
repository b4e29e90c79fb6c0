"""How each field of an event's body is read: a JSON value to a checked one, or a Refusal.

Knows nothing of what an event means.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from bg_assets.domain.values import controls
from bg_assets.domain.values.companies import Unfit, parse_domain

_T = TypeVar("_T")

LONGEST_TITLE: Final = 1000
LONGEST_TEXT: Final = 300
LONGEST_REFERENCE: Final = 200
LONGEST_EVENT_ID: Final = 256
MOST_AHEAD: Final = timedelta(days=1)

# Line and paragraph ends count as controls: a value is one line. Lone surrogates are no text.
_NEVER: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_EMAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s.]+(?:\.[^@\s.]+)*")
_NO_MOMENT: Final = "is not a time in ISO 8601 with its offset, like 2026-01-31T09:30:00Z"


class Refusal(Exception):
    """A field that can't be read; the detail never repeats its value."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(field)
        self.field = field
        self.detail = detail


def required(value: _T | None, field: str) -> _T:
    """The value; what is missing, null or empty is refused."""
    if value is None:
        raise Refusal(field, "is required")
    return value


def mapping(value: object, field: str) -> Mapping[str, Any] | None:
    """A JSON object; None for null."""
    if value is None or isinstance(value, dict):
        return value
    raise Refusal(field, "takes an object")


def text(value: object, field: str, most: int = LONGEST_TEXT) -> str | None:
    """One line of text in any script, NFC-normalised and trimmed; None for null and for nothing.

    Control characters become a space, as in an import.
    """
    found = _line(controls.cleaned(value) if isinstance(value, str) else value, field, most)
    if found is None or found.isascii():
        return found
    found = unicodedata.normalize("NFC", found)
    if len(found) > most:
        raise Refusal(field, f"takes at most {most:,} characters")
    return found


def reference(value: object, field: str, most: int = LONGEST_REFERENCE) -> str | None:
    """An id as it is, trimmed: not normalised, so that no two ids become one."""
    found = _line(value, field, most)
    if found is not None and not found.isprintable():
        raise Refusal(field, f"takes 1 to {most} printable characters")
    return found


def email(value: object, field: str) -> str | None:
    """An e-mail address as it is written, in its shape only."""
    found = _line(value, field, 254)
    if found is not None and not (found.isprintable() and _EMAIL.fullmatch(found)):
        raise Refusal(field, "is not an e-mail address like name@acme.com")
    return found


def domain(value: object, field: str) -> str | None:
    """The domain in lower case; a URL gives its host."""
    found = text(value, field, 2048)
    if found is None:
        return None
    parsed = parse_domain(found)
    if isinstance(parsed, Unfit):
        raise Refusal(field, parsed.reason)
    return parsed


def moment(value: object, field: str, now: datetime) -> datetime:
    """A time in UTC, at most a day ahead of ``now``: a later one would make all news look old."""
    found = required(value, field)
    if not isinstance(found, str) or len(found) > 60 or not found.isascii():
        raise Refusal(field, _NO_MOMENT)
    try:
        # The two letters may be small.
        parsed = datetime.fromisoformat(found.strip().upper())
        if parsed.tzinfo is None:
            raise Refusal(field, "takes a time with its offset, like 2026-01-31T09:30:00Z")
        parsed = parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Refusal(field, _NO_MOMENT) from None
    if parsed > now + MOST_AHEAD:
        raise Refusal(field, "is more than a day ahead")
    return parsed


def twins(
    owner: Mapping[str, Any],
    path: str,
    names: tuple[str, str],
    read: Callable[[object, str], _T | None],
) -> _T | None:
    """What a field says that may be written in two ways; refused where both are and differ."""
    first, second = (read(owner.get(name), f"{path}.{name}") for name in names)
    if first is not None and second is not None and first != second:
        raise Refusal(f"{path}.{names[0]}", f"says something else than {path}.{names[1]}")
    return second if first is None else first


def leniently(read: Callable[[], _T]) -> _T | None:
    """What a reader gives, None where it refuses."""
    try:
        return read()
    except Refusal:
        return None


def _line(value: object, field: str, most: int) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise Refusal(field, "takes text")
    found = value.strip(" ")
    if len(found) > most:
        raise Refusal(field, f"takes at most {most:,} characters")
    if not found.isprintable() and _NEVER.search(found):
        raise Refusal(field, "holds a control character or half a character")
    return found.strip() or None
