"""Characters that are no text but orders: to a terminal, or to begin another line.

Replaced where a value comes in, made visible where one goes out to people.
"""

import re

# C0, DEL, C1, and the ends of lines and paragraphs: a value is one line.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_GAP = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")
# And what turns round the text after it, and halves of characters, which no terminal can print.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_SHORT = {"\t": r"\t", "\n": r"\n", "\r": r"\r"}


def within(text: str) -> bool:
    """Whether a control character stands in the text, other than at its ends as white space."""
    return not text.isprintable() and _CONTROL.search(text.strip()) is not None


def cleaned(text: str) -> str:
    """The text without control characters: a space for them and the white space around, trimmed.

    Marks for right-to-left text stay, as do accents and emoji: they are part of names.
    """
    trimmed = text.strip()
    if trimmed.isprintable() or not _CONTROL.search(trimmed):
        return trimmed
    return _GAP.sub(_space, trimmed).strip()


def visible(text: str) -> str:
    r"""The text with such characters written out, like ``\n``, ``\x1b`` or ``\u202e``."""
    return text if text.isascii() and text.isprintable() else _UNSEEN.sub(_written, text)


def _space(gap: re.Match[str]) -> str:
    return " " if _CONTROL.search(gap[0]) else gap[0]


def _written(found: re.Match[str]) -> str:
    code = ord(found[0])
    return _SHORT.get(found[0]) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")
