"""How well a person fits each role of a template, and why."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

from bg_assets.domain.groups.remit import Remit, remit
from bg_assets.domain.groups.shares import called, is_named, matters, share
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
    sector: Sector | None = None
    bare: str | None = None  # the title without the company's name
    unranked: bool = False  # the title has a function and no word of rank: counts as staff

    @property
    def level(self) -> str | None:
        """The level that counts, None when unknown."""
        return self.levels[0] if self.levels else None

    @property
    def level_told(self) -> str:
        """The level as people read it, with what is only taken for one."""
        return "unknown, taken for staff" if self.unranked else self.level or "unknown"


@dataclass(frozen=True, slots=True)
class Sieve:
    """The conditions of a template's roles, by what most people have alike: looked at once for all.

    known: levels, functions and sector to the conditions of each role that these don't rule out.
    """

    template: Template
    known: dict[_Kind, tuple[tuple[Condition, ...], ...]] = field(default_factory=dict)

    def left(self, candidate: Candidate) -> tuple[tuple[Condition, ...], ...]:
        """For each role, in the template's order, the conditions that may hold."""
        kind = candidate.levels, candidate.functions, candidate.sector
        if kind not in self.known:
            self.known[kind] = tuple(
                tuple(one for one in rule.conditions if _is_for(candidate, one))
                for rule in self.template.roles
            )
        return self.known[kind]


@lru_cache(maxsize=1 << 7)
def sieve(template: Template) -> Sieve:
    """The sieve of a template, for as long as the process lives."""
    return Sieve(template)


def fits(
    candidate: Candidate,
    template: Template,
    employees: int | None,
    sieved: Sieve | None = None,
) -> tuple[Fit | Unfit, ...]:
    """For each role of the template, in its order: how well this person fits it, or why not.

    sieved: the template's, which whoever asks for many people looks up once.
    """
    barred = _barred(candidate, template)
    if barred is not None:
        rule, said = barred
        return tuple(Unfit(one.role, rule, said) for one in template.roles)
    left = (sieved or sieve(template)).left(candidate)
    return tuple(
        _best(candidate, rule, conditions, template, employees)
        for rule, conditions in zip(template.roles, left, strict=True)
    )


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
    template: Template,
    employees: int | None,
) -> Fit | Unfit:
    best: Fit | None = None
    for condition in conditions:
        if not _holds(candidate, condition, employees):
            continue
        function = _first(candidate.functions, condition.functions)
        score = condition.fit * (template.weight(function) if function else 1.0)
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
        fit = _judged(candidate, rule.role, score, function, template, employees)
        if rule.role == "decision_maker" and extent in _REMITTED:
            fit = replace(fit, reason=f"{fit.reason}; {_REMITTED[extent]}")
        if best is None or fit.score > best.score:
            best = replace(fit, named=True) if named else fit
    if best is None:
        return Unfit(rule.role, "no-fit")
    # Last, since it is rarely so and asks for many phrases.
    return _never(candidate, rule) or best


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
    phrase = _first_said(texts, rule.ruling_out(candidate.sector))
    return Unfit(rule.role, "never-title", phrase) if phrase is not None else None


@lru_cache(maxsize=1 << 17)
def _first_said(texts: tuple[str | None, ...], phrases: tuple[str, ...]) -> str | None:
    """The first of the phrases that one of the texts holds, as ``says`` would have it."""
    spoken = [words for text in texts if text for words in _words(text)]
    for phrase, wanted in zip(phrases, _wanted(phrases), strict=True):
        if wanted and any(wanted in words for words in spoken):
            return phrase
    return None


@lru_cache(maxsize=1 << 10)
def _wanted(phrases: tuple[str, ...]) -> tuple[str, ...]:
    """What a text has to hold for each of the phrases, empty where nothing can."""
    return tuple((_words(phrase) or ("",))[0] for phrase in phrases)


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
    return not titles or _first_said((candidate.title,), titles) is not None


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
    template: Template,
    employees: int | None,
) -> Fit:
    what = in_words(function) if function else "title"
    if function and function != candidate.functions[0]:
        what = f"perhaps {what}"
    elif function and candidate.by_department:
        what = f"{what}, by the department,"
    reason = f"{what} at level {candidate.level_told}"
    if role == "decision_maker":
        if authority.may_sign(candidate.rank, employees) < template.deal_dollars:
            score *= CANT_SIGN
        reason += "; " + authority.signing(
            candidate.rank, employees, template.deal_size, template.currency
        )
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
