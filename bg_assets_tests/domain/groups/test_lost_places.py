"""To whom a place was lost, and by what that person was ahead."""

from dataclasses import replace
from typing import Any

import pytest

from bg_assets.domain.groups.candidates import Candidate
from bg_assets.domain.groups.fit import Fit, fits
from bg_assets.domain.groups.group import StaffMember
from bg_assets.domain.products.template import Condition
from bg_assets.domain.titles.verdict import classify
from bg_assets_tests.domain.groups.people import person
from bg_assets_tests.domain.groups.worlds import FINANCE, SECOND_MAKER, World, altered, world_of


def kept_from_the_place(loser: dict[str, Any], winner: dict[str, Any], *others: StaffMember) -> str:
    """Of two Procurement Managers with these values, what the one who lost is told."""
    world = world_of("Procurement Manager", "Procurement Manager")
    first, second = world.people
    people = (replace(first, **loser), replace(second, **winner), *others)
    why = replace(world, people=people).explain("p00000")
    (blocker,) = (one for one in why.roles if one.role == "blocker")
    assert blocker.obstacle is not None
    assert blocker.obstacle.who == "p00001"
    return blocker.obstacle.because


def test_by_what_somebody_was_ahead_is_told() -> None:
    said = classify("Procurement Manager")
    less, little_less, more = ({"verdict": replace(said, confidence=c)} for c in (0.7, 0.89, 0.9))
    assert kept_from_the_place(less, more) == "p00001 has the last place with 0.72 against 0.56"
    assert kept_from_the_place(little_less, more) == (
        "p00001 has the last place with 0.72 against 0.71"
    )
    assert kept_from_the_place({}, {"has_email": True}) == (
        "p00001 has the last place, as good, and with an e-mail address that is known"
    )
    boss = person(2, "CFO")
    assert kept_from_the_place({}, {"manager_id": "p00002"}, boss) == (
        "p00001 has the last place, about as good and better linked to the group"
    )
    report = replace(person(3, "Buyer"), manager_id="p00001")
    assert kept_from_the_place({}, {}, boss, report).endswith("more say in the company")


def test_the_order_of_ids_and_a_function_that_is_there_are_told_too() -> None:
    world = world_of("Procurement Manager", "Procurement Manager")
    (blocker,) = (one for one in world.explain("p00001").roles if one.role == "blocker")
    assert blocker.obstacle is not None
    assert blocker.obstacle.because == (
        "p00000 has the last place, as good in everything: the order of the ids decides"
    )
    asks = (Condition(functions=("hr", "it")),)
    only = tuple(rule for rule in FINANCE.roles if rule.role == "champion")
    template = replace(FINANCE, functions=(("hr", 1.0), ("it", 1.0)), roles=only)
    world = altered(
        replace(world_of("HR Manager", "HR Manager", "IT Manager"), template=template),
        "champion", conditions=asks,
    )  # fmt: skip
    (champion,) = (one for one in world.explain("p00001").roles if one.role == "champion")
    assert champion.obstacle is not None
    assert champion.obstacle.who == "p00002"
    assert champion.obstacle.because.endswith(
        "HR being there already: each further one counts less"
    )


@pytest.mark.parametrize(
    ("functions", "levels", "department", "title", "score"),
    [
        (("finance",), ("vp",), False, "VP", 1.0),
        (("it", "finance"), ("vp",), False, "VP", 0.8),
        (("finance",), ("head", "vp"), False, "VP", 0.8),
        (("it", "finance"), ("head", "vp"), False, "VP", 0.64),
        (("finance",), ("vp",), True, "Head of Section", 0.8),
        (("finance",), ("vp",), True, "Head of Networks", 0.4),
    ],
)
def test_what_is_only_an_alternative_or_told_by_the_department_fits_less(
    functions: tuple[str, ...], levels: tuple[str, ...], department: bool, title: str, score: float
) -> None:
    asks = Condition(functions=("finance",), levels=("vp",))
    world = altered(world_of("CFO"), "stakeholder", conditions=(asks,))
    who = Candidate(title, "Finance", functions, levels, 7.0, frozenset(), False, department)
    (fit,) = (one for one in fits(who, world.template, 300) if one.role == "stakeholder")
    assert isinstance(fit, Fit)
    assert fit.score == pytest.approx(score)


def test_a_word_of_the_department_is_named_as_such() -> None:
    auditor = person(0, "Deputy Director", "Internal Audit")
    world = World(SECOND_MAKER, (auditor,), FINANCE)
    maker = world.explain("p00000").roles[0]
    assert maker.because.endswith("nobody with 'internal audit' in the department decision maker")
