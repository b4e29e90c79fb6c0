"""Which language a title is in: told by its own words, else by what its company or file speaks.

Letters of words were counted by `python -m bench languages --learn` in the labels of ESCO in twelve
languages (see NOTICE). It is asked only where a word means different things in different languages.
"""

import math
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bg_assets.domain.titles.cleaning import Section
from bg_assets.domain.values.countries import code

SHIPPED = Path(__file__).with_name("languages.npz")
LANGUAGES = ("cs", "da", "de", "en", "es", "fr", "it", "nl", "no", "pl", "pt", "sv")
# Counts of n-grams are hashed into so many rows.
ROWS = 1 << 15
# By how much the best language has to be ahead of the next: of labels that were not counted 0.96
# to 1.00 were right from SURE on, 0.87 from LIKELY on.
SURE, LIKELY = 3.0, 2.0
_SIZES = (2, 3, 4)
_WORD = re.compile(r"[^\W\d_]+")
_WORDS = 1 << 15
_READ = 400
# A file or a company has a language where so many of its titles tell one, and most the same.
_LEAST_TITLES, _MOST_OF_THEM = 5, 0.6

# Languages of business by country, the first spoken by most.
_SPOKEN: Mapping[str, tuple[str, ...]] = {
    "AR": ("es",), "AT": ("de",), "AU": ("en",), "BE": ("nl", "fr"), "BO": ("es",), "BR": ("pt",),
    "CA": ("en", "fr"), "CH": ("de", "fr", "it"), "CL": ("es",), "CO": ("es",), "CR": ("es",),
    "CZ": ("cs",), "DE": ("de",), "DK": ("da",), "DO": ("es",), "EC": ("es",), "ES": ("es",),
    "FR": ("fr",), "GB": ("en",), "GT": ("es",), "HN": ("es",), "IE": ("en",), "IT": ("it",),
    "LI": ("de",), "LU": ("fr", "de"), "MC": ("fr",), "MX": ("es",), "NI": ("es",), "NL": ("nl",),
    "NO": ("no",), "NZ": ("en",), "PA": ("es",), "PE": ("es",), "PL": ("pl",), "PT": ("pt",),
    "PY": ("es",), "SE": ("sv",), "SM": ("it",), "SV": ("es",), "US": ("en",), "UY": ("es",),
    "VE": ("es",),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Told:
    """A language, and whether it is more than a guess."""

    language: str
    firmly: bool


# Of what no language is told.
UNTOLD: Mapping[str, Told] = MappingProxyType({})


def spoken_in(country: str | None) -> tuple[str, ...]:
    """The languages that titles of a company in this country may be in; none where unknown."""
    found = code(country)
    return _SPOKEN.get(found, ()) if found else ()


def of_company(country: str | None, titles: Iterable[str | None]) -> tuple[str, ...]:
    """The languages of a company's titles: those of its country, else the one of most titles."""
    return spoken_in(country) or of_many(titles)


@lru_cache(maxsize=_WORDS)
def of(title: str, spoken: tuple[str, ...] = (), beside: str = "") -> Told | None:
    """The language of a title, None where it has no word that could tell it.

    spoken: the languages of its company or file, heard where its own words do not firmly tell one.
    beside: a folded word that tells nothing, since which language it is of is the question.
    """
    scores = _scores(title, beside)
    if not scores:
        return Told(spoken[0], firmly=True) if len(spoken) == 1 else None
    best = max(scores, key=lambda one: scores[one])
    ahead = scores[best] - max(score for one, score in scores.items() if one != best)
    if spoken and ahead < SURE:
        return Told(max(spoken, key=lambda one: scores[one]), firmly=True)
    return Told(best, firmly=ahead >= LIKELY)


def in_doubt(
    text: str, parts: Iterable[Section], spoken: tuple[str, ...], ambiguous: frozenset[str]
) -> dict[str, Told]:
    """By ambiguous word of a text the language that the other words tell."""
    if all(ambiguous.isdisjoint(part.tokens) for part in parts):
        return {}
    asked = sorted({word for part in parts for word in part.tokens if word in ambiguous})
    said = {word: of(text, spoken, word) for word in asked}
    return {word: told for word, told in said.items() if told is not None}


def of_many(titles: Iterable[str | None]) -> tuple[str, ...]:
    """The language of a list of titles, as ``spoken``: the one that most of them firmly tell."""
    said = (of(title) for title in titles if title)
    told = Counter(one.language for one in said if one is not None and one.firmly)
    language, most = told.most_common(1)[0] if told else ("", 0)
    total = sum(told.values())
    return (language,) if total >= _LEAST_TITLES and most >= _MOST_OF_THEM * total else ()


def rows_of(word: str) -> frozenset[int]:
    """The rows that a word in small letters, with its accents, stands for."""
    padded = f"<{word}>"
    grams = {"=" + word}
    for size in _SIZES:
        grams.update(padded[at : at + size] for at in range(len(padded) - size + 1))
    return frozenset(zlib.crc32(gram.encode()) & (ROWS - 1) for gram in grams)


def words_of(title: str) -> list[str]:
    """The words of a title in small letters, with their accents."""
    return _WORD.findall(title[:_READ].casefold())


@lru_cache(maxsize=1)
def digest() -> str:
    """Tells one state of what was counted from another, in a few letters."""
    with SHIPPED.open("rb") as stored:
        return f"{zlib.crc32(stored.read()):08x}"


def _scores(title: str, beside: str) -> dict[str, float]:
    """By language how much of it the words have; comparable within one title alone."""
    words = [one for one in words_of(title) if one != beside]
    rows = sorted(set().union(*map(_cached_rows, words)))
    if not rows:
        return {}
    weights, scale = _shipped()
    sums = weights[rows].sum(axis=0, dtype="int32") * (scale / math.sqrt(len(rows)))
    return dict(zip(LANGUAGES, sums.tolist(), strict=True))


_cached_rows = lru_cache(maxsize=_WORDS)(rows_of)


@cache
def _shipped() -> tuple[Any, float]:
    # It takes a tenth of a second, and few titles need it.
    import numpy as np

    with np.load(SHIPPED, allow_pickle=False) as stored:
        return stored["weights"], float(stored["scale"])
