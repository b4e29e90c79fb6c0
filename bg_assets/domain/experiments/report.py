"""What an experiment says: each figure compared, and in words whether the data can tell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bg_assets.domain.experiments import figures
from bg_assets.domain.experiments.figures import ALARMS, Estimate, Pairs, Shares

# A verdict in one word, for programs.
DIFFERS, NOT_TOLD, SAME, TOO_FEW = "differs", "not_told_apart", "the_same", "too_few"

# In the order in which they are told: what a figure is called and what it counts.
PAIRED = {
    "size": "members",
    "confidence": "confidence",
    "completeness": "completeness",
    "cohesion": "cohesion",
}
OVERLAPS = {
    "members_overlap": "members that both have",
    "decision_makers_overlap": "decision makers that both have",
}
OVERRIDES = "overrides"
_OF_OVERRIDES = "companies with a pin or exclusion"
_PERCENT = frozenset({"confidence", "completeness", OVERRIDES, *OVERLAPS})
# What is said of b where it has more of it, and less.
_MORE = {
    "size": ("more", "fewer"),
    "confidence": ("higher", "lower"),
    "completeness": ("higher", "lower"),
    "cohesion": ("higher", "lower"),
    OVERRIDES: ("more", "fewer"),
}
NO_FEEDBACK = "no feedback recorded"


@dataclass(frozen=True, slots=True)
class Overrides:
    """What humans said while an experiment ran, at the companies that are shown one version."""

    companies: int = 0
    overridden: int = 0
    pins: int = 0
    exclusions: int = 0


@dataclass(frozen=True, slots=True)
class Sums:
    """All that a report is made of. pairs: by name, as in PAIRED and OVERLAPS."""

    pairs: Mapping[str, Pairs] = field(default_factory=dict)
    a: Overrides = field(default_factory=Overrides)
    b: Overrides = field(default_factory=Overrides)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One figure of both versions.

    paired: within companies, from both groups of each; else between the companies that are shown
    one and those that are shown the other. companies: of which it is. difference: b - a, with its
    95 % interval. p: corrected for the number of comparisons. verdict: one of the words above.
    """

    name: str
    label: str
    paired: bool
    companies: int
    a: float | None
    b: float | None
    difference: float | None
    low: float | None
    high: float | None
    p: float | None
    verdict: str
    words: str


@dataclass(frozen=True, slots=True)
class Overlap:
    """The Jaccard index of both groups: those in both against those in either, 0 to 1, a mean."""

    name: str
    label: str
    companies: int
    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Report:
    """What is known of an experiment now. both: companies of which both groups were computed."""

    both: int
    a: Overrides
    b: Overrides
    comparisons: tuple[Comparison, ...]
    overlaps: tuple[Overlap, ...]
    conclusion: str


def report(sums: Sums) -> Report:
    """Compare all figures, correct for their number, and say what follows."""
    pairs = [sums.pairs.get(name, _nothing(name)) for name in PAIRED]
    shares = Shares(
        OVERRIDES, sums.a.companies, sums.a.overridden, sums.b.companies, sums.b.overridden
    )
    estimates = [*map(figures.paired, pairs), figures.between(shares)]
    corrected = figures.holm([one.p for one in estimates])
    compared = [
        _compared(PAIRED[one.name], one, estimate, p)
        for one, estimate, p in zip(pairs, estimates, corrected, strict=False)
    ]
    compared.append(_between(shares, estimates[-1], corrected[-1]))
    overlaps = tuple(
        _overlap(label, sums.pairs.get(name, _nothing(name))) for name, label in OVERLAPS.items()
    )
    both = pairs[0].companies
    return Report(both, sums.a, sums.b, tuple(compared), overlaps, _conclusion(compared, both))


def from_document(found: Mapping[str, Any]) -> Report:
    """A report that was kept as a document."""
    return Report(
        found["both"],
        Overrides(**found["a"]),
        Overrides(**found["b"]),
        tuple(Comparison(**one) for one in found["comparisons"]),
        tuple(Overlap(**one) for one in found["overlaps"]),
        found["conclusion"],
    )


