"""Quality of the groups: cohesion, speed, sizes, roles, gaps and confidence for every template.

And of public bodies whose decision makers are of the profession that the product is for.

`--read N` prints N groups of public bodies and N of the sample in full, for reading, instead.
`--template NAME` takes one template. `--seniors` leaves the junior posts out.
"""

import argparse
import itertools
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import fmean, median

import bench
from bench import choices
from bg_assets.domain.groups.cohesion import LEAST_PEOPLE, Stratum, cohesion
from bg_assets.domain.groups.group import BuyerGroup, Company, StaffMember, decide
from bg_assets.domain.groups.ties import Ties
from bg_assets.domain.products import sizes
from bg_assets.domain.products.template import Template
from bg_assets.domain.titles.verdict import classify
from bg_assets.domain.values.departments import apart
from bg_assets.domain.vocabulary import ROLE_LABELS, ROLES
from bg_assets.products.files import load_templates
from bg_assets.sample import world
from bg_assets_tests import organograms
from bg_assets_tests.organograms import AFTER, BEFORE, Post
from bg_assets_tests.reporting_lines import agreement

_AS_OF = world.TODAY
_BANDS = ((10, "1-10"), (50, "11-50"), (500, "51-500"), (1500, "501-1,500"), (7500, "1,501-7,500"))
_LARGEST = "above"
_LARGE = 20_000
_SAMPLE = 600


@dataclass(frozen=True, slots=True)
class Population:
    """A company and its people, as the rules read them."""

    name: str
    company: Company
    people: list[StaffMember]


def main(arguments: Sequence[str]) -> None:
    """Print the tables, or with --read the groups themselves."""
    parser = argparse.ArgumentParser(prog="python -m bench groups", description=__doc__)
    parser.add_argument("--read", type=int, default=0, metavar="N")
    parser.add_argument("--template", metavar="NAME")
    parser.add_argument("--seniors", action="store_true")
    chosen = parser.parse_args(arguments)
    templates = load_templates(products=[chosen.template] if chosen.template else None)
    data = bench.shared_data()
    if not chosen.read:
        # First, while nothing else is in memory for the collector to look through.
        _speed(templates.values())
    bodies = list(_bodies(data, BEFORE, seniors=chosen.seniors))
    companies = list(_companies())
    if chosen.read:
        for template in templates.values():
            for population in (*_spread(bodies, chosen.read), *_spread(companies, chosen.read)):
                _print_group(population, template)
        return
    _cohesion(data, companies)
    for line in choices.table(data, templates, lambda when: _pairs(data, when, chosen.seniors)):
        _say(line)
    for what, populations in (("public bodies", bodies), ("sample companies", companies)):
        for template in templates.values():
            _quality(what, populations, template)


def _pairs(data: Path, when: str, seniors: bool) -> list[tuple[Company, list[StaffMember]]]:
    return [(one.company, one.people) for one in _bodies(data, when, seniors=seniors)]


def _bodies(data: Path, when: str, *, seniors: bool) -> Iterator[Population]:
    """Public bodies with their senior posts and one person for each row of junior posts."""
    people: defaultdict[str, dict[str, Post]] = defaultdict(dict)
    lower = () if seniors else (p for p in organograms.junior(data, when) if p.id.endswith("-1"))
    for post in itertools.chain(organograms.read_senior(data, when).people.values(), lower):
        people[post.company_id][post.id] = post
    size, names = organograms.read_sizes(data, when), organograms.read_names(data)
    for body, posts in sorted(people.items()):
        staff = [
            _member(p.id, p.title, apart(p.department, names[body]), None, p.manager_id or None)
            for p in posts.values()
        ]
        yield Population(body, _body(body, names[body], size[body]), staff)


def _body(body: str, name: str, size: int) -> Company:
    return Company(body, size, size, "GB", "Government administration", name=name)


def _companies() -> Iterator[Population]:
    for row in world.generate_companies(_SAMPLE, 1):
        staff = [
            _member(p.id, p.title, p.department, p.location, p.manager_id)
            for p in world.generate_people([row], 1)
            if p.status == "active"
        ]
        company = Company(row.id, row.employees, row.employees, row.country, row.industry)
        yield Population(row.id, company, staff)


def _member(
    person_id: str,
    title: str | None,
    department: str | None,
    location: str | None,
    manager_id: str | None,
) -> StaffMember:
    said = classify(title, department)
    return StaffMember(person_id, title, department, location, manager_id, said)


def _cohesion(data: Path, companies: Sequence[Population]) -> None:
    _say("\ncohesion")
    dice, values = Random("bench"), []
    for population in companies:
        if len(population.people) < 2 * LEAST_PEOPLE:
            continue
        ids = tuple(sorted(p.person_id for p in population.people))
        ties = Ties(sorted(population.people, key=lambda p: p.person_id))
        for size in (4, 8, 12):
            group = Stratum(tuple(dice.sample(ids, size)), ids)
            value = cohesion(ties, [group], len(ids)).value
            if value is not None:
                values.append(value)
    _say(f"  random groups: mean {fmean(values):.2f} of {len(values)}")
    for when in (BEFORE, AFTER):
        bodies = organograms.read_senior(data, when).bodies
        samples = [
            sorted(posts, key=lambda post: post.id)
            for _, posts in sorted(bodies.items())
            if len(posts) >= LEAST_PEOPLE
        ]
        found = [agreement(Random(len(posts)).sample(posts, min(250, len(posts))))
                 for posts in samples]  # fmt: skip
        known = [one for one in found if one is not None]
        _say(
            f"  reporting distance {when}: rank correlation a body, median "
            f"{median(one or 0.0 for one in found):.3f}, measurable in {len(known)} of "
            f"{len(found)} bodies with {LEAST_PEOPLE} senior posts or more"
        )


