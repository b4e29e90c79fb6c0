"""What follows from what a provider saw: which of our values change, and which it can't change.

A provider is one more observer, with a time of its own. It fills what is unknown, replaces what
was seen before it looked, and never what was written since: a human's word, an import, an event.
What it found is taken to be what was asked for; likeness.py judges that.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from bg_assets.domain.enrichment.asking import CompanyAsked, FoundCompany, FoundPerson
from bg_assets.domain.enrichment.names import Agreement, people_agree
from bg_assets.domain.values import companies, controls, people
from bg_assets.domain.values.folding import fold
from bg_assets.domain.values.unfit import Unfit

_MOST_STAFF = 10_000_000


@dataclass(frozen=True, slots=True)
class Row:
    """A person as people holds them now, with when that was seen last."""

    id: str
    company_id: str | None
    name: str | None = None
    title: str | None = None
    department: str | None = None
    email: str | None = None
    location: str | None = None
    start_date: date | None = None
    end_date: date | None = None
    status: str | None = "active"
    deleted: bool = False
    observed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CompanyRow:
    """A company as companies holds it now; updated_at: when that was written last."""

    id: str
    name: str
    domain: str | None = None
    website: str | None = None
    industry: str | None = None
    employee_min: int | None = None
    employee_max: int | None = None
    country: str | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What follows from one observation.

    changes: new values by column, empty where none differs. seen: when the person was seen last,
    where the observation moves that. refused: why nothing of it counts, else None. kept: what it
    could not change, a few words each, without values.
    """

    changes: dict[str, Any] = field(default_factory=dict)
    seen: datetime | None = None
    refused: str | None = None
    kept: tuple[str, ...] = ()


def of_person(
    row: Row,
    found: FoundPerson,
    company: CompanyAsked,
    now: datetime,
    taken: Collection[str] = (),
) -> Told:
    """What an observation of somebody changes of their row.

    taken: e-mails in small letters that belong to others here. What the provider saw without saying
    when is as old as can be: it fills what is unknown and nothing else. The same holds of somebody
    of whom it does not tell where they work, and then for their e-mail and location alone.
    """
    if row.deleted or row.status == "left" or row.company_id != company.id:
        return Told(refused="gone from the company since it was planned")
    seen = None if found.observed_at is None else min(found.observed_at, now)
    newer = seen is not None and (row.observed_at is None or seen > row.observed_at)
    if found.employed_there is False:
        return _departure(row, found, company, now, seen if newer else None)
    values = _values(found, now, taken)
    if found.employed_there is None:
        values = {name: values[name] for name in ("email", "location") if name in values}
        newer = False
    changes: dict[str, Any] = {}
    kept: list[str] = []
    for name, value in values.items():
        ours = getattr(row, name)
        if ours is None or (newer and name in _OVER and not _alike(ours, value)):
            changes[name] = value
        elif name in _OVER and not _alike(ours, value):
            kept.append(f"{name}: ours is newer")
    return Told(changes, seen if newer else None, kept=tuple(kept))


# What may change of somebody who stays; their name and first day are what they were.
_OVER = ("title", "department", "email", "location")


def _values(found: FoundPerson, now: datetime, taken: Collection[str]) -> dict[str, Any]:
    """What is told and fit to be stored, by column."""
    told = {
        "name": _text(found.name, people.LONGEST_TEXT),
        "title": _text(found.title, people.LONGEST_TITLE),
        "department": _text(found.department, people.LONGEST_TEXT),
        "email": _fit(found.email, people.parse_email),
        "location": _text(found.location, people.LONGEST_TEXT),
        "start_date": found.start_date,
    }
    if found.start_date is not None and found.start_date > now.astimezone(UTC).date():
        del told["start_date"]
    if told["email"] is not None and str(told["email"]).lower() in taken:
        del told["email"]
    return {name: value for name, value in told.items() if value is not None}


def _departure(
    row: Row, found: FoundPerson, company: CompanyAsked, now: datetime, seen: datetime | None
) -> Told:
    if seen is None:
        return Told(kept=("status: seen there since, or the provider does not say when it looked",))
    changes: dict[str, Any] = {"status": "left"}
    ended = _ended(found, company, now.astimezone(UTC).date())
    if ended is not None and row.end_date is None:
        changes["end_date"] = ended
    return Told(changes, seen)


