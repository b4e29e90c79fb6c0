"""What a server asks for with Retry-After."""

import email.utils
from collections.abc import Mapping
from datetime import UTC, datetime

# A date years ahead is a mistake of somebody's clock.
LONGEST = 86_400.0


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """The seconds for which a server wants to be left alone; None where it does not say.

    Retry-After holds seconds or an HTTP date (RFC 9110, 10.2.3), x-ratelimit-reset, which some send
    instead, a time in ISO 8601. A day at most. headers: by their names in small letters.
    """
    asked = headers.get("retry-after", "").strip()
    if asked.isascii() and asked.isdigit():
        return min(float(asked[:9]), LONGEST)
    at = _http_date(asked) or _iso(headers.get("x-ratelimit-reset", "").strip())
    if at is None:
        return None
    return min(max((at - now).total_seconds(), 0.0), LONGEST)


def _http_date(text: str) -> datetime | None:
    try:
        at = email.utils.parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return _utc(at)


def _iso(text: str) -> datetime | None:
    try:
        return _utc(datetime.fromisoformat(text))
    except ValueError:
        return None


def _utc(at: datetime) -> datetime | None:
    try:
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError:
        return None
