"""What must not stand in a log is taken out of it: secrets, e-mail addresses, payloads, names.

By the name of the value, by what a text looks like, and by the secrets that this process knows
itself. A person's name in the middle of a sentence looks like nothing: our code logs ids. Linear in
the length of a text.
"""

import functools
import re
from collections.abc import Mapping
from typing import Any

from bg_assets.logs.lean import EventDict, WrappedLogger

SECRET, PERSONAL, LEFT_OUT = "[secret]", "[personal]", "[left out]"
LONGEST, LONGEST_TRACE = 2_000, 20_000
DEEPEST = 6
_LEAST_SECRET = 6

# Words of a value's name that say what it holds.
_SECRET_WORDS = frozenset(
    (
        *("password", "passwd", "pwd", "passphrase", "secret", "token", "apikey", "signature"),
        *("authorization", "cookie", "credential", "credentials"),
    )
)
_SECRET_NAMES = frozenset(
    (
        *("api_key", "access_key", "secret_key", "private_key", "routing_key"),
        *("encryption_key", "encryption_keys"),
    )
)
_PERSONAL_NAMES = frozenset(
    (
        *("name", "names", "person_name", "full_name", "first_name", "last_name"),
        *("email", "emails", "e_mail", "mail", "payload", "body", "row"),
    )
)
_WORDS = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+")

_SECRET_PATTERN = (
    r"api[_-]?key|access[_-]?key|secret[_-]?key|private[_-]?key|routing[_-]?key|encryption[_-]?keys?"
    r"|passw(?:or)?d|pwd|passphrase|secret|token|credentials?|signature"
)
_HEADERS = (
    r"(?:proxy-)?authorization|(?:set-)?cookie|(?:x|webhook|svix|dd)-(?:signature|api-key|token)"
)
_MAILBOX = r"[\w.!#$%&'*+=?^`{|}~-]"
# In this order: an address of a server looks like an e-mail's.
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in (
        (r"-----BEGIN [^-\n]*PRIVATE KEY-----.*?(?:-----END [^-\n]*-----|\Z)", SECRET),
        (rf"(\b(?:{_HEADERS})\b['\"]?\s*+[:=,]\s*+)(?!\[secret\])[^\n]+", rf"\1{SECRET}"),
        (r"(?<=://)([^\s:/?#'\"<>]*):[^\s/?#'\"<>]*@", rf"\1:{SECRET}@"),
        (r"(https?://hooks\.slack\.com/)[^\s'\"<>]+", rf"\1{SECRET}"),
        (r"whs[ek]c?_[^\s'\"<>]+", SECRET),
        (r"\b(?:bearer|basic)\s+[\w.~+/=-]{6,}", SECRET),
        (
            rf"((?:{_SECRET_PATTERN})['\"]?\s*+[=:]\s*+)(?!\[secret\])"
            r"(?:\"[^\"\n]*\"|'[^'\n]*'|[^\s,;&)\]}'\"]+)",
            rf"\1{SECRET}",
        ),
        # Keys and tokens of Fernet, JSON Web Tokens, keys of AWS, tokens of Slack and GitHub.
        (r"(?<![\w-])(?:[\w-]{43}=|gAAAA[\w-]{16,}={0,2})(?![\w=-])", SECRET),
        (r"\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?", SECRET),
        (r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bxox[a-z]-[\w-]+|\bgh[a-z]_\w{20,}", SECRET),
        (
            rf"(?<!//)(?<!{_MAILBOX})(?:\"[^\"\n@]{{1,64}}\"|{_MAILBOX}+)@\w[\w-]*(?:\.[\w-]+)+",
            PERSONAL,
        ),
        # What PostgreSQL and SQLAlchemy quote of rows.
        (r"(\[parameters: )[^\n]*", rf"\1{LEFT_OUT}]"),
        (r"(\bDETAIL:\s*)[^\n]*", rf"\1{LEFT_OUT}"),
        (r"(\bFailing row contains )[^\n]*", rf"\1{LEFT_OUT}"),
        (r"(\bKey \([^)\n]*\)=)\([^\n]*\)", rf"\1{LEFT_OUT}"),
        (r"(\bLINE \d+: )[^\n]*", rf"\1{LEFT_OUT}"),
        (r"(\binvalid input (?:syntax|value)[^\n:]*: )\"[^\n]*", rf"\1{LEFT_OUT}"),
    )
)

# Ids, which are most of what is logged, look like nothing that is taken out.
_ID = re.compile(r"(?!whs|gh|xox|eyj|akia|asia|gaaaa)[0-9a-z][0-9a-z_.-]{0,39}")

_known: list[str] = []


def learn(*secrets: str | None) -> None:
    """Take these texts out wherever they stand; what is too short to be told apart is ignored."""
    found = {one for one in secrets if one and len(one) >= _LEAST_SECRET}
    _known[:] = sorted(found.union(_known), key=len, reverse=True)


def text(value: str, longest: int = LONGEST) -> str:
    """The text without what must not be there; its middle is left out where it is too long."""
    if len(value) > longest:
        half = longest // 2
        # Cut first, at blanks, so that no half of an address or a secret is left at the cut.
        begin, end = value[:half].rpartition(" ")[0], value[-half:].partition(" ")[2]
        value = f"{begin} {LEFT_OUT} {end}"
    for secret in _known:
        if secret in value:
            value = value.replace(secret, SECRET)
    if _ID.fullmatch(value):
        return value
    for pattern, replacement in _PATTERNS:
        value = pattern.sub(replacement, value)
    return value


def values(found: Mapping[str, Any]) -> dict[str, Any]:
    """The values by name, each without what must not be there."""
    return {str(key): _value(str(key), value, DEEPEST) for key, value in found.items()}


def processor(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """A processor of structlog; errors with their traces are left to whoever writes them out."""
    error = event.pop("exc_info", None)
    clean = values(event)
    if error:
        clean["exc_info"] = error
    return clean


def _value(name: str, value: Any, deep: int) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    verdict = _by_name(name)
    if verdict:
        return verdict
    if isinstance(value, str):
        return text(value)
    if deep == 0:
        return LEFT_OUT
    if isinstance(value, Mapping):
        return {text(str(key)): _value(str(key), one, deep - 1) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_value(name, one, deep - 1) for one in value]
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {text(str(value))}"
    if isinstance(value, bytes | bytearray | memoryview):
        return LEFT_OUT
    return text(str(value))


@functools.lru_cache(1024)
def _by_name(name: str) -> str:
    """What stands for a value of this name whatever it is; "" where it has to be looked at."""
    plain = name.lower().replace("-", "_")
    if plain in _PERSONAL_NAMES:
        return PERSONAL
    words = {word.lower() for word in _WORDS.findall(name)}
    return SECRET if plain in _SECRET_NAMES or words & _SECRET_WORDS else ""
