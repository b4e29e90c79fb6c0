"""How beside.csv is measured: titles that neither the lexicon nor the tail was made by.

The labels of parts of ESCO that a model of the others has not seen, and of the business titles the
half that figures are fitted on. One case in ESCO counts as one of O*NET and of the organograms; the
few business titles, of which most people to be read are, count more.
"""

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bench.title_labels import half, labelled
from bg_assets.domain.titles import beside, likeness, tail
from bg_assets.domain.titles.tail import Model
from bg_assets.domain.titles.verdict import alone
from bg_assets.domain.titles.weighing import read

# What does no harm where a title has no business function.
HARMLESS = frozenset(
    ("operations", "engineering", "research", "administration", "support", "design")
)
_WEIGHTS = {"ESCO": 1.0, "O*NET": 1.0, "organograms": 1.0, "business": 4.0}
# Titles of no business function, that are most of ESCO and few of a company's, by their words.
_OF_NONE = {"foreign": 0.2, "English": 0.1}
# So many cases of the kinds beside it stand for those that a row has not.
_PRIOR = 4.0


@dataclass(frozen=True, slots=True)
class Case:
    """What was said of a labelled title, and whether that was right."""

    at: tuple[str, str, str]
    source: str
    lexicon: bool
    like: bool


def case(title: str, source: str, right: Iterable[str], model: Model) -> Case | None:
    """The case that a title makes; None where the tail is not heard of it."""
    reading = read(title)
    rows = tail.rows_of(reading.words)
    found, rule = alone(reading)
    if not rows or not likeness.weighed(reading, found, rule):
        return None
    accepted = frozenset(right)
    if not accepted and found is not None and found.values[0] in HARMLESS:
        return None
    likely = tail.said(model, rows)
    return Case(
        beside.case_of(reading, likely, found, rule),
        source if accepted else "none",
        found is not None and found.values[0] in accepted,
        likely.best in accepted,
    )


def business(model: Model) -> Iterator[Case]:
    """The cases of O*NET, the organograms (without their units) and the business titles."""
    for one in dict.fromkeys(labelled()):
        if one.field == "function" and half(one.key) == 0:
            made = case(one.title, one.source, one.accepted, model)
            if made is not None:
                yield made


def write(cases: Iterable[Case]) -> int:
    """The table of these cases, in its file; how many rows it has.

    A share is that of the row's own cases, drawn towards that of all readings of such words of
    which titles like them say the same.
    """
    own: dict[tuple[str, str, str], list[float]] = defaultdict(lambda: [0.0] * 3)
    alike: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0.0] * 3)
    counted: dict[tuple[str, str, str], int] = defaultdict(int)
    for one in cases:
        _, words, said = one.at
        weight = _WEIGHTS.get(one.source) or _OF_NONE[words.split()[0]]
        counted[one.at] += 1
        for sums in (own[one.at], alike[f"{one.at[0] == 'nothing'} {words.split()[0]}", said]):
            sums[0] += weight
            sums[1] += weight * one.lexicon
            sums[2] += weight * one.like
    with beside.SHIPPED.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(beside.COLUMNS)
        for at in sorted(own):
            reading, words, said = at
            every = alike[f"{reading == 'nothing'} {words.split()[0]}", said]
            drawn = [
                (own[at][i] + _PRIOR * every[i] / every[0]) / (own[at][0] + _PRIOR) for i in (1, 2)
            ]
            rows.writerow((*at, counted[at], *(f"{share:.3f}" for share in drawn)))
    return len(own)
