"""How often a company is refreshed without news: what raises the chance, and what the words say."""

from datetime import date, timedelta

import pytest

from bg_assets.domain.groups.churn import Churn, Known, churn

TODAY = date(2026, 3, 2)


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def member(started: int | None = 365, seen: int | None = 0, joined: int | None = 90) -> Known:
    """Somebody, by days ago."""
    days = [None if one is None else ago(one) for one in (started, joined, seen)]
    return Known(*days)


def test_a_group_that_is_seen_every_day_is_looked_at_monthly() -> None:
    assert churn([member()] * 8, 0, TODAY).rhythm == "monthly"


def test_a_group_that_nobody_has_seen_for_four_months_is_looked_at_weekly() -> None:
    assert churn([member(seen=120)] * 8, 0, TODAY).rhythm == "weekly"


def test_a_group_that_nobody_has_seen_for_two_years_is_looked_at_daily() -> None:
    assert churn([member(started=2000, seen=730)] * 8, 0, TODAY).rhythm == "daily"


@pytest.mark.parametrize(
    ("calm", "restless"),
    [
        (churn([member(seen=30)] * 6, 0, TODAY), churn([member(seen=60)] * 6, 0, TODAY)),
        (churn([member(started=100)] * 6, 0, TODAY), churn([member(started=4000)] * 6, 0, TODAY)),
        (churn([member()] * 6, 0, TODAY), churn([member()] * 6, 1, TODAY)),
        (churn([member()] * 6, 0, TODAY), churn([member()] * 7, 0, TODAY)),
        (churn([member(joined=360)] * 6, 0, TODAY), churn([member(joined=10)] * 6, 0, TODAY)),
    ],
    ids=["seen long ago", "long in the role", "one left", "larger", "known for a short time"],
)
def test_each_fact_raises_the_chance(calm: Churn, restless: Churn) -> None:
    assert 0 < calm.chance < restless.chance < 1


def test_nobody_has_left_before_the_first_day() -> None:
    new = churn([member(started=5, seen=400)], 0, TODAY)

    assert new.chance == pytest.approx(churn([member(started=5, seen=5)], 0, TODAY).chance)


def test_for_how_long_somebody_is_known_stands_in_for_what_no_writer_says() -> None:
    assert churn([member(None, 0, 800)], 0, TODAY) == churn([member(800, 0, 800)], 0, TODAY)
    unseen = churn([member(None, None, 800)], 0, TODAY)
    assert unseen.chance == pytest.approx(churn([member(800, 800, 800)], 0, TODAY).chance)


def test_what_is_quite_unknown_is_held_against_nobody() -> None:
    assert churn([Known(None, None, None)], 0, TODAY) == churn(
        [Known(TODAY, TODAY, TODAY)], 0, TODAY
    )


def test_a_date_to_come_counts_as_today() -> None:
    assert (
        churn([member(-10, -10, -10)], 0, TODAY).chance == churn([member(0, 0, 0)], 0, TODAY).chance
    )


def test_after_the_half_life_unseen_one_new_member_is_gone_by_the_chance_of_the_formula() -> None:
    """By hand: ln 2 / 3.9 a year, 3.9 years and 30 days, and a weight of 1.5 after 3.9 years."""
    found = churn([Known(date(2022, 4, 7), None, None)], 0, TODAY)

    assert found.chance == pytest.approx(1 - 2 ** (-1.5 * (3.9 + 30 / 365.25) / 3.9), abs=0.001)


def test_a_group_of_nobody_is_looked_at_monthly() -> None:
    assert churn([], 3, TODAY) == Churn(
        0.0, "monthly", "monthly: the group has no members who could leave"
    )


def test_the_words_say_from_what_the_rhythm_follows() -> None:
    members = [member(started=2000, seen=100)] * 2 + [member(started=100, seen=100)] * 4

    assert churn(members, 1, TODAY).because == (
        "weekly: 2 of 6 members have been in their role for over 3.9 years, 1 left within a year, "
        "last seen 100 days ago on average: somebody is gone by a chance of 53 %"
    )
    assert churn([member(seen=1)], 0, TODAY).because == (
        "monthly: none of 1 member has been in their role for over 3.9 years, none left within a "
        "year, last seen 1 day ago on average: somebody is gone by a chance of 2 %"
    )
