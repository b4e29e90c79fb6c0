"""How likely two people of one company work together, as far as their rows tell.

What makes a group of them a good one does not belong here.
"""

import math
import re
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Protocol

from bg_assets.domain.values.folding import fold

# Odds of a working tie between two people who share nothing. No figure for it is published; a
# cohesion is a rank among groups of one company and hardly depends on it.
BASE_ODDS = 0.02
SAME_UNIT = 10.3  # factor on the odds: e-mail ties within a department against across
SAME_SITE = 2.8  # co-work in one office against two
SAME_PRACTICE = 2.7  # co-work in one practice against two
DIRECT = 1.0  # chance of a tie with one's own manager
NEAR = 0.66  # at the least, for two reports of one manager and for the manager's manager
# Words that two people share make a practice from this share of their weight on. Lower, chance
# shares count, higher, the ranks of pairs on public bodies agree less with reporting lines.
SHARED_WORDS = 0.25

_WORD = re.compile(r"[^\W_]+")
# Level and authority add almost nothing to a tie: words of rank are no practice.
_RANKS = frozenset(
    word
    for line in (
        "of and the for to in at an on de la le du des et und von der die das y di del e van en",
        "director directeur directrice direktor directora direttore chief officer head leader lead",
        "manager management team senior junior deputy assistant associate executive vice president",
        "het vp svp evp avp general group global regional acting interim staff member leiter",
        "leiterin hoofd jefe jefa responsable responsabile chef grade",
    )
    for word in line.split()
)
_NOTHING: frozenset[str] = frozenset()


class Row(Protocol):
    """What is read of a person."""

    @property
    def person_id(self) -> str: ...
    @property
    def title(self) -> str | None: ...
    @property
    def department(self) -> str | None: ...
    @property
    def location(self) -> str | None: ...
    @property
    def manager_id(self) -> str | None: ...


