"""Who would have to leave for somebody to have a role: found by deciding again without them."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date

from bg_assets.domain.groups.group import Company, Override, StaffMember, Weighed, weigh
from bg_assets.domain.groups.nearness import nearest_first
from bg_assets.domain.groups.obstacles import Obstacle, obstacle
from bg_assets.domain.groups.selection import Choice, select
from bg_assets.domain.products.template import RoleRule, Template
from bg_assets.domain.vocabulary import ROLE_LABELS, ROLES

MOST = 5  # people who are named as ahead of somebody; with more of them nothing is claimed


@dataclass(frozen=True, slots=True)
class Decision:
    """What a group was decided from, and the outcome: to decide again with one thing changed."""

    company: Company
    staff: Sequence[StaffMember]
    template: Template
    as_of: date
    overrides: Sequence[Override]
    seen: Weighed

    def excluded(self, ids: Collection[str]) -> Weighed:
        """With these people excluded by hand."""
        seen = self.seen
        left = {
            i: choice if choice.near == 1.0 else replace(choice, near=1.0)
            for i, choice in seen.choices.items()
            if i not in ids
        }
        choices = nearest_first(left, seen.placed)
        made = select(choices, self.template, seen.target, seen.required, seen.pins, seen.ties)
        return replace(seen, choices=choices, made=made)

    def absent(self, ids: Collection[str]) -> Weighed:
        """With these people not on the staff: ties and spans are others then."""
        rest = [person for person in self.staff if person.person_id not in ids]
        return weigh(self.company, rest, self.template, self.as_of, self.overrides)

    def unpinned(self, person_id: str) -> Weighed:
        """Without the pin of somebody."""
        rest = [one for one in self.overrides if one.person_id != person_id]
        return weigh(self.company, self.staff, self.template, self.as_of, rest)


def settled(made: Decision, rule: RoleRule, choice: Choice, kept: Obstacle) -> Obstacle:
    """The same obstacle; where it is a person, with a change that is enough, or with none.

    Enough is what gives a member this role, and somebody outside a place in the group.
    """
    if kept.who is None:
        return kept
    own = made.seen.chosen.get(choice.person_id)

    def helped(seen: Weighed) -> bool:
        now = seen.chosen.get(choice.person_id)
        return now is not None and (own is None or now[0] == rule.role)

    if kept.rule == "pinned-places" and helped(made.unpinned(kept.who)):
        return replace(kept, change=f"taking the pin of {kept.who} back")
    return _ahead(made, rule, choice, kept, helped)


def _ahead(
    made: Decision,
    rule: RoleRule,
    choice: Choice,
    kept: Obstacle,
    helped: Callable[[Weighed], bool],
) -> Obstacle:
    """Leave out whoever has the place, then whoever has it instead, until somebody is helped."""
    ahead: list[str] = []
    now: Obstacle | None = kept
    while now is not None and now.who is not None:
        if len(ahead) == MOST:
            because = f"{kept.because}; more than {MOST} people are ahead for that place"
            return replace(kept, because=because)
        ahead.append(now.who)
        seen = made.excluded(ahead)
        if helped(seen):
            where = "the company or the group" if helped(made.absent(ahead)) else "the group"
            return _named(kept, ahead, where)
        now = obstacle(seen, rule, choice)
    return kept


def _named(kept: Obstacle, ahead: Sequence[str], where: str) -> Obstacle:
    *most, last = ahead
    if not most:
        return replace(kept, change=f"{last} leaving {where}")
    together = "both" if len(most) == 1 else "all"
    return replace(
        kept,
        because=f"{kept.because}; {len(ahead)} people are ahead for that place: {', '.join(ahead)}",
        change=f"{', '.join(most)} and {last} {together} leaving {where}",
    )


def without(made: Decision, person_id: str) -> str:
    """What becomes of the group when a member is excluded, in words."""
    before = {i: role for i, (role, _) in made.seen.chosen.items() if i != person_id}
    after = {i: role for i, (role, _) in made.excluded([person_id]).chosen.items()}
    joining = [i for i in after if i not in before]
    moving = [i for i in after if i in before and before[i] != after[i]]
    told = [f"{i} would join the group as {ROLE_LABELS[after[i]]}" for i in _sorted(joining, after)]
    told += [f"{i} would be {ROLE_LABELS[after[i]]} instead" for i in _sorted(moving, after)]
    told += [f"{i} would have no place" for i in sorted(before.keys() - after.keys())]
    return "; ".join(told) or "nobody would join the group in their place"


def _sorted(ids: Sequence[str], roles: dict[str, str]) -> list[str]:
    return sorted(ids, key=lambda i: (ROLES.index(roles[i]), i))
