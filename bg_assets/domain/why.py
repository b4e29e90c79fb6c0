"""Why somebody is or is not in a group: the rule that decided, and what would have changed it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from bg_assets.domain.fit import Fit
from bg_assets.domain.group import Company, Override, StaffMember, Weighed, weigh
from bg_assets.domain.roles import ROLE_LABELS
from bg_assets.domain.selection import (
    LEAST_CONFIDENCE,
    LEAST_EXTRA_FIT,
    LEAST_FIT,
    Choice,
    strength,
)
from bg_assets.domain.template import RoleRule, Template
from bg_assets.domain.vocabulary import in_words


@dataclass(frozen=True, slots=True)
class RoleAnswer:
    """How somebody stands for one role.

    score: the fit, 0 to 1, None where no condition holds. needed: the least fit for a place that
    must be filled. strength: fit times confidence, by which people are compared for a place.
    """

    role: str
    score: float | None
    needed: float
    strength: float | None
    because: str


@dataclass(frozen=True, slots=True)
class Why:
    """The answer. member: whether the rules choose this person now, and for which role.

    rule: the one that decided, in one word of ``pinned, excluded, gone, elsewhere, not-sold,
    not-yet, unread, no-fit, doubtful, weak, no-place, taken, chosen``. because: the same in a
    sentence. would_change: what would have led to another answer, the nearest first.
    """

    member: bool
    role: str | None
    rule: str
    because: str
    roles: tuple[RoleAnswer, ...] = ()
    would_change: tuple[str, ...] = ()


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
    seen = weigh(company, staff, template, as_of, overrides)
    if any(o.person_id == person_id and o.action == "exclude" for o in overrides):
        return Why(
            False, None, "excluded", "excluded by hand, which no rule overrules",
            would_change=("taking the exclusion back: `bg-assets unpin`",),
        )  # fmt: skip
    choice = seen.choices.get(person_id)
    if choice is None:
        return _absent(staff, as_of, person_id)
    roles = tuple(_role(seen, template, rule, choice) for rule in template.roles)
    if person_id in seen.chosen:
        return _member(seen, choice, roles)
    return _outside(seen, template, choice, roles)


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


def _member(seen: Weighed, choice: Choice, roles: tuple[RoleAnswer, ...]) -> Why:
    role, fit = seen.chosen[choice.person_id]
    label = ROLE_LABELS[role]
    if choice.person_id in seen.pins:
        by_rules = f"the rules alone: {fit.reason}" if fit else "the rules alone see no fit"
        return Why(
            True, role, "pinned", f"{label}: pinned by hand; {by_rules}", roles,
            ("taking the pin back: `bg-assets unpin`",),
        )  # fmt: skip
    assert fit is not None
    places = seen.target.of(role)
    of = f"one of {places} places" if places > 1 else "the one place"
    because = f"{label}: {fit.reason}; {of}"
    changes = []
    rival = _best_outside(seen, role)
    if rival is not None:
        name, strong = rival
        lead = strength(choice, fit) - strong
        changes.append(
            f"{name} is the next for {label} with {strong:.2f}, {abs(lead):.2f} "
            f"{'behind' if lead >= 0 else 'ahead, but of a function that is there or less linked'}"
        )
    changes.append("an exclusion by hand: `bg-assets exclude`")
    return Why(True, role, "chosen", because, roles, tuple(changes))


def _best_outside(seen: Weighed, role: str) -> tuple[str, float] | None:
    others = [
        (-strength(choice, fit), choice.person_id)
        for choice in seen.choices.values()
        if choice.person_id not in seen.chosen
        and (fit := choice.fit(role)) is not None
        and fit.score >= LEAST_FIT
        and choice.confidence >= LEAST_CONFIDENCE
    ]
    if not others:
        return None
    strong, who = min(others)
    return who, -strong


def _outside(
    seen: Weighed, template: Template, choice: Choice, roles: tuple[RoleAnswer, ...]
) -> Why:
    pin = "a pin by hand: `bg-assets pin`"
    if not choice.fits:
        changes = (*_conditions(template, choice), pin)
        return Why(False, None, "no-fit", choice.why_none, roles, changes)
    if choice.confidence < LEAST_CONFIDENCE:
        because = (
            f"the title is read with a confidence of {choice.confidence:.2f} only; "
            f"{LEAST_CONFIDENCE:.2f} is needed, else the place stays a named gap"
        )
        return Why(False, None, "doubtful", because, roles, ("a clearer title", pin))
    best = max(choice.fits, key=lambda f: strength(choice, f))
    if best.score < LEAST_FIT:
        because = (
            f"fits {ROLE_LABELS[best.role]} best, but with {best.score:.2f} below the least, "
            f"{LEAST_FIT:.2f}: {best.reason}"
        )
        return Why(False, None, "weak", because, roles, (_better(best, choice), pin))
    open_to = [f for f in choice.fits if seen.target.of(f.role)]
    if not open_to:
        label = ROLE_LABELS[best.role]
        because = f"fits {label}, but a group of this size has no place for one"
        return Why(
            False, None, "no-place", because, roles, ("a larger company or a larger deal", pin)
        )
    nearest = max(
        open_to, key=lambda f: strength(choice, f) - (_weakest(seen, f.role) or (0, 0))[1]
    )
    answer = next(one for one in roles if one.role == nearest.role)
    rule = "weak" if _weakest(seen, nearest.role) is None else "taken"
    changes = (_better(nearest, choice), *_holder_gone(seen, nearest), pin)
    return Why(False, None, rule, f"{ROLE_LABELS[nearest.role]}: {answer.because}", roles, changes)


def _weakest(seen: Weighed, role: str) -> tuple[str, float] | None:
    """Who has a place of this role by the rules and the least to hold it with."""
    held = [
        (strength(seen.choices[i], fit), i)
        for i, (own, fit) in seen.chosen.items()
        if own == role and fit is not None and i not in seen.pins
    ]
    if not held:
        return None
    strong, who = min(held)
    return who, strong


def _better(fit: Fit, choice: Choice) -> str:
    return (
        f"a title that fits {ROLE_LABELS[fit.role]} better than {fit.score:.2f}, or is read with "
        f"more confidence than {choice.confidence:.2f}"
    )


def _holder_gone(seen: Weighed, fit: Fit) -> tuple[str, ...]:
    held = _weakest(seen, fit.role)
    return (f"{held[0]} leaving the company or the group",) if held else ()


def _role(seen: Weighed, template: Template, rule: RoleRule, choice: Choice) -> RoleAnswer:
    fit = choice.fit(rule.role)
    if fit is None:
        because = choice.why_none or _no_condition(rule, choice)
        return RoleAnswer(rule.role, None, LEAST_FIT, None, because)
    strong = strength(choice, fit)
    because = f"{fit.reason}; {_standing(seen, rule.role, choice, fit, strong)}"
    return RoleAnswer(rule.role, fit.score, LEAST_FIT, strong, because)


def _standing(seen: Weighed, role: str, choice: Choice, fit: Fit, strong: float) -> str:
    own = seen.chosen.get(choice.person_id)
    if own is not None:
        return "has this role" if own[0] == role else f"has another role: {ROLE_LABELS[own[0]]}"
    if fit.score < LEAST_FIT:
        return f"fit {fit.score:.2f}, below the least of {LEAST_FIT:.2f}"
    places = seen.target.of(role)
    if not places:
        return "a group of this size has no place for it"
    taken = sum(1 for own, _ in seen.chosen.values() if own == role)
    if taken < places and fit.score < LEAST_EXTRA_FIT:
        return f"fit {fit.score:.2f}; beyond the required places {LEAST_EXTRA_FIT:.2f} is needed"
    weakest = _weakest(seen, role)
    if weakest is None:
        return "the places are pinned by hand" if taken else "the place went to no one"
    who, theirs = weakest
    if theirs >= strong:
        return f"{who} has the last place with {theirs:.2f} against {strong:.2f}"
    same = seen.choices[who].function != choice.function and any(
        seen.choices[i].function == choice.function
        for i, (own, _) in seen.chosen.items()
        if own == role
    )
    if same:
        what = in_words(choice.function or "one function")
        return (
            f"{who} has the last place with {theirs:.2f} against {strong:.2f}, since {what} is "
            "there already and each further one counts less"
        )
    return f"{who} has the last place, about as good ({theirs:.2f}, {strong:.2f}) and better linked"


def _no_condition(rule: RoleRule, choice: Choice) -> str:
    wanted = _levels_for(rule, choice.function)
    if wanted and choice.function:
        return f"asks of {in_words(choice.function)} for the levels {', '.join(wanted)}"
    functions = dict.fromkeys(f for c in rule.conditions for f in c.functions)
    return f"asks for {', '.join(in_words(f) for f in functions) or 'certain titles'}"


def _conditions(template: Template, choice: Choice) -> tuple[str, ...]:
    """What each role would have asked of this function, where it asks for it at all."""
    found: Mapping[str, tuple[str, ...]] = {
        rule.role: _levels_for(rule, choice.function) for rule in template.roles
    }
    if choice.function is None:
        return ("a title or department that tells the function",)
    told = tuple(
        f"{ROLE_LABELS[role]}: {in_words(choice.function)} at level {' or '.join(levels)}"
        for role, levels in found.items()
        if levels
    )
    return told or (f"a template that asks for {in_words(choice.function)}",)


def _levels_for(rule: RoleRule, function: str | None) -> tuple[str, ...]:
    return tuple(
        dict.fromkeys(
            level
            for condition in rule.conditions
            if function in condition.functions and not condition.titles
            for level in condition.levels
        )
    )
