"""Which country a spelling means: the only place where a company's country is read.

countries.csv: the codes and short names of ISO 3166, the names of the Unicode CLDR in the languages
in which titles are read and in those of the country itself, and further spellings people write.
"""

import csv
import re
import unicodedata
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path

from bg_assets.domain.values.folding import fold

_FILE = Path(__file__).with_name("countries.csv")
_LONGEST = 200
_MARKS = re.compile(r"[.'’`´]")
_WORD = re.compile(r"[^\W_]+")


@lru_cache(maxsize=1 << 12)
def code(country: str | None) -> str | None:
    """The two-letter ISO code of a country by a code or a name of it; None where it is unknown.

    Case, accents, dots, hyphens and `&` make no difference, nor does a leading `the`.
    """
    return _spellings().get(_plain(country)) if country else None


def table() -> Mapping[str, tuple[str, ...]]:
    """Every spelling of the file by the country's code, the codes among them."""
    with _FILE.open(encoding="utf-8", newline="") as file:
        return {
            row["code"]: (row["code"], row["alpha3"], *row["names"].split("|"))
            for row in csv.DictReader(file)
        }


@cache
def _spellings() -> Mapping[str, str]:
    return {_plain(name): found for found, names in table().items() for name in names}


def _plain(country: str) -> str:
    """A spelling as it is compared: folded words, single letters joined (`U. K.` is uk)."""
    text = fold(unicodedata.normalize("NFKC", country[:_LONGEST]))
    words = _WORD.findall(_MARKS.sub("", text).replace("&", " and "))
    if len(words) > 1 and words[0] == "the":
        words = words[1:]
    return ("" if all(len(word) == 1 for word in words) else " ").join(words)
