"""Which people of a company make the buyer group of a product: one role each, with reasons."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from bg_assets.domain import authority, sizes
from bg_assets.domain.fit import Candidate, Fit, fits
from bg_assets.domain.template import RoleRule, Template
from bg_assets.domain.titles import classify
from bg_assets.domain.vocabulary import ROLE_WORDS, ROLES, in_words

LEAST_FIT: Final = 0.3  # below it nobody fills a required place
LEAST_EXTRA_FIT: Final = 0.4  # below it nobody is added beyond the required
LEAST_CONFIDENCE: Final = 0.5  # a reading of the title more doubtful than this leaves a gap
SAME_FUNCTION: Final = 0.7  # factor on a further member of the same function in one role
NO_COHESION: Final = "not measured by this version of the rules"


@dataclass(frozen=True, slots=True)
class Company:
    """A company as far as the rules need it: employees as a range, ISO country; None is unknown."""

    id: str
    employee_min: int | None = None
    employee_max: int | None = None
    country: str | None = None
    industry: str | None = None
    workspace: str = "default"


@dataclass(frozen=True, slots=True)
class StaffMember:
    """Somebody on the staff, with the verdict on the title (function to reasons)."""

    person_id: str
    title: str | None
    department: str | None
    location: str | None
    manager_id: str | None
    function: str | None
    level: str | None
    confidence: float
    reasons: tuple[str, ...] = ()
    has_email: bool = False
    start_date: date | None = None


@dataclass(frozen=True, slots=True)
class Override:
    """A human's word: pin somebody (in a role, or the one that fits best) or exclude them."""

    person_id: str
    action: str
    role: str | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """A member. confidence: 0 to 1, that the facts behind the role hold. influence: 0 to 1."""

    person_id: str
    role: str
    confidence: float
    influence: float
    pinned: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Gap:
    """A place that nobody fills, with the function that was looked for and the reason."""

    role: str
    function: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class BuyerGroup:
    """The group. completeness, coverage: 0 to 1; confidence: 0 to 1, None without members.

    completeness: mean over required roles of min(1, assigned / required). confidence: mean over
    members. coverage: share of the staff whose function and level are both known. cohesion: 0 to
    10, None with the reason where it is not measured.
    """

    product: str
    template_hash: str
    members: tuple[Member, ...]
    gaps: tuple[Gap, ...]
    completeness: float
    confidence: float | None
    cohesion: float | None
    cohesion_reason: str | None
    coverage: float


@dataclass(frozen=True, slots=True)
class _Choice:
    """A person who may be chosen, with the fits in the template's order of roles."""

    person: StaffMember
    fits: tuple[Fit, ...]
    influence: float

    def fit(self, role: str) -> Fit | None:
        return next((f for f in self.fits if f.role == role), None)


def decide(
    company: Company,
    staff: Sequence[StaffMember],
    template: Template,
    as_of: date,
    overrides: Sequence[Override] = (),
) -> BuyerGroup:
    """The group of a company for a template: the same whatever the order of staff and overrides.

    Whoever starts after as_of, or left by the title, takes no part; a pin of somebody who is not
    there is suspended and shows as a gap. Never raises for odd data.
    """
    employees = sizes.staff_size(company.employee_min, company.employee_max)
    people = _present(staff, as_of)
    target = sizes.target(employees, template.deal_size)
    required = {
        rule.role: min(rule.required, target.of(rule.role)) for rule in template.roles
    }
    excluded = {o.person_id for o in overrides if o.action == "exclude"}
    pins = {
        o.person_id: o.role
        for o in sorted(overrides, key=lambda o: (o.person_id, o.role or ""))
        if o.action == "pin" and o.person_id not in excluded
    }
    choices = _choices(company, people, template, employees)
    chosen: dict[str, tuple[str, Fit | None]] = {
        person_id: (role or _pin_role(choices[person_id], template), None)
        for person_id, role in sorted(pins.items())
        if person_id in choices
    }
    open_choices = {i: c for i, c in choices.items() if i not in excluded}
    for least, counts in (
        (LEAST_FIT, required),
        (LEAST_EXTRA_FIT, {rule.role: target.of(rule.role) for rule in template.roles}),
    ):
        for rule in template.roles:
            _fill(rule.role, counts[rule.role], least, open_choices, chosen)
    _voices(template, target, open_choices, chosen)
    members = _members(chosen, choices, template, pins, known=target.known)
    filled = Counter(m.role for m in members)
    gaps = (
        *_gaps(template, required, filled, people),
        *_suspended(pins, choices, template),
    )
    confidences = [m.confidence for m in members]
    return BuyerGroup(
        product=template.name,
        template_hash=template.hash,
        members=members,
        gaps=gaps,
        completeness=_completeness(required, filled),
        confidence=round(sum(confidences) / len(confidences), 4) if confidences else None,
        cohesion=None,
        cohesion_reason=NO_COHESION if members else "no members",
        coverage=_coverage(people),
    )


