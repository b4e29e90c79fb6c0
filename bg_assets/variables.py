"""What the text of an environment variable may be, by kind: numbers, lengths of time, networks.

Each function takes the environment and a variable's name. Which variables there are is no matter
of this file.
"""

import ipaddress
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation


class BadSetting(Exception):
    """A variable holds something it can't mean; the message names it and says what it takes."""


HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9_-]+(\.[a-z0-9_-]+)*)(:[0-9]{1,5})?")
LENGTH = re.compile(r"([1-9][0-9]{0,5})([smhd])")
UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
# The kinds of questions in domain/enrichment/asking.py.
KINDS = ("company", "discovery", "person")
AMOUNT = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?")
YES, NO = ("1", "yes", "true", "on"), ("", "0", "no", "false", "off")


def hosts(env: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Names of hosts, separated by commas, in lower case."""
    found = [text.strip().lower() for text in env.get(name, "").split(",") if text.strip()]
    for text in found:
        if not HOST.fullmatch(text):
            raise BadSetting(
                f"{name} takes names like ui.example.com or ui.example.com:8443, separated by "
                f"commas, not {text!r}"
            )
    return tuple(dict.fromkeys(found))


def yes(env: Mapping[str, str], name: str) -> bool:
    """Whether it says yes; no where it is not set."""
    text = env.get(name, "").strip().lower()
    if text not in (*YES, *NO):
        raise BadSetting(f"{name} takes yes or no, not {text!r}")
    return text in YES


def one_of(env: Mapping[str, str], name: str, known: tuple[str, ...], default: str) -> str:
    """One of some words."""
    text = env.get(name, "").strip().lower() or default
    if text not in known:
        raise BadSetting(f"{name} takes one of {', '.join(known)}, not {text!r}")
    return text


def networks(env: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Networks as CIDR, separated by commas."""
    found = [text.strip() for text in env.get(name, "").split(",") if text.strip()]
    for text in found:
        try:
            ipaddress.ip_network(text)
        except ValueError:
            raise BadSetting(
                f"{name} takes networks like 10.0.0.0/8, separated by commas, not {text!r}"
            ) from None
    return tuple(found)


def names(env: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Names, separated by commas, each once."""
    found = (text.strip() for text in env.get(name, "").split(","))
    return tuple(dict.fromkeys(text for text in found if text))


def dollars(env: Mapping[str, str], name: str, default: str) -> Decimal:
    """An amount of US dollars, up to 1000."""
    text = env.get(name, "").strip() or default
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise BadSetting(f"{name} takes an amount of US dollars like 0.28, not {text!r}") from None
    if not (value.is_finite() and 0 <= value <= 1000):
        raise BadSetting(f"{name} takes US dollars from 0 to 1000, not {text!r}")
    return value


def seconds(text: str) -> float | None:
    """The seconds of a length of time like 90d, 12h, 30m or 45s; None where it is none."""
    found = LENGTH.fullmatch(text.strip().lower())
    return int(found[1]) * UNITS[found[2]] if found else None


def length(env: Mapping[str, str], name: str, default: str) -> float:
    """A length of time like 90d, in s."""
    text = env.get(name, "").strip() or default
    if (found := seconds(text)) is None:
        raise BadSetting(f"{name} takes a length of time like {default}, not {text!r}")
    return found


def kept(env: Mapping[str, str], name: str, default: str, *, least: str) -> float | None:
    """For how long something is kept, in s; None for ever, which 0 says too."""
    if env.get(name, "").strip().lower() in ("0", "forever"):
        return None
    found, shortest = length(env, name, default), seconds(least)
    if shortest is not None and found < shortest:
        raise BadSetting(f"{name} takes {least} or longer, or forever, not {env[name]!r}")
    return found


def expiry(env: Mapping[str, str], name: str) -> tuple[tuple[str, float], ...]:
    """Lengths of time in s by kind of question."""
    found: dict[str, float] = {}
    for text in filter(None, map(str.strip, env.get(name, "").split(","))):
        kind, _, length = (part.strip() for part in text.partition("="))
        if kind not in KINDS or (lasts := seconds(length)) is None:
            raise BadSetting(
                f"{name} takes lengths of time by kind, like company=7d,discovery=3d,person=12h, "
                f"not {text!r}"
            )
        found[kind] = lasts
    return tuple(found.items())


def caps(env: Mapping[str, str], name: str) -> tuple[tuple[str, Decimal], ...]:
    """US dollars by provider, under "" for all others."""
    found: dict[str, Decimal] = {}
    for text in filter(None, map(str.strip, env.get(name, "").split(","))):
        provider, equals, amount = (part.strip() for part in text.rpartition("="))
        if not AMOUNT.fullmatch(amount) or bool(provider) != bool(equals) or provider in found:
            raise BadSetting(
                f"{name} takes US dollars, for all providers like 5 or for each like pdl=5,csv=0, "
                f"not {text!r}"
            )
        found[provider] = Decimal(amount)
    return tuple(found.items())


def number(env: Mapping[str, str], name: str, default: float, *, least: float) -> float:
    """A number of seconds from ``least`` on."""
    text = env.get(name, "").strip()
    try:
        value = float(text) if text else default
    except ValueError:
        raise BadSetting(f"{name} takes a number of seconds, not {text!r}") from None
    if not least <= value < float("inf"):
        raise BadSetting(f"{name} takes a number of seconds from {least:g}, not {text!r}")
    return value


def whole(
    env: Mapping[str, str], name: str, default: int, *, least: int, most: int | None = None
) -> int:
    """A whole number from ``least`` to ``most``."""
    text = env.get(name, "").strip()
    try:
        value = int(text) if text else default
    except ValueError:
        raise BadSetting(f"{name} takes a whole number, not {text!r}") from None
    if value < least or (most is not None and value > most):
        upto = f" to {most}" if most is not None else ""
        raise BadSetting(f"{name} takes a whole number from {least}{upto}, not {text!r}")
    return value
