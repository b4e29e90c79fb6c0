"""Signing events, and whether a request was signed by somebody who holds one of the secrets.

No clock. What a verdict says may be counted, but not told to the sender in detail.
"""

import base64
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import floor

from bg_assets.domain.webhooks.secrets import Scheme

WINDOW = 300
# From 2,048 bytes on hashlib lets other threads run.
_PIECE = 2047
_PLAIN_TIME = re.compile(r"[0-9]{1,15}", re.ASCII)
_PLAIN_SIGNATURE = re.compile(r"[0-9a-f]{64}", re.ASCII)
_STANDARD = ("webhook-id", "webhook-timestamp", "webhook-signature")
_SVIX = ("svix-id", "svix-timestamp", "svix-signature")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the signature holds, and if not why, as a kind that can be counted.

    The kinds: no-secret, no-signature, old-signature, bad-time, too-old, too-new, bad-signature,
    wrong-signature.
    """

    kind: str = ""

    @property
    def accepted(self) -> bool:
        """Whether nothing is wrong."""
        return not self.kind


ACCEPTED = Verdict()
# So that what can't be compared takes as long as what can.
_NOTHING = b"\0" * 32


def signed_headers(
    scheme: Scheme, key: bytes, event_id: str, at: datetime, body: bytes
) -> dict[str, str]:
    """The headers that sign these bytes; ``key`` is what the secret stands for (`key_of`).

    ``standard``: https://www.standardwebhooks.com, symmetric; ``plain``: hexadecimal HMAC-SHA256
    over the milliseconds since 1970, a dot and the body.
    """
    if scheme == "standard":
        return standard_headers([key], event_id, at, body)
    milliseconds = str(int(at.timestamp() * 1000))
    return {
        "x-timestamp": milliseconds,
        "x-signature": hmac.digest(key, f"{milliseconds}.".encode() + body, "sha256").hex(),
    }


def standard_headers(
    keys: Sequence[bytes], event_id: str, at: datetime, body: bytes
) -> dict[str, str]:
    """The headers of ``standard``, signed with each of the keys: one that is known will do."""
    seconds = str(int(at.timestamp()))
    signed = f"{event_id}.{seconds}.".encode() + body
    macs = [base64.b64encode(hmac.digest(key, signed, "sha256")).decode() for key in keys]
    signatures = " ".join(f"v1,{mac}" for mac in macs)
    return dict(zip(_STANDARD, (event_id, seconds, signatures), strict=True))


def verify(
    scheme: Scheme, headers: Mapping[str, str], body: bytes, keys: Sequence[bytes], now: float
) -> Verdict:
    """Check a request against the keys of its source.

    ``headers`` by lower-case name, ``body`` as it came, ``now`` in seconds since 1970.
    """
    if not keys:
        return Verdict("no-secret")
    if scheme == "plain":
        return _plain(headers, body, keys, now)
    return _standard(headers, body, keys, now)


def message_id(headers: Mapping[str, str]) -> str:
    """The id that a request of the standard scheme was signed with: it must have been accepted."""
    return headers.get("webhook-id") or headers["svix-id"]


def _standard(
    headers: Mapping[str, str], body: bytes, keys: Sequence[bytes], now: float
) -> Verdict:
    """Standard Webhooks, with the verdicts of its reference library wherever that gives one.

    Where that fails on what it is given, the verdict is no.
    """
    names = _STANDARD if any(headers.get(name) for name in _STANDARD) else _SVIX
    message, time, signatures = (headers.get(name) for name in names)
    if not (message and time and signatures):
        return Verdict("no-signature")
    try:
        sent_at = datetime.fromtimestamp(float(time), tz=UTC).timestamp()
        signed = f"{message}.{floor(sent_at)}.".encode() + body
    except UnicodeEncodeError:
        return Verdict("bad-signature")
    except (ValueError, OverflowError, OSError):
        return Verdict("bad-time")
    late = outside(sent_at, now)
    if late:
        return Verdict(late)
    digests = [mac(key, signed) for key in keys]
    accepted, broken = False, False
    for signature in signatures.split(" "):
        offered = _offered(signature)
        broken = broken or offered is None
        for digest in digests:
            same = hmac.compare_digest(digest, offered or _NOTHING)
            accepted = accepted or (same and not broken)
    if accepted:
        return ACCEPTED
    return Verdict("bad-signature" if broken else "wrong-signature")


def _offered(versioned: str) -> bytes | None:
    """The bytes of one signature of a list; none at all for another version; None if malformed."""
    version, comma, text = versioned.partition(",")
    if not comma or "," in text:
        return None
    if version != "v1":
        return b""
    try:
        return base64.b64decode(text)
    except ValueError:
        return None


def _plain(headers: Mapping[str, str], body: bytes, keys: Sequence[bytes], now: float) -> Verdict:
    time, signature = headers.get("x-timestamp"), headers.get("x-signature")
    if not (time and signature):
        return Verdict("no-signature")
    if not _PLAIN_TIME.fullmatch(time):
        return Verdict("bad-time")
    if not _PLAIN_SIGNATURE.fullmatch(signature):
        return Verdict("bad-signature")
    late = outside(int(time) // 1000, now)
    if late:
        return Verdict(late)
    signed, offered = time.encode() + b"." + body, bytes.fromhex(signature)
    accepted = False
    for key in keys:
        same = hmac.compare_digest(mac(key, signed), offered)
        accepted = accepted or same
    return ACCEPTED if accepted else Verdict("wrong-signature")


def mac(key: bytes, content: bytes) -> bytes:
    """HMAC-SHA256, in pieces for which Python keeps its lock.

    `hmac.digest` lets go of it each time: the thread that stores events takes it then, and who
    checks a signature waits for it longer than the signature takes.
    """
    made = hmac.new(key, digestmod="sha256")
    for at in range(0, len(content), _PIECE):
        made.update(content[at : at + _PIECE])
    return made.digest()


def outside(sent_at: float, now: float) -> str:
    """What is wrong with a time in seconds; whole seconds count, both ends are inside."""
    if sent_at < floor(now) - WINDOW:
        return "too-old"
    return "too-new" if sent_at > now + WINDOW else ""
