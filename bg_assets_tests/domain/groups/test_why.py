"""Why: the rule that decided, for every way in which somebody stays outside."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings

from bg_assets.domain.groups.group import Company, Override, StaffMember, decide
from bg_assets.domain.groups.why import explain
from bg_assets_tests.domain.groups.people import (
    FINANCE,
    MIDDLE,
    TODAY,
    companies,
    person,
    read_as,
    staff,
)


@settings(max_examples=100, deadline=None)
@given(companies())
def test_the_answer_agrees_with_the_group(
    case: tuple[Company, list[StaffMember], list[Override]],
) -> None:
    company, people, overrides = case
    group = decide(company, people, FINANCE, TODAY, overrides)
    chosen = {m.person_id: m.role for m in group.members}
    for one in people:
        answer = explain(company, people, FINANCE, TODAY, overrides, one.person_id)
        assert (answer.member, answer.role) == (
            one.person_id in chosen,
            chosen.get(one.person_id),
        )
        assert answer.because
        assert answer.would_change


@pytest.mark.parametrize(
    ("title", "rule", "said"),
    [
        ("Warehouse Operative", "no-fit", "no role"),
        ("Chairman", "board", "board"),
        ("Intern", "disqualified-level", "disqualifies the level intern"),
        ("Former CFO", "gone", "this is over"),
        (None, "no-fit", "no role"),
    ],
)
def test_who_has_no_place_at_all(title: str | None, rule: str, said: str) -> None:
    people = [*staff("CFO", "CEO"), person(9, title)]
    answer = explain(MIDDLE, people, FINANCE, TODAY, (), "p00009")
    assert (answer.member, answer.rule) == (False, rule)
    assert said in answer.because


def test_who_took_the_place_and_by_how_much() -> None:
    people = staff(*["Procurement Manager"] * 2, "Purchasing Assistant", "General Counsel")
    group = decide(MIDDLE, people, FINANCE, TODAY)
    (blocker,) = [m.person_id for m in group.members if m.role == "blocker"]
    other = next(i for i in ("p00000", "p00001", "p00003") if i not in
                 {m.person_id for m in group.members})  # fmt: skip
    answer = explain(MIDDLE, people, FINANCE, TODAY, (), other)
    role = next(one for one in answer.roles if one.role == "blocker")
    assert answer.rule == "taken"
    assert blocker in role.because
    assert any(
        change.endswith("leaving the company or the group") for change in answer.would_change
    )


def test_a_doubtful_title_and_a_later_start_are_told() -> None:
    doubtful = read_as(person(1, "CFO"), confidence=0.3)
    later = replace(person(2, "CFO"), start_date=date(2027, 1, 1))
    people = [doubtful, later]
    answers = [explain(MIDDLE, people, FINANCE, TODAY, (), p.person_id) for p in people]
    assert [one.rule for one in answers] == ["doubtful", "not-yet"]
    assert "30%" in answers[0].because
    assert "2027-01-01" in answers[1].because


def test_who_fits_a_role_without_a_place_is_told_so() -> None:
    people = staff("Owner", "Procurement Manager")
    answer = explain(Company("c", 4, 4), people, FINANCE, TODAY, (), "p00001")
    assert answer.rule == "no-place"
    assert "no place" in answer.because


def test_a_pin_and_an_exclusion_are_named_first() -> None:
    people = staff("Warehouse Operative", "CFO")
    overrides = [Override("p00000", "pin", "champion"), Override("p00001", "exclude")]
    pinned, out = (
        explain(MIDDLE, people, FINANCE, TODAY, overrides, i) for i in ("p00000", "p00001")
    )
    assert (pinned.rule, pinned.role) == ("pinned", "champion")
    assert "the rules alone see no fit" in pinned.because
    assert out.rule == "excluded"


def test_who_would_come_in_without_a_member_is_told_and_nobody_who_is_there() -> None:
    people = staff("CFO", "General Counsel", "General Counsel", "IT Manager")
    answer = explain(MIDDLE, people, FINANCE, TODAY, (), "p00001")
    assert answer.without == "p00002 would join the group as blocker"
    assert answer.because.endswith("; the one place")
    maker = explain(MIDDLE, people, FINANCE, TODAY, (), "p00000")
    assert maker.because.endswith("; one of 2 places")
    assert maker.without == "nobody would join the group in their place"
    assert maker.would_change == ("an exclusion by hand: `bg-assets exclude`",)


def test_who_started_already_and_whose_title_is_over_is_gone_and_not_late() -> None:
    started = replace(person(0, "Former CFO"), start_date=date(2020, 1, 1))
    answer = explain(MIDDLE, [started], FINANCE, TODAY, (), "p00000")
    assert answer.rule == "gone"
    assert explain(MIDDLE, [started], FINANCE, TODAY, (), "p00009").rule == "unread"


def test_of_what_nobody_fits_the_unknown_and_the_nearest_are_told() -> None:
    unknown = explain(MIDDLE, [person(0, None)], FINANCE, TODAY, (), "p00000")
    assert unknown.because == (
        "no role of the template asks for an unknown function at level unknown"
    )
    driver = explain(MIDDLE, [person(0, "HR Manager")], FINANCE, TODAY, (), "p00000")
    assert driver.because == "no role of the template asks for HR at level manager"
    assert driver.would_change[0] == "potential champion: finance (this is HR)"
    assert any(
        "stakeholder: the level c_level, vp, head or director (this is manager)" in change
        for change in driver.would_change
    )


def test_a_doubtful_role_has_its_fit_and_its_reason_beside_the_obstacle() -> None:
    weak = read_as(person(0, "CFO"), confidence=0.3)
    answer = explain(MIDDLE, [weak], FINANCE, TODAY, (), "p00000")
    maker = answer.roles[0]
    assert maker.because.startswith("finance at level c_level; ")
    assert maker.strength == round(0.3 * (maker.score or 0), 4)
    assert answer.because.startswith("decision maker: ")
