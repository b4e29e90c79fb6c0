"""An answer as JSON and back: what of it is kept until it expires.

The cost is not part of it: it is paid once.
"""

import math
from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, date, datetime
from typing import Any

from bg_assets.domain.enrichment.asking import Answer, FoundCompany, FoundPerson, Post

# Of a column of integers.
_LARGEST = 2**31 - 1
_NOT_TEXT = str.maketrans("", "", "\0")
_DATES = {"start_date", "end_date"}
_TIMES = {"observed_at"}
_NUMBERS = {"likelihood"}
_WHOLE = {"employee_min", "employee_max"}
_TRUTHS = {"employed_there"}
_POSTS = {"career"}


class OddAnswer(Exception):
    """An answer that holds what no answer may; the message names the field, never the value."""


def to_json(answer: Answer) -> dict[str, Any]:
    """The answer as JSON values that PostgreSQL takes. Raises OddAnswer."""
    if not isinstance(answer, Answer):
        raise OddAnswer(f"it is a {type(answer).__name__} and no Answer")
    if not isinstance(answer.people, tuple | list):
        raise OddAnswer("people is no tuple")
    company = answer.company
    return {
        "people": [_written(one, FoundPerson, "people") for one in answer.people],
        "company": None if company is None else _written(company, FoundCompany, "company"),
    }


def from_json(document: dict[str, Any]) -> Answer:
    """The answer that was kept, which costs nothing any more."""
    company = document["company"]
    return Answer(
        people=tuple(_read(one, FoundPerson) for one in document["people"]),
        company=None if company is None else _read(company, FoundCompany),
    )


def found(answer: Answer) -> bool:
    """Whether anybody or anything was found."""
    return bool(answer.people) or answer.company is not None


def _written(value: Any, wanted: type, where: str) -> dict[str, Any]:
    if not isinstance(value, wanted):
        raise OddAnswer(f"{where} holds a {type(value).__name__} and no {wanted.__name__}")
    told = {}
    for one in fields(value):  # type: ignore[arg-type]
        inner = getattr(value, one.name)
        told[one.name] = _plain(one.name, inner, f"{where}.{one.name}")
    return told


def _plain(name: str, value: Any, where: str) -> Any:
    """One field as JSON."""
    if name in _POSTS:
        if not isinstance(value, tuple | list):
            raise OddAnswer(f"{where} is no tuple")
        return [_written(post, Post, where) for post in value]
    if value is None:
        return None
    return _checker(name)(value, where)


def _checker(name: str) -> Callable[[Any, str], Any]:
    for names, check in (
        (_TIMES, _time), (_DATES, _date), (_NUMBERS, _number), (_WHOLE, _whole), (_TRUTHS, _truth),
    ):  # fmt: skip
        if name in names:
            return check
    return _text


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise OddAnswer(f"{where} is no text")
    # Neither NUL nor half a character can be stored.
    return value.translate(_NOT_TEXT).encode("utf-8", "replace").decode("utf-8")


def _date(value: Any, where: str) -> str:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise OddAnswer(f"{where} is no date")
    return value.isoformat()


def _time(value: Any, where: str) -> str:
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise OddAnswer(f"{where} is no time with a zone")
    return value.astimezone(UTC).isoformat()


def _number(value: Any, where: str) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise OddAnswer(f"{where} is no number")
    return float(value) if math.isfinite(value) else None


def _whole(value: Any, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise OddAnswer(f"{where} is no whole number")
    if abs(value) > _LARGEST:
        raise OddAnswer(f"{where} is out of range")
    return value


def _truth(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise OddAnswer(f"{where} is neither true nor false")
    return value


def _read(document: dict[str, Any], made: type) -> Any:
    """What was kept by an older version may lack fields, or hold some that are gone."""
    known = {one.name for one in fields(made)}
    return made(**{name: _value(name, value) for name, value in document.items() if name in known})


def _value(name: str, value: Any) -> Any:
    if name in _POSTS:
        return tuple(_read(post, Post) for post in value)
    if value is None:
        return None
    if name in _TIMES:
        return datetime.fromisoformat(value)
    return date.fromisoformat(value) if name in _DATES else value
