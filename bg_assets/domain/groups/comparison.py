"""What another template would change at a company: who comes and goes, roles, gaps, figures."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bg_assets.domain.groups.difference import difference
from bg_assets.domain.groups.group import BuyerGroup
from bg_assets.domain.vocabulary import ROLES

_FIGURES = re.compile(r"[\d,.]+")
NO_GROUP = BuyerGroup("", "", (), (), 0.0, None, None, "no members", 0.0)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who comes, goes or changes role: roles are None where there is no membership."""

    person_id: str
    title: str | None
    old_role: str | None
    new_role: str | None


@dataclass(frozen=True, slots=True)
class CompanyDifference:
    """A company whose group would be another one. Sizes are members; gaps: role and reason."""

    company_id: str
    old_size: int
    new_size: int
    joined: tuple[Person, ...]
    left: tuple[Person, ...]
    role_changed: tuple[Person, ...]
    gaps_opened: tuple[tuple[str | None, str], ...]
    gaps_closed: tuple[tuple[str | None, str], ...]

    @property
    def any(self) -> bool:
        """Whether anything differs."""
        return bool(
            self.joined or self.left or self.role_changed or self.gaps_opened or self.gaps_closed
        )


def compare(
    company_id: str,
    titles: Mapping[str, str | None],
    old: BuyerGroup | None,
    new: BuyerGroup | None,
) -> CompanyDifference:
    """The difference of two groups of one company; None where the product is not sold there.

    titles: by person id.
    """
    roles = {member.person_id: member.role for member in (old.members if old else ())}
    after = {member.person_id: member.role for member in (new.members if new else ())}
    people: dict[str, list[Person]] = {"joined": [], "left": [], "role_changed": []}
    for event in difference(roles, (), new or NO_GROUP, {}):
        who = event.person_id
        if who is not None and event.event in people:
            person = Person(who, titles.get(who), roles.get(who), after.get(who))
            people[event.event].append(person)
    gaps, later = _gaps(old), _gaps(new)
    return CompanyDifference(
        company_id,
        len(roles),
        len(after),
        tuple(people["joined"]),
        tuple(people["left"]),
        tuple(people["role_changed"]),
        tuple(later[key] for key in sorted(later.keys() - gaps)),
        tuple(gaps[key] for key in sorted(gaps.keys() - later)),
    )


def _gaps(group: BuyerGroup | None) -> dict[tuple[str, str, str], tuple[str | None, str]]:
    """Role and reason of each gap, by what makes it the same one whatever the figures in it."""
    return {
        (gap.role or "", gap.function or "", _FIGURES.sub("", gap.reason.partition(":")[0])): (
            gap.role,
            gap.reason,
        )
        for gap in (group.gaps if group else ())
    }


@dataclass(slots=True)
class Side:
    """Sums over the groups of one template."""

    members: int = 0
    groups: int = 0
    roles: Counter[str] = field(default_factory=Counter)
    gaps: Counter[str | None] = field(default_factory=Counter)
    completeness: float = 0.0
    confidence: float = 0.0
    confident: int = 0

    def add(self, group: BuyerGroup | None) -> None:
        """Count a group in, if there is one."""
        if group is None:
            return
        self.groups += 1
        self.members += len(group.members)
        self.roles.update(member.role for member in group.members)
        self.gaps.update(gap.role for gap in group.gaps)
        self.completeness += group.completeness
        if group.confidence is not None:
            self.confidence += group.confidence
            self.confident += 1

    def figures(self) -> dict[str, Any]:
        """Groups; members, also by role; gaps by role, those of none as other; means, 0 to 1."""
        return {
            "groups": self.groups,
            "members": self.members,
            "mean_size": _mean(self.members, self.groups),
            "roles": {role: self.roles[role] for role in ROLES},
            "gaps": {role: self.gaps[role] for role in ROLES} | {"other": self.gaps[None]},
            "completeness": _mean(self.completeness, self.groups),
            "confidence": _mean(self.confidence, self.confident),
        }


@dataclass(slots=True)
class Totals:
    """Sums over all companies that were compared."""

    old: Side = field(default_factory=Side)
    new: Side = field(default_factory=Side)
    companies: int = 0
    changed: int = 0
    larger: int = 0
    smaller: int = 0
    joined: int = 0
    left: int = 0
    role_changed: int = 0
    gaps_opened: int = 0
    gaps_closed: int = 0

    def add(self, old: BuyerGroup | None, new: BuyerGroup | None, found: CompanyDifference) -> None:
        """Count a company in."""
        self.companies += 1
        self.old.add(old)
        self.new.add(new)
        self.changed += found.any
        self.larger += found.new_size > found.old_size
        self.smaller += found.new_size < found.old_size
        self.joined += len(found.joined)
        self.left += len(found.left)
        self.role_changed += len(found.role_changed)
        self.gaps_opened += len(found.gaps_opened)
        self.gaps_closed += len(found.gaps_closed)

    def figures(self) -> dict[str, Any]:
        """Numbers by name, with those of each side under old and new."""
        return {
            "companies": self.companies,
            "changed": self.changed,
            "larger": self.larger,
            "smaller": self.smaller,
            "joined": self.joined,
            "left": self.left,
            "role_changed": self.role_changed,
            "gaps_opened": self.gaps_opened,
            "gaps_closed": self.gaps_closed,
            "old": self.old.figures(),
            "new": self.new.figures(),
        }


def _mean(total: float, count: int) -> float | None:
    return round(total / count, 4) if count else None
