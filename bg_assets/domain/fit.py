"""How well a person fits each role of a template, and why."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from bg_assets.domain import authority
from bg_assets.domain.template import Condition, RoleRule, Template
from bg_assets.domain.ties import subject
from bg_assets.domain.vocabulary import in_words

CANT_SIGN: Final = 0.7  # factor on a decision maker whose signature does not reach the deal
IN_NAME: Final = 0.6  # factor on a manager by title without authority
SECOND_BEST: Final = 0.8  # factor where the function or level that fits is only an alternative
# Factors where only the department tells the function: a Head of Section in Finance most likely
# runs a part of it, a Web Manager or a Project Director there does something else.
BY_DEPARTMENT: Final = 0.8
ANOTHER_SUBJECT: Final = 0.4
_NO_SUBJECT: Final = frozenset(
    word
    for line in (
        "section sections department division divisional branch unit area region national office",
        "officer officers corporate business operating permanent secretary band level grade",
        "principal specialist professional expert employee supervisor directorate",
    )
    for word in line.split()
)


@dataclass(frozen=True, slots=True)
class Fit:
    """A role that somebody could have: how well, 0 to 1, for which function, and the reason."""

    role: str
    score: float
    function: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """What the rules know of a person. functions, levels: the answer, then what it could be."""

    title: str | None
    department: str | None
    functions: tuple[str, ...]
    levels: tuple[str, ...]
    rank: float  # authority.rank
    standing: frozenset[str]
    board_only: bool
    by_department: bool = False  # the title alone does not tell the function

    @property
    def level(self) -> str | None:
        """The level, None when unknown."""
        return self.levels[0] if self.levels else None


def fits(
    candidate: Candidate, template: Template, employees: int | None
) -> tuple[tuple[Fit, ...], str]:
    """The roles this person fits, in the template's order, and why there are none if so."""
    if candidate.board_only:
        return (), "a seat on the board without a post in the company"
    if candidate.level in template.disqualified_levels:
        return (), f"the template disqualifies the level {candidate.level}"
    for phrase in template.disqualified_titles:
        if says(candidate.title, phrase):
            return (), f"the template disqualifies {phrase!r}"
    found = [_best(candidate, rule, template, employees) for rule in template.roles]
    kept = tuple(f for f in found if f is not None)
    return kept, "" if kept else "no role of the template asks for this function and level"


def _best(
    candidate: Candidate, rule: RoleRule, template: Template, employees: int | None
) -> Fit | None:
    best: Fit | None = None
    for condition in rule.conditions:
        function = _holds(candidate, condition, employees)
        if function is None:
            continue
        weight = template.weight(function) if function else 1.0
        score = condition.fit * weight
        if function and function != candidate.functions[0]:
            score *= SECOND_BEST
        if condition.levels and candidate.level not in condition.levels:
            score *= SECOND_BEST
        if function and candidate.by_department and not condition.departments:
            score *= ANOTHER_SUBJECT if subject(candidate.title) - _NO_SUBJECT else BY_DEPARTMENT
        fit = _judged(candidate, rule.role, score, function or None, template, employees)
        if best is None or fit.score > best.score:
            best = fit
    # Last, since it is rarely so and asks for many phrases.
    return None if best is None or _never(candidate, rule) else best


def _never(candidate: Candidate, rule: RoleRule) -> bool:
    if candidate.level is not None and candidate.level in rule.never_levels:
        return True
    if candidate.functions and candidate.functions[0] in rule.never_functions:
        return True
    if rule.role in ("champion", "decision_maker") and "outsider" in candidate.standing:
        return True
    if rule.role == "introducer" and candidate.rank >= authority.RANK["director"]:
        return "assistant_to_executive" not in candidate.standing
    texts = (candidate.title, candidate.department if candidate.by_department else None)
    return any(says(text, phrase) for text in texts for phrase in rule.never_titles)


def _holds(candidate: Candidate, condition: Condition, employees: int | None) -> str | None:
    """The function by which the condition holds, empty when it asks for none, None if it fails."""
    if condition.levels and _first(candidate.levels, condition.levels) is None:
        return None
    function = ""
    if condition.functions:
        found = _first(candidate.functions, condition.functions)
        if found is None:
            return None
        function = found
    if employees is not None:
        if condition.min_employees is not None and employees < condition.min_employees:
            return None
        if condition.max_employees is not None and employees > condition.max_employees:
            return None
    if condition.titles and not any(says(candidate.title, p) for p in condition.titles):
        return None
    departments = condition.departments
    if departments and not any(says(candidate.department, p) for p in departments):
        return None
    return function


def _first(words: tuple[str, ...], allowed: tuple[str, ...]) -> str | None:
    # Asked a hundred times for each title: a generator would take twice as long.
    for word in words:
        if word in allowed:
            return word
    return None


def _judged(
    candidate: Candidate,
    role: str,
    score: float,
    function: str | None,
    template: Template,
    employees: int | None,
) -> Fit:
    what = in_words(function) if function else "title"
    if function and function != candidate.functions[0]:
        what = f"perhaps {what}"
    elif function and candidate.by_department:
        what = f"{what}, by the department,"
    reason = f"{what} at level {candidate.level or 'unknown'}"
    if role == "decision_maker":
        limit = authority.may_sign(candidate.rank, employees)
        if limit < template.deal_size:
            score *= CANT_SIGN
            reason += f"; signs up to about {limit:,.0f} alone, the deal is {template.deal_size:,}"
        else:
            reason += f"; may sign {template.deal_size:,} US dollars"
    elif role in ("champion", "blocker", "stakeholder") and "in_name" in candidate.standing:
        score *= IN_NAME
        reason += "; a manager by title, without authority over a budget"
    return Fit(role, round(score, 4), function, reason)


def says(text: str | None, phrase: str) -> bool:
    """Whether a text holds a phrase as whole words, whatever the spelling and abbreviations."""
    if not text:
        return False
    (wanted, *_) = _words(phrase) or ("",)
    return bool(wanted) and any(wanted in words for words in _words(text))


@lru_cache(maxsize=1 << 17)
def _words(text: str) -> tuple[str, ...]:
    """Each section of a text as its words with a space before and after every one."""
    return tuple(f" {' '.join(words)} " for words in authority.spoken(text) if words)
