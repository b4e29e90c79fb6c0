"""Reading the JSON answers of providers: what is not of the shape that was promised is named.

A value of another type is another shape. One of the right type that we could not store (an address
that is none, a title of a thousand words) is unknown. No message repeats a value.
"""

import calendar
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from bg_assets.domain.values import companies, controls, people
from bg_assets.domain.values.unfit import Unfit
from bg_assets.domain.webhooks import strict_json
from bg_assets.domain.webhooks.fields import UnfitField

_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{2}))?(?:-([0-9]{2}))?")


class OtherShape(Exception):
    """An answer of another shape; the message names the field and what it takes."""


def document(body: bytes) -> Mapping[str, Any]:
    """The JSON object that a body holds. Raises OtherShape."""
    try:
        found = strict_json.parse(body)
    except UnfitField as err:
        raise OtherShape(f"its body {err.unfit.reason}") from None
    if not isinstance(found, dict):
        raise OtherShape("its body is no JSON object")
    return found


def mapping(owner: Mapping[str, Any], name: str, at: str = "") -> Mapping[str, Any] | None:
    """An object; None for null and for what is not there."""
    value = owner.get(name)
    if value is None or isinstance(value, dict):
        return value
    raise OtherShape(f"{at}{name} is no object")


def objects(owner: Mapping[str, Any], name: str, at: str = "") -> list[Mapping[str, Any]] | None:
    """A list of objects; None for null and for what is not there."""
    value = owner.get(name)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise OtherShape(f"{at}{name} is no list of objects")
    return value


def whole(owner: Mapping[str, Any], name: str, at: str = "") -> int | None:
    """A whole number."""
    value = owner.get(name)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise OtherShape(f"{at}{name} is no whole number")


def text(
    owner: Mapping[str, Any], name: str, at: str = "", most: int = people.LONGEST_TEXT
) -> str | None:
    """One line of text; None for null, for nothing, and for true or false.

    These say whether there is a value that one's plan does not show.
    """
    value = owner.get(name)
    if value is None or isinstance(value, bool):
        return None
    if not isinstance(value, str):
        raise OtherShape(f"{at}{name} is no text")
    found = controls.cleaned(value[: 4 * most])
    return found if 0 < len(found) <= most else None


def fit(
    owner: Mapping[str, Any], name: str, parse: Callable[[str], Any], at: str = "", most: int = 2048
) -> Any:
    """A text as one of the domain's rules reads it; None where it is not fit."""
    found = text(owner, name, at, most)
    parsed = None if found is None else parse(found)
    return None if isinstance(parsed, Unfit) else parsed


def email(owner: Mapping[str, Any], name: str, at: str = "") -> str | None:
    """An e-mail address."""
    found: str | None = fit(owner, name, people.parse_email, at, people.LONGEST_EMAIL)
    return found


def domain(owner: Mapping[str, Any], name: str, at: str = "") -> str | None:
    """The domain of a website, however that is written."""
    found: str | None = fit(owner, name, companies.parse_domain, at, companies.LONGEST_URL)
    return found


def day(owner: Mapping[str, Any], name: str, at: str = "", *, is_end: bool = False) -> date | None:
    """A day; of a month its first, for an end its last: so nobody starts late or ends early.

    A year alone is too little to say a day, and so unknown.
    """
    match = _DATE.fullmatch(text(owner, name, at, 40) or "")
    if match is None or match[2] is None:
        return None
    year, month = int(match[1]), int(match[2])
    try:
        if match[3] is not None:
            return date(year, month, int(match[3]))
        return date(year, month, calendar.monthrange(year, month)[1] if is_end else 1)
    except ValueError:
        return None


def moment(owner: Mapping[str, Any], name: str, at: str = "") -> datetime | None:
    """The beginning, in UTC, of a day on which something was seen."""
    found = day(owner, name, at)
    return None if found is None else datetime(found.year, found.month, found.day, tzinfo=UTC)
