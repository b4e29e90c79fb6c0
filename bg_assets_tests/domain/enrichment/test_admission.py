"""Who may call a provider: each refusal by one reason, and what is told of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from bg_assets.domain.enrichment.admission import (
    Admission,
    Breaker,
    Spent,
    Why,
    admission,
    after_failure,
    after_success,
    dollars,
    lasts,
    resting,
)
from bg_assets.domain.enrichment.policy import Caps, Policy

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
POLICY = Policy()
CAPS = Caps(Decimal(10), Decimal(100))
OPEN = Breaker(failures=5, opened_at=NOW)


def seconds(number: float) -> datetime:
    return NOW + timedelta(seconds=number)


def judge(
    breaker: Breaker = Breaker(),  # noqa: B008
    today: str = "0",
    month: str = "0",
    caps: Caps = CAPS,
    price: str = "1",
    now: float = 0,
) -> Admission:
    spent = Spent(Decimal(today), Decimal(month))
    return admission(breaker, spent, caps, Decimal(price), seconds(now), POLICY)


@pytest.mark.parametrize(
    ("verdict", "why"),
    [
        (judge(), None),
        (judge(today="9"), None),
        (judge(today="9.01"), Why.DAILY),
        (judge(month="99"), None),
        (judge(month="99.01"), Why.MONTHLY),
        (judge(caps=Caps()), Why.NO_CAP),
        (judge(caps=Caps(), price="0"), None),
        (judge(caps=Caps(daily=Decimal(0)), price="0", today="5"), None),
        (judge(caps=Caps(daily=Decimal(1))), None),
        (judge(caps=Caps(monthly=Decimal(1)), month="0.5"), Why.MONTHLY),
        (judge(Breaker(failures=4)), None),
        (judge(OPEN), Why.OPEN),
        (judge(OPEN, now=29.9), Why.OPEN),
        (judge(OPEN, now=30), None),
        (judge(replace(OPEN, probe_until=seconds(40)), now=35), Why.OPEN),
        (judge(replace(OPEN, probe_until=seconds(40)), now=40), None),
        (judge(replace(OPEN, opened_at=seconds(3600))), None),
        (judge(Breaker(rest_until=seconds(5))), Why.RESTING),
        (judge(Breaker(rest_until=seconds(5)), now=5), None),
        (judge(Breaker(rest_until=seconds(90_000))), None),
        (judge(replace(OPEN, rest_until=seconds(40)), now=35), Why.RESTING),
    ],
)
def test_a_call_is_refused_for_what_is_in_its_way(verdict: Admission, why: Why | None) -> None:
    assert verdict.why is why
    assert (verdict.reason == "") == (why is None)
    assert (verdict.wait is not None) == (why is Why.RESTING)


def test_only_the_first_call_after_an_open_breaker_is_a_probe() -> None:
    assert judge(OPEN, now=30).probe
    assert not judge().probe
    assert not judge(OPEN, now=30, today="9.5").probe


def test_failures_in_a_row_open_and_a_success_forgets_them() -> None:
    breaker = Breaker()
    for number in range(1, 6):
        breaker = after_failure(breaker, seconds(number), POLICY, counts=True, probe=False)
        assert breaker.failures == number
        assert after_failure(breaker, NOW, POLICY, counts=False, probe=False) == breaker
    assert breaker.opened_at == seconds(5)
    assert after_success(breaker, probe=False) == breaker
    assert after_success(breaker, probe=True) == Breaker()
    again = after_failure(breaker, seconds(40), POLICY, counts=False, probe=True)
    assert (again.opened_at, again.probe_until) == (seconds(40), None)


def test_the_longest_wish_to_be_left_alone_counts() -> None:
    breaker = resting(Breaker(), NOW, 100, POLICY)
    assert resting(breaker, NOW, 50, POLICY) == breaker
    assert resting(breaker, NOW, None, POLICY) == breaker
    assert resting(breaker, NOW, 0, POLICY) == breaker
    assert resting(breaker, NOW, 1e12, POLICY).rest_until == seconds(POLICY.longest_rest)


@pytest.mark.parametrize(("left", "still"), [(-1, False), (0, False), (1, True), (10, True),
                                             (10.1, False)])  # fmt: skip
def test_what_lasts_longer_than_it_can_is_over(left: float, still: bool) -> None:
    assert lasts(seconds(left), NOW, 10) is still


@pytest.mark.parametrize(
    ("amount", "told"),
    [("0", "0.00"), ("5", "5.00"), ("0.28", "0.28"), ("0.0045", "0.0045"), ("1E+3", "1,000.00"),
     ("2.50000", "2.50")],
)  # fmt: skip
def test_amounts_are_told_with_two_places_or_as_many_as_they_have(amount: str, told: str) -> None:
    assert dollars(Decimal(amount)) == f"{told} US dollars"