def _present(staff: Iterable[StaffMember], as_of: date) -> list[StaffMember]:
    """Each person once, in a stable order, without those who are not there yet or any more."""
    people: dict[str, StaffMember] = {}
    for person in sorted(staff, key=lambda p: (p.person_id, repr(p))):
        if person.start_date is not None and person.start_date > as_of:
            continue
        if not classify(person.title, person.department).left:
            people.setdefault(person.person_id, person)
    return list(people.values())


def _choices(
    company: Company, people: Sequence[StaffMember], template: Template, employees: int | None
) -> dict[str, _Choice]:
    reports = Counter(p.manager_id for p in people if p.manager_id and p.manager_id != p.person_id)
    most = max(reports.values(), default=0)
    found: dict[str, _Choice] = {}
    known: dict[tuple[str | None, ...], tuple[Candidate, tuple[Fit, ...]]] = {}
    for person in people:
        key = (person.title, person.department, person.function, person.level)
        if key not in known:
            candidate = _candidate(company, person, employees)
            known[key] = candidate, fits(candidate, template, employees)[0]
        candidate, fitting = known[key]
        influence = _influence(
            candidate.rank,
            template.weight(person.function),
            reports[person.person_id] if most else None,
            most,
        )
        found[person.person_id] = _Choice(person, fitting, influence)
    return found


def _candidate(company: Company, person: StaffMember, employees: int | None) -> Candidate:
    rank = authority.rank(
        person.title,
        person.level,
        employees=employees,
        country=company.country,
        industry=company.industry,
    )
    others = classify(person.title, person.department).function_alternatives
    functions = (person.function, *others) if person.function else ()
    return Candidate(
        person.title,
        person.department,
        tuple(dict.fromkeys(functions)),
        person.level,
        rank,
        authority.standing(person.title),
        authority.on_board_only(person.title, person.level),
    )


def _influence(rank: float, weight: float, reports: int | None, most: int) -> float:
    """0 to 1: six tenths rank, two tenths the function's weight, two tenths the span.

    span: log(1 + people reporting) against the widest span of the company. Where no row names a
    manager the span is unknown and the other two are scaled up to the whole.
    """
    known = 0.6 * rank / 10 + 0.2 * weight
    if reports is None:
        return round(known / 0.8, 4)
    return round(known + 0.2 * math.log1p(reports) / math.log1p(most), 4)


def _fill(
    role: str,
    wanted: int,
    least: float,
    choices: Mapping[str, _Choice],
    chosen: dict[str, tuple[str, Fit | None]],
) -> None:
    """Add the best for a role until enough have it; each further one of a function counts less."""
    taken = [i for i, (r, _) in chosen.items() if r == role]
    missing = wanted - len(taken)
    if missing <= 0:
        return
    free = [
        (fit, choice)
        for i, choice in choices.items()
        if i not in chosen
        and choice.person.confidence >= LEAST_CONFIDENCE
        and (fit := choice.fit(role)) is not None
        and fit.score >= least
    ]
    used = Counter(choices[i].person.function for i in taken if i in choices)
    while missing > 0 and free:
        fit, choice = min(free, key=lambda f: _order(f, used))
        free.remove((fit, choice))
        chosen[choice.person.person_id] = (role, fit)
        used[choice.person.function] += 1
        missing -= 1


def _order(
    option: tuple[Fit, _Choice], used: Mapping[str | None, int]
) -> tuple[float, float, bool, str]:
    fit, choice = option
    score = fit.score * SAME_FUNCTION ** used[choice.person.function]
    return (
        -round(score * choice.person.confidence, 6),
        -choice.influence,
        not choice.person.has_email,
        choice.person.person_id,
    )
