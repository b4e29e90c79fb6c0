"""What is known of companies and people while events are applied, and who is meant by an event."""

from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime
from decimal import Decimal

from bg_assets.domain.enrichment.names import is_another
from bg_assets.domain.webhooks.events import Event, Party
from bg_assets.domain.webhooks.seen import Seen, is_older

# So many who share an e-mail or a domain are never told apart, and no more of them are read.
CROWD = 8
_ANOTHER = (
    "somebody of quite another name has the e-mail here: who is meant can't be told; needed is an "
    "import in which the person has the id that the source uses"
)
# What an identity leads to whose person was erased.
ERASED = ""


@dataclass(frozen=True, slots=True)
class Source:
    """What a source may do, and where what it creates belongs.

    alone: whether there is no other source whose ids might be meant.
    """

    workspace: str
    may_create: bool
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Company:
    """What we know of a company; the names of the fields are those of the columns."""

    id: str
    workspace: str
    name: str | None = None
    domain: str | None = None
    deleted: bool = False
    website: str | None = None
    industry: str | None = None
    employee_min: int | None = None
    employee_max: int | None = None
    revenue: Decimal | None = None
    country: str | None = None
    observed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """What we know of a person; the names of the fields are those of the columns."""

    id: str
    company_id: str | None
    name: str | None = None
    title: str | None = None
    department: str | None = None
    seniority: str | None = None
    email: str | None = None
    location: str | None = None
    manager_id: str | None = None
    start_date: date | None = None
    end_date: date | None = None
    status: str | None = "active"
    observed_at: datetime | None = None
    deleted: bool = False


# What events may change of a person: written as a whole, so that no column may be missing here.
PERSON_COLUMNS = tuple(one.name for one in fields(Person) if one.name not in ("id", "deleted"))
# What events may change of a company, written as a whole too.
COMPANY_COLUMNS = tuple(one.name for one in fields(Company) if one.name not in ("id", "deleted"))

# Kind (person or company), source, and the source's id.
Identity = tuple[str, str, str]
# A workspace, and an e-mail or a domain in small letters.
Place = tuple[str, str]


@dataclass(slots=True)
class Known:
    """All that is known before an event, and after it; the last ten are what is to be written.

    by_email and by_domain hold candidates: everybody who had it when this was read or got it
    since. locked: people whom somebody else is writing just now; busy: companies likewise. seen:
    when each value of a person was told, of those of whom a part was told last; heard: of a
    company. removed: who is gone for good, with whom they turned out to be; None where they were
    erased. joined: companies that are one with another, by the one that ended. theirs: who stands
    in a table of somebody else's, and copied: of whom a row is kept beside it. merged: since when a
    source's id is that of a record which is one with another. closed: why no company is created
    here, where that is so.
    """

    sources: dict[str, Source] = field(default_factory=dict)
    identities: dict[Identity, str] = field(default_factory=dict)
    merged: dict[Identity, datetime] = field(default_factory=dict)
    companies: dict[str, Company] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    by_domain: dict[Place, tuple[str, ...]] = field(default_factory=dict)
    by_email: dict[Place, tuple[str, ...]] = field(default_factory=dict)
    closed: str | None = None
    locked: frozenset[str] = frozenset()
    busy: frozenset[str] = frozenset()
    seen: dict[str, Seen] = field(default_factory=dict)
    heard: dict[str, Seen] = field(default_factory=dict)
    new_companies: list[str] = field(default_factory=list)
    new_people: dict[str, None] = field(default_factory=dict)
    changed_people: dict[str, None] = field(default_factory=dict)
    new_identities: dict[Identity, None] = field(default_factory=dict)
    refreshes: dict[str, None] = field(default_factory=dict)
    changed_seen: dict[str, None] = field(default_factory=dict)
    removed: dict[str, str | None] = field(default_factory=dict)
    theirs: frozenset[str] = frozenset()
    copied: set[str] = field(default_factory=set)
    changed_companies: dict[str, None] = field(default_factory=dict)
    changed_heard: dict[str, None] = field(default_factory=dict)
    joined: dict[str, str] = field(default_factory=dict)


def find_person(known: Known, source: str, event: Event, workspace: str) -> Person | str | None:
    """Who is meant; a reason where that can't be told or they are deleted, None for nobody."""
    party = event.person
    if party is None or party.id is None:
        return None
    if any(known.identities.get(("person", source, one)) == ERASED for one in party.ids):
        return "the person was erased here"
    person = whom(known, source, party)
    if person is not None:
        return "the person is deleted here" if person.deleted else person
    for email in (party.email, event.old_email):
        if email is None:
            continue
        ids = known.by_email.get((workspace, email.lower()), ())
        people = (known.people[person_id] for person_id in ids if person_id in known.people)
        owners = [one for one in people if _has(one, email, workspace, known)]
        if len(ids) >= CROWD or len(owners) > 1:
            return "several people have the e-mail: who is meant can't be told"
        if owners:
            name, ours = party.name or event.values.get("name"), owners[0].name
            return _ANOTHER if name and ours and is_another(name, ours) else owners[0]
    return None


def whom(known: Known, source: str, party: Party) -> Person | None:
    """Who has the id, by what the source called them before, else by ours; deleted ones too."""
    for one in party.ids:
        ours = known.identities.get(("person", source, one))
        person = known.people.get(ours or "") or known.people.get(one)
        if person is not None:
            return person
    return None


def is_called(known: Known, source: str, party: Party, kind: str = "person") -> bool:
    """Whether the source has told of somebody, or of a company, by this id before."""
    return any((kind, source, one) in known.identities for one in party.ids)


def _has(person: Person, email: str, workspace: str, known: Known) -> bool:
    company = known.companies.get(person.company_id or "")
    return (
        not person.deleted
        and (person.email or "").lower() == email.lower()
        and company is not None
        and company.workspace == workspace
    )


