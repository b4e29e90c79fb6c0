"""A title or a department apart from the name of its company, which is no department."""

import re
from collections.abc import Sequence
from functools import lru_cache

from bg_assets.domain.values.folding import fold

_WORD = re.compile(r"[^\W_]+")
_SIGNS = " -–,:;/|()&"
_LEAST_LETTERS = 3  # of initials; of fewer nobody knows whether they are the company's
_LEGAL = frozenset(
    word
    for line in (
        "ag ab as asa a s bv co corp corporation gmbh inc kg limited llc ltd nv oy plc sa sarl sas",
        "se sl spa sro srl z o sp company group holding",
    )
    for word in line.split()
)
_JOINING = frozenset(
    ("and", "the", "of", "for", "und", "et", "de", "der", "y", "e", "en", "og", "in", "to")
)


def apart(text: str | None, company: str | None) -> str | None:
    """A department, or a title, without the name of the company in it; None where nothing is left.

    "Coal Authority" at the Coal Authority is no department, and "Coal Authority - Finance" is
    Finance. Legal forms, joining words, capitals and accents don't count; the initials of a name
    of three words or more count as the name, but for those of a part of it. A name of one word
    counts only where it is all that the text says.
    """
    if not text or not company:
        return text
    name, initials = _named(company)
    # Most texts are those of many companies, and hold no word of this one's name.
    if name and name[0] not in _said(text) and initials not in _said(text):
        return text
    found = list(_WORD.finditer(text))
    words = [fold(one.group()) for one in found]
    span = _span(words, name)
    if span is None:
        return text
    first, last = span
    if not {*words[:first], *words[last:]} - _LEGAL - _JOINING:
        return None
    if len(name) == 1:
        return text
    before, after = text[: found[first].start()], text[found[last - 1].end() :]
    return " - ".join(part for one in (before, after) if (part := one.strip(_SIGNS)))


@lru_cache(maxsize=1 << 12)
def _named(company: str) -> tuple[tuple[str, ...], str]:
    """The words of a name that count, and their initials."""
    name = _content([fold(word) for word in _WORD.findall(company)])
    while len(name) > 1 and name[-1] in _LEGAL:
        name.pop()
    return tuple(name), "".join(word[0] for word in name)


@lru_cache(maxsize=1 << 16)
def _said(text: str) -> frozenset[str]:
    return frozenset(fold(word) for word in _WORD.findall(text))


def _content(words: Sequence[str]) -> list[str]:
    return [word for word in words if word not in _JOINING]


def _span(words: Sequence[str], name: Sequence[str]) -> tuple[int, int] | None:
    """From where to where a name, or its initials, stands among words."""
    if not name:
        return None
    kept = [at for at, word in enumerate(words) if word not in _JOINING]
    for start in range(len(kept) - len(name) + 1):
        span = kept[start : start + len(name)]
        if [words[at] for at in span] == list(name):
            return span[0], span[-1] + 1
    initials = "".join(word[0] for word in name)
    if len(initials) >= _LEAST_LETTERS and initials in words:
        at = words.index(initials)
        return at, at + 1
    return None
