"""What the system promises, how much of the error budget is used up, and how fast it burns.

Multiwindow, multi-burn-rate alerts as in Google's Site Reliability Workbook, chapter 5, "Alerting
on SLOs" (https://sre.google/workbook/alerting-on-slos/), table 5-8, for a budget of 30 days.
"""

from collections.abc import Mapping
from dataclasses import dataclass

LATENCY, SUCCESS = "latency", "success"
# The share that has to be good. Of changes: their group stood within BG_OBJECTIVE_LATENCY of when
# they were due. Of attempts at refreshes: they completed.
TARGETS = {LATENCY: 0.99, SUCCESS: 0.95}

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
PERIOD = 30 * DAY
# The workbook's section on services with little traffic: of few events, one that is bad is a high
# rate and tells nothing. So many must be bad within the long window.
LEAST_BAD = 10


@dataclass(frozen=True, slots=True)
class Window:
    """Two lengths of time in s over which the budget must burn at such a rate to be told.

    The short one ends the alert soon after what was bad has ended. ``urgent``: somebody is called.
    """

    name: str
    long: float
    short: float
    rate: float
    urgent: bool


# 2 % of the budget in an hour, 5 % in six, 10 % in three days.
WINDOWS = (
    Window("1 h", HOUR, 5 * MINUTE, 14.4, urgent=True),
    Window("6 h", 6 * HOUR, 30 * MINUTE, 6.0, urgent=True),
    Window("3 d", 3 * DAY, 6 * HOUR, 1.0, urgent=False),
)
LENGTHS = tuple(sorted({PERIOD, *(length for one in WINDOWS for length in (one.long, one.short))}))


@dataclass(frozen=True, slots=True)
class Count:
    """How many events of a length of time were good and bad."""

    good: int = 0
    bad: int = 0


@dataclass(frozen=True, slots=True)
class Burning:
    """A window in which the budget burns too fast, with what was counted over its long part."""

    window: Window
    rate: float
    count: Count


def burn_rate(count: Count, target: float) -> float:
    """How many times as fast as it may the budget burns: 1 uses it up in exactly 30 days.

    The share of bad events over the share that may be bad; 0 where nothing happened.
    """
    events = count.good + count.bad
    return count.bad / events / (1 - target) if events else 0.0


def budget_left(count: Count, target: float) -> float:
    """The share of the error budget that is left of a period: 1 all of it, below 0 overdrawn."""
    return 1 - burn_rate(count, target)


def burning(counts: Mapping[float, Count], target: float) -> list[Burning]:
    """The windows whose long and short parts both burn at their rate or faster.

    ``counts`` by the length of time until now, in s: each of LENGTHS.
    """
    found = []
    for window in WINDOWS:
        whole, last = counts[window.long], counts[window.short]
        rates = burn_rate(whole, target), burn_rate(last, target)
        if whole.bad >= LEAST_BAD and min(rates) >= window.rate:
            found.append(Burning(window, rates[0], whole))
    return found
