"""Which people of a company make the buyer group of a product: one role each, with reasons."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from bg_assets.domain.groups import candidates, lines
from bg_assets.domain.groups.candidates import Candidate
from bg_assets.domain.groups.certainty import Surroundings, certainty, doubts
from bg_assets.domain.groups.cohesion import cohesion
from bg_assets.domain.groups.comparable import eligible, strata
from bg_assets.domain.groups.employment import still_there
from bg_assets.domain.groups.evidence import heard
from bg_assets.domain.groups.fit import Fit, Unfit, answers, sieve
from bg_assets.domain.groups.gaps import Gap, Staff, find_gaps
from bg_assets.domain.groups.nearness import nearest_first
from bg_assets.domain.groups.selection import Choice, Chosen, Selection, select
from bg_assets.domain.groups.ties import Ties
from bg_assets.domain.products import sizes
from bg_assets.domain.products.template import Template
from bg_assets.domain.titles.verdict import TitleVerdict
from bg_assets.domain.vocabulary import ROLE_LABELS, ROLES

STALE = 0.95  # below so much likelihood to be there still it is one of the reasons


@dataclass(frozen=True, slots=True)
class Company:
    """A company as far as the rules need it: employees as a range, None is unknown.

    country: as it is spelled; countries.code tells which it is. name: told to nobody; it shows
    which departments are none, and of what sector the company is.
    """

    id: str
    employee_min: int | None = None
    employee_max: int | None = None
    country: str | None = None
    industry: str | None = None
    workspace: str = "default"
    name: str | None = None


@dataclass(frozen=True, slots=True)
class StaffMember:
    """Somebody on the staff, with the verdict on title and department, which nobody reads again.

    seen: when a writer last saw this person there, None where none says. seniority: the column, as
    its writer has it.
    """

    person_id: str
    title: str | None
    department: str | None
    location: str | None
    manager_id: str | None
    verdict: TitleVerdict
    has_email: bool = False
    start_date: date | None = None
    seen: date | None = None
    seniority: str | None = None


@dataclass(frozen=True, slots=True)
class Override:
    """A human's word: pin somebody (in a role, or the one that fits best) or exclude them."""

    person_id: str
    action: str
    role: str | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a group.

    confidence, 0 to 1: how probable it is that the facts behind the role hold: the share of
    members with evidence like this who are right for the role (certainty.py; of a pin, which is a
    human's word, the share of such verdicts on titles that are right), times the chance that the
    person is still there (employment.still_there). It does not say that somebody will act as the
    role has it. influence, 0 to 1: see ``influence``.
    """

    person_id: str
    role: str
    confidence: float
    influence: float
    pinned: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BuyerGroup:
    """The group. completeness, coverage: 0 to 1; confidence: 0 to 1, None without members.

    completeness: mean over the roles that the template requires, in a company of this size, of
    min(1, assigned / required); 0 where nothing is required. confidence: mean over members.
    coverage: share of the staff whose function and level are both known. cohesion: 0 to 10, how
    far the members' connectivity lies above that of comparable random groups of the same company
    (5), as cohesion.py defines it; None with the reason where it can't be measured.
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
class Weighed:
    """What a group is made from, and who was chosen: what ``decide`` reports and why.py explains.

    people: who takes part, each once, by id. choices: those of them who are not excluded. required:
    role to the places that a complete group fills. pins: person id to role, None for the best.
    """

    people: Sequence[StaffMember]
    choices: Mapping[str, Choice]
    target: sizes.Target
    required: Mapping[str, int]
    pins: Mapping[str, str | None]
    made: Selection
    ties: Ties
    candidates: Mapping[str, Candidate]
    employees: int | None
    placed: lines.Lines

    @property
    def chosen(self) -> Chosen:
        """Person id to role, and the fit for it (None for a pin that fits nothing)."""
        return self.made.chosen


@dataclass(frozen=True, slots=True)
class Known:
    """What is read of a company's staff whatever the product; see ``Weighed`` for the words.

    candidates: of all people.
    """

    people: Sequence[StaffMember]
    employees: int | None
    placed: lines.Lines
    candidates: Mapping[str, Candidate]
    ties: Ties


def read(company: Company, staff: Sequence[StaffMember], as_of: date) -> Known:
    """Read the staff of a company as of a date, once for all products."""
    employees = sizes.staff_size(company.employee_min, company.employee_max)
    present = _present(staff, as_of)
    placed = lines.read(present)
    people = _heard(present, placed)
    found = candidates.read(company, people, employees)
    return Known(people, employees, placed, found, Ties(people))


def weigh(
    company: Company,
    staff: Sequence[StaffMember],
    template: Template,
    as_of: date,
    overrides: Sequence[Override] = (),
    known: Known | None = None,
) -> Weighed:
    """Read the staff against the template and choose; see ``decide``."""
    known = known or read(company, staff, as_of)
    people, employees, placed, ties = known.people, known.employees, known.placed, known.ties
    target = sizes.target(employees, template.deal_dollars)
    required = {rule.role: min(rule.required, target.of(rule.role)) for rule in template.roles}
    excluded = {o.person_id for o in overrides if o.action == "exclude"}
    pins = {
        o.person_id: o.role if o.role in ROLES else None
        for o in sorted(overrides, key=lambda o: (o.person_id, o.role or ""))
        if o.action == "pin" and o.person_id not in excluded
    }
    found = {i: one for i, one in known.candidates.items() if i not in excluded}
    choices = _choices(people, found, template, employees, placed)
    made = select(choices, template, target, required, pins, ties)
    return Weighed(people, choices, target, required, pins, made, ties, found, employees, placed)


def decide(
    company: Company,
    staff: Sequence[StaffMember],
    template: Template,
    as_of: date,
    overrides: Sequence[Override] = (),
    known: Known | None = None,
) -> BuyerGroup:
    """The group of a company for a template: the same whatever the order of staff and overrides.

    Whoever starts after as_of, or left by the title, takes no part. An exclusion beats a pin; a pin
    of somebody who is not there is suspended and shows as a gap. Never raises for odd data. known:
    ``read`` of the same, for whoever decides on several products.
    """
    seen = weigh(company, staff, template, as_of, overrides, known)
    people, choices, required, pins = seen.people, seen.choices, seen.required, seen.pins
    linked = cohesion(
        seen.ties,
        strata(choices, seen.chosen, pins.keys(), seen.candidates),
        eligible(choices),
        lambda: strata(choices, seen.chosen, pins.keys()),
    )
    rows = {p.person_id: p for p in people}
    around = Surroundings(people, choices, seen.placed)
    members = tuple(
        sorted(
            (
                _member(
                    choices[i],
                    role,
                    fit,
                    rows[i],
                    around,
                    as_of,
                    pinned=i in pins,
                    known=seen.target.known,
                )
                for i, (role, fit) in seen.chosen.items()
            ),
            key=lambda m: (ROLES.index(m.role), -m.influence, m.person_id),
        )
    )
    filled = Counter(m.role for m in members)
    confidences = [m.confidence for m in members]
    functions = {p.person_id: p.verdict.function for p in people}
    there = Staff(functions, choices, seen.chosen, seen.candidates, seen.employees)
    return BuyerGroup(
        product=template.name,
        template_hash=template.hash,
        members=members,
        gaps=find_gaps(there, template, required, pins, seen.made.missing_voices),
        completeness=_completeness(required, filled),
        confidence=round(sum(confidences) / len(confidences), 4) if confidences else None,
        cohesion=linked.value,
        cohesion_reason=linked.reason,
        coverage=_coverage(people),
    )


def _present(staff: Iterable[StaffMember], as_of: date) -> list[StaffMember]:
    """Each person once, in a stable order, without those who are not there yet or any more."""
    people: dict[str, StaffMember] = {}
    for person in staff:
        if person.start_date is not None and person.start_date > as_of:
            continue
        if person.verdict.left:
            continue
        other = people.setdefault(person.person_id, person)
        if other is not person and repr(person) < repr(other):
            people[person.person_id] = person
    return [people[person_id] for person_id in sorted(people)]


def _heard(people: Sequence[StaffMember], placed: lines.Lines) -> list[StaffMember]:
    """The same people, each with what else tells their level heard beside the title."""
    after: list[StaffMember] = []
    places = placed.places
    for person in people:
        place = places.get(person.person_id, lines.UNKNOWN)
        if not (person.seniority or place.reports or place.steps):
            after.append(person)
            continue
        head = person.person_id == placed.head
        verdict = heard(person.verdict, person.seniority, place, head=head)
        same = verdict is person.verdict
        after.append(person if same else _with_verdict(person, verdict))
    return after


def _with_verdict(one: StaffMember, verdict: TitleVerdict) -> StaffMember:
    # What `replace` returns, in a third of the time, for most people of most companies.
    return StaffMember(
        one.person_id, one.title, one.department, one.location, one.manager_id, verdict,
        one.has_email, one.start_date, one.seen, one.seniority,
    )  # fmt: skip


def _choices(
    people: Sequence[StaffMember],
    known: Mapping[str, Candidate],
    template: Template,
    employees: int | None,
    placed: lines.Lines,
) -> dict[str, Choice]:
    reports = Counter(p.manager_id for p in people if p.manager_id and p.manager_id != p.person_id)
    most = max(reports.values(), default=0)
    sieved = sieve(template)
    weights = sieved.weights
    told: dict[int, tuple[tuple[Fit, ...], tuple[Unfit, ...]]] = {}
    choices: dict[str, Choice] = {}
    for person in people:
        person_id, verdict = person.person_id, person.verdict
        candidate = known.get(person_id)
        if candidate is None:
            continue
        which = id(candidate)
        if which not in told:
            told[which] = answers(candidate, sieved, employees)
        choices[person_id] = Choice(
            person_id,
            verdict.function,
            verdict.confidence,
            person.has_email,
            influence(
                candidate.rank,
                weights.get(verdict.function or "", 0.0),
                reports[person_id] if most else None,
                most,
            ),
            *told[which],
        )
    return nearest_first(choices, placed)


@lru_cache(maxsize=1 << 14)
def influence(rank: float, weight: float, reports: int | None, most: int) -> float:
    """0 to 1: six tenths rank (0 to 10), two tenths the function's weight, two tenths the span.

    span: log(1 + people reporting) against the widest span of the company. Where no row of the
    company names a manager (reports None), the other two are scaled up to the whole.
    """
    known = 0.6 * min(rank, 10.0) / 10 + 0.2 * weight
    if reports is None:
        return round(known / 0.8, 4)
    return round(known + 0.2 * math.log1p(reports) / math.log1p(most), 4)


def _member(
    choice: Choice,
    role: str,
    fit: Fit | None,
    person: StaffMember,
    around: Surroundings,
    as_of: date,
    *,
    pinned: bool,
    known: bool,
) -> Member:
    reasons = [f"{ROLE_LABELS[role]}: {fit.reason}"] if fit else []
    if pinned:
        reasons.insert(0, f"{ROLE_LABELS[role]}: pinned by hand")
    if not known:
        reasons.append("the company's size is unknown: at most 8 people")
    there = still_there(person.seen, as_of)
    if person.seen is not None and there < STALE:
        reasons.append(
            f"last seen there on {person.seen.isoformat()}: {there:.0%} likely to be there still"
        )
    evidence = around.evidence(choice, fit, person.title)
    sure = choice.confidence if pinned else certainty(evidence)
    doubt = None if pinned else doubts(evidence)
    return Member(
        choice.person_id,
        role,
        round(min(1.0, max(0.0, sure * there)), 4),
        choice.influence,
        pinned,
        (
            *reasons,
            *((doubt,) if doubt else ()),
            f"title read with {choice.confidence:.0%}",
            *person.verdict.reasons,
        ),
    )


def _completeness(required: Mapping[str, int], filled: Mapping[str, int]) -> float:
    shares = [min(1.0, filled[role] / n) for role, n in required.items() if n]
    return round(sum(shares) / len(shares), 4) if shares else 0.0


def _coverage(people: Sequence[StaffMember]) -> float:
    if not people:
        return 0.0
    verdicts = [p.verdict for p in people]
    read = sum(1 for v in verdicts if v.function is not None and v.level is not None)
    return round(read / len(people), 4)