def find_company(known: Known, source: str, party: Party, workspace: str) -> Company | str | None:
    """The company that is meant; a reason where that can't be told or it is deleted."""
    company = whose(known, source, party)
    if company is None and party.domain is not None:
        ids = known.by_domain.get((workspace, party.domain.lower()), ())
        companies = [
            known.companies[company_id] for company_id in ids if company_id in known.companies
        ]
        live = [one for one in companies if not one.deleted]
        if len(ids) >= CROWD or len(live) > 1:
            return "several companies have the domain: which is meant can't be told"
        company = next(iter(live or companies), None)
    if company is not None and company.deleted:
        return "the company is no longer tracked"
    return company


def whose(known: Known, source: str, party: Party) -> Company | None:
    """The company that has the id, as `whom` finds people; deleted ones too."""
    for one in party.ids:
        ours = known.identities.get(("company", source, one), "")
        company = known.companies.get(home(known, ours)) or known.companies.get(home(known, one))
        if company is not None:
            return company
    return None


def home(known: Known, company_id: str) -> str:
    """The company's id; of one that is one with another, the other's."""
    while company_id in known.joined:
        company_id = known.joined[company_id]
    return company_id


def at_home(known: Known, person: Person) -> Person:
    """The person; at the company that theirs is one with."""
    there = home(known, person.company_id or "")
    if there == (person.company_id or ""):
        return person
    known.people[person.id] = replace(person, company_id=there)
    return known.people[person.id]


def put_company(known: Known, source: str, party: Party, company: Company) -> None:
    """Note what the source calls the company, and the company itself where it is new."""
    recognise(known, "company", source, party, company.id)
    if company.id in known.companies:
        return
    known.companies[company.id] = company
    known.new_companies.append(company.id)
    if company.domain is not None:
        _add(known.by_domain, (company.workspace, company.domain.lower()), company.id)


def change_company(known: Known, company: Company, heard: Seen) -> None:
    """Note a company as it is from now on, and when each of its values was told."""
    before = known.companies[company.id]
    known.companies[company.id] = company
    known.changed_companies[company.id] = None
    known.heard[company.id] = heard
    known.changed_heard[company.id] = None
    if before.domain is not None and before.domain != company.domain:
        place = (before.workspace, before.domain.lower())
        rest = (one for one in known.by_domain.get(place, ()) if one != company.id)
        known.by_domain[place] = tuple(rest)
    if company.domain is not None:
        _add(known.by_domain, (company.workspace, company.domain.lower()), company.id)


def put_person(known: Known, person: Person) -> None:
    """Note a person who is new, or as they are from now on."""
    if person.id not in known.people:
        known.new_people[person.id] = None
    elif person.id not in known.new_people:
        known.changed_people[person.id] = None
    known.people[person.id] = person
    # Whoever tells a part says so after this.
    known.seen.pop(person.id, None)
    known.changed_seen.pop(person.id, None)
    company = known.companies.get(person.company_id or "")
    if person.email is not None and company is not None:
        _add(known.by_email, (company.workspace, person.email.lower()), person.id)


def see(known: Known, person_id: str, seen: Seen) -> None:
    """Note when each value of somebody was told."""
    known.seen[person_id] = seen
    known.changed_seen[person_id] = None


def remove(known: Known, person_id: str, survivor: str | None) -> None:
    """Nobody is found under this id any more; ``survivor`` is who they turned out to be."""
    known.people.pop(person_id)
    known.removed[person_id] = survivor
    for of_it in (known.new_people, known.changed_people, known.changed_seen):
        of_it.pop(person_id, None)
    known.seen.pop(person_id, None)
    if survivor is not None:
        for identity, ours in known.identities.items():
            if ours == person_id:
                known.identities[identity] = survivor


def rename(known: Known, was: str, now: str) -> None:
    """Somebody new has another id than it was thought: the one that their table gave."""
    known.people[now] = replace(known.people.pop(was), id=now)
    for identity, ours in known.identities.items():
        if ours == was:
            known.identities[identity] = now
    for place, ids in known.by_email.items():
        known.by_email[place] = tuple(now if one == was else one for one in ids)
    if was in known.seen:
        known.seen[now] = known.seen.pop(was)
    known.new_people.pop(was)
    if known.changed_seen.pop(was, 0) is None:
        known.changed_seen[now] = None


def _add(places: dict[Place, tuple[str, ...]], place: Place, found: str) -> None:
    ids = places.get(place, ())
    if found not in ids and len(ids) < CROWD:
        places[place] = (*ids, found)


def recognise(known: Known, kind: str, source: str, party: Party, ours: str) -> None:
    """Note whom, or which company, the source's id means from now on."""
    identity = (kind, source, party.id or "")
    before = known.identities.get(identity)
    if before != ours:
        if before is None or kind == "person" or home(known, before) != ours:
            # It is the id of somebody else from now on.
            known.merged.pop(identity, None)
        known.identities[identity] = ours
        known.new_identities[identity] = None


def join(known: Known, kind: str, source: str, event: Event, ours: str) -> None:
    """Both ids of a merger mean the one that stays; that of the other since the event's time."""
    party = event.company if event.person is None else event.person
    for one in (Party(event.into), party):
        recognise(known, kind, source, one, ours)
    ended, stays = ((kind, source, one or "") for one in (party.id, event.into))
    if stays in known.merged and not is_older(event.occurred_at, known.merged[stays]):
        # What was one with another goes on under its own id.
        known.merged.pop(stays)
        known.new_identities[stays] = None
    if ended not in known.merged:
        known.merged[ended] = event.occurred_at
        known.new_identities[ended] = None
