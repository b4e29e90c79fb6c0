"""What a group lacks, each with a sentence that says what is missing and why."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bg_assets.domain.groups.candidates import Candidate
from bg_assets.domain.groups.fit import levels_asked, nearest
from bg_assets.domain.groups.selection import (
    LEAST_CONFIDENCE,
    LEAST_FIT,
    VOICES,
    Choice,
    Chosen,
    usable,
)
from bg_assets.domain.products.template import RoleRule, Template
from bg_assets.domain.values.currencies import money
from bg_assets.domain.vocabulary import ROLE_LABELS, ROLES, in_words


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that is missing, with the function that was looked for and the reason.

    role: the one with an empty place that a complete group fills. None where it is something else
    that is missing: a voice in the group, or somebody who is pinned and not on the staff.
    """

    role: str | None
    function: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Staff:
    """Who there is. functions: of all people by id. choices, candidates: without who is excluded.

    employees: the size of the company, None is unknown.
    """

    functions: Mapping[str, str | None]
    choices: Mapping[str, Choice]
    chosen: Chosen
    candidates: Mapping[str, Candidate]
    employees: int | None


def find_gaps(
    staff: Staff,
    template: Template,
    required: Mapping[str, int],
    pins: Mapping[str, str | None],
    missing_voices: Sequence[str],
) -> tuple[Gap, ...]:
    """The gaps: roles in the template's order, then suspended pins, then voices.

    A finance voice is not missed where nobody in finance fills a role either: that is said once.
    """
    filled = Counter(role for role, _ in staff.chosen.values())
    roles = [
        _empty_places(rule, staff, filled[rule.role])
        for rule in template.roles
        if filled[rule.role] < required[rule.role]
    ]
    named = {gap.function for gap in roles}
    voices = [_silent(voice, template) for voice in missing_voices if voice not in named]
    return (*roles, *_suspended(pins, staff.choices), *voices)


def _empty_places(rule: RoleRule, staff: Staff, filled: int) -> Gap:
    functions = next((c.functions for c in rule.conditions if c.functions), ())
    what = " or ".join(in_words(f) for f in functions)
    place = f" in {what}" if what else ""
    further = "further " if filled else ""
    people = len(staff.functions)
    read = "1 person read" if people == 1 else f"{people} people read"
    there = [i for i, function in staff.functions.items() if function in functions]
    if not people:
        finding = "nobody is known"
    elif not functions:
        finding = f"{read}, nobody fits well enough"
    elif not there:
        finding = f"{read}, nobody in {what}"
    else:
        finding = f"{read}; {_those(there, what, rule, staff)}"
    reason = f"no {further}{ROLE_LABELS[rule.role]}{place} found: {finding}"
    return Gap(rule.role, functions[0] if functions else None, reason)


def _those(there: Sequence[str], what: str, rule: RoleRule, staff: Staff) -> str:
    """What stands in the way of those with the function: `of 3 in finance, 1 is excluded, …`."""
    states = Counter(_state(person_id, rule, staff) for person_id in there)
    told = sorted(states, key=lambda state: (_TOLD.get(state, len(_TOLD)), -states[state], state))
    if len(there) == 1:
        return f"the one in {what} {told[0][0]}"
    if len(told) == 1:
        return f"all {len(there)} in {what} {told[0][1]}"
    each = (f"{states[one]} {one[0] if states[one] == 1 else one[1]}" for one in told)
    return f"of {len(there)} in {what} {', '.join(each)}"


# The same of one person and of several.
_State = tuple[str, str]
_EXCLUDED: _State = ("is excluded by hand", "are excluded by hand")
_DOUBTFUL: _State = ("has a title that is read too doubtfully", "have titles read too doubtfully")
_UNFIT: _State = ("does not fit well enough", "do not fit well enough")
_DISQUALIFIED: _State = ("is disqualified by the template", "are disqualified by the template")
_NEVER: _State = (
    "is ruled out for this role by the template",
    "are ruled out for this role by the template",
)
_REFUSED: Mapping[str, _State] = {
    "board": ("is on the board only", "are on the board only"),
    "disqualified-level": _DISQUALIFIED,
    "disqualified-title": _DISQUALIFIED,
    "never-level": _NEVER,
    "never-function": _NEVER,
    "never-title": _NEVER,
    "outsider": ("is an outsider", "are outsiders"),
    "rank": ("ranks too high for this role", "rank too high for this role"),
}


def _holding(role: str) -> _State:
    label = ROLE_LABELS[role]
    return f"is the {label} already", f"are {label}s already"


# The order in which they are told; what the template asks for comes after.
_TOLD = {
    state: at for at, state in enumerate((*map(_holding, ROLES), _EXCLUDED, _DOUBTFUL, _UNFIT))
}


def _state(person_id: str, rule: RoleRule, staff: Staff) -> _State:
    """The cause that ``obstacles.obstacle`` names to this person for this role."""
    choice, role = staff.choices.get(person_id), rule.role
    if choice is None:
        return _EXCLUDED
    held, by = staff.chosen.get(person_id, (None, None))
    if held == role and by is None:
        pinned = f"pinned as {ROLE_LABELS[role]}"
        return f"is {pinned}", f"are {pinned}"
    if held == role:
        return _holding(role)
    refused = next((unfit for unfit in choice.refused if unfit.role == role), None)
    if refused is not None:
        return _REFUSED.get(refused.rule) or _lacking(staff.candidates[person_id], rule, staff)
    if choice.confidence < LEAST_CONFIDENCE:
        return _DOUBTFUL
    return _UNFIT if held is None or usable(choice, role, LEAST_FIT) is None else _holding(held)


_ASKED = {
    "functions": "function", "levels": "level", "titles": "title", "departments": "department",
    "employees": "company size", "sectors": "sector",
}  # fmt: skip


def _lacking(candidate: Candidate, rule: RoleRule, staff: Staff) -> _State:
    _, parts = nearest(candidate, rule, staff.employees)
    if parts == ("levels",):
        levels = ", ".join(levels_asked(candidate, rule, staff.employees))
        what = f"not of the level asked for ({levels})"
    else:
        asked = " and ".join(word for part, word in _ASKED.items() if part in parts)
        what = f"not what the role asks for in {asked}"
    return f"is {what}", f"are {what}"


def _silent(voice: str, template: Template) -> Gap:
    heard = next(functions for _, name, functions in VOICES if name == voice)
    deal = money(template.deal_size, template.currency)
    reason = f"no {voice} voice in the group: a deal of {deal} needs one"
    return Gap(None, max(heard, key=template.weight), reason)


def _suspended(pins: Mapping[str, str | None], choices: Mapping[str, Choice]) -> Iterator[Gap]:
    for person_id, role in sorted(pins.items()):
        if person_id not in choices:
            pinned = f" (pinned as {ROLE_LABELS[role]})" if role else ""
            yield Gap(None, None, f"the pin of {person_id} is suspended: not on the staff{pinned}")
