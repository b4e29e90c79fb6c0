"""Whether two spellings can be the name of one person, or of one company.

Order, case, accents, initials, short forms and missing middle names make no difference; names in
two scripts can't be compared here, and so are never held to be another's.
"""

import unicodedata
from collections.abc import Sequence
from difflib import SequenceMatcher
from enum import StrEnum
from functools import lru_cache

from bg_assets.domain.enrichment.nicknames import full_forms
from bg_assets.domain.values.names import (
    company_key,
    company_parts,
    domain_key,
    is_of_anybody,
    person_parts,
)


class Agreement(StrEnum):
    """Whether two values can mean the same."""

    AGREES = "agrees"
    UNCLEAR = "unclear"
    DIFFERS = "differs"


# A name in one of these is written without spaces, and one word is all of it.
_WITHOUT_SPACES = frozenset({"CJK", "HANGUL", "HIRAGANA", "KATAKANA"})
_NEAR = 0.75


def people_agree(one: str, other: str) -> Agreement:
    """Whether two spellings can be one person's name."""
    first, second = person_parts(one), person_parts(other)
    if not first or not second or _scripts(first).isdisjoint(_scripts(second)):
        return Agreement.UNCLEAR
    if sorted(first) == sorted(second) or "".join(first) == "".join(second):
        return Agreement.AGREES
    first, second = _joined(first, second), _joined(second, first)
    short, long = sorted((first, second), key=len)
    exact, initials, near, left = _matched(short, long)
    unmatched = len(short) - exact - initials - near
    if unmatched == 0:
        alone = len(short) == 1 and len(long) > 1 and _script(short[0][0]) not in _WITHOUT_SPACES
        if exact == 0 or near or alone:
            return Agreement.UNCLEAR
        return Agreement.AGREES
    if not left:
        return Agreement.UNCLEAR
    # Two middle names, or two of several family names.
    return Agreement.UNCLEAR if exact >= 2 else Agreement.DIFFERS


def is_another(name: str, known: str) -> bool:
    """Whether two people's names have nothing in common; who marries keeps a part."""
    if people_agree(name, known) is not Agreement.DIFFERS:
        return False
    return set(person_parts(name)).isdisjoint(person_parts(known))


def companies_agree(
    name: str | None, domain: str | None, other_name: str | None, other_domain: str | None
) -> Agreement:
    """Whether names and domains can be one company's; what is unknown agrees with nothing."""
    domain, other_domain = _own(domain), _own(other_domain)
    if domain and other_domain and _within(domain.lower(), other_domain.lower()):
        return Agreement.AGREES
    names = _company_names(name, other_name)
    if names is Agreement.AGREES:
        return names
    for label, called in ((domain, other_name), (other_domain, name)):
        if label and called and domain_key(label) == company_key(called):
            return Agreement.AGREES
    if domain and other_domain:
        if domain_key(domain) == domain_key(other_domain):
            return Agreement.UNCLEAR
        return Agreement.DIFFERS if names is None else names
    return Agreement.UNCLEAR if names is None else names


def _company_names(one: str | None, other: str | None) -> Agreement | None:
    """None where one of the two is unknown."""
    if not one or not other:
        return None
    first, second = company_parts(one), company_parts(other)
    if not first or not second or _scripts(first).isdisjoint(_scripts(second)):
        return Agreement.UNCLEAR
    if company_key(one) == company_key(other) or set(first) == set(second):
        return Agreement.AGREES
    for short, long in ((first, second), (second, first)):
        initials = "".join(part[0] for part in long)
        if set(short) <= set(long) or "".join(long).startswith("".join(short)):
            return Agreement.UNCLEAR
        if len(long) > 1 and short == (initials,):
            return Agreement.UNCLEAR
    return Agreement.UNCLEAR if _alike("".join(first), "".join(second)) > 0.9 else Agreement.DIFFERS


def _own(domain: str | None) -> str | None:
    return None if domain is None or is_of_anybody(domain) else domain


def _within(one: str, other: str) -> bool:
    return one == other or one.endswith(f".{other}") or other.endswith(f".{one}")


def _scripts(words: Sequence[str]) -> set[str]:
    """The scripts that letters are of, by the first word of their Unicode names."""
    return {_script(word[0]) for word in words}


@lru_cache(maxsize=1 << 10)
def _script(letter: str) -> str:
    return "LATIN" if letter.isascii() else unicodedata.name(letter, "?").split()[0]


def _joined(words: tuple[str, ...], others: tuple[str, ...]) -> tuple[str, ...]:
    """The words, those next to each other as one where the other name has them as one."""
    known, found, at = set(others), [], 0
    while at < len(words):
        for width in (3, 2):
            run = "".join(words[at : at + width])
            if at + width <= len(words) and run in known:
                found.append(run)
                at += width
                break
        else:
            found.append(words[at])
            at += 1
    return tuple(found)


def _matched(short: tuple[str, ...], long: tuple[str, ...]) -> tuple[int, int, int, list[str]]:
    """How many words of the short name are the same in the long one, an initial, or nearly so.

    And the words of the long one that are left.
    """
    waiting, left = list(short), list(long)
    counts = []
    for fits in (_same, _initial, _nearly):
        before = len(waiting)
        for word in tuple(waiting):
            other = next((one for one in left if fits(word, one)), None)
            if other is not None:
                waiting.remove(word)
                left.remove(other)
        counts.append(before - len(waiting))
    return counts[0], counts[1], counts[2], left


def _same(one: str, other: str) -> bool:
    if one == other:
        return len(one) > 1 or not one.isascii()
    return not full_forms(one).isdisjoint(full_forms(other))


def _initial(one: str, other: str) -> bool:
    return (len(one) == 1 or len(other) == 1) and one[0] == other[0]


def _nearly(one: str, other: str) -> bool:
    """As different romanisations of one name are: Sergey and Sergei, Mohammed and Muhammad."""
    return min(len(one), len(other)) > 3 and _alike(one, other) >= _NEAR


def _alike(one: str, other: str) -> float:
    """0 to 1; sorted, since the matcher's own figure depends on the order."""
    first, second = sorted((one, other))
    return SequenceMatcher(None, first, second).ratio()
