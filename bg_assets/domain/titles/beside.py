"""How often the lexicon and the tail are right beside each other, as measured: beside.csv.

The table is written by `python -m bench tail --learn`: for each kind of reading, whether all words
were known and English, and what titles like it are, how often the lexicon's function was right and
how often the tail's.
"""

import csv
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from bg_assets.domain.titles.function import Finding
from bg_assets.domain.titles.tail import Likely
from bg_assets.domain.titles.weighing import Reading

SHIPPED = Path(__file__).with_name("beside.csv")
COLUMNS = ("reading", "words", "tail", "cases", "lexicon", "like")
# The kinds of finding that are weighed. In the table a title or fork of several words, or of all
# there are, is a post; what tells one of the finer functions firmly is finer; and none is nothing.
WEIGHED = frozenset(("title", "phrase", "word", "weak", "fork"))
# ESCO's occupations are sorted more coarsely than these: analysts of data are with IT, compliance
# is with what it is about. Where a phrase or a whole title has one of them, no other is likelier.
FINER = frozenset(("data", "support", "customer_success", "revenue_operations"))
FINER |= {"compliance", "security", "product"}
_FIRM = frozenset(("title", "phrase", "fork"))
_WHOLE = frozenset(("title", "fork"))
# From this chance on the words of a title are no English ones.
FOREIGN = 0.9
# Bounds of the chances that are told apart, lowest first.
_AGREES = ((0.9, "same+++"), (0.5, "same++"), (0.2, "same+"))
_OTHER = ((0.97, "other+++"), (0.9, "other++"), (0.7, "other+"), (0.5, "other"), (0.0, "other-"))
FIRMLY_OTHER = frozenset(("other+++", "other++"))
_NONE = ((0.97, "none+++"), (0.7, "none+"), (0.0, "none"))


@dataclass(frozen=True, slots=True)
class Shares:
    """How often a function was right in such a case, 0 to 1: the lexicon's, and the tail's."""

    lexicon: float
    like: float


def case_of(
    reading: Reading, likely: Likely, found: Finding | None, rule: str
) -> tuple[str, str, str]:
    """The row of the table that a reading belongs to: its first three columns."""
    abroad = reading.abroad or likely.foreign >= FOREIGN
    words = f"{'foreign' if abroad else 'English'} {'unknown' if reading.unknown else 'known'}"
    if found is None:
        return "nothing", words, _told(likely)
    size = len(found.phrase.split())
    whole = rule in _WHOLE and (size > 1 or len(reading.words) == size)
    kind = "post" if whole else rule
    # `produits` are goods as often as what is made of them.
    firm = rule in _FIRM or (not reading.unknown and found.values[0] != "product")
    if firm and found.values[0] in FINER:
        kind = "finer"
    same = likely.of(found.values[0])
    agreeing = next((name for bound, name in _AGREES if same >= bound), None)
    return kind, words, agreeing or _told(likely)


def _told(likely: Likely) -> str:
    if likely.function is None:
        return next(name for bound, name in _NONE if likely.none >= bound)
    return next(name for bound, name in _OTHER if likely.chance >= bound)


def shares(case: tuple[str, str, str]) -> Shares | None:
    """What was measured of such a case; None where nothing was."""
    return table().get(case)


@lru_cache(maxsize=1)
def table() -> Mapping[tuple[str, str, str], Shares]:
    """The table that is shipped."""
    return read(_content().decode().splitlines())


def read(lines: Iterable[str]) -> dict[tuple[str, str, str], Shares]:
    """The table from its lines; the first names the columns."""
    return {
        (row["reading"], row["words"], row["tail"]): Shares(
            float(row["lexicon"]), float(row["like"])
        )
        for row in csv.DictReader(lines)
    }


@lru_cache(maxsize=1)
def digest() -> str:
    """Tells one table from another, in a few letters."""
    return f"{zlib.crc32(_content()):08x}"


def _content() -> bytes:
    with SHIPPED.open("rb") as stored:
        return stored.read()
