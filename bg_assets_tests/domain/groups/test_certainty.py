"""How sure a member is: what raises it, what lowers it, and what is not held against anybody."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bg_assets.domain.groups.certainty import Evidence, Surroundings, certainty, doubts, topics
from bg_assets.domain.groups.group import StaffMember, decide, weigh
from bg_assets_tests.domain.groups.people import FINANCE, MIDDLE, TODAY, person

BARE = Evidence(0.85, "finance")
EVIDENCE = st.builds(
    Evidence,
    st.floats(0, 1),
    st.sampled_from(["finance", "it", None]),
    st.integers(0, 1_000_000),
    st.booleans(),
    st.integers(0, 60),
    st.none() | st.floats(0, 1),
    st.none() | st.integers(0, 60),
)


@given(EVIDENCE)
def test_it_is_a_chance_whatever_the_evidence(evidence: Evidence) -> None:
    assert 0 <= certainty(evidence) <= 1


@given(EVIDENCE)
def test_each_piece_of_evidence_pulls_one_way_only(evidence: Evidence) -> None:
    now = certainty(evidence)
    assert certainty(replace(evidence, rivals=evidence.rivals + 1)) <= now
    assert certainty(replace(evidence, topics=evidence.topics + 1)) <= now
    assert certainty(replace(evidence, forked=True)) <= now
    assert certainty(replace(evidence, title=min(1.0, evidence.title + 0.1))) >= now
    if evidence.unit is not None:
        assert certainty(replace(evidence, unit=min(1.0, evidence.unit + 0.1))) >= now
    if evidence.steps is not None:
        assert certainty(replace(evidence, steps=evidence.steps + 1)) <= now


@pytest.mark.parametrize(
    ("weaker", "stronger"),
    [
        (replace(BARE, rivals=9), BARE),
        (replace(BARE, forked=True), BARE),
        (replace(BARE, topics=2), BARE),
        (replace(BARE, unit=0.1), replace(BARE, unit=0.9)),
        (replace(BARE, steps=4), replace(BARE, steps=1)),
        (replace(BARE, title=0.6), BARE),
    ],
)
def test_the_weaker_of_two_is_clearly_less_sure(weaker: Evidence, stronger: Evidence) -> None:
    assert certainty(weaker) < certainty(stronger) - 0.03


def test_what_is_unknown_is_held_against_nobody() -> None:
    assert certainty(replace(BARE, unit=None, steps=None)) == certainty(
        replace(BARE, unit=0.5, steps=2)
    )


def test_a_role_that_a_phrase_of_the_title_gives_is_as_sure_as_the_title() -> None:
    assert certainty(Evidence(0.83, None)) == 0.83
    assert doubts(Evidence(0.83, None)) is None


def test_what_makes_it_less_sure_is_said_in_words() -> None:
    assert doubts(BARE) is None
    said = doubts(Evidence(0.9, "finance", 23, True, 1, 0.1, 4))
    assert said is not None
    for words in (
        "23 others could have this place",
        "could be another",
        "managers stand above",
        "1 word of the title is about something else",
        "few of the department",
    ):
        assert words in said


@pytest.mark.parametrize(
    ("title", "function", "count"),
    [
        ("Finance Director", "finance", 0),
        ("CFO", "finance", 0),
        ("Deputy Director, Finance", "finance", 0),
        ("Forensic Finance Director", "finance", 1),
        ("Leiter Finanzen", "finance", 0),
        (None, "finance", 0),
        ("Director of IT and Estates", "it", 1),
    ],
)
def test_words_about_something_else_are_counted(
    title: str | None, function: str, count: int
) -> None:
    assert topics(title, function) == count


def _evidence(people: list[StaffMember], person_id: str) -> Evidence:
    seen = weigh(MIDDLE, people, FINANCE, TODAY)
    _, fit = seen.chosen[person_id]
    around = Surroundings(seen.people, seen.choices, seen.placed)
    title = next(p.title for p in people if p.person_id == person_id)
    return around.evidence(seen.choices[person_id], fit, title)


def test_a_rival_is_somebody_else_who_could_have_the_place_by_the_same_function() -> None:
    alone = [person(0, "CFO"), person(1, "CEO"), person(2, "Accountant")]
    assert _evidence(alone, "p00000").rivals == 0
    assert _evidence([*alone, person(3, "Finance Director")], "p00000").rivals == 1


def test_colleagues_of_the_same_line_of_work_make_it_surer_and_others_less_sure() -> None:
    def unit(*titles: str) -> float | None:
        others = [person(at, t, "Resources") for at, t in enumerate(titles, 1)]
        return _evidence([person(0, "CFO", "Resources"), *others], "p00000").unit

    finance, none, mixed = (
        unit("Accountant", "Accountant", "Accountant"),
        unit(),
        unit("Nurse", "Recruiter", "Recruiter", "Recruiter"),
    )
    assert none == 0.5
    assert finance is not None
    assert mixed is not None
    assert mixed < 0.5 < finance
    assert _evidence([person(0, "CFO")], "p00000").unit is None


def test_somebody_of_whom_no_manager_is_known_is_not_taken_for_the_top() -> None:
    people = [
        person(0, "CEO"),
        person(1, "CFO", manager="p00000"),
        person(2, "Procurement Manager", manager="p00001"),
        person(3, "IT Director"),
    ]
    assert _evidence(people, "p00000").steps == 0
    assert _evidence(people, "p00001").steps == 1
    assert _evidence(people, "p00002").steps == 2
    assert _evidence(people, "p00003").steps is None


def test_of_managers_in_a_circle_no_distance_is_known() -> None:
    people = [person(0, "CFO", manager="p00001"), person(1, "CEO", manager="p00000")]
    assert _evidence(people, "p00000").steps is None


def test_a_member_says_what_makes_the_membership_less_sure() -> None:
    people = [person(at, "Finance Director", "Estates") for at in range(12)]
    people += [person(at, "Surveyor", "Estates") for at in range(12, 16)]
    for member in decide(MIDDLE, people, FINANCE, TODAY).members:
        assert any(r.startswith("less sure, since 11 others could") for r in member.reasons)
