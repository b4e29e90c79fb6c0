"""How far two versions differ, from sums over companies: differences with intervals and p-values.

Closed forms, so that a hundred thousand companies cost what a hundred do.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

# Below so many companies the formulas do not hold.
FEWEST = 30
# Nor where fewer differ at all: a mean of almost nothing but zeros is no bell.
FEWEST_DIFFERING = 10
# The share of false alarms that is put up with, over all comparisons of a look together.
ALARMS = 0.05

_NORMAL = NormalDist()
_Z = _NORMAL.inv_cdf(1 - 0.05 / 2)


@dataclass(frozen=True, slots=True)
class Pairs:
    """A figure of both groups of each company: sums over the companies in which both have it.

    differing: companies in which b is not a. a, b, difference: means, the last of b - a.
    deviation: the standard deviation of b - a, None below two companies.
    """

    name: str
    companies: int
    differing: int
    a: float | None
    b: float | None
    difference: float | None
    deviation: float | None


@dataclass(frozen=True, slots=True)
class Shares:
    """Of the companies that are shown each version: how many there are, and how many have it."""

    name: str
    a_companies: int
    a_having: int
    b_companies: int
    b_having: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """A difference, b - a, or a share: its value, its 95 % interval and its p-value.

    p: None where nothing is compared, or too few are. why_not: what is lacking, in words.
    """

    value: float | None
    low: float | None
    high: float | None
    p: float | None = None
    why_not: str | None = None


def paired(found: Pairs) -> Estimate:
    """The mean difference within companies: Student's t for pairs.

    Quantile and tail by Abramowitz and Stegun, Handbook of Mathematical Functions (1964), 26.7.5
    and 26.7.8, right to three digits from 29 degrees of freedom on.
    """
    number, value, spread = found.companies, found.difference, found.deviation
    if value is None or number == 0:
        return Estimate(None, None, None, why_not="no company has both figures yet")
    if number < FEWEST or spread is None:
        why = f"only {_companies(number)} so far, {FEWEST} are needed"
        return Estimate(value, None, None, why_not=why)
    if found.differing == 0:
        return Estimate(0.0, 0.0, 0.0)
    error = spread / math.sqrt(number)
    reach = _quantile(number - 1) * error
    interval = value - reach, value + reach
    if found.differing < FEWEST_DIFFERING:
        why = f"{found.differing} of {_companies(number)} differ, {FEWEST_DIFFERING} are needed"
        return Estimate(value, *interval, why_not=why)
    return Estimate(value, *interval, p=_tails(value / error, number - 1) if error else 0.0)


def mean(found: Pairs) -> Estimate:
    """The mean of b - a as a figure by itself, such as an overlap, with its interval."""
    one = paired(found)
    return Estimate(one.value, one.low, one.high)


def between(found: Shares) -> Estimate:
    """The difference of two shares of different companies.

    The interval is Newcombe's (Statistics in Medicine 17, 1998, method 10), made of Wilson's; the
    p-value that of the pooled test of two proportions.
    """
    a, b = found.a_companies, found.b_companies
    if min(a, b) == 0:
        return Estimate(None, None, None, why_not="only one version is shown so far")
    share_a, share_b = found.a_having / a, found.b_having / b
    value = share_b - share_a
    low_a, high_a = wilson(found.a_having, a)
    low_b, high_b = wilson(found.b_having, b)
    interval = (
        value - math.hypot(share_b - low_b, high_a - share_a),
        value + math.hypot(high_b - share_b, share_a - low_a),
    )
    having = found.a_having + found.b_having
    if min(a, b) < FEWEST:
        why = f"only {_companies(min(a, b))} are shown one of them, {FEWEST} are needed"
        return Estimate(value, *interval, why_not=why)
    if having < FEWEST_DIFFERING:
        why = f"{_companies(having)} in all, {FEWEST_DIFFERING} are needed"
        return Estimate(value, *interval, why_not=why)
    pooled = having / (a + b)
    error = math.sqrt(pooled * (1 - pooled) * (1 / a + 1 / b))
    return Estimate(value, *interval, p=2 * _NORMAL.cdf(-abs(value) / error) if error else 1.0)


def wilson(having: int, number: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927): it stays within 0 and 1, and needs no luck."""
    share, weight = having / number, _Z * _Z / number
    middle = (share + weight / 2) / (1 + weight)
    reach = math.sqrt(share * (1 - share) * weight + weight * weight / 4) / (1 + weight)
    return max(0.0, middle - reach), min(1.0, middle + reach)


def holm(values: Sequence[float | None]) -> list[float | None]:
    """The p-values corrected for their number (Holm 1979), in their order; None stays.

    Where each that is below ALARMS counts as a difference, one false one among all of them happens
    in a share of ALARMS of looks at most.
    """
    order = sorted((p, place) for place, p in enumerate(values) if p is not None)
    corrected: list[float | None] = [None] * len(values)
    highest = 0.0
    for rank, (p, place) in enumerate(order):
        highest = max(highest, min(1.0, (len(order) - rank) * p))
        corrected[place] = highest
    return corrected


def _quantile(freedom: int) -> float:
    """Student's t that is passed in one of 40 cases."""
    z, v = _Z, freedom
    return (
        z
        + (z**3 + z) / (4 * v)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * v**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * v**3)
    )


def _tails(t: float, freedom: int) -> float:
    """How probable a t at least so far from 0 is, to either side."""
    z = abs(t) * (1 - 1 / (4 * freedom)) / math.sqrt(1 + t * t / (2 * freedom))
    return 2 * _NORMAL.cdf(-z)


def _companies(number: int) -> str:
    return "1 company" if number == 1 else f"{number:,} companies"
