"""What the server that plays People Data Labs can be told to do, and the errors among it."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from enum import StrEnum
from typing import Any


class Play(StrEnum):
    """What the server does with one call; WELL answers as the real one would."""

    WELL = "well"
    PLAN_HIDES = "plan hides"  # true stands for what the plan does not show
    ANOTHER = "another"  # somebody else than was asked for
    WRONG_TYPE = "wrong content type"
    WRONG_KEY = "401"
    NO_CREDIT = "402"
    FORBIDDEN = "403"
    NOBODY = "404"
    NOT_THE_API = "404 html"
    BAD_METHOD = "405"
    REFUSED = "400"
    BUSY_SECONDS = "429 seconds"
    BUSY_DATE = "429 date"
    BUSY_RESET = "429 reset"
    BROKEN = "500"
    BAD_GATEWAY = "502"
    AWAY = "503"
    HANG = "hang"
    DRIP_HEADERS = "drip headers"
    DRIP = "drip"
    CUT = "cut"
    CLOSED = "closed"
    GARBAGE = "garbage"
    HTML = "html"
    OTHER_SHAPE = "other shape"
    NAN = "nan"
    DEEP = "deep"
    TWICE = "key twice"
    REDIRECT_HERE = "redirect here"
    REDIRECT_AWAY = "redirect away"
    HUGE = "huge"
    HUGE_CHUNKED = "huge chunked"
    GZIP_BOMB = "gzip bomb"


ERRORS: Mapping[Play, tuple[int, str]] = {
    Play.REFUSED: (400, "invalid_request_error"),
    Play.WRONG_KEY: (401, "authentication_error"),
    Play.NO_CREDIT: (402, "payment_required"),
    Play.FORBIDDEN: (403, "forbidden"),
    Play.NOBODY: (404, "not_found"),
    Play.BAD_METHOD: (405, "invalid_request_error"),
    Play.BUSY_SECONDS: (429, "rate_limit_error"),
    Play.BUSY_DATE: (429, "rate_limit_error"),
    Play.BUSY_RESET: (429, "rate_limit_error"),
    Play.BROKEN: (500, "api_error"),
    Play.BAD_GATEWAY: (502, "api_error"),
    Play.AWAY: (503, "api_error"),
}
WAIT = 7


def headers(play: Play) -> dict[str, str]:
    """The headers that go with an error."""
    later = datetime.now(UTC) + timedelta(seconds=WAIT)
    return {
        Play.BUSY_SECONDS: {"retry-after": str(WAIT)},
        Play.BUSY_DATE: {"retry-after": format_datetime(later, usegmt=True)},
        Play.BUSY_RESET: {"x-ratelimit-reset": later.isoformat().replace("+00:00", "Z")},
        Play.AWAY: {"retry-after": "2"},
    }.get(play, {})


def error(play: Play) -> dict[str, Any]:
    """The document of an error, of the real one's shape."""
    code, kind = ERRORS[play]
    return {"status": code, "error": {"type": kind, "message": "as the real one words it"}}