def _ended(found: FoundPerson, company: CompanyAsked, today: date) -> date | None:
    """The last day there, where the career tells one that is over."""
    days = [
        post.end_date
        for post in found.career
        if post.end_date is not None
        and post.end_date <= today
        and (
            (company.domain is not None and post.company_domain == company.domain)
            or (post.company_name is not None and _alike(post.company_name, company.name))
        )
    ]
    return max(days, default=None)


def newcomer(
    found: FoundPerson, now: datetime, taken: Collection[str], names: Collection[str]
) -> dict[str, Any] | str:
    """The values of somebody whom nobody knew, by column; or why they are not taken in.

    taken: e-mails in small letters that belong to others; names: those of who is there. Two of one
    name may be one person: nobody is made twice, nor taken for another by their name.
    """
    if found.employed_there is not True:
        return "the provider does not say that they work there now"
    values = _values(found, now, ())
    if "name" not in values or "title" not in values:
        return "no name or no title"
    if any(_may_be_one(values["name"], name) for name in names):
        return "somebody of that name is there already"
    if "email" in values and values["email"].lower() in taken:
        return "the e-mail belongs to somebody else here"
    seen = None if found.observed_at is None else min(found.observed_at, now)
    return {**values, "status": "active", "observed_at": seen}


def address(found: FoundPerson) -> str | None:
    """The e-mail in small letters, where it is one."""
    email = _fit(found.email, people.parse_email)
    return email.lower() if email is not None else None


def key(found: FoundPerson) -> str | None:
    """The provider's own id, where it can be kept."""
    return _fit(found.key, people.parse_id)


def domain(found: FoundCompany) -> str | None:
    """The domain, where it is one."""
    return _fit(found.domain, companies.parse_domain)


def may_mean(row: Row, found: FoundPerson) -> bool:
    """Whether nothing in the name speaks against it that somebody known by an id was found."""
    if row.name is None or found.name is None:
        return True
    return people_agree(row.name, found.name) is not Agreement.DIFFERS


def of_company(row: CompanyRow, found: FoundCompany, now: datetime, *, domain_taken: bool) -> Told:
    """What an observation of a company changes: what is unknown, and a size that is older.

    domain_taken: another company here has the domain.
    """
    values = {
        "domain": None if domain_taken else domain(found),
        "website": _fit(found.website, companies.parse_website),
        "industry": _text(found.industry, people.LONGEST_TEXT),
        "country": _fit(found.country, companies.parse_country),
    }
    changes: dict[str, Any] = {
        name: value
        for name, value in values.items()
        if value is not None and getattr(row, name) is None
    }
    size = _size(found)
    ours = (row.employee_min, row.employee_max)
    seen = None if found.observed_at is None else min(found.observed_at, now)
    newer = seen is not None and row.updated_at is not None and seen > row.updated_at
    if size is None or size == ours:
        return Told(changes)
    if ours == (None, None) or newer:
        return Told({**changes, "employee_min": size[0], "employee_max": size[1]})
    return Told(changes, kept=("size: ours is newer",))


def _size(found: FoundCompany) -> tuple[int | None, int | None] | None:
    least, most = found.employee_min, found.employee_max
    if least is None and most is None:
        return None
    if any(end is not None and not 0 <= end <= _MOST_STAFF for end in (least, most)):
        return None
    if least is not None and most is not None and least > most:
        return None
    return least, most


def _may_be_one(one: str, other: str) -> bool:
    """Whether two names may be one person's; since that takes long to tell, words come first."""
    words, others = _plain(one).split(), _plain(other).split()
    if words == others:
        return True
    return not set(words).isdisjoint(others) and people_agree(one, other) is Agreement.AGREES


def _plain(text: str) -> str:
    """A text without what spellings differ in: capitals, accents and white space."""
    return " ".join(fold(text).split())


def _alike(one: Any, other: Any) -> bool:
    return _plain(str(one)) == _plain(str(other))


def _text(value: str | None, most: int) -> str | None:
    text = controls.cleaned(value) if value is not None else ""
    # Half of a character is no text, and PostgreSQL takes none.
    whole = not any("\ud800" <= sign <= "\udfff" for sign in text)
    return text if whole and 0 < len(text) <= most else None


def _fit(value: str | None, parse: Callable[[str], Any]) -> str | None:
    """The value where it is fit to be stored: one that is not says nothing of the others."""
    found = parse(controls.cleaned(value)) if value is not None else None
    return None if found is None or isinstance(found, Unfit) else str(found)