class Ties:
    """The chances of a working tie within one company.

    The odds are BASE_ODDS, times SAME_UNIT for one department, SAME_SITE for one location and
    SAME_PRACTICE where titles and departments share words that are rare in the company. A direct
    report is DIRECT; two reports of one manager, and somebody with the manager's manager, are NEAR
    at the least. Where one of the two has no department (or no location), the factor is the mean
    over the pairs that have one: what is unknown neither ties nor parts.
    The factors are published odds ratios of real e-mail and of co-work in consulting, and the
    measured share of people who work with their manager (all) and with others near (66 %).
    """

    def __init__(self, people: Iterable[Row]) -> None:
        """People: each id once, in an order that is the same for the same people."""
        rows = list(people)
        self._at: dict[str, int] = {row.person_id: at for at, row in enumerate(rows)}
        self._manager: list[int] = [
            self._at.get(row.manager_id, -1)
            if row.manager_id is not None and row.manager_id != row.person_id
            else -1
            for row in rows
        ]
        self._unit, units = _numbered(plain(row.department) or None for row in rows)
        self._site, sites = _numbered(plain(row.location) or None for row in rows)
        subjects = [(subject(row.title), subject(row.department)) for row in rows]
        self._kind, _ = _numbered(subjects)
        self._weight = _weights(subjects)
        self._unknown_unit = _expected(units.values(), SAME_UNIT)
        self._unknown_site = _expected(sites.values(), SAME_SITE)
        self._practice: dict[tuple[int, int], float] = {}
        self._said = list(dict.fromkeys(subjects))  # in the order of their numbers

    def known(self, person_id: str) -> bool:
        """Whether anything of this person's place is known: department, location or manager."""
        at = self._at[person_id]
        return self._unit[at] >= 0 or self._site[at] >= 0 or self._manager[at] >= 0

    def in_line(self, person_id: str) -> bool:
        """Whether this person's manager is known, and on the staff."""
        return self._manager[self._at[person_id]] >= 0

    def place(self, person_id: str) -> int:
        """The number by which ``between`` knows somebody."""
        return self._at[person_id]

    def between(self, a: int, b: int) -> float:
        """The chance, 0 to 1, of a working tie between two places; the same both ways."""
        managers = self._manager
        boss_a, boss_b = managers[a], managers[b]
        if boss_a == b or boss_b == a:
            return DIRECT
        unit_a, unit_b = self._unit[a], self._unit[b]
        site_a, site_b = self._site[a], self._site[b]
        odds = BASE_ODDS
        if unit_a < 0 or unit_b < 0:
            odds *= self._unknown_unit
        elif unit_a == unit_b:
            odds *= SAME_UNIT
        if site_a < 0 or site_b < 0:
            odds *= self._unknown_site
        elif site_a == site_b:
            odds *= SAME_SITE
        kinds = (self._kind[a], self._kind[b])
        practice = self._practice.get(kinds)
        odds *= self._of_practice(kinds) if practice is None else practice
        chance = odds / (1 + odds)
        if chance < NEAR and self._two_steps(a, b, boss_a, boss_b):
            return NEAR
        return chance

    def _two_steps(self, a: int, b: int, boss_a: int, boss_b: int) -> bool:
        if boss_a < 0 and boss_b < 0:
            return False
        managers = self._manager
        return (
            boss_a == boss_b
            or (boss_a >= 0 and managers[boss_a] == b)
            or (boss_b >= 0 and managers[boss_b] == a)
        )

    def _of_practice(self, kinds: tuple[int, int]) -> float:
        (title_a, unit_a), (title_b, unit_b) = (self._said[kind] for kind in kinds)
        shared = max(
            self._overlap(title_a, title_b),
            self._overlap(title_a, unit_b),
            self._overlap(unit_a, title_b),
            self._overlap(unit_a, unit_b) if unit_a != unit_b else 0.0,
        )
        found = SAME_PRACTICE if shared >= SHARED_WORDS else 1.0
        self._practice[kinds] = self._practice[kinds[::-1]] = found
        return found

    def _overlap(self, a: frozenset[str], b: frozenset[str]) -> float:
        """Weight of the words that both have against that of all they have, 0 to 1."""
        both = a & b
        if not both:
            return 0.0
        weight = self._weight
        whole = sum(sorted(weight[word] for word in a | b))
        return sum(sorted(weight[word] for word in both)) / whole if whole else 0.0


@lru_cache(maxsize=1 << 16)
def plain(text: str | None) -> str:
    """A department or location as it is compared: folded words; empty when nothing is known."""
    return " ".join(_WORD.findall(fold(text))) if text else ""


@lru_cache(maxsize=1 << 17)
def subject(text: str | None) -> frozenset[str]:
    """The words of a title or department that tell what it is about."""
    if not text:
        return _NOTHING
    words = (word for word in plain(text).split() if len(word) > 1 and not word.isdigit())
    return frozenset(words) - _RANKS


def _numbered(values: Iterable[Hashable | None]) -> tuple[list[int], dict[Hashable, int]]:
    """A number for each value, -1 for None; and how often each value comes, in the same order."""
    numbers: dict[Hashable, int] = {}
    counts: dict[Hashable, int] = {}
    row_numbers: list[int] = []
    for value in values:
        if value is None:
            row_numbers.append(-1)
            continue
        row_numbers.append(numbers.setdefault(value, len(numbers)))
        counts[value] = counts.get(value, 0) + 1
    return row_numbers, counts


def _weights(said: Sequence[tuple[frozenset[str], frozenset[str]]]) -> Mapping[str, float]:
    """How much each word tells: the logarithm of how rare it is in the company."""
    often = Counter(word for title, unit in said for word in title | unit)
    return {word: math.log1p(len(said) / count) - math.log(2) for word, count in often.items()}


def _expected(counts: Iterable[int], factor: float) -> float:
    """The mean factor over all pairs of those that have a value; 1 where there is no pair."""
    known = list(counts)
    total = sum(known)
    if total < 2:
        return 1.0
    same = sum(count * (count - 1) for count in known) / (total * (total - 1))
    return 1 + same * (factor - 1)
