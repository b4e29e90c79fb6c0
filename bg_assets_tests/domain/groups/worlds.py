"""Worlds to decide in: a company, its people, a template, and what humans said of them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from bg_assets.domain.groups.group import (
    BuyerGroup,
    Company,
    Override,
    StaffMember,
    Weighed,
    decide,
    weigh,
)
from bg_assets.domain.groups.why import Why, explain
from bg_assets.domain.products.template import RoleRule, Template
from bg_assets.domain.vocabulary import FUNCTIONS, LEVELS
from bg_assets.products.files import load_templates
from bg_assets_tests.domain.groups.people import TODAY, person, read_as

TEMPLATES = tuple(load_templates().values())
TITLES = (
    "CFO", "Fractional CFO", "Finance Director", "Finance & Investment Director", "Controller",
    "Head of Tax", "Accountant", "Finance Manager", "CEO", "Chairman", "COO", "CIO", "IT Manager",
    "Head of IT", "Procurement Manager", "General Counsel", "Sales Director", "Intern", "CISO",
    "Executive Assistant to the CFO", "Office Manager", "Chief of Staff", "HR Director", None,
    "Marketing Consultant", "Warehouse Operative", "Internal Audit Manager", "Investor",
    "Former CFO", "Project Director, Moving Forward", "Head of Section", "Directeur financier",
)  # fmt: skip
PHRASES = ("investment", "tax", "manager", "chief", "head of", "assistant")


@dataclass(frozen=True)
class World:
    """What a decision is made from."""

    company: Company
    people: tuple[StaffMember, ...]
    template: Template
    overrides: tuple[Override, ...] = ()

    def explain(self, person_id: str) -> Why:
        return explain(self.company, self.people, self.template, TODAY, self.overrides, person_id)

    def weigh(self) -> Weighed:
        return weigh(self.company, self.people, self.template, TODAY, self.overrides)

    def decide(self) -> BuyerGroup:
        return decide(self.company, self.people, self.template, TODAY, self.overrides)

    def with_rule(self, role: str, change: Callable[[RoleRule], RoleRule]) -> "World":
        rules = tuple(change(r) if r.role == role else r for r in self.template.roles)
        return replace(self, template=replace(self.template, roles=rules))

    def without(self, person_id: str) -> "World":
        overrides = tuple(o for o in self.overrides if o.person_id != person_id)
        return replace(self, overrides=(*overrides, Override(person_id, "exclude")))


@st.composite
def worlds(draw: st.DrawFn) -> World:
    titles = draw(st.lists(st.sampled_from(TITLES), min_size=1, max_size=14))
    people = []
    for at, title in enumerate(titles):
        department = draw(st.sampled_from((None, None, "Finance", "IT", "Internal Audit")))
        one = person(at, title, department, manager=draw(st.sampled_from((None, "p00000"))))
        said = one.verdict.confidence
        one = read_as(one, confidence=draw(st.sampled_from((said, said, 0.3, 0.9))))
        people.append(replace(one, has_email=draw(st.booleans())))
    shipped = draw(st.sampled_from(TEMPLATES))
    rules = tuple(
        replace(
            rule,
            required=draw(st.integers(0, 2)),
            never_levels=draw(few(LEVELS)),
            never_functions=draw(few(FUNCTIONS)),
            never_titles=(*rule.never_titles, *draw(few(PHRASES))),
            conditions=tuple(
                replace(one, fit=draw(st.sampled_from((one.fit, one.fit, 0.35))))
                for one in rule.conditions
            ),
        )
        for rule in shipped.roles
    )
    template = replace(
        shipped,
        roles=rules,
        deal_size=draw(st.sampled_from((20_000, 120_000, 400_000))),
        disqualified_titles=draw(few(PHRASES)),
        disqualified_levels=draw(few(LEVELS)),
    )
    overrides = tuple(
        Override(who, draw(st.sampled_from(("pin", "exclude"))), draw(st.sampled_from(ROLES)))
        for who in draw(st.lists(st.sampled_from(("p00000", "p00002")), unique=True, max_size=1))
    )
    size = draw(st.none() | st.sampled_from((4, 20, 90, 300, 1_000, 30_000)))
    return World(Company("c", size, size, "GB"), tuple(people), template, overrides)


ROLES = (None, "champion", "stakeholder", "blocker")


def few(words: tuple[str, ...]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.just(()) | st.just(()) | st.lists(st.sampled_from(words), max_size=2).map(tuple)


FINANCE = TEMPLATES[0]
SECOND_MAKER = Company("c", 300, 300, "US")


def world_of(*titles: str | None, company: Company = SECOND_MAKER) -> World:
    return World(company, tuple(person(at, t) for at, t in enumerate(titles)), FINANCE)


def altered(world: World, role: str, **changes: Any) -> World:
    return world.with_rule(role, lambda rule: replace(rule, **changes))


def pinned(world: World, person_id: str, role: str) -> World:
    return replace(world, overrides=(Override(person_id, "pin", role),))
