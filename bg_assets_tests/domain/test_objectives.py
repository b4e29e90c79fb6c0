"""Error budgets and burn rates, by the figures of the workbook's table 5-8."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bg_assets.domain.objectives import (
    DAY,
    HOUR,
    LEAST_BAD,
    LENGTHS,
    MINUTE,
    PERIOD,
    WINDOWS,
    Count,
    budget_left,
    burn_rate,
    burning,
)

TARGET = 0.99
QUIET = dict.fromkeys(LENGTHS, Count(1_000_000, 0))


def test_the_windows_are_those_of_the_workbook() -> None:
    assert [(one.long, one.short, one.rate) for one in WINDOWS] == [
        (HOUR, 5 * MINUTE, 14.4), (6 * HOUR, 30 * MINUTE, 6.0), (3 * DAY, 6 * HOUR, 1.0),
    ]  # fmt: skip


def test_each_rate_uses_up_its_share_of_the_budget_in_its_window() -> None:
    shares = [one.rate * one.long / PERIOD for one in WINDOWS]
    assert shares == pytest.approx([0.02, 0.05, 0.1])


def test_a_rate_of_one_uses_up_the_budget_in_exactly_its_period() -> None:
    assert burn_rate(Count(99, 1), TARGET) == pytest.approx(1)
    assert budget_left(Count(99, 1), TARGET) == pytest.approx(0)
    assert budget_left(Count(100, 0), TARGET) == 1
    assert budget_left(Count(0, 0), TARGET) == 1
    assert budget_left(Count(98, 2), TARGET) < 0


@pytest.mark.parametrize(
    ("long", "short", "told"),
    [
        (Count(850, 150), Count(80, 20), ["1 h"]),
        # A burst that is over: the short part is well again.
        (Count(850, 150), Count(100, 0), []),
        # A blip: the long part is well.
        (Count(9990, 10), Count(5, 10), []),
        # Too slow for this window.
        (Count(860, 140), Count(86, 14), []),
        # Too few to tell.
        (Count(1, LEAST_BAD - 1), Count(1, LEAST_BAD - 1), []),
        (Count(0, LEAST_BAD), Count(0, LEAST_BAD), ["1 h"]),
    ],
)
def test_both_parts_of_a_window_must_burn_and_enough_be_bad(
    long: Count, short: Count, told: list[str]
) -> None:
    counts = {**QUIET, HOUR: long, 5 * MINUTE: short}
    assert [one.window.name for one in burning(counts, TARGET)] == told


@given(
    st.fixed_dictionaries(
        {
            length: st.builds(Count, st.integers(0, 10_000), st.integers(0, 10_000))
            for length in LENGTHS
        }
    )
)
def test_what_is_told_burns_at_its_rate_and_nothing_else_is_told(
    counts: dict[float, Count],
) -> None:
    told = {one.window for one in burning(counts, TARGET)}
    for window in WINDOWS:
        rates = [burn_rate(counts[length], TARGET) for length in (window.long, window.short)]
        enough = counts[window.long].bad >= LEAST_BAD
        assert (window in told) == (enough and all(rate >= window.rate for rate in rates))
