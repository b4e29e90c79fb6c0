"""How many people a buyer group should have: by employees and by the size of the deal."""

import math
from dataclasses import dataclass

from bg_assets.domain.vocabulary import ROLES

# (up to this many employees, decision maker, champion, stakeholder, blocker, introducer); between
# the bands of published studies (IDC, Gartner, Forrester) this is a starting point, not a law.
BANDS = (
    (5, (1, 1, 0, 0, 0)),
    (10, (1, 1, 1, 0, 0)),
    (25, (1, 1, 2, 0, 1)),
    (50, (1, 2, 2, 0, 1)),
    (100, (1, 2, 3, 0, 1)),
    (500, (2, 2, 3, 1, 0)),
    (1_500, (2, 3, 3, 1, 0)),
    (7_500, (2, 3, 4, 1, 1)),
    (25_000, (2, 4, 4, 1, 1)),
)
LARGEST = (2, 4, 4, 1, 1)
UNKNOWN = (1, 2, 3, 1, 1)  # at most 8, and flagged
SMALL_DEAL = 50_000  # below: a smaller group without a blocker
LARGE_DEAL = 250_000
HUGE_DEAL = 1_000_000
SMALL_FACTOR = 0.6


@dataclass(frozen=True, slots=True)
class Target:
    """How many of each role, in the order of ROLES, and whether the company's size is known."""

    counts: tuple[int, ...]
    known: bool

    def of(self, role: str) -> int:
        """How many of a role at most."""
        return self.counts[ROLES.index(role)]

    @property
    def total(self) -> int:
        """People at most."""
        return sum(self.counts)


def staff_size(low: int | None, high: int | None) -> int | None:
    """One figure for a range of employees: the geometric middle; None when nothing is known."""
    if low is not None and high is not None and 0 < low <= high:
        return round(math.sqrt(low * high))
    known = [n for n in (low, high) if n is not None and n > 0]
    return known[0] if known else None


def target(employees: int | None, deal_size: int) -> Target:
    """The size of a group for a company of so many employees and a deal in US dollars."""
    counts: tuple[int, ...] = UNKNOWN
    if employees is not None:
        counts = next((c for most, c in BANDS if employees <= most), LARGEST)
    if deal_size < SMALL_DEAL:
        _, champions, stakeholders, _, introducers = counts
        counts = (
            1,
            max(1, round(champions * SMALL_FACTOR)),
            round(stakeholders * SMALL_FACTOR),
            0,
            round(introducers * SMALL_FACTOR),
        )
    elif employees is not None and employees > 7_500 and deal_size >= LARGE_DEAL:
        more = 6 if employees > 25_000 and deal_size >= HUGE_DEAL else 3
        extra = (0, more // 3, more // 3, more // 3, 0)
        counts = tuple(c + e for c, e in zip(counts, extra, strict=True))
    return Target(counts, employees is not None)
