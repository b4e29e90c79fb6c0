"""What keeps somebody from a role: the rule that decided, read from what the decision recorded.

Nothing is decided here: fit.py and selection.py say what happened, this says it in words.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bg_assets.domain.groups.candidates import Candidate
from bg_assets.domain.groups.fit import Fit, Unfit, levels_asked, nearest
from bg_assets.domain.groups.group import Weighed
from bg_assets.domain.groups.selection import (
    LEAST_CONFIDENCE,
    LEAST_FIT,
    Choice,
    Pick,
    Round,
    linked,
    order,
    worth,
)
from bg_assets.domain.groups.spoken import says
from bg_assets.domain.products.template import Condition, RoleRule
from bg_assets.domain.vocabulary import ROLE_LABELS, in_words

# How far somebody came who was kept by a rule; the others stand between.
_STAGES = {"no-fit": 0, "doubtful": 2, "weak": 3, "no-place": 4, "taken": 5, "gave-way": 5}
_BARRED = 1


@dataclass(frozen=True, slots=True)
class Obstacle:
    """The rule that keeps somebody from a role: without it, it would have come otherwise.

    rule: a rule of ``fit.Unfit``; doubtful, weak; no-place, pinned-places (a pin holds it);
    taken, gave-way (``who`` has the place); other-role, pinned (in the role ``said``). change: what
    would have led to another answer; where it hangs on ``who``, ``leavers.settled`` finds it, and
    it is None where nothing is known to be enough. said: what the rule rests on.
    """

    rule: str
    because: str
    change: str | None
    said: tuple[str, ...] = ()
    who: str | None = None

    @property
    def stage(self) -> int:
        """How far somebody came: kept by the template, the title, the size, or by others."""
        return _STAGES.get(self.rule, 5 if self.who else _BARRED)


def obstacle(seen: Weighed, rule: RoleRule, choice: Choice) -> Obstacle | None:
    """What keeps somebody who is there from a role of the template; None who has it."""
    role, person_id = rule.role, choice.person_id
    own = seen.chosen.get(person_id)
    if own is not None and own[0] == role:
        return None
    fit = choice.fit(role)
    if fit is None:
        refused = next(unfit for unfit in choice.refused if unfit.role == role)
        return _refused(refused, rule, seen.candidates[person_id], seen.employees)
    last = next((one for one in reversed(seen.made.rounds) if one.role == role), None)
    # A required place that is empty was to be had for less.
    empty = sum(held == role for held, _ in seen.chosen.values()) < seen.required[role]
    least = LEAST_FIT if empty else last.least if last else 0.0
    if last is not None and (weakness := _unusable(choice, fit, least)):
        return weakness
    if own is not None and person_id in seen.pins:
        return _elsewhere(own[0], "pinned")
    if person_id in seen.made.overtaken and role == "decision_maker":
        other = seen.made.overtaken[person_id]
        more = seen.choices[other].influence > choice.influence
        how = "as well and has more say in the company" if more else "better beside the others"
        because = f"{other} decides {how}"
        return Obstacle("taken", because, None, who=other)
    had = _had_a_place(seen, person_id, last)
    if person_id in seen.made.gave_way and (role == "stakeholder" or had):
        other, voice = seen.made.gave_way[person_id]
        because = f"gave way to {other}, the {voice} voice that a deal of this size needs"
        return Obstacle("gave-way", because, None, (voice,), other)
    if last is None:
        return _no_place(seen, role)
    if own is not None and had:
        return _elsewhere(own[0], "other-role")
    return _lost(seen, choice, fit, last)


def _had_a_place(seen: Weighed, person_id: str, last: Round | None) -> bool:
    """Whether somebody was no longer free when the last places of a role were given away."""
    if last is None:
        return False
    rounds = (one for one in seen.made.rounds if one.role == last.role)
    return person_id in last.before or any(
        pick.person_id == person_id for one in rounds for pick in one.picks
    )


def _elsewhere(role: str, rule: str) -> Obstacle:
    label = ROLE_LABELS[role]
    if rule == "pinned":
        return Obstacle(
            rule, f"pinned as {label}", "taking the pin back: `bg-assets unpin`", (role,)
        )
    return Obstacle(
        rule, f"has another role already: {label}", f"a worse fit for {label}", (role,)
    )  # fmt: skip


def _unusable(choice: Choice, fit: Fit, least: float) -> Obstacle | None:
    if choice.confidence < LEAST_CONFIDENCE:
        because = (
            f"the title is read with {choice.confidence:.0%} only; {LEAST_CONFIDENCE:.0%} is "
            "needed, else the place stays a named gap"
        )
        return Obstacle("doubtful", because, "a clearer title")
    if fit.score < least:
        because = f"fits with {fit.score:.2f}, and {least:.2f} is needed: {fit.reason}"
        change = f"a title that fits {ROLE_LABELS[fit.role]} better than {fit.score:.2f}"
        return Obstacle("weak", because, change)
    return None


def _no_place(seen: Weighed, role: str) -> Obstacle:
    holder = min((i for i, (own, _) in seen.chosen.items() if own == role), default=None)
    if seen.target.of(role) and holder is not None:
        because = f"{holder} is pinned there, and the places are no more"
        return Obstacle("pinned-places", because, None, who=holder)
    because = f"a group of this size has no place for the role {ROLE_LABELS[role]}"
    return Obstacle("no-place", because, "a larger company or a larger deal")


def _lost(seen: Weighed, choice: Choice, fit: Fit, last: Round) -> Obstacle:
    """Somebody was free and could have had a place: the last to get one is who had it instead."""
    pick = last.picks[-1]
    how = _ahead(seen, choice, fit, pick, last.role)
    because = f"{pick.person_id} has the last place{how}"
    return Obstacle("taken", because, None, who=pick.person_id)


def _ahead(seen: Weighed, choice: Choice, fit: Fit, pick: Pick, role: str) -> str:
    own = worth(choice, fit, pick.used)
    figures = f" with {pick.worth:.2f} against {own:.2f}"
    there = pick.used.get(choice.function, 0)
    if own < pick.enough:
        if there:
            what = in_words(choice.function or "an unknown function")
            return f"{figures}, {what} being there already: each further one counts less"
        return figures
    if choice.influence < pick.say:
        return ", about as good and with more say in the company"
    other = seen.choices[pick.person_id]
    if pick.among:
        places = [seen.ties.place(i) for i in pick.among]
        theirs, ours = (linked(seen.ties, i, places) for i in (other.person_id, choice.person_id))
        if theirs > ours:
            return ", about as good and better linked to the group"
    other_fit = other.fit(role)
    assert other_fit is not None
    pairs = zip(order(other, other_fit, pick.used), order(choice, fit, pick.used), strict=True)
    first = next(at for at, (a, b) in enumerate(pairs) if a != b)
    return (
        figures,
        ", as good and with more say in the company",
        ", as good, and with an e-mail address that is known",
        ", as good in everything: the order of the ids decides",
    )[first]


def _refused(
    refused: Unfit, rule: RoleRule, candidate: Candidate, employees: int | None
) -> Obstacle:
    label, grounds = ROLE_LABELS[refused.role], (refused.said,) if refused.said else ()
    word = in_words(refused.said)
    if refused.rule == "no-fit":
        condition, parts = nearest(candidate, rule, employees)
        if parts == ("levels",):
            condition = replace(condition, levels=levels_asked(candidate, rule, employees))
        asked = _asked(condition, parts, candidate, employees)
        of = (
            f" of {_either([in_words(f) for f in condition.functions])}"
            if condition.functions and "functions" not in parts
            else ""
        )
        return Obstacle("no-fit", f"asks{of} for {asked}", f"{label}: {asked}", parts)
    # Where the department tells the function, it counts as part of the title.
    where = "title" if says(candidate.title, refused.said) else "department"
    because, change = {
        "board": (
            "a seat on the board without a post in the company",
            "a title that names a post in the company",
        ),
        "disqualified-level": (
            f"the template disqualifies the level {word}",
            "another level, or a template that does not disqualify it",
        ),
        "disqualified-title": (
            f"the template disqualifies {word!r} in a title",
            f"a title without {word!r}, or a template that does not disqualify it",
        ),
        "never-level": (
            f"the template makes nobody of the level {word} {label}",
            f"another level, or a template without it under `never` of the {label}",
        ),
        "never-function": (
            f"the template makes nobody in {word} {label}",
            f"another function, or a template without it under `never` of the {label}",
        ),
        "never-title": (
            f"the template makes nobody with {word!r} in the {where} {label}",
            f"a {where} without {word!r}, or a template without it under `never` of the {label}",
        ),
        "outsider": (
            f"an outsider, such as a consultant or somebody part-time, is never {label}",
            "a title of somebody who belongs to the company",
        ),
        "rank": (
            "who ranks as a director or above decides or is heard, and only introduces as the "
            "assistant of an executive",
            "a lower rank",
        ),
    }[refused.rule]
    return Obstacle(refused.rule, because, change, grounds)


def _asked(
    condition: Condition, parts: Sequence[str], candidate: Candidate, employees: int | None
) -> str:
    """What a condition asks for and does not find, with what there is instead."""
    told = {
        "functions": lambda: (
            f"{_either([in_words(f) for f in condition.functions])} (this is "
            f"{in_words(candidate.functions[0]) if candidate.functions else 'unknown'})"
        ),
        "levels": lambda: f"the level {_either(condition.levels)} (this is {candidate.level_told})",
        "employees": lambda: f"{_bounds(condition)} (the company has {employees:,})",
        "titles": lambda: f"{_either([repr(t) for t in condition.titles])} in the title",
        "sectors": lambda: _sectors(condition, candidate),
        "departments": lambda: (
            f"{_either([repr(d) for d in condition.departments])} in the department"
        ),
    }
    words = ("functions", "levels", "titles", "departments", "employees", "sectors")
    return " and ".join(told[part]() for part in words if part in parts)


def _sectors(condition: Condition, candidate: Candidate) -> str:
    of = f"a company of the sector {_either(condition.sectors)}" if condition.sectors else ""
    out = f"no company of the sector {_either(condition.not_sectors)}"
    return f"{of or out} (this is {candidate.sector or 'of none that is known'})"


def _bounds(condition: Condition) -> str:
    low, high = condition.min_employees, condition.max_employees
    ends = (("at least", low), ("at most", high))
    return f"{' and '.join(f'{end} {n:,}' for end, n in ends if n is not None)} employees"


def _either(words: Sequence[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last
