"""What a refresh of a company leads to: a group for each product, and the news since the last."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from bg_assets.domain.groups.difference import Event, difference
from bg_assets.domain.groups.gaps import Gap
from bg_assets.domain.groups.group import (
    BuyerGroup,
    Company,
    Override,
    StaffMember,
    decide,
    read,
)
from bg_assets.domain.products.template import Template
from bg_assets.domain.values import regions

_NOT_TRACKED = "the company is no longer tracked"
_NOT_OFFERED = "the product is no longer tracked"


@dataclass(frozen=True, slots=True)
class StoredGroup:
    """The group that stands, as far as the next one differs: person id to role, and the gaps."""

    members: Mapping[str, str]
    gaps: tuple[Gap, ...]


@dataclass(frozen=True, slots=True)
class Unshown:
    """The group by the version of a template that an experiment does not show at the company.

    shown: the version that it is shown, a or b. group: None where there is none to compare with.
    """

    experiment_id: str
    product: str
    shown: str
    group: BuyerGroup | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The groups, and the events each with its product, in the order in which they are told.

    gone: why the company has no group any more (deleted, or never known), None while it has.
    not_sold: product to why the company has none for it. unshown: one for each experiment that
    runs; no part of what the company has.
    """

    groups: tuple[BuyerGroup, ...]
    events: tuple[tuple[str, Event], ...]
    gone: str | None = None
    not_sold: Mapping[str, str] = field(default_factory=dict)
    unshown: tuple[Unshown, ...] = ()


def outcome(
    company: Company | None,
    people: Sequence[StaffMember],
    templates: Sequence[Template],
    as_of: date,
    overrides: Mapping[str, Sequence[Override]],
    before: Mapping[str, StoredGroup],
) -> Outcome:
    """Decide for a company and all these products, as of a date.

    company: None where nobody tracks it any more. overrides, before: by product.
    """
    if company is None:
        return Outcome((), tuple(_farewells(before, {}, _NOT_TRACKED)), _NOT_TRACKED)
    elsewhere = {
        template.name: why for template in templates if (why := not_sold(company, template))
    }
    known = None if len(elsewhere) == len(templates) else read(company, people, as_of)
    groups = tuple(
        decide(company, people, template, as_of, overrides.get(template.name, ()), known)
        for template in templates
        if template.name not in elsewhere
    )
    present = {person.person_id for person in people}
    events = [
        (group.product, event)
        for group in groups
        for event in _news(group, before, present, overrides.get(group.product, ()))
    ]
    over = {product: before[product] for product in before.keys() - {g.product for g in groups}}
    events += _farewells(over, elsewhere, _NOT_OFFERED)
    return Outcome(groups, tuple(events), not_sold=elsewhere)


def not_sold(company: Company, template: Template) -> str | None:
    """Why a company has no group for a template: its product is not sold there; None where it is.

    Whoever makes or explains a group asks this first.
    """
    return regions.not_sold(template.regions, company.country)


def _news(
    group: BuyerGroup,
    before: Mapping[str, StoredGroup],
    present: set[str],
    overrides: Sequence[Override],
) -> tuple[Event, ...]:
    stood = before.get(group.product, StoredGroup({}, ()))
    left = {one.person_id: "excluded by hand" for one in overrides if one.action == "exclude"}
    left |= dict.fromkeys(stood.members.keys() - present, "no longer at the company")
    return difference(stood.members, stood.gaps, group, left)


def _farewells(
    over: Mapping[str, StoredGroup], reasons: Mapping[str, str], otherwise: str
) -> list[tuple[str, Event]]:
    """Everybody leaves the groups that are over, in order of product and person."""
    return [
        (product, Event("left", person_id, {"role": role}, None, reasons.get(product, otherwise)))
        for product, group in sorted(over.items())
        for person_id, role in sorted(group.members.items())
    ]
