"""Ties: the chance of each kind of tie as a figure, and what counts as the same."""

import pytest

from bg_assets.domain.groups.ties import Ties, plain, subject
from bg_assets_tests.reporting_lines import Row


def chance(odds: float) -> float:
    return odds / (1 + odds)


def between(*rows: Row) -> float:
    """The chance between the first two."""
    return Ties(rows).between(0, 1)


@pytest.mark.parametrize(
    ("first", "second", "odds"),
    [
        (Row("a"), Row("b"), 0.02),
        (Row("a", None, "X", "L"), Row("b", None, "Y", "M"), 0.02),
        (Row("a", None, "X"), Row("b", None, "X"), 0.02 * 10.3 * 2.7 / 2.7),
        (Row("a", None, None, "L"), Row("b", None, None, "L"), 0.02 * 2.8),
        (Row("a", "Tax Manager"), Row("b", "Head of Tax"), 0.02 * 2.7),
        (Row("a", "Tax Manager"), Row("b", None, "Tax"), 0.02 * 2.7),
        (Row("a", None, "Tax Team"), Row("b", "Tax Clerk"), 0.02 * 2.7),
        (Row("a", "Director"), Row("b", "Director"), 0.02),
        (Row("a", "A 1"), Row("b", "A 1"), 0.02),
    ],
)
def test_odds_are_those_of_strangers_times_what_two_people_share(
    first: Row, second: Row, odds: float
) -> None:
    others = (Row("c", "Nurse", "P", "Q"), Row("d", "Pilot", "R", "S"))
    wanted = [first, second, *others]
    # Nobody's place is unknown here but where both are: the mean of no pair is 1.
    assert between(*wanted) == pytest.approx(chance(odds), abs=0.0005)


def test_words_make_a_practice_from_a_quarter_of_their_weight_on() -> None:
    """A word of two people tells 1.1 here, one of a single person 1.7."""
    rest = [Row(f"x{at}", f"Other{at} Thing{at}") for at in range(8)]
    for words, shared in (("tax alpha", True), ("tax alpha beta", False)):
        first, second = Row("a", "tax"), Row("b", words)
        found = between(first, second, *rest) > chance(0.02) + 0.001
        assert found is shared


def test_what_is_unknown_counts_as_the_mean_of_those_who_are_known() -> None:
    rows = [Row(f"p{at}", None, unit) for at, unit in enumerate((None, "A", "A", "B"))]
    # Of three pairs who are known one shares the department.
    assert Ties(rows).between(0, 1) == pytest.approx(chance(0.02 * (1 + 9.3 / 3)))
    only = [Row("a"), Row("b", None, "A")]
    assert between(*only) == pytest.approx(chance(0.02))


def test_a_manager_is_a_tie_and_two_steps_are_near_whoever_stands_first() -> None:
    rows = [
        Row("top", manager_id="chief"),
        Row("mid", manager_id="top"),
        Row("mid2", manager_id="top"),
        Row("chief"),
        Row("low", manager_id="mid"),
        Row("peer", manager_id="mid"),
        Row("other", manager_id="other"),
        Row("far", manager_id="low"),
    ]
    ties = Ties(rows)
    at = {row.person_id: ties.place(row.person_id) for row in rows}
    stranger = chance(0.02)
    for a, b, tie in (
        ("top", "mid", 1.0),
        ("mid", "low", 1.0),
        ("top", "low", 0.66),
        ("low", "peer", 0.66),
        ("mid", "far", 0.66),
        ("mid", "mid2", 0.66),
        ("mid", "chief", 0.66),
        ("top", "far", stranger),
        ("peer", "far", stranger),
        ("top", "other", stranger),
        ("mid", "other", stranger),
    ):
        assert ties.between(at[a], at[b]) == ties.between(at[b], at[a]) == pytest.approx(tie)


def test_a_chance_above_near_is_kept_between_two_reports() -> None:
    rows = [
        Row("boss"),
        Row("a", "Tax", "X", "L", "boss"),
        Row("b", "Tax", "X", "L", "boss"),
        *(Row(f"x{at}", f"Word{at}", f"U{at}", f"S{at}") for at in range(4)),
    ]
    ties = Ties(rows)
    assert ties.between(1, 2) == pytest.approx(0.66)
    assert chance(0.02 * 10.3 * 2.8 * 2.7) < 0.66


def test_any_of_department_location_and_manager_is_a_known_place() -> None:
    rows = [
        Row("a", None, "X"),
        Row("b", None, None, "L"),
        Row("c", manager_id="a"),
        Row("d", manager_id="nobody"),
        Row("e", manager_id="e"),
        Row("f", "CFO"),
    ]
    ties = Ties(rows)
    assert [ties.known(row.person_id) for row in rows] == [True, True, True, False, False, False]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, set()),
        ("", set()),
        ("Head of Group Tax", {"tax"}),
        ("Tax & Treasury, 2", {"tax", "treasury"}),
        ("R D IT", {"it"}),
        ("2024 Über-Tax", {"uber", "tax"}),
    ],
)
def test_the_subject_is_what_is_said_beside_ranks_and_numbers(
    text: str | None, words: set[str]
) -> None:
    assert subject(text) == words


def test_departments_and_locations_are_compared_as_folded_words() -> None:
    assert plain("  Öffentl. Dienst–West ") == plain("offentl dienst west") == "offentl dienst west"
    assert plain(None) == plain(" - ") == ""
