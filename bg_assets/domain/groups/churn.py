"""How much of a group may have changed unseen, and so how often it is refreshed without news."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from bg_assets.domain.groups.employment import HALF_LEFT

Rhythm = Literal["daily", "weekly", "monthly"]

# Departures per person and year: the steady rate by which half have left after HALF_LEFT years.
YEARLY = math.log(2) / HALF_LEFT
# So many days ahead count as well: what a monthly rhythm would see too late.
AHEAD_DAYS = 30
# From these chances on a rhythm is right. They are choices: as good as certain, and one in three.
DAILY_FROM = 0.9
WEEKLY_FROM = 1 / 3

_YEAR = 365.25


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a member's time: the first day in the role, by the person's row; since when
    they are in the group; and when a writer last saw them. None is unknown."""

    started: date | None
    joined: date | None
    seen: date | None


@dataclass(frozen=True, slots=True)
class Churn:
    """``chance``, 0 to 1: that one member at least has left unseen, or leaves within 30 days.

    ``because`` says from what that follows; it starts with the rhythm.
    """

    chance: float
    rhythm: Rhythm
    because: str


def churn(members: Sequence[Known], left: int, as_of: date) -> Churn:
    """Judge a group on a date; ``left``: how many of it have left the company within a year.

    The chance is 1 - exp(-sum over members of rate * weight * time).

    - rate: departures per person and year at this company, the mean of a gamma distribution: one
      departure in 1 / YEARLY = 5.6 person-years to begin with (YEARLY: HALF_LEFT, Bureau of Labor
      Statistics 2024), and then what was seen: those who left, over the years, one each at most,
      for which the members have been in the group.
    - time: years since a writer saw the member, or since they began where that was later or none
      has, and the AHEAD_DAYS to come.
    - weight: from 1 for who has just begun to 2, by the share of those who began along with the
      member that have moved on by now (the same steady rate). A steady rate itself forgets how
      long somebody is there; that promotion and retirement come with the years is a choice of ours,
      not a measurement. It orders companies, and is no part of any confidence.
    """
    if not members:
        return Churn(0.0, "monthly", "monthly: the group has no members who could leave")
    watched = sum(min(1.0, _years(one.joined, as_of)) for one in members)
    rate = (1 + left) / (1 / YEARLY + watched)
    expected = sum(rate * _weight(one, as_of) * _time(one, as_of) for one in members)
    chance = 1 - math.exp(-expected)
    rhythm = _rhythm(chance)
    return Churn(chance, rhythm, f"{rhythm}: {_reason(members, left, as_of, chance)}")


def _rhythm(chance: float) -> Rhythm:
    if chance >= DAILY_FROM:
        return "daily"
    return "weekly" if chance >= WEEKLY_FROM else "monthly"


def _weight(one: Known, as_of: date) -> float:
    return 2 - float(0.5 ** (_in_role(one, as_of) / HALF_LEFT))


def _time(one: Known, as_of: date) -> float:
    return _unseen(one, as_of) + AHEAD_DAYS / _YEAR


def _in_role(one: Known, as_of: date) -> float:
    """Years in the role: since the first day, or for as long as they are known in the group."""
    return _years(one.started or one.joined, as_of)


def _unseen(one: Known, as_of: date) -> float:
    """Years since somebody saw the member there: nobody has left before the first day."""
    known = [day for day in (one.seen, one.started) if day is not None]
    return _years(max(known) if known else one.joined, as_of)


def _years(since: date | None, as_of: date) -> float:
    return 0.0 if since is None else max(0.0, (as_of - since).days / _YEAR)


def _reason(members: Sequence[Known], left: int, as_of: date, chance: float) -> str:
    number = len(members)
    long = sum(_in_role(one, as_of) > HALF_LEFT for one in members)
    days = sum(_unseen(one, as_of) for one in members) / number * _YEAR
    have = "has" if 1 in (long, number) else "have"
    facts = [
        f"{long or 'none'} of {number} member{'s' if number > 1 else ''} {have} been in their role "
        f"for over {HALF_LEFT:g} years",
        f"{left or 'none'} left within a year",
        f"last seen {days:.0f} day{'' if round(days) == 1 else 's'} ago on average",
    ]
    return f"{', '.join(facts)}: somebody is gone by a chance of {chance * 100:.0f} %"
