"""Gaps: each names what is missing, and why those who are there are not it."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from bg_assets.domain.groups.gaps import Gap
from bg_assets.domain.groups.group import BuyerGroup, Company, Override, StaffMember, decide
from bg_assets.domain.groups.selection import LEAST_FIT, usable
from bg_assets.domain.products.template import Condition
from bg_assets.domain.titles.verdict import classify
from bg_assets_tests import organograms
from bg_assets_tests.domain.groups.people import FINANCE, MIDDLE, TODAY, person, read_as, staff
from bg_assets_tests.domain.groups.worlds import World, worlds


def reasons(group: BuyerGroup, role: str | None) -> list[str]:
    return [gap.reason for gap in group.gaps if gap.role == role]


@settings(max_examples=50, deadline=None)
@given(worlds())
def test_a_gap_names_a_role_only_where_a_place_is_empty_that_nobody_free_could_take(
    world: World,
) -> None:
    seen = world.weigh()
    group = decide(world.company, world.people, world.template, TODAY, world.overrides)
    filled = Counter(member.role for member in group.members)
    named = [gap.role for gap in group.gaps if gap.role is not None]
    assert sorted(named) == sorted(r for r, n in seen.required.items() if filled[r] < n)
    assert not named or group.completeness < 1
    for role in named:
        assert not any(
            usable(choice, role, LEAST_FIT)
            for i, choice in seen.choices.items()
            if i not in seen.chosen
        )


@pytest.mark.parametrize(
    ("titles", "role", "said"),
    [
        (
            ("CFO",),
            "champion",
            "no potential champion in finance found: 1 person read; the one in finance is not of "
            "the level asked for (vp, head, director, manager, senior)",
        ),
        (
            ("Finance Director", "Accountant", "Forklift Driver"),
            "champion",
            "no potential champion in finance found: 3 people read; of 2 in finance 1 is the "
            "decision maker already, 1 is not of the level asked for (vp, head, director, manager, "
            "senior)",
        ),
        (
            ("Forklift Driver",),
            "decision_maker",
            "no decision maker in finance found: 1 person read, nobody in finance",
        ),
        (
            ("Accountant", "Accountant"),
            "decision_maker",
            "no decision maker in finance found: 2 people read; all 2 in finance are not of the "
            "level asked for (owner, c_level, vp, head, director)",
        ),
        ((), "decision_maker", "no decision maker in finance found: nobody is known"),
    ],
)
def test_what_is_said_of_those_with_the_function(
    titles: tuple[str, ...], role: str, said: str
) -> None:
    group = decide(Company("c", 600, 600, "US"), staff(*titles), FINANCE, TODAY)
    assert reasons(group, role) == [said]


def gap_and_obstacle(*titles: str, role: str) -> tuple[str, str]:
    """The gap of a role, and what `why` tells the first of these people of it."""
    world = World(Company("c", 300, 300, "US"), tuple(staff(*titles)), FINANCE)
    (reason,) = reasons(decide(world.company, world.people, FINANCE, TODAY), role)
    why = world.explain("p00000")
    (answer,) = (one for one in why.roles if one.role == role)
    assert why.member
    return reason, answer.because


def test_who_holds_another_role_and_could_not_have_this_one_is_not_said_to_hold_it() -> None:
    """An accountant is a champion, an assistant an introducer; neither would ever do."""
    gap, why = gap_and_obstacle("Accountant", "Forklift Driver", role="decision_maker")
    assert gap.endswith(
        "; the one in finance is not of the level asked for (owner, c_level, vp, head, director)"
    )
    assert why == (
        "asks of finance for the level owner, c_level, vp, head or director (this is staff)"
    )
    assistant = person(0, "Executive Assistant", "IT")
    world = World(Company("c", 20, 20, "US"), (assistant,), FINANCE)
    group = decide(world.company, world.people, FINANCE, TODAY)
    assert [member.role for member in group.members] == ["introducer"]
    (gap,) = reasons(group, "stakeholder")
    levels = "c_level, vp, head, director, manager"
    assert gap.endswith(f"; the one in IT is not of the level asked for ({levels}, senior, staff)")


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"never_levels": ("c_level",)}, "is ruled out for this role by the template"),
        ({"never_functions": ("finance",)}, "is ruled out for this role by the template"),
        ({"never_titles": ("cfo",)}, "is ruled out for this role by the template"),
        (
            {"conditions": (Condition(functions=("finance",), max_employees=5),)},
            "is not what the role asks for in company size",
        ),
        (
            {"conditions": (Condition(titles=("x",), functions=("finance",), levels=("vp",)),)},
            "is not what the role asks for in level and title",
        ),
    ],
)
def test_the_rule_of_the_template_that_keeps_somebody_is_the_cause(
    rule: dict[str, Any], said: str
) -> None:
    rules = tuple(
        replace(one, **rule) if one.role == "decision_maker" else one for one in FINANCE.roles
    )
    group = decide(MIDDLE, staff("CFO"), replace(FINANCE, roles=rules), TODAY)
    (reason,) = reasons(group, "decision_maker")
    assert reason.endswith(f"; the one in finance {said}")


@pytest.mark.parametrize(
    ("title", "said"),
    [
        ("Fractional CFO", "is an outsider"),
        ("Finance Intern", "is disqualified by the template"),
    ],
)
def test_who_may_have_no_such_role_at_all_is_told_so(title: str, said: str) -> None:
    (reason,) = reasons(decide(MIDDLE, staff(title), FINANCE, TODAY), "decision_maker")
    assert reason.endswith(f"; the one in finance {said}")


def test_a_pin_against_the_rules_is_told_as_such() -> None:
    rules = tuple(
        replace(rule, required=2) if rule.role == "decision_maker" else rule
        for rule in FINANCE.roles
    )
    pins = [Override("p00000", "pin", "decision_maker")]
    group = decide(MIDDLE, staff("Accountant"), replace(FINANCE, roles=rules), TODAY, pins)
    (reason,) = reasons(group, "decision_maker")
    assert reason.endswith("; the one in finance is pinned as decision maker")


_CAUSES: dict[str, set[str | None]] = {
    "already": {None, "other-role", "pinned", "taken"},
    "is pinned as": {None},
    "read too doubtfully": {"doubtful"},
    "fit well enough": {"weak"},
    "not of the level asked for": {"no-fit"},
    "not what the role asks for": {"no-fit"},
    "ruled out": {"never-level", "never-function", "never-title"},
    "disqualified": {"disqualified-level", "disqualified-title"},
    "on the board only": {"board"},
    "outsider": {"outsider"},
    "too high": {"rank"},
}


@settings(max_examples=60, deadline=None)
@given(worlds())
def test_the_cause_that_a_gap_names_is_the_one_that_why_names(world: World) -> None:
    seen = world.weigh()
    group = decide(world.company, world.people, world.template, TODAY, world.overrides)
    for gap in group.gaps:
        if gap.role is None or ";" not in gap.reason:
            continue
        rule = next(one for one in world.template.roles if one.role == gap.role)
        asked = next(c.functions for c in rule.conditions if c.functions)
        told: Counter[str] = Counter()
        for one in seen.people:
            if one.verdict.function not in asked or one.person_id not in seen.choices:
                continue
            answers = world.explain(one.person_id).roles
            (kept,) = (a.obstacle for a in answers if a.role == gap.role)
            causes = {
                said
                for said, rules in _CAUSES.items()
                if said in gap.reason and (kept.rule if kept else None) in rules
            }
            assert causes, (one, kept, gap.reason)
            told.update(causes)
            if causes == {"already"}:
                assert seen.choices[one.person_id].fit(gap.role) is not None
        assert all(told[said] for said in _CAUSES if said in gap.reason), (told, gap.reason)


def test_who_is_excluded_or_read_too_doubtfully_is_told_apart() -> None:
    people = [read_as(person(0, "CFO"), confidence=0.3), person(1, "CFO"), person(2, "Accountant")]
    group = decide(
        Company("c", 600, 600, "US"), people, FINANCE, TODAY, [Override("p00001", "exclude")]
    )
    assert reasons(group, "decision_maker") == [
        "no decision maker in finance found: 3 people read; of 3 in finance 1 is excluded by hand, "
        "1 has a title that is read too doubtfully, 1 is not of the level asked for (owner, "
        "c_level, vp, head, director)"
    ]


def test_where_one_of_two_is_there_it_is_the_further_one_that_is_missing() -> None:
    rules = tuple(
        replace(rule, required=2) if rule.role == "decision_maker" else rule
        for rule in FINANCE.roles
    )
    group = decide(MIDDLE, staff("CFO"), replace(FINANCE, roles=rules), TODAY)
    assert reasons(group, "decision_maker") == [
        "no further decision maker in finance found: 1 person read; the one in finance is the "
        "decision maker already"
    ]


def test_a_role_that_asks_for_no_function_is_missing_as_such() -> None:
    rules = tuple(
        replace(rule, conditions=(replace(rule.conditions[0], functions=(), levels=("owner",)),))
        if rule.role == "champion"
        else rule
        for rule in FINANCE.roles
    )
    group = decide(MIDDLE, staff("CFO"), replace(FINANCE, roles=rules), TODAY)
    assert [gap for gap in group.gaps if gap.role == "champion"] == [
        Gap(
            "champion", None,
            "no potential champion found: 1 person read, nobody fits well enough",
        )
    ]  # fmt: skip


def test_a_voice_is_missing_and_not_the_role_of_those_who_are_there() -> None:
    people = staff("CFO", "Controller", "Procurement Manager", "COO")
    group = decide(MIDDLE, people, FINANCE, TODAY)
    assert group.completeness == 1
    assert group.gaps == (
        Gap(None, "it", "no technical voice in the group: a deal of 120,000 US dollars needs one"),
    )


def test_a_finance_voice_is_not_missed_twice() -> None:
    group = decide(MIDDLE, staff("IT Manager", "CIO", "Procurement Manager"), FINANCE, TODAY)
    assert [gap.role for gap in group.gaps] == ["decision_maker", "champion"]
    rules = tuple(replace(rule, required=0) for rule in FINANCE.roles)
    group = decide(MIDDLE, staff("COO", "CIO"), replace(FINANCE, roles=rules), TODAY)
    assert [(gap.role, gap.function) for gap in group.gaps] == [(None, "finance")]


def test_a_pin_of_somebody_who_is_gone_is_missing_and_not_the_role() -> None:
    pins = [Override("gone", "pin", "champion"), Override("away", "pin")]
    group = decide(MIDDLE, staff("CFO", "Controller"), FINANCE, TODAY, pins)
    assert reasons(group, None)[:2] == [
        "the pin of away is suspended: not on the staff",
        "the pin of gone is suspended: not on the staff (pinned as potential champion)",
    ]


def test_no_public_body_is_told_that_a_role_is_missing_which_it_has(shared_data: Path) -> None:
    sizes = organograms.read_sizes(shared_data, organograms.AFTER)
    bodies = organograms.read_senior(shared_data, organograms.AFTER).bodies
    voices = already = 0
    for body, posts in sorted(bodies.items()):
        people = [_member(post) for post in sorted(posts, key=lambda post: post.id)]
        company = Company(body, sizes[body], sizes[body], "GB")
        group = decide(company, people, FINANCE, TODAY)
        held = {member.role for member in group.members}
        for gap in group.gaps:
            # The template requires one of each.
            assert gap.role not in held, (body, gap)
            voices += gap.role is None
            already += gap.reason.endswith("already")
    assert voices > 20
    assert already > 5


def _member(post: organograms.Post) -> StaffMember:
    said = classify(post.title, post.department)
    return StaffMember(post.id, post.title, post.department, None, post.manager_id or None, said)


def champion_asks(*conditions: Condition, confidence: float = 0.9) -> list[str]:
    """The gap of a champion in a company of one accountant."""
    rules = tuple(
        replace(rule, conditions=conditions) if rule.role == "champion" else rule
        for rule in FINANCE.roles
    )
    people = [read_as(person(0, "Accountant"), confidence=confidence)]
    group = decide(MIDDLE, people, replace(FINANCE, roles=rules), TODAY)
    return reasons(group, "champion")


def test_who_fits_too_little_is_not_said_to_be_read_too_doubtfully() -> None:
    weak = Condition(functions=("finance",), fit=0.2)
    (reason,) = champion_asks(weak)
    assert reason.endswith("; the one in finance does not fit well enough")
    (reason,) = champion_asks(weak, confidence=0.4)
    assert reason.endswith("; the one in finance has a title that is read too doubtfully")


def test_the_function_looked_for_is_the_first_that_the_role_asks_for() -> None:
    (reason,) = champion_asks(Condition(titles=("bishop",)), Condition(functions=("it",)))
    assert reason == "no potential champion in IT found: 1 person read, nobody in IT"
