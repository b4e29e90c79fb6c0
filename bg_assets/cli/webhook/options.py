"""What the commands of the webhook door share: sources, secrets, networks, durations."""

import ipaddress
import re
import sys
from datetime import timedelta
from typing import NoReturn

import click
import sqlalchemy as sa

from bg_assets.cli import session
from bg_assets.domain.values import near
from bg_assets.domain.webhooks import secrets
from bg_assets.domain.webhooks.secrets import Scheme
from bg_assets.storage.webhooks import listing

_DURATION = re.compile(r"(\d{1,9})([smhd]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST_KEEP = 366 * 86400


def no_such_source(conn: sa.Connection, name: str) -> NoReturn:
    """End with exit code 2 and near matches."""
    known = [one.id for one in listing.list_sources(conn) if one.revoked_at is None]
    hint = near.near(name, known) or "there is none: `bg-assets webhook add-source` adds one"
    session.fail(f"no source {name}; {hint}", session.USAGE)


def read_secret(given: str) -> str:
    """A secret from the command line, or from standard input where it is -."""
    if given != "-":
        return given
    if sys.stdin.isatty():
        return str(click.prompt("secret", hide_input=True, err=True))
    # What is not UTF-8 stays visible, and is no secret.
    return sys.stdin.buffer.readline().decode(errors="surrogateescape").rstrip("\r\n")


def check_secret(scheme: Scheme, text: str) -> bytes:
    """The key of a secret; ends with exit code 2 where it is none, without repeating it."""
    key = secrets.key_of(scheme, text)
    if key is None:
        session.fail(f"--secret takes {secrets.expected(scheme)}", session.USAGE)
    return key


def networks(given: tuple[str, ...]) -> tuple[str, ...]:
    """The networks of --allow in CIDR notation; ends with exit code 2 where one is none."""
    found = []
    for one in given:
        try:
            found.append(str(ipaddress.ip_network(one.strip())))
        except ValueError:
            session.fail(f"--allow takes a network like {_like(one)}, not {one!r}", session.USAGE)
    return tuple(dict.fromkeys(found))


def duration(text: str) -> timedelta:
    """The duration of --keep; ends with exit code 2 where it is none."""
    match = _DURATION.fullmatch(text.strip())
    seconds = int(match[1]) * _SECONDS[match[2]] if match else None
    if seconds is None or seconds > _LONGEST_KEEP:
        session.fail(
            "--keep takes a duration like 24h, 30m, 7d or 0, a year at most", session.USAGE
        )
    return timedelta(seconds=seconds)


def _like(text: str) -> str:
    """The network that holds an address with a prefix that is too short for it."""
    try:
        return str(ipaddress.ip_network(text.strip(), strict=False))
    except ValueError:
        return "10.0.0.0/8"