def _speed(templates: Iterable[Template]) -> None:
    _say(f"\na company of {_LARGE:,} people, their titles read already")
    rows = itertools.islice(_large(), _LARGE)
    people = list(rows)
    company = Company("large", _LARGE, _LARGE, "US")
    for template in templates:
        began = time.process_time()
        group = decide(company, people, template, _AS_OF)
        took = time.process_time() - began
        _say(
            f"  {template.name:<18} {took:.2f} s, {len(group.members)} members, "
            f"cohesion {_figure(group.cohesion)}"
        )


def _large() -> Iterator[StaffMember]:
    """People of many sample companies as if they worked for one."""
    for copy in itertools.count(1):
        for population in _companies():
            for person in population.people:
                yield _member(
                    f"{person.person_id}-{copy}", person.title, person.department,
                    person.location, person.manager_id and f"{person.manager_id}-{copy}",
                )  # fmt: skip


def _quality(what: str, populations: Sequence[Population], template: Template) -> None:
    rows: defaultdict[str, list[tuple[Population, BuyerGroup]]] = defaultdict(list)
    for population in populations:
        group = decide(population.company, population.people, template, _AS_OF)
        for band in (_band(population.company), "all"):
            rows[band].append((population, group))
    _say(f"\n{what}, {template.name}: mean members by role; share of what is required filled")
    _say(
        f"  {'employees':<12}{'groups':>7}{'members':>8}{'target':>7}"
        + "".join(f"{ROLE_LABELS[role].split()[-1]:>12}" for role in ROLES)
        + f"{'complete':>9}{'no maker':>9}{'in band':>8}{'conf.':>7}{'cohesion':>9}{'measured':>9}"
    )
    for band in (*(name for _, name in _BANDS), _LARGEST, "unknown", "all"):
        if rows[band]:
            _say(f"  {band:<12}{_row(rows[band], template)}")
    reasons = Counter(
        (group.cohesion_reason or "").split(": ")[-1].split(",")[0].lstrip("0123456789 ")
        for _, group in rows["all"]
        if group.cohesion is None
    )
    _say("  cohesion not measured: " + "; ".join(f"{n} {why}" for why, n in reasons.most_common()))


def _row(groups: Sequence[tuple[Population, BuyerGroup]], template: Template) -> str:
    targets = [
        sizes.target(
            sizes.staff_size(p.company.employee_min, p.company.employee_max), template.deal_size
        )
        for p, _ in groups
    ]
    members = [len(group.members) for _, group in groups]
    counts = Counter(m.role for _, group in groups for m in group.members)
    makers = sum(any(m.role == "decision_maker" for m in group.members) for _, group in groups)
    confidences = [group.confidence for _, group in groups if group.confidence is not None]
    cohesions = [group.cohesion for _, group in groups if group.cohesion is not None]
    fit = sum(
        2 * n >= target.total and n <= target.total
        for n, target in zip(members, targets, strict=True)
    )
    return (
        f"{len(groups):>7}{fmean(members):>8.1f}{fmean(t.total for t in targets):>7.1f}"
        + "".join(f"{counts[role] / len(groups):>12.2f}" for role in ROLES)
        + f"{fmean(group.completeness for _, group in groups):>9.2f}"
        + f"{len(groups) - makers:>9}{fit / len(groups):>8.0%}"
        + f"{fmean(confidences) if confidences else 0:>7.2f}"
        + f"{_figure(fmean(cohesions) if cohesions else None):>9}"
        + f"{len(cohesions) / len(groups):>9.0%}"
    )


def _band(company: Company) -> str:
    size = sizes.staff_size(company.employee_min, company.employee_max)
    if size is None:
        return "unknown"
    return next((name for most, name in _BANDS if size <= most), _LARGEST)


def _spread(populations: Sequence[Population], number: int) -> list[Population]:
    """So many of all sizes: evenly along the order of size."""
    ordered = sorted(populations, key=lambda p: (p.company.employee_max or 0, p.name))
    step = max(1.0, len(ordered) / number)
    return [ordered[int(at * step)] for at in range(min(number, len(ordered)))]


def _print_group(population: Population, template: Template) -> None:
    company, people = population.company, {p.person_id: p for p in population.people}
    group = decide(company, population.people, template, _AS_OF)
    _say(
        f"\n{population.name}, {company.employee_max} employees ({len(people)} known), "
        f"{company.country or '?'}, {company.industry or '?'}: {template.name}, complete "
        f"{group.completeness:.2f}, confidence {_figure(group.confidence)}, cohesion "
        f"{_figure(group.cohesion)}"
    )
    for member in group.members:
        person = people[member.person_id]
        _say(
            f"  {ROLE_LABELS[member.role]:<19}{person.title or '?'} [{person.department or '?'}] "
            f"{person.verdict.function}/{person.verdict.level} {member.confidence:.2f} "
            f"{member.influence:.2f}"
        )
    for gap in group.gaps:
        _say(f"  gap: {gap.reason}")


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