def table(found: Report) -> list[tuple[str, ...]]:
    """The report for people: a row for each figure, the first with the names of the columns."""
    rows: list[tuple[str, ...]] = [
        ("figure", "a", "b", "b - a", "95 % interval", "companies", "what it says")
    ]
    rows += [
        (
            one.label,
            _value(one.name, one.a),
            _value(one.name, one.b),
            _value(one.name, one.difference, signed=True),
            _interval(one.name, one.low, one.high, signed=True),
            f"{one.companies:,} {'with both groups' if one.paired else 'in all'}",
            one.words,
        )
        for one in found.comparisons
    ]
    rows += [
        (
            one.label, "", "", "",
            _interval(one.name, one.low, one.high), f"{one.companies:,} with both groups",
            f"{_value(one.name, one.value)} of those in either",
        )
        for one in found.overlaps
    ]  # fmt: skip
    for label, a, b in (
        ("pins", found.a.pins, found.b.pins),
        ("exclusions", found.a.exclusions, found.b.exclusions),
    ):
        shown = f"{found.a.companies:,} shown a, {found.b.companies:,} b"
        rows.append((label, f"{a:,}", f"{b:,}", "", "", shown, "by humans, since it started"))
    rows += [(what, "", "", "", "", "", NO_FEEDBACK) for what in ("accepts", "rejects")]
    return rows


def _nothing(name: str) -> Pairs:
    return Pairs(name, 0, 0, None, None, None, None)


def _compared(label: str, found: Pairs, estimate: Estimate, p: float | None) -> Comparison:
    verdict, words = _verdict(found.name, estimate, p)
    return Comparison(
        found.name, label, True, found.companies, found.a, found.b,
        estimate.value, estimate.low, estimate.high, p, verdict, words,
    )  # fmt: skip


def _between(found: Shares, estimate: Estimate, p: float | None) -> Comparison:
    verdict, words = _verdict(found.name, estimate, p)
    a, b = found.a_companies, found.b_companies
    return Comparison(
        found.name, _OF_OVERRIDES, False, a + b,
        found.a_having / a if a else None, found.b_having / b if b else None,
        estimate.value, estimate.low, estimate.high, p, verdict, words,
    )  # fmt: skip


def _verdict(name: str, found: Estimate, p: float | None) -> tuple[str, str]:
    if found.why_not is not None:
        return TOO_FEW, f"the data can't tell: {found.why_not}"
    if p is None or found.value is None:
        return SAME, "the same at every company"
    if p < ALARMS:
        much = _value(name, found.value, signed=True).lstrip("+-")
        return DIFFERS, f"{_MORE[name][found.value < 0]} in b, by {much}"
    if found.low is not None and found.high is not None and not found.low <= 0 <= found.high:
        return NOT_TOLD, "the data can't tell: among so many figures one may differ so by chance"
    return NOT_TOLD, "the data can't tell: the interval holds 0"


def _overlap(label: str, found: Pairs) -> Overlap:
    one = figures.mean(found)
    low = None if one.low is None else max(0.0, one.low)
    high = None if one.high is None else min(1.0, one.high)
    return Overlap(found.name, label, found.companies, one.value, low, high)


def _conclusion(compared: Sequence[Comparison], both: int) -> str:
    differing = [one.label for one in compared if one.verdict == DIFFERS]
    if differing:
        return f"the versions differ in {', '.join(differing)}"
    if all(one.verdict == TOO_FEW for one in compared):
        return f"too early to tell: both groups are known of {both:,} companies"
    settled = [one for one in compared if one.paired and one.verdict != TOO_FEW]
    if all(one.verdict == SAME for one in settled):
        same = ", ".join(one.label for one in settled)
        return f"no difference: the same {same} at all {both:,} companies"
    return "no difference that these companies could show"


def _value(name: str, value: float | None, *, signed: bool = False) -> str:
    if value is None:
        return "unknown"
    if name not in _PERCENT:
        return f"{value:{'+' if signed else ''}.2f}"
    return f"{100 * value:+.1f} points" if signed else f"{100 * value:.1f} %"


def _interval(name: str, low: float | None, high: float | None, *, signed: bool = False) -> str:
    if low is None or high is None:
        return "unknown"
    first = _value(name, low, signed=signed).partition(" ")[0]
    return f"{first} to {_value(name, high, signed=signed)}"
