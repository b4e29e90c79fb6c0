"""Ranks: what deputies, heads of units and offices of the state stand for."""

import pytest

from bg_assets.domain import authority
from bg_assets.domain.titles import classify

# The first of each stands above the second in a British body.
ORDERED = [
    ("Permanent Secretary", "Director of Operations"),
    ("Chief Financial Officer", "Deputy CFO"),
    ("Director, Deputy Head of Policy", "Head of Policy"),
    ("Director of Strategy", "Deputy Director, Strategy"),
    ("Director of Strategy", "Head of Strategy"),
    ("Head of Strategy", "Deputy Head of Strategy"),
    ("Deputy Director of Operations", "Operations Manager"),
    ("Finance Director", "Deputy Director, Finance"),
    ("Chief Constable", "Assistant Chief Constable"),
    ("Parliamentary Counsel", "Deputy Parliamentary Counsel"),
    ("Director General", "Director of Strategy"),
]


def _rank(title: str) -> float:
    return authority.rank(title, classify(title).level, country="GB")


@pytest.mark.parametrize(("higher", "lower"), ORDERED)
def test_of_two_posts_the_higher_ranks_higher(higher: str, lower: str) -> None:
    assert _rank(higher) > _rank(lower)


def test_a_deputy_officer_signs_no_more_than_a_director_does() -> None:
    deputy, officer = _rank("Deputy Chief Financial Officer"), _rank("Chief Financial Officer")
    assert authority.may_sign(officer, 5_000) == authority.UNLIMITED
    assert authority.may_sign(deputy, 5_000) < authority.UNLIMITED


def test_the_deputy_of_somebody_without_rank_loses_nothing() -> None:
    assert authority.rank("Deputy Legal Adviser", "staff") == authority.RANK["staff"]


def test_a_word_hidden_in_a_longer_standing_says_nothing() -> None:
    assert "deputy" not in authority.standing("Deputy Parliamentary Counsel")
    assert "plain" not in authority.standing("Deputy Parliamentary Counsel")
    assert "deputy" not in authority.standing("Director, Deputy of the Chair")
