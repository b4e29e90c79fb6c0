"""What a webhook secret is in each scheme: its text, the key it stands for, and what is none."""

import base64
import binascii
import re
from typing import Literal, get_args

# The CRMs whose own webhooks are understood: each signs in its own way.
Vendor = Literal["hubspot", "pipedrive", "salesforce"]
Scheme = Literal["standard", "plain"] | Vendor

# Those in which anybody can sign, and all.
SCHEMES: tuple[Scheme, ...] = ("standard", "plain")
ALL: tuple[Scheme, ...] = (*SCHEMES, *get_args(Vendor))
PREFIX = "whsec_"
LEAST, MOST = 24, 64
# Of a vendor's own making, or a user and a password.
LEAST_OF_VENDORS, MOST_OF_VENDORS = 16, 200
SOURCE = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
# A path of the door's own, which takes the source from the body.
RESERVED = frozenset({"person-change"})


def from_random(scheme: Scheme, random: bytes) -> str:
    """The text of the secret that these random bytes make."""
    if scheme == "standard":
        return PREFIX + base64.b64encode(random).decode()
    text = base64.urlsafe_b64encode(random).decode().rstrip("=")
    return f"bg-assets:{text}" if scheme == "pipedrive" else text


def key_of(scheme: Scheme, text: str) -> bytes | None:
    """The bytes that sign: decoded (standard) or those of the text (plain); None where it is none.

    Of 24 to 64 bytes; what vendors give may be of 16 to 200.
    """
    if scheme in get_args(Vendor):
        key = text.encode() if _is_plain(text) else b""
        is_whole = scheme != "pipedrive" or all(text.partition(":"))
        return key if is_whole and LEAST_OF_VENDORS <= len(key) <= MOST_OF_VENDORS else None
    if scheme == "plain":
        key = text.encode() if _is_plain(text) else b""
    else:
        try:
            key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
        except (binascii.Error, ValueError):
            return None
    return key if LEAST <= len(key) <= MOST else None


def expected(scheme: Scheme) -> str:
    """What a secret of the scheme looks like, as the end of a sentence."""
    if scheme == "pipedrive":
        return f"username:password of {LEAST_OF_VENDORS} to {MOST_OF_VENDORS} characters in all"
    if scheme in get_args(Vendor):
        return f"printable text of {LEAST_OF_VENDORS} to {MOST_OF_VENDORS} bytes"
    if scheme == "plain":
        return f"printable text of {LEAST} to {MOST} bytes without spaces at its ends"
    return f"{PREFIX} and the base64 of {LEAST} to {MOST} bytes"


def source_problem(name: str) -> str:
    """What keeps a name from being a source's; empty where nothing does."""
    if not SOURCE.fullmatch(name):
        return "a source's name is 1 to 63 of a-z, 0-9, '.', '_' and '-', and starts with a-z, 0-9"
    if name in RESERVED:
        return f"{name} is a path of the door's own: choose another name"
    return ""


def _is_plain(text: str) -> bool:
    return text.isprintable() and text == text.strip()
