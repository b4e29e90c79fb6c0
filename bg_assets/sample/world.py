"""A made-up world of companies, their people and what changes there: the same for the same seed.

Every figure is invented for plausibility. Addresses are on domains reserved for examples.
"""

import csv
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from math import isqrt
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from bg_assets.files.header import OPTIONAL, REQUIRED
from bg_assets.sample.posts import Dice, Post, department, posts, title, words
from bg_assets.writing import WholeFile

T = TypeVar("T")

# The day on which the sample stands still: nothing in it is later, and no clock is read.
TODAY = date(2026, 1, 1)

_MOST_LISTED = 1500
_COMPANY_COLUMNS = (*REQUIRED["companies"], *OPTIONAL["companies"])
_PERSON_COLUMNS = (*REQUIRED["people"], *OPTIONAL["people"])


@dataclass(frozen=True, slots=True)
class CompanyRow:
    """A company as the file to import has it; the fields after ``country`` are not written.

    ``employees`` is the true number, ``home`` the country's code, ``mail`` the domain of its
    addresses, which stands even where ``domain`` is unknown.
    """

    id: str
    name: str
    domain: str | None
    website: str | None
    industry: str | None
    employee_count: str | None
    revenue: str | None
    country: str | None
    employees: int
    home: str
    trade: str
    mail: str


@dataclass(frozen=True, slots=True)
class PersonRow:
    """A person as the file to import has it; the fields after ``status`` are not written."""

    id: str
    company_id: str
    name: str | None
    title: str | None
    department: str | None
    seniority: str | None
    email: str | None
    location: str | None
    manager_id: str | None
    start_date: date | None
    end_date: date | None
    status: str
    function: str
    level: str
    language: str
    home: str


class Counts(NamedTuple):
    """How many rows a sample has."""

    companies: int
    people: int


def generate_companies(count: int, seed: int) -> Iterator[CompanyRow]:
    """The first ``count`` companies of the world ``seed``; fewer of them are a prefix of more."""
    for number in range(1, count + 1):
        yield _company(number, Dice(f"{seed}/company/{number}"))


def generate_people(companies: Iterable[CompanyRow], seed: int) -> Iterator[PersonRow]:
    """The people of each company, its head first; each company's depend on it and seed alone.

    Up to 40 staff all are listed, of more a part that grows with the root, 1,500 at most.
    """
    for company in companies:
        yield from _people(company, Dice(f"{seed}/people/{company.id}"))


