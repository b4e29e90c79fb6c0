"""How well somebody fits a role: what takes from a score, by how much, and in which words."""

from dataclasses import replace
from random import Random

import pytest

from bg_assets.domain.groups.candidates import Candidate
from bg_assets.domain.groups.fit import IN_NAME, Fit, Unfit, answers, fits, nearest, sieve
from bg_assets.domain.products.template import Condition, Template
from bg_assets.domain.values.sectors import SECTORS
from bg_assets.domain.vocabulary import FUNCTIONS, LEVELS
from bg_assets.products.files import load_templates
from bg_assets_tests.domain.groups.people import FINANCE

MANAGER = Candidate("Manager", "Finance", ("finance",), ("manager",), 5.0, frozenset(), False)
ASKS = Condition(functions=("finance",), levels=("manager",))


@pytest.mark.parametrize("role", ["champion", "blocker", "stakeholder"])
def test_a_manager_by_title_fits_less_than_one_with_a_budget_and_is_told_so(role: str) -> None:
    rules = tuple(replace(one, conditions=(ASKS,)) for one in FINANCE.roles)
    template = replace(FINANCE, roles=rules)

    def fit(candidate: Candidate) -> Fit:
        (found,) = (one for one in fits(candidate, template, 300) if one.role == role)
        assert isinstance(found, Fit)
        return found

    in_name = fit(replace(MANAGER, standing=frozenset({"in_name"})))
    assert IN_NAME < 1
    assert in_name.score == pytest.approx(IN_NAME * fit(MANAGER).score)
    assert in_name.reason.endswith("; a manager by title, without authority over a budget")


def anybody(dice: Random) -> Candidate:
    titles = ("Manager", "Chief Financial Officer", "Head of IT", "Buyer", "Payroll Clerk", None)
    return Candidate(
        dice.choice(titles),
        dice.choice(("Finance", "IT", None)),
        tuple(dice.sample(sorted(FUNCTIONS), dice.randint(0, 2))),
        tuple(dice.sample(sorted(LEVELS), dice.randint(0, 2))),
        5.0,
        frozenset(),
        board_only=False,
        sector=dice.choice((*SECTORS, None)),
    )


def judged_plainly(who: Candidate, template: Template, employees: int | None) -> list[Fit | Unfit]:
    """The twin: nothing kept of anybody, each person judged for this one company."""
    fresh = sieve.__wrapped__(template)
    can, cannot = answers(who, fresh, employees)
    return sorted((*can, *cannot), key=lambda one: one.role)


@pytest.mark.parametrize("template", load_templates().values(), ids=lambda one: one.name)
def test_what_is_sieved_for_all_who_are_alike_leaves_just_what_may_hold(template: Template) -> None:
    dice, held = Random(1), 0
    for _ in range(400):
        who, employees = anybody(dice), dice.choice((None, 5, 60, 900, 40_000))
        found = fits(who, template, employees)
        assert sorted(found, key=lambda one: one.role) == judged_plainly(who, template, employees)
        for rule, answer in zip(template.roles, found, strict=True):
            _, missing = nearest(who, rule, employees)
            ruled_out = isinstance(answer, Unfit) and answer.rule != "no-fit"
            assert ruled_out or isinstance(answer, Fit) == (missing == ())
            held += isinstance(answer, Fit)
    assert held > 25


@pytest.mark.parametrize("template", load_templates().values(), ids=lambda one: one.name)
def test_what_is_kept_of_somebody_is_told_by_the_size_of_each_company(template: Template) -> None:
    for employees in (None, 0, 1, 30, 49, 50, 51, 249, 250, 251, 999, 1_000, 1_001, 30_000):
        alike = sieve(template).size(employees)
        for condition in (one for rule in template.roles for one in rule.conditions):
            asked = replace(condition, functions=(), levels=(), titles=(), departments=(),
                            sectors=(), not_sectors=())  # fmt: skip
            rule = replace(template.roles[0], conditions=(asked,))
            assert nearest(MANAGER, rule, alike)[1] == nearest(MANAGER, rule, employees)[1]


def test_two_companies_tell_each_their_own_of_what_the_same_person_signs() -> None:
    who = replace(MANAGER, levels=("director",), rank=6.0)
    small, large, unknown = (
        next(one for one in fits(who, FINANCE, employees) if one.role == "decision_maker")
        for employees in (60, 9_000, None)
    )
    assert isinstance(small, Fit)
    assert isinstance(large, Fit)
    assert isinstance(unknown, Fit)
    assert "alone by the table of usual limits for about 60 people" in small.reason
    assert "alone by the table of usual limits for about 9,000 people" in large.reason
    assert "unknown, as is the company's size" in unknown.reason
    assert small.score < large.score
