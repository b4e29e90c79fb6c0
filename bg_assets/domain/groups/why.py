"""Why somebody is or is not in a group: the rule that decided, and what would have changed it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from bg_assets.domain.groups.group import Company, Override, StaffMember, Weighed, decide, weigh
from bg_assets.domain.groups.leavers import Decision, settled, without
from bg_assets.domain.groups.obstacles import Obstacle, obstacle
from bg_assets.domain.groups.outcome import not_sold
from bg_assets.domain.groups.selection import LEAST_FIT, Choice, strength
from bg_assets.domain.products.template import RoleRule, Template
from bg_assets.domain.vocabulary import ROLE_LABELS, in_words

_PIN = "a pin by hand: `bg-assets pin`"


@dataclass(frozen=True, slots=True)
class RoleAnswer:
    """How somebody stands for one role.

    score: the fit, 0 to 1, None where the role can't be. needed: the least fit for a place that
    must be filled. strength: fit times confidence, by which people are compared for a place.
    obstacle: what keeps them from it, None where they have it.
    """

    role: str
    score: float | None
    needed: float
    strength: float | None
    because: str
    obstacle: Obstacle | None = None


@dataclass(frozen=True, slots=True)
class Why:
    """The answer. member: whether the rules choose this person now, and for which role.

    rule: the one that decided, in one word of ``chosen, pinned, excluded, gone, elsewhere,
    not-sold, not-yet, unread`` or of ``obstacles.Obstacle``. because: the same in a sentence.
    would_change: what would have led to another answer, the nearest first. membership: the
    member's confidence, 0 to 1 (see ``group.Member``), None for others. without: what would become
    of the group if this member were excluded, None for others.
    """

    member: bool
    role: str | None
    rule: str
    because: str
    roles: tuple[RoleAnswer, ...] = ()
    would_change: tuple[str, ...] = ()
    membership: float | None = None
    without: str | None = None


def explain(
    company: Company,
    staff: Sequence[StaffMember],
    template: Template,
    as_of: date,
    overrides: Sequence[Override],
    person_id: str,
) -> Why:
    """Why this person is or is not in the company's group for a template, as ``decide`` makes it.

    Somebody who is not among the staff is the caller's to explain, but for a later start.
    """
    elsewhere = not_sold(company, template)
    if elsewhere is not None:
        return Why(False, None, "not-sold", elsewhere)
    seen = weigh(company, staff, template, as_of, overrides)
    if any(o.person_id == person_id and o.action == "exclude" for o in overrides):
        return Why(
            False, None, "excluded", "excluded by hand, which no rule overrules",
            would_change=("taking the exclusion back: `bg-assets unpin`",),
        )  # fmt: skip
    choice = seen.choices.get(person_id)
    if choice is None:
        return _absent(staff, as_of, person_id)
    made = Decision(company, staff, template, as_of, overrides, seen)
    roles = tuple(_role(made, rule, choice) for rule in template.roles)
    if person_id not in seen.chosen:
        return _outside(seen, choice, roles)
    group = decide(company, staff, template, as_of, overrides)
    (sure,) = (member.confidence for member in group.members if member.person_id == person_id)
    return _member(made, choice, roles, sure)


def _absent(staff: Iterable[StaffMember], as_of: date, person_id: str) -> Why:
    person = next((p for p in staff if p.person_id == person_id), None)
    if person is None:
        return Why(
            False, None, "unread", "not among the staff that the group was made from",
            would_change=("the next refresh, which reads the people anew",),
        )  # fmt: skip
    if person.start_date is not None and person.start_date > as_of:
        when = person.start_date.isoformat()
        because = f"starts on {when}, and the group is as of {as_of.isoformat()}"
        return Why(False, None, "not-yet", because, would_change=(f"a refresh from {when} on",))
    because = "the title says that this is over"
    return Why(False, None, "gone", because, would_change=("a title that is held now",))


def _member(made: Decision, choice: Choice, roles: tuple[RoleAnswer, ...], sure: float) -> Why:
    seen, then = made.seen, without(made, choice.person_id)
    role, fit = seen.chosen[choice.person_id]
    label = ROLE_LABELS[role]
    if choice.person_id in seen.pins:
        by_rules = f"the rules alone: {fit.reason}" if fit else "the rules alone see no fit"
        because = f"{label}: pinned by hand; {by_rules}"
        unpin = "taking the pin back: `bg-assets unpin`"
        return Why(True, role, "pinned", because, roles, (unpin,), sure, then)
    assert fit is not None
    places = seen.target.of(role)
    of = f"one of {places} places" if places > 1 else "the one place"
    if choice.person_id in seen.made.heard:
        of = f"the {seen.made.heard[choice.person_id]} voice that a deal of this size needs"
    exclusion = "an exclusion by hand: `bg-assets exclude`"
    because = f"{label}: {fit.reason}; {of}"
    return Why(True, role, "chosen", because, roles, (exclusion,), sure, then)


def _outside(seen: Weighed, choice: Choice, roles: tuple[RoleAnswer, ...]) -> Why:
    """The role that was nearest: kept from it the latest, then the one that fits best."""
    kept = [(answer, answer.obstacle) for answer in roles if answer.obstacle is not None]
    nearest, why = max(
        kept, key=lambda one: (one[1].stage, one[0].strength or 0.0, -len(one[1].said))
    )
    if why.rule == "no-fit":
        because = why.because
        if all({"levels", "functions", "titles"} & {*barrier.said} for _, barrier in kept):
            level = seen.candidates[choice.person_id].level_told
            function = in_words(choice.function) if choice.function else "an unknown function"
            because = f"no role of the template asks for {function} at level {level}"
        changes = tuple(
            barrier.change
            for _, barrier in kept
            if barrier.change and barrier.rule == "no-fit" and len(barrier.said) == len(why.said)
        )
        return Why(False, None, "no-fit", because, roles, (*changes, _PIN))
    if nearest.score is None and all(barrier.rule == why.rule for _, barrier in kept):
        because = why.because  # the same for every role
    else:
        because = f"{ROLE_LABELS[nearest.role]}: {why.because}"
    changes = (why.change, _PIN) if why.change else (_PIN,)
    return Why(False, None, why.rule, because, roles, changes)


def _role(made: Decision, rule: RoleRule, choice: Choice) -> RoleAnswer:
    fit, kept = choice.fit(rule.role), obstacle(made.seen, rule, choice)
    if kept is not None:
        kept = settled(made, rule, choice, kept)
    because = kept.because if kept else "has this role"
    if fit is None:
        return RoleAnswer(rule.role, None, LEAST_FIT, None, because, kept)
    if kept is None or kept.rule != "weak":
        because = f"{fit.reason}; {because}"
    return RoleAnswer(rule.role, fit.score, LEAST_FIT, strength(choice, fit), because, kept)
