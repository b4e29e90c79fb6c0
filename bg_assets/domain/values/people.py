"""What a person's values may be, whether a file or an event brings them.

Takes trimmed text; what is not fit comes back as an Unfit verdict. Lengths are in characters.
"""

import re

from bg_assets.domain.values.unfit import Unfit

LONGEST_ID = 200
LONGEST_TEXT = 300
LONGEST_TITLE = 1000
LONGEST_EMAIL = 254

EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(?:\.[^@\s.]+)*")
_PLAIN_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,2}", re.ASCII)
_STATES = frozenset({"active", "left"})


def parse_id(text: str, most: int = LONGEST_ID) -> str | Unfit:
    """The id as it is: not normalised, so that no two ids become one."""
    if 1 <= len(text) <= most and text.isprintable():
        return text
    return Unfit(f"takes 1 to {most} printable characters")


def parse_email(text: str) -> str | Unfit:
    """An e-mail address as it is written, in its shape only."""
    if len(text) <= LONGEST_EMAIL:
        if _PLAIN_EMAIL.fullmatch(text):
            return text
        if text.isprintable() and EMAIL.fullmatch(text):
            return text
    return Unfit("is not an e-mail address like name@acme.com")


def parse_status(text: str) -> str | Unfit:
    """``active`` or ``left``, in any case."""
    word = text.lower()
    return word if word in _STATES else Unfit("takes active or left")
