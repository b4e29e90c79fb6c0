"""What spellings of one name share: of a company without its legal form, of a person in any order.

Whether two names that share nothing can be one is not decided here.
"""

import re
import unicodedata
from functools import lru_cache

from bg_assets.domain.values.folding import fold

# Raised where a name's key becomes another one: keys that are stored are then made anew.
RULES = 1

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
_ANYBODYS = frozenset({
    "gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "msn.com", "yahoo.com",
    "ymail.com", "icloud.com", "me.com", "mac.com", "aol.com", "proton.me", "protonmail.com",
    "gmx.de", "gmx.net", "gmx.at", "gmx.ch", "gmx.com", "web.de", "t-online.de", "freenet.de",
    "mail.com", "zoho.com", "fastmail.com", "yandex.ru", "mail.ru", "qq.com", "163.com", "126.com",
    "naver.com", "orange.fr", "wanadoo.fr", "free.fr", "laposte.net", "libero.it", "bluewin.ch",
    "btinternet.com", "comcast.net", "att.net", "verizon.net", "linkedin.com", "facebook.com",
    "yahoo.co.uk", "yahoo.de", "yahoo.fr", "yahoo.it", "yahoo.es", "hotmail.co.uk", "hotmail.de",
    "hotmail.fr", "hotmail.it", "hotmail.es", "outlook.de", "outlook.fr", "live.co.uk", "live.fr",
    "live.nl", "sfr.fr", "virgilio.it", "wp.pl", "o2.pl", "hey.com", "pm.me", "instagram.com",
})  # fmt: skip
# ä as ae and as a are one here, on both sides.
_DIGRAPH = re.compile(r"(?<=[aou])e")


def company_key(name: str) -> str:
    """What a company's spellings share: two of them with one key agree."""
    return "".join(company_parts(name))


def domain_key(domain: str) -> str:
    """The part of a domain that names its owner, as company names are compared."""
    labels = domain.lower().split(".")
    # Of acme.co.uk it is the third from the end.
    at = -3 if len(labels) > 2 and len(labels[-2]) <= 3 and len(labels[-1]) == 2 else -2
    return company_key(labels[at] if len(labels) > 1 else labels[0])


def person_key(name: str) -> str:
    """The words of a person's name in a fixed order; empty where nothing in it is a word."""
    return " ".join(sorted(person_parts(name)))


def is_of_anybody(domain: str) -> bool:
    """Whether anybody may have an address there, as at a provider of mailboxes."""
    return domain.lower() in _ANYBODYS


@lru_cache(maxsize=1 << 12)
def company_parts(name: str) -> tuple[str, ...]:
    """The words of a company's name as they are compared, without its legal form."""
    text = _APOSTROPHES.sub("", _plain(name).replace(".", ""))
    words = _words(text, "LMN")
    return tuple(word for word in words if word not in _LEGAL) or words


@lru_cache(maxsize=1 << 12)
def person_parts(name: str) -> tuple[str, ...]:
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