def write_sample(folder: Path, companies: int, seed: int) -> tuple[Path, Path, Counts]:
    """Write ``companies.csv`` and ``people.csv`` in the form that the import takes.

    Both appear whole or not at all. Takes memory for one company at a time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = folder / "companies.csv", folder / "people.csv"
    people = 0
    with WholeFile(paths[0]) as company_file, WholeFile(paths[1]) as person_file:
        company_writer = csv.writer(company_file.text, lineterminator="\n")
        person_writer = csv.writer(person_file.text, lineterminator="\n")
        company_writer.writerow(_COMPANY_COLUMNS)
        person_writer.writerow(_PERSON_COLUMNS)
        for company in generate_companies(companies, seed):
            company_writer.writerow([getattr(company, name) for name in _COMPANY_COLUMNS])
            for person in generate_people([company], seed):
                person_writer.writerow([getattr(person, name) for name in _PERSON_COLUMNS])
                people += 1
    return *paths, Counts(companies, people)


def _company(number: int, dice: Dice) -> CompanyRow:
    country = dice.weighed([(one, one["share"]) for one in words()["countries"]])
    industry = dice.weighed([(one["name"], one["share"]) for one in words()["industries"]])
    band = dice.weighed([(one, one[2]) for one in words()["bands"]])
    employees = dice.low(band[0], band[1])
    parts = words()["company_names"]
    stem = dice.pick(parts["heads"]) + dice.pick(parts["tails"])
    name = " ".join(
        part for part in (stem, dice.pick(parts["words"]), dice.pick(country["forms"])) if part
    )
    mail = f"{stem.lower()}-{number}.example"
    revenue = f"{employees * dice.between(60, 400)}000"
    return CompanyRow(
        id=f"co-{number:06d}",
        name=name,
        domain=mail if dice.chance(0.92) else None,
        website=f"https://www.{mail}/" if dice.chance(0.85) else None,
        industry=industry if dice.chance(0.93) else None,
        employee_count=_printed(employees, dice),
        revenue=revenue if dice.chance(0.4) else None,
        country=country["code" if dice.chance(0.7) else "name"] if dice.chance(0.96) else None,
        employees=employees,
        home=country["code"],
        trade=industry,
        mail=mail,
    )


def _printed(employees: int, dice: Dice) -> str | None:
    """The number of employees as different directories print it."""
    roll = dice.roll()
    if roll < 0.06:
        return None
    if roll < 0.5:
        return str(employees)
    for least, most in words()["printed_bands"]:
        if least <= employees <= most:
            return f"{least:,}-{most:,}" if most > least else str(least)
    return "10,001+"


def _people(company: CompanyRow, dice: Dice) -> Iterator[PersonRow]:
    country = country_of(company.home)
    staff = company.employees
    listed = min(staff, 40 + 5 * isqrt(max(0, staff - 40)), _MOST_LISTED)
    sites = [dice.pick(country["cities"])]
    if staff > 200:
        abroad = [dice.weighed([(c, c["share"]) for c in words()["countries"]]) for _ in range(3)]
        sites += [dice.pick(place["cities"]) for place in (country, *abroad)]
    local = dice.chance(0.6)
    made = posts(listed, staff, company.trade, dice)
    taken: set[str] = set()
    for number, post in enumerate(made):
        manager = None
        if post.manager is not None and dice.chance(0.94):
            manager = f"{company.id}-p{post.manager + 1}"
        place = _Place(company, manager, dice.early(sites), country["language"] if local else "en")
        yield _person(f"{company.id}-p{number + 1}", post, place, taken, dice)


class _Place(NamedTuple):
    """Where somebody is: below which manager, at which site, in which language."""

    company: CompanyRow
    manager: str | None
    site: str
    language: str


def _person(key: str, post: Post, place: _Place, taken: set[str], dice: Dice) -> PersonRow:
    company, manager, site, language = place
    function, level = post.function, post.level
    country = country_of(company.home)
    name, address = made_up_name(country["names"] if dice.chance(0.88) else "english", dice)
    mailbox = address or key
    if mailbox in taken:
        mailbox = f"{mailbox}{len(taken)}"
    taken.add(mailbox)
    start = TODAY - timedelta(days=dice.low(10, 5500))
    left = manager is not None and dice.chance(0.04)

    def known(value: T, share: float) -> T | None:
        return value if dice.chance(share) else None

    return PersonRow(
        id=key,
        company_id=company.id,
        name=known(name, 0.995),
        title=known(title(function, level, language, country.get("british", False), dice), 0.97),
        department=known(department(function, language), 0.85),
        seniority=known(words()["seniority"][level], 0.6),
        email=known(f"{mailbox}@{company.mail}", 0.88),
        location=known(site, 0.92),
        manager_id=manager,
        start_date=known(start, 0.9),
        end_date=start + (TODAY - start) * dice.between(50, 100) // 100 if left else None,
        status="left" if left else "active",
        function=function,
        level=level,
        language=language,
        home=company.home,
    )


def made_up_name(kind: str, dice: Dice) -> tuple[str, str | None]:
    """A made-up name in the usual order, and the part of an address before the @, if it has one."""
    about = words()["names"][kind]
    given, family = ("".join(map(dice.pick, about[part])) for part in ("given", "family"))
    name = f"{family}{given}" if about.get("family_first") else f"{given} {family}"
    plain = unicodedata.normalize("NFKD", f"{given}.{family}".replace("ß", "ss").replace(" ", ""))
    address = "".join(c for c in plain.lower() if c == "." or (c.isascii() and c.isalnum()))
    return name, address if len(address) > 3 else None


def country_of(code: str) -> Mapping[str, Any]:
    """What the sample knows of a country: its cities, language, kind of names."""
    return _countries()[code]


@cache
def _countries() -> Mapping[str, Mapping[str, Any]]:
    return {country["code"]: country for country in words()["countries"]}
