"""Whether two spellings can be the name of one person, or of one company.

Order, case, accents, initials, short forms and missing middle names make no difference; names in
two scripts can't be compared here, and so are never held to be another's.
"""

import re
import unicodedata
from collections.abc import Sequence
from difflib import SequenceMatcher
from enum import StrEnum
from functools import lru_cache

from bg_assets.domain.enrichment.nicknames import full_forms
from bg_assets.domain.values.folding import fold


class Agreement(StrEnum):
    """Whether two values can mean the same."""

    AGREES = "agrees"
    UNCLEAR = "unclear"
    DIFFERS = "differs"


_LONGEST = 300
_APOSTROPHES = re.compile(r"(?<=\w)['’`´ʼ](?=\w)")
_BRACKETED = re.compile(r"[(\[\"“„«]([^)\]\"”“»]{1,40})[)\]\"”“»]")
# No part of a name; only left out where a name is left without them.
_TITLES = frozenset({
    "dr", "prof", "professor", "mr", "mrs", "ms", "miss", "mx", "sir", "dame", "ing", "dipl", "mag",
    "herr", "frau", "mme", "mlle", "monsieur", "madame", "sr", "jr", "phd", "mba", "msc", "bsc",
    "cpa", "cfa", "md", "jd", "esq", "ii", "iii", "iv",
})  # fmt: skip
_LEGAL = frozenset({
    "inc", "incorporated", "llc", "llp", "lp", "ltd", "limited", "plc", "corp", "corporation", "co",
    "company", "gmbh", "mbh", "ag", "kg", "kgaa", "ohg", "se", "sa", "sas", "sarl", "sasu", "srl",
    "spa", "sl", "slu", "bv", "nv", "vof", "ab", "as", "asa", "aps", "oy", "oyj", "sro", "doo",
    "zrt", "kft", "rt", "sp", "zoo", "pty", "pte", "pvt", "kk", "sdn", "bhd", "group", "holding",
    "holdings", "the", "and", "und", "et",
})  # fmt: skip
# Where anybody has an address, it says nothing of an employer; of a company it is no domain.
_OF_ANYBODY = frozenset({
    "gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "msn.com", "yahoo.com",
    "ymail.com", "icloud.com", "me.com", "mac.com", "aol.com", "proton.me", "protonmail.com",
    "gmx.de", "gmx.net", "gmx.at", "gmx.ch", "gmx.com", "web.de", "t-online.de", "freenet.de",
    "mail.com", "zoho.com", "fastmail.com", "yandex.ru", "mail.ru", "qq.com", "163.com", "126.com",
    "naver.com", "orange.fr", "wanadoo.fr", "free.fr", "laposte.net", "libero.it", "bluewin.ch",
    "btinternet.com", "comcast.net", "att.net", "verizon.net", "linkedin.com", "facebook.com",
})  # fmt: skip
# A name in one of these is written without spaces, and one word is all of it.
_WITHOUT_SPACES = frozenset({"CJK", "HANGUL", "HIRAGANA", "KATAKANA"})
# ä as ae and as a are one here, on both sides.
_DIGRAPH = re.compile(r"(?<=[aou])e")
_NEAR = 0.75


def people_agree(one: str, other: str) -> Agreement:
    """Whether two spellings can be one person's name."""
    first, second = _parts(one), _parts(other)
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
        if label and called and _label(label) == company_key(called):
            return Agreement.AGREES
    if domain and other_domain:
        if _label(domain) == _label(other_domain):
            return Agreement.UNCLEAR
        return Agreement.DIFFERS if names is None else names
    return Agreement.UNCLEAR if names is None else names


def company_key(name: str) -> str:
    """What a company's spellings share: two of them with one key agree."""
    return "".join(_company_parts(name))


def _company_names(one: str | None, other: str | None) -> Agreement | None:
    """None where one of the two is unknown."""
    if not one or not other:
        return None
    first, second = _company_parts(one), _company_parts(other)
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
    return None if domain is None or domain.lower() in _OF_ANYBODY else domain


def _within(one: str, other: str) -> bool:
    return one == other or one.endswith(f".{other}") or other.endswith(f".{one}")


def _label(domain: str) -> str:
    """The part of a domain that names its owner, as company names are compared."""
    labels = domain.lower().split(".")
    # Of acme.co.uk it is the third from the end.
    at = -3 if len(labels) > 2 and len(labels[-2]) <= 3 and len(labels[-1]) == 2 else -2
    return company_key(labels[at] if len(labels) > 1 else labels[0])


@lru_cache(maxsize=1 << 12)
def _company_parts(name: str) -> tuple[str, ...]:
    text = _APOSTROPHES.sub("", _plain(name).replace(".", ""))
    words = _words(text, "LMN")
    return tuple(word for word in words if word not in _LEGAL) or words


@lru_cache(maxsize=1 << 12)
def _parts(name: str) -> tuple[str, ...]:
    """The words of a person's name as they are compared."""
    text = _APOSTROPHES.sub("", _plain(name))
    bare = _BRACKETED.sub(" ", text)
    for form in (bare, text):
        words = _words(form, "LM")
        kept = tuple(word for word in words if word not in _TITLES)
        if kept or words:
            return kept or words
    return ()


def _plain(name: str) -> str:
    return unicodedata.normalize("NFKC", name[:_LONGEST])


def _words(text: str, categories: str) -> tuple[str, ...]:
    """Runs of letters and marks, without which Hindi or Thai falls to pieces; N: of numbers too."""
    spaced = (c if unicodedata.category(c)[0] in categories else " " for c in text)
    keys = map(_key, "".join(spaced).split())
    # Of marks that stand alone nothing is left.
    return tuple(key for key in keys if key)


def _key(word: str) -> str:
    return _DIGRAPH.sub("", fold(word).replace("ß", "ss").replace("ð", "d").replace("þ", "th"))


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
