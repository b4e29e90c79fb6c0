"""The formulas against figures of tables and books, and what they refuse to tell."""

import math
from random import Random
from statistics import NormalDist, fmean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bg_assets.domain.experiments import figures, report
from bg_assets.domain.experiments.figures import Pairs, Shares
from bg_assets.domain.experiments.report import DIFFERS, Overrides, Sums

SEEDS = 1000


def pairs(name: str, differences: list[float], a: float = 5.0) -> Pairs:
    """The sums that the database makes of differences at companies."""
    number = len(differences)
    value = fmean(differences)
    deviation = stdev(differences) if number > 1 else None
    return Pairs(name, number, sum(d != 0 for d in differences), a, a + value, value, deviation)


@pytest.mark.parametrize(
    ("companies", "t"), [(30, 2.04523), (41, 2.02108), (101, 1.98397), (1001, 1.96234)]
)
def test_the_interval_reaches_as_far_as_the_table_of_student_says(companies: int, t: float) -> None:
    found = figures.paired(Pairs("size", companies, companies, 5, 6, 1.0, math.sqrt(companies)))
    assert found.low == pytest.approx(1 - t, abs=2e-4)
    assert found.high == pytest.approx(1 + t, abs=2e-4)


@pytest.mark.parametrize(
    ("companies", "t", "p"), [(30, 2.04523, 0.05), (30, 2.75639, 0.01), (61, 3.4602, 0.001)]
)
def test_the_tails_are_as_wide_as_the_table_of_student_says(
    companies: int, t: float, p: float
) -> None:
    found = figures.paired(Pairs("size", companies, companies, 5, 6, -t, math.sqrt(companies)))
    assert found.p == pytest.approx(p, rel=0.03)


def test_the_example_of_newcombe_comes_out() -> None:
    """56 of 70 against 48 of 80: 0.0524 to 0.3339, as his paper has it."""
    found = figures.between(Shares("overrides", 80, 48, 70, 56))
    assert found.value == pytest.approx(0.2)
    assert found.low == pytest.approx(0.0524, abs=1e-4)
    assert found.high == pytest.approx(0.3339, abs=1e-4)
    assert found.p == pytest.approx(0.0083, abs=5e-4)


def test_p_values_are_corrected_as_holm_has_it() -> None:
    assert figures.holm([0.01, None, 0.04, 0.03, 0.005]) == [
        pytest.approx(0.03), None, pytest.approx(0.06), pytest.approx(0.06), pytest.approx(0.02),
    ]  # fmt: skip
    assert figures.holm([0.9, 0.8]) == [1.0, 1.0]
    assert figures.holm([]) == []


@given(st.lists(st.floats(0, 1) | st.none(), max_size=8))
def test_a_corrected_value_is_none_smaller_and_no_order_is_turned(
    values: list[float | None],
) -> None:
    known = [(p, q) for p, q in zip(values, figures.holm(values), strict=True) if p is not None]
    assert all(q is not None and p <= q <= 1 for p, q in known)
    assert [q for _, q in sorted(known)] == sorted(q for _, q in known if q is not None)


@given(st.integers(1, 10**6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_of_a_share_holds_it_and_is_within_0_and_1(share: tuple[int, int]) -> None:
    low, high = figures.wilson(*share)
    assert 0 <= low <= share[0] / share[1] + 1e-12
    assert share[0] / share[1] - 1e-12 <= high <= 1


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (Pairs("size", 0, 0, None, None, None, None), "no company has both figures yet"),
        (Pairs("size", 1, 1, 5, 6, 1.0, None), "only 1 company so far, 30 are needed"),
        (Pairs("size", 29, 29, 5, 6, 1.0, 0.1), "only 29 companies so far, 30 are needed"),
        (Pairs("size", 5000, 9, 5, 6, 0.1, 0.1), "9 of 5,000 companies differ, 10 are needed"),
    ],
)
def test_too_few_companies_are_told_and_have_no_p_value(found: Pairs, why: str) -> None:
    assert (figures.paired(found).p, figures.paired(found).why_not) == (None, why)


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (Shares("o", 40, 20, 0, 0), "only one version is shown so far"),
        (Shares("o", 29, 20, 90, 9), "only 29 companies are shown one of them, 30 are needed"),
        (Shares("o", 90, 5, 90, 4), "9 companies in all, 10 are needed"),
    ],
)
def test_too_few_overrides_are_told_and_have_no_p_value(found: Shares, why: str) -> None:
    assert (figures.between(found).p, figures.between(found).why_not) == (None, why)


def test_a_difference_that_is_the_same_everywhere_is_sure() -> None:
    found = figures.paired(Pairs("size", 40, 40, 7, 5, -2.0, 0.0))
    assert (found.value, found.low, found.high, found.p) == (-2.0, -2.0, -2.0, 0.0)


def draw(dice: Random, companies: int, *, size: float = 0.0, pins: float = 0.1) -> Sums:
    """What an experiment of so many companies brings whose versions differ by this and no more."""
    normal = NormalDist().inv_cdf

    def noise(scale: float) -> list[float]:
        return [scale * normal(dice.random() or 0.5) for _ in range(companies)]

    sizes = [float(dice.choice((-2, -1, 0, 0, 0, 1, 2)) + size) for _ in range(companies)]
    overridden = [
        sum(dice.random() < chance for _ in range(companies // 2)) for chance in (0.1, pins)
    ]
    return Sums(
        {
            "size": pairs("size", sizes),
            "confidence": pairs("confidence", noise(0.1)),
            "completeness": pairs("completeness", [d if abs(d) > 0.1 else 0 for d in noise(0.1)]),
            "cohesion": pairs("cohesion", noise(2.0)),
        },
        Overrides(companies // 2, overridden[0], overridden[0], 0),
        Overrides(companies // 2, overridden[1], overridden[1], 0),
    )


@pytest.mark.parametrize("companies", [60, 200])
def test_where_nothing_differs_a_look_raises_a_false_alarm_in_a_twentieth_of_cases_at_most(
    companies: int,
) -> None:
    """All figures of a look together; three standard errors of the count are left for chance."""
    seeds = SEEDS * 60 // companies
    alarms = sum(
        any(
            one.verdict == DIFFERS
            for one in report.report(draw(Random(seed), companies)).comparisons
        )
        for seed in range(seeds)
    )
    assert alarms / seeds <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / seeds)


def test_what_was_planted_is_found_and_nothing_else() -> None:
    found = report.report(draw(Random(3), 400, size=-2))
    assert [one.name for one in found.comparisons if one.verdict == DIFFERS] == ["size"]
    assert found.conclusion == "the versions differ in members"
    found = report.report(draw(Random(3), 400, pins=0.4))
    assert [one.name for one in found.comparisons if one.verdict == DIFFERS] == ["overrides"]
