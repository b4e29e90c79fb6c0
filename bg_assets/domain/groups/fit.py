"""How well a person fits each role of a template, and why."""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from bg_assets.domain.groups.candidates import Candidate
from bg_assets.domain.groups.remit import Remit, remit
from bg_assets.domain.groups.shares import called, is_named, matters, share
from bg_assets.domain.groups.spoken import first_said, says
from bg_assets.domain.groups.ties import subject
from bg_assets.domain.products.template import Condition, RoleRule, Template
from bg_assets.domain.titles import authority
from bg_assets.domain.values.sectors import Sector
from bg_assets.domain.vocabulary import LEVELS, in_words

CANT_SIGN = 0.7  # factor on a decision maker whose signature does not reach the deal
IN_NAME = 0.6  # factor on a manager by title without authority
# Factor where the function or level that fits is only an alternative, or staff only assumed.
SECOND_BEST = 0.8
# Factors where only the department tells the function: a Head of Section in Finance most likely
# runs a part of it, a Web Manager or a Project Director there does something else.
BY_DEPARTMENT = 0.8
ANOTHER_OF_UNIT = 0.25  # and what else a department of several things is of
ANOTHER_SUBJECT = 0.4
_REMITTED: Mapping[Remit, str] = {
    "unit": "the department is of something else",
    "part": "the title names a part of it",
}
_Kind = tuple[tuple[str, ...], tuple[str, ...], Sector | None]
_NO_SUBJECT = frozenset(
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
    """A role that somebody could have: how well, 0 to 1, for which function, and the reason.

    named: in a public body the function has to be called by its name or work, and is.
    """

    role: str
    score: float
    function: str | None
    reason: str
    named: bool = False


@dataclass(frozen=True, slots=True)
class Unfit:
    """A role that somebody can't have, and the rule that says so.

    rule: board, disqualified-level, disqualified-title; no-fit where no condition of the role
    holds; never-level, never-function, never-title, outsider, rank. said: the level, function or
    phrase that it rests on.
    """

    role: str
    rule: str
    said: str = ""


@dataclass(frozen=True, slots=True)
class Left:
    """For each role, in the template's order, the conditions that may hold of somebody.

    sized: whether they hang on the number of employees. decides: whether there are any for a
    decision maker.
    """

    conditions: tuple[tuple[Condition, ...], ...]
    sized: bool
    decides: bool


@dataclass(frozen=True, slots=True, eq=False)
class Sieve:
    """A template's conditions by what most people have alike: looked at once for all.

    weights: of its functions. deal: in US dollars. sizes: the numbers of employees from which on
    some condition holds that did not before, or the other way round. known: levels, functions and
    sector to the conditions of each role that these don't rule out.
    """

    template: Template
    weights: Mapping[str, float]
    deal: int
    sizes: tuple[int, ...]
    known: dict[_Kind, Left] = field(default_factory=dict)

    def left(self, candidate: Candidate) -> Left:
        """What may hold of somebody."""
        kind = candidate.levels, candidate.functions, candidate.sector
        if kind not in self.known:
            rules = self.template.roles
            found = tuple(
                tuple(one for one in rule.conditions if _is_for(candidate, one)) for rule in rules
            )
            sizes = {(one.min_employees, one.max_employees) for some in found for one in some}
            deciding = (rule.role == "decision_maker" for rule in rules)
            decides = any(here and some for here, some in zip(deciding, found, strict=True))
            self.known[kind] = Left(found, bool(sizes - {(None, None)}), decides)
        return self.known[kind]

    def size(self, employees: int | None) -> int | None:
        """The smallest company that no condition tells from one of so many employees."""
        if employees is None:
            return None
        at = bisect_right(self.sizes, employees)
        return self.sizes[at - 1] if at else 0


@lru_cache(maxsize=1 << 7)
def sieve(template: Template) -> Sieve:
    """The sieve of a template, for as long as the process lives."""
    asked = [one for rule in template.roles for one in rule.conditions]
    lows = {one.min_employees for one in asked if one.min_employees is not None}
    highs = {one.max_employees + 1 for one in asked if one.max_employees is not None}
    return Sieve(
        template, dict(template.functions), template.deal_dollars, tuple(sorted(lows | highs))
    )


def fits(
    candidate: Candidate, template: Template, employees: int | None
) -> tuple[Fit | Unfit, ...]:
    """For each role of the template, in its order: how well this person fits it, or why not."""
    can, cannot = answers(candidate, sieve(template), employees)
    by_role: dict[str, Fit | Unfit] = {one.role: one for one in can}
    by_role |= {one.role: one for one in cannot}
    return tuple(by_role[rule.role] for rule in template.roles)


def answers(
    candidate: Candidate, sieved: Sieve, employees: int | None
) -> tuple[tuple[Fit, ...], tuple[Unfit, ...]]:
    """The roles that fit somebody, and those that don't, both in the template's order."""
    rank, left = candidate.rank, sieved.left(candidate)
    reaches = left.decides and authority.may_sign(rank, employees) >= sieved.deal
    told = _told(candidate, sieved, sieved.size(employees) if left.sized else None, reaches)
    if told.signing is None:
        return told.fits, told.refused
    # What somebody signs hangs on the company's size; all else is kept for any.
    at, template = told.signing, sieved.template
    fit = told.fits[at]
    signs = authority.signing(rank, employees, template.deal_size, template.currency)
    reason = f"{fit.reason}; {signs}{told.after}"
    signed = Fit(fit.role, fit.score, fit.function, reason, fit.named)
    return (*told.fits[:at], signed, *told.fits[at + 1 :]), told.refused


@dataclass(frozen=True, slots=True)
class _Told:
    """Answers that hold in many companies. signing: the place of the fit whose reason goes on with
    what this person signs in one of that size, and then with ``after``; None where there is none.
    """

    fits: tuple[Fit, ...]
    refused: tuple[Unfit, ...]
    signing: int | None = None
    after: str = ""


@lru_cache(maxsize=1 << 15)
def _told(candidate: Candidate, by: Sieve, employees: int | None, reaches: bool) -> _Told:
    """reaches: whether this person's signature reaches the deal."""
    rules = by.template.roles
    barred = _barred(candidate, by.template)
    if barred is not None:
        rule, said = barred
        return _Told((), tuple(Unfit(one.role, rule, said) for one in rules))
    found = [
        _best(candidate, rule, conditions, by, employees, reaches)
        for rule, conditions in zip(rules, by.left(candidate).conditions, strict=True)
    ]
    can = tuple((one, after) for one, after in found if isinstance(one, Fit))
    refused = tuple(one for one, _ in found if isinstance(one, Unfit))
    deciding = (at for at, (one, _) in enumerate(can) if one.role == "decision_maker")
    signing = next(deciding, None)
    after = "" if signing is None else can[signing][1]
    return _Told(tuple(one for one, _ in can), refused, signing, after)


def _barred(candidate: Candidate, template: Template) -> tuple[str, str] | None:
    """What keeps somebody from every role, and the word it rests on."""
    if candidate.board_only:
        return "board", ""
    if candidate.level is not None and candidate.level in template.disqualified_levels:
        return "disqualified-level", candidate.level
    for phrase in template.disqualified_titles:
        if says(candidate.title, phrase):
            return "disqualified-title", phrase
    return None


def _best(
    candidate: Candidate,
    rule: RoleRule,
    conditions: tuple[Condition, ...],
    by: Sieve,
    employees: int | None,
    reaches: bool,
) -> tuple[Fit | Unfit, str]:
    """The answer for a role, and what its reason ends with."""
    best: tuple[Fit, str] | None = None
    for condition in conditions:
        if not _holds(candidate, condition, employees):
            continue
        function = _first(candidate.functions, condition.functions)
        score = condition.fit * (by.weights.get(function, 0.0) if function else 1.0)
        if function and function != candidate.functions[0]:
            score *= ANOTHER_OF_UNIT if candidate.by_department else SECOND_BEST
        if condition.levels and (candidate.unranked or candidate.level not in condition.levels):
            score *= SECOND_BEST
        if function and candidate.by_department and not condition.departments:
            score *= ANOTHER_SUBJECT if subject(candidate.title) - _NO_SUBJECT else BY_DEPARTMENT
        extent: Remit = "whole"
        sector, named = candidate.sector, False
        if function and matters(rule.role, function, sector):
            name = called(function, sector)
            extent = remit(candidate.bare, candidate.department, name, candidate.by_department)
            left = share(rule.role, function, extent, sector, candidate.rank, candidate.bare)
            score *= left
            named = is_named(function, extent, left, sector)
        fit = _judged(candidate, rule.role, score, function, reaches, named)
        if best is None or fit.score > best[0].score:
            remitted = rule.role == "decision_maker" and extent in _REMITTED
            best = fit, f"; {_REMITTED[extent]}" if remitted else ""
    if best is None:
        return Unfit(rule.role, "no-fit"), ""
    # Last, since it is rarely so and asks for many phrases.
    return _never(candidate, rule) or best[0], best[1]


def _never(candidate: Candidate, rule: RoleRule) -> Unfit | None:
    if candidate.level is not None and candidate.level in rule.never_levels:
        return Unfit(rule.role, "never-level", candidate.level)
    if candidate.functions and candidate.functions[0] in rule.never_functions:
        return Unfit(rule.role, "never-function", candidate.functions[0])
    if rule.role in ("champion", "decision_maker") and "outsider" in candidate.standing:
        return Unfit(rule.role, "outsider")
    if rule.role == "introducer" and candidate.rank >= authority.RANK["director"]:
        # Whoever assists an executive may introduce, whatever else is said of introducers.
        assists = "assistant_to_executive" in candidate.standing
        return None if assists else Unfit(rule.role, "rank")
    texts = (candidate.title, candidate.department if candidate.by_department else None)
    phrase = first_said(texts, rule.ruling_out(candidate.sector))
    return Unfit(rule.role, "never-title", phrase) if phrase is not None else None


def _has_level(candidate: Candidate, condition: Condition, employees: int | None) -> bool:
    levels = condition.levels
    return not levels or _first(candidate.levels, levels) is not None


def _has_function(candidate: Candidate, condition: Condition, employees: int | None) -> bool:
    functions = condition.functions
    return not functions or _first(candidate.functions, functions) is not None


def _has_size(candidate: Candidate, condition: Condition, employees: int | None) -> bool:
    low, high = condition.min_employees, condition.max_employees
    return employees is None or (
        (low is None or employees >= low) and (high is None or employees <= high)
    )


def _has_sector(candidate: Candidate, condition: Condition, employees: int | None) -> bool:
    here, other = condition.sectors, condition.not_sectors
    return (not here or candidate.sector in here) and candidate.sector not in other


def _has_title(candidate: Candidate, condition: Condition, employees: int | None) -> bool:
    titles = condition.titles
    return not titles or first_said((candidate.title,), titles) is not None


def _has_department(candidate: Candidate, condition: Condition, employees: int | None) -> bool:
    departments = condition.departments
    return not departments or any(says(candidate.department, phrase) for phrase in departments)


# What a condition may ask for, the cheapest first.
_PARTS: Mapping[str, Callable[[Candidate, Condition, int | None], bool]] = {
    "levels": _has_level,
    "functions": _has_function,
    "employees": _has_size,
    "sectors": _has_sector,
    "titles": _has_title,
    "departments": _has_department,
}


def _is_for(candidate: Candidate, condition: Condition) -> bool:
    # Those of _PARTS that hang on nothing else than levels, functions and sector.
    return (
        _has_level(candidate, condition, None)
        and _has_function(candidate, condition, None)
        and _has_sector(candidate, condition, None)
    )


def _holds(candidate: Candidate, condition: Condition, employees: int | None) -> bool:
    # The rest of _PARTS; asked for each title and role, a loop over them takes twice as long.
    return (
        _has_size(candidate, condition, employees)
        and _has_title(candidate, condition, employees)
        and _has_department(candidate, condition, employees)
    )


def nearest(
    candidate: Candidate, rule: RoleRule, employees: int | None
) -> tuple[Condition, tuple[str, ...]]:
    """The condition of a role of which the least is missing, and those of its parts that fail.

    Parts: levels, functions, employees, sectors, titles, departments. Of several the first, but
    what asks for certain titles, or for another function, comes last.
    """
    options = [
        (
            condition,
            tuple(p for p, check in _PARTS.items() if not check(candidate, condition, employees)),
        )
        for condition in rule.conditions
    ]
    return min(options, key=lambda o: (len(o[1]), "titles" in o[1], "functions" in o[1]))


def levels_asked(candidate: Candidate, rule: RoleRule, employees: int | None) -> tuple[str, ...]:
    """The levels of which any would do, highest first, for somebody who lacks nothing else.

    Those of the nearest condition and of the others that ask for the same functions.
    """
    least, _ = nearest(candidate, rule, employees)
    levels = {
        level
        for condition in rule.conditions
        if condition.functions == least.functions
        and all(
            p == "levels" or check(candidate, condition, employees) for p, check in _PARTS.items()
        )
        for level in condition.levels
    }
    return tuple(level for level in LEVELS if level in levels)


def _first(words: tuple[str, ...], allowed: tuple[str, ...]) -> str | None:
    for word in words:
        if word in allowed:
            return word
    return None


def _judged(
    candidate: Candidate,
    role: str,
    score: float,
    function: str | None,
    reaches: bool,
    named: bool,
) -> Fit:
    what = in_words(function) if function else "title"
    if function and function != candidate.functions[0]:
        what = f"perhaps {what}"
    elif function and candidate.by_department:
        what = f"{what}, by the department,"
    reason = f"{what} at level {candidate.level_told}"
    if role == "decision_maker":
        if not reaches:
            score *= CANT_SIGN
    elif role in ("champion", "blocker", "stakeholder") and "in_name" in candidate.standing:
        score *= IN_NAME
        reason += "; a manager by title, without authority over a budget"
    return Fit(role, round(score, 4), function, reason, named)
