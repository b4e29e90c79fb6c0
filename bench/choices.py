"""Who was made a decision maker in public bodies, against the profession that their posts have.

Profession and grade are never an input: they are the truth to compare with. A body counts where
somebody of the profession of a product holds a post of grade SCS 2 or above.
"""

import csv
import gzip
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from bg_assets.domain.groups.group import Company, Member, StaffMember, decide
from bg_assets.domain.products.template import Template
from bg_assets.sample.world import TODAY
from bg_assets_tests.organograms import AFTER, BEFORE

PROFESSION = {
    "finance_system": "Finance",
    "hr_system": "Human Resources",
    "security_platform": "Information Technology",
}
HIGH = frozenset(("SCS2", "SCS3", "SCS4"))


@dataclass(frozen=True, slots=True)
class Truth:
    """What the source knows of the filled senior posts of a date, by person id.

    heads: who reports to nobody who is there.
    """

    profession: Mapping[str, str]
    grade: Mapping[str, str]
    heads: frozenset[str]

    def bodies(self, profession: str) -> Mapping[str, frozenset[str]]:
        """The bodies with a high post of a profession, each with everybody of the profession."""
        of = defaultdict(set)
        for person_id, one in self.profession.items():
            if one == profession:
                of[_body(person_id)].add(person_id)
        return {
            body: frozenset(people)
            for body, people in sorted(of.items())
            if any(self.grade[person_id] in HIGH for person_id in people)
        }


@dataclass(frozen=True, slots=True)
class Chosen:
    """The decision makers of a body, beside those who are of the profession."""

    body: str
    makers: tuple[Member, ...]
    right: frozenset[str]
    heads: frozenset[str]

    @property
    def found(self) -> bool:
        """Whether one of the profession is a decision maker."""
        return any(maker.person_id in self.right for maker in self.makers)

    @property
    def only(self) -> bool:
        """Whether there are decision makers, each of the profession or the head of the body."""
        allowed = self.right | self.heads
        return bool(self.makers) and all(one.person_id in allowed for one in self.makers)


def table(
    data: Path,
    templates: Mapping[str, Template],
    bodies: Callable[[str], Sequence[tuple[Company, Sequence[StaffMember]]]],
) -> Iterator[str]:
    """Lines to print: for each date and product in how many bodies the right people decide."""
    yield (
        f"\ndecision makers of public bodies with a post of {', '.join(sorted(HIGH))} of the "
        "profession that the product is for"
    )
    for when in (BEFORE, AFTER):
        truth, there = read_truth(data, when), bodies(when)
        for product in [one for one in PROFESSION if one in templates]:
            found = list(choices(truth, there, templates[product], TODAY))
            yield (
                f"  {when} {product:<18} {sum(one.found for one in found)} of {len(found)} have "
                f"one of them, {sum(one.only for one in found)} nobody but them and the head"
            )


def read_truth(data: Path, when: str) -> Truth:
    """Profession and grade of the filled senior posts at a date."""
    profession, grade, above = {}, {}, {}
    with gzip.open(data / "organogram_senior.csv.gz", "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["date"] != when or row["vacant"] != "0":
                continue
            person_id = f"{row['org']}:{row['post']}"
            profession[person_id], grade[person_id] = row["profession"], row["grade"]
            above[person_id] = f"{row['org']}:{row['reports_to']}"
    heads = (i for i, manager in above.items() if manager == i or manager not in above)
    return Truth(profession, grade, frozenset(heads))


def choices(
    truth: Truth,
    bodies: Sequence[tuple[Company, Sequence[StaffMember]]],
    template: Template,
    as_of: date,
) -> Iterator[Chosen]:
    """The decision makers of a product in every body where somebody of its profession is high."""
    right = truth.bodies(PROFESSION[template.name])
    for company, people in bodies:
        if company.id not in right:
            continue
        group = decide(company, people, template, as_of)
        makers = tuple(one for one in group.members if one.role == "decision_maker")
        yield Chosen(company.id, makers, right[company.id], truth.heads)


def _body(person_id: str) -> str:
    return person_id.partition(":")[0]
