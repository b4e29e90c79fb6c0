"""Whether a provider may be called now: its breaker, its wish to be left alone, and the caps.

A breaker opens after some failures in a row. While it is open nobody calls, until after a while
whoever comes first makes one call, the probe: its success closes the breaker, anything else opens
it again. A probe whose process is gone frees itself.
"""

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from bg_assets.domain.enrichment.policy import Caps, Policy


@dataclass(frozen=True, slots=True)
class Breaker:
    """What is known of a provider's health; all processes share it.

    ``failures`` in a row; ``opened_at`` is None while it is closed; until ``probe_until`` a probe
    is under way; until ``rest_until`` the provider wants to be left alone.
    """

    failures: int = 0
    opened_at: datetime | None = None
    probe_until: datetime | None = None
    rest_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Spent:
    """What was spent, or may have been, today and this month (UTC), in US dollars.

    What calls under way may cost is part of both.
    """

    today: Decimal = Decimal(0)
    month: Decimal = Decimal(0)


class Why(StrEnum):
    """Why a provider is not called."""

    RESTING = "resting"
    OPEN = "open"
    NO_CAP = "no_cap"
    DAILY = "daily"
    MONTHLY = "monthly"


OF_CAPS = frozenset({Why.NO_CAP, Why.DAILY, Why.MONTHLY})


@dataclass(frozen=True, slots=True)
class Admission:
    """The verdict on one call; ``why`` and ``reason`` where it is refused.

    ``wait`` is after how many seconds it is worth asking again within the same question, None
    where it is not.
    """

    why: Why | None = None
    reason: str = ""
    wait: float | None = None
    probe: bool = False


def admission(
    breaker: Breaker, spent: Spent, caps: Caps, price: Decimal, now: datetime, policy: Policy
) -> Admission:
    """Whether a call that may cost ``price`` may be made now."""
    if breaker.rest_until is not None and lasts(breaker.rest_until, now, policy.longest_rest):
        left = (breaker.rest_until - now).total_seconds()
        reason = f"it asked to be left alone for another {math.ceil(left)} s"
        return Admission(Why.RESTING, reason, wait=left)
    if breaker.opened_at is not None:
        until = breaker.opened_at + timedelta(seconds=policy.opens_for)
        probed = breaker.probe_until
        if lasts(until, now, policy.opens_for) or (
            probed is not None and lasts(probed, now, policy.longest_call)
        ):
            return Admission(Why.OPEN, _open(breaker, (until - now).total_seconds()))
    return _afforded(spent, caps, price) or Admission(probe=breaker.opened_at is not None)


def lasts(until: datetime, now: datetime, longest: float) -> bool:
    """Whether what was to last until then, for so many seconds at most, still does.

    Where more than that is left the clock was set back since, and nothing would ever end.
    """
    return timedelta() < until - now <= timedelta(seconds=longest)


def after_success(breaker: Breaker, *, probe: bool) -> Breaker:
    """The breaker after a call that was answered; only a probe's closes one that is open."""
    if breaker.opened_at is not None and not probe:
        return breaker
    return Breaker(rest_until=breaker.rest_until)


def after_failure(
    breaker: Breaker, now: datetime, policy: Policy, *, counts: bool, probe: bool
) -> Breaker:
    """The breaker after a call that was not.

    ``counts``: whether it tells of the provider and not of the question alone.
    """
    if probe:
        return replace(breaker, failures=breaker.failures + counts, opened_at=now, probe_until=None)
    if not counts or breaker.opened_at is not None:
        return breaker
    failures = breaker.failures + 1
    opens = failures >= policy.opens_after
    return replace(breaker, failures=failures, opened_at=now if opens else None)


def resting(breaker: Breaker, now: datetime, seconds: float | None, policy: Policy) -> Breaker:
    """The breaker once the provider has asked to be left alone for so long; None: it did not."""
    if seconds is None or not seconds > 0:
        return breaker
    until = now + timedelta(seconds=min(seconds, policy.longest_rest))
    later = until if breaker.rest_until is None else max(until, breaker.rest_until)
    return replace(breaker, rest_until=later)


def dollars(amount: Decimal) -> str:
    """An amount of US dollars in words: two places, or as many as it has."""
    places = max(2, -int(amount.normalize().as_tuple().exponent))
    return f"{amount:,.{places}f} US dollars"


def _open(breaker: Breaker, left: float) -> str:
    when = "a probe is under way" if left <= 0 else f"it is tried again in {math.ceil(left)} s"
    times = "1 failure" if breaker.failures == 1 else f"{breaker.failures} failures"
    return f"its breaker is open after {times} in a row; {when}"


def _afforded(spent: Spent, caps: Caps, price: Decimal) -> Admission | None:
    """A refusal where the price passes a cap; None where it does not."""
    if price == 0:
        return None
    if caps.daily is None and caps.monthly is None:
        return Admission(
            Why.NO_CAP,
            f"it costs up to {dollars(price)} and no cap is set for it: set BG_ENRICH_CAP_DAILY or "
            "BG_ENRICH_CAP_MONTHLY to the US dollars that it may cost",
        )
    for why, cap, used, period in (
        (Why.DAILY, caps.daily, spent.today, "day"),
        (Why.MONTHLY, caps.monthly, spent.month, "month"),
    ):
        if cap is not None and used + price > cap:
            return Admission(
                why,
                f"it costs up to {dollars(price)}, and of the {dollars(cap)} a {period} (UTC) "
                f"{dollars(used)} are spent or reserved; BG_ENRICH_CAP_{why.name} sets the cap",
            )
    return None
