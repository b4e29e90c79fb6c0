"""What follows from events: what we know of companies and people after them.

Events are folded one after another over what was known before. Nothing is read or written here.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from bg_assets.domain.values.unfit import Unfit
from bg_assets.domain.webhooks import changing, companies
from bg_assets.domain.webhooks.changing import OLDER
from bg_assets.domain.webhooks.events import OF_COMPANIES, PARTS, TYPES, Event, Party
from bg_assets.domain.webhooks.known import (
    Company,
    Known,
    Person,
    Source,
    at_home,
    find_company,
    find_person,
    is_called,
    put_company,
    put_person,
    recognise,
    whom,
)
from bg_assets.domain.webhooks.seen import COMPANY, OF_THE_PERSON, is_older, later

_NOBODY = (
    "the person is not known, and the source may not create it; needed is an import in which the "
    "person has the id that the source uses, or an e-mail in the event that is known here"
)
_NOT_CALLED = (
    "somebody has this id here whom the source never told of, and there are other sources: that it "
    "is the same person can't be told, and what is deleted can't be brought back"
)
_THEIRS = (
    "the person stands in a table that is attached, from which nothing of ours deletes: delete the "
    "row there, then `bg-assets requeue` forgets what is kept here"
)
_NO_NAME = "the person is not known; to create it the event must tell person.name"
_NO_EMPLOYER = "the person is not known; to create it the event must tell company.id"

_ITSELF = "it says that a record is one with itself: nothing follows from that"
_ENDED = (
    "that record is one with another: whether it is there by itself says nothing of the one that "
    "stays"
)
_BEFORE = "that record is one with another: what happened before says nothing of the one that stays"


@dataclass(frozen=True, slots=True)
class Pending:
    """An event that waits, with its number and its source; Unfit where it can't be read."""

    id: int
    source: str
    event: Event | Unfit


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of an event; the reason tells no value of it.

    ``person_id`` and ``company_id``, ours, are those whom an applied one is about.
    """

    id: int
    status: Literal["applied", "ignored", "dead"]
    reason: str | None = None
    person_id: str | None = field(default=None, compare=False)
    company_id: str | None = field(default=None, compare=False)


def fold(known: Known, events: Iterable[Pending]) -> tuple[Known, list[Verdict]]:
    """What is known after these events, in their order, and what became of each.

    What was known before stays as it is. An event without a verdict is left pending: it is about
    somebody who is locked.
    """
    after = replace(
        known,
        identities=dict(known.identities),
        merged=dict(known.merged),
        companies=dict(known.companies),
        people=dict(known.people),
        by_domain=dict(known.by_domain),
        by_email=dict(known.by_email),
        new_companies=[],
        new_people={},
        changed_people={},
        new_identities={},
        refreshes={},
        seen=dict(known.seen),
        changed_seen={},
        removed={},
        copied=set(known.copied),
        heard=dict(known.heard),
        changed_companies={},
        changed_heard={},
        joined={},
    )
    verdicts = (_apply(after, pending) for pending in events)
    return after, [verdict for verdict in verdicts if verdict is not None]


def _apply(known: Known, one: Pending) -> Verdict | None:
    event, source = one.event, known.sources.get(one.source)
    if isinstance(event, Unfit):
        return Verdict(one.id, "dead", f"{event.field} {event.reason}")
    if event.type not in TYPES:
        return Verdict(one.id, "ignored", "its type is not known here")
    if source is None:
        return Verdict(one.id, "dead", "its source is not known any more")
    passed = _passed_over(known, one.source, event)
    if passed is not None:
        return Verdict(one.id, "ignored", passed)
    if event.type in OF_COMPANIES:
        became = companies.apply(known, one.source, event, source)
        if became is None:
            return None
        return Verdict(one.id, became.status, became.reason, company_id=became.id)
    if event.person is None:
        return _request(known, one, event, source)
    if event.type in ("person.erased", "person.merged"):
        return _removed(known, one, event, source)
    return _about(known, one, event, source)


def _passed_over(known: Known, source: str, event: Event) -> str | None:
    """Why nothing follows from an event under an id of two that are one, where that is so.

    What happened to the record that ended is no matter of the one that stays; what is told of it
    since is.
    """
    kind, party = ("company", event.company) if event.person is None else ("person", event.person)
    if event.type in ("person.merged", "company.merged"):
        return _ITSELF if event.into in party.ids else None
    since = [known.merged.get((kind, source, one)) for one in party.ids]
    merged = max((at for at in since if at is not None), default=None)
    if merged is None or event.type == "person.erased":
        return None
    if event.type.endswith((".deleted", ".restored")):
        return _ENDED
    return _BEFORE if is_older(event.occurred_at, merged) else None


def _about(known: Known, one: Pending, event: Event, source: Source) -> Verdict | None:
    """What an event leads to that tells of a person."""
    assert event.person is not None
    person = find_person(known, one.source, event, source.workspace)
    if event.type in ("person.restored", "person.deleted"):
        # Only here somebody who is deleted may be meant.
        person = whom(known, one.source, event.person) or person
    if isinstance(person, str):
        return Verdict(one.id, "dead", person)
    if person is None:
        return _unknown(known, one, event, source)
    if person.id in known.locked:
        return None
    person = at_home(known, person)
    recognise(known, "person", one.source, event.person, person.id)
    if event.type in PARTS:
        return _part(known, one, event, source, person)
    if is_older(event.occurred_at, _since(known, event, person)):
        return Verdict(one.id, "ignored", OLDER)
    return _tell(known, one, event, source, person)


def _since(known: Known, event: Event, person: Person) -> datetime | None:
    """What an event must not be older than. Of a departure the company counts, where it has a time
    of its own: a title may well be newer.
    """
    seen = known.seen.get(person.id) if event.type == "person.left" else None
    return person.observed_at if seen is None else seen.last(COMPANY)


def _removed(known: Known, one: Pending, event: Event, source: Source) -> Verdict | None:
    """Of somebody who is to be forgotten, or turned out to be somebody else."""
    assert event.person is not None
    parties = (event.person, Party(event.into))
    found = [whom(known, one.source, party) for party in parties]
    if any(person is not None and person.id in known.locked for person in found):
        return None
    if found[0] is not None and not (source.alone or is_called(known, one.source, event.person)):
        return Verdict(one.id, "dead", _NOT_CALLED)
    if found[0] is not None and found[0].id in known.theirs:
        return Verdict(one.id, "dead", _THEIRS)
    if event.type == "person.erased":
        status, reason = changing.erase(known, one.source, event, found[0])
    else:
        status, reason = changing.merge(known, one.source, event)
    there = next((person for person in found if person is not None), None)
    if there is None or status != "applied":
        return Verdict(one.id, status, reason)
    return Verdict(one.id, status, reason, there.id, there.company_id)


def _part(known: Known, one: Pending, event: Event, source: Source, person: Person) -> Verdict:
    """What an event says of a part of somebody whom we know."""
    if event.type != "person.changed":
        status, reason = changing.presence(known, event, person)
        return Verdict(one.id, status, reason, person.id, person.company_id)
    company = None
    if event.company.id is not None:
        found = companies.meant(known, one.source, event, source)
        if isinstance(found, str):
            return Verdict(one.id, "dead", found)
        company = found
        put_company(known, one.source, event.company, company)
    status, reason = changing.change(known, event, person, company)
    return Verdict(one.id, status, reason, person.id, known.people[person.id].company_id)


def _request(known: Known, one: Pending, event: Event, source: Source) -> Verdict:
    company = companies.meant(known, one.source, event, source)
    if isinstance(company, str):
        return Verdict(one.id, "dead", company)
    put_company(known, one.source, event.company, company)
    known.refreshes[company.id] = None
    return Verdict(one.id, "applied", company_id=company.id)


def _unknown(known: Known, one: Pending, event: Event, source: Source) -> Verdict:
    """What an event leads to that is about somebody whom we don't know yet."""
    assert event.person is not None
    if event.type in ("person.deleted", "person.restored"):
        return Verdict(one.id, "ignored", "the person is not known here")
    if event.type == "person.left" and source.may_create:
        return Verdict(one.id, "ignored", "the person who left is not known")
    if not source.may_create:
        return Verdict(one.id, "dead", _NOBODY)
    if event.company.id is None:
        return Verdict(one.id, "dead", _NO_EMPLOYER)
    company = companies.meant(known, one.source, event, source)
    if isinstance(company, str):
        return Verdict(one.id, "dead", company)
    created = _created(event, company)
    if created.name is None:
        return Verdict(one.id, "dead", _NO_NAME)
    put_company(known, one.source, event.company, company)
    put_person(known, created)
    recognise(known, "person", one.source, event.person, created.id)
    return Verdict(one.id, "applied", person_id=created.id, company_id=company.id)


def _tell(known: Known, one: Pending, event: Event, source: Source, person: Person) -> Verdict:
    """What an event says of a person whom we know."""
    leaves = event.type == "person.left"
    if leaves and source.may_create:
        # Nobody can have left a company that we don't know.
        company = find_company(known, one.source, event.company, source.workspace)
        if company is None:
            return Verdict(one.id, "ignored", "the person is not known to be at that company")
    else:
        company = companies.meant(known, one.source, event, source)
    if isinstance(company, str):
        return Verdict(one.id, "dead", company)
    put_company(known, one.source, event.company, company)
    if not leaves:
        put_person(known, _changed(person, event, company))
    elif person.company_id != company.id:
        return Verdict(one.id, "ignored", "the person is not known to be at that company")
    else:
        seen = later(event.occurred_at, person.observed_at)
        put_person(known, replace(person, status="left", observed_at=seen))
    return Verdict(one.id, "applied", person_id=person.id, company_id=company.id)


def _created(event: Event, company: Company) -> Person:
    assert event.person is not None
    party = event.person
    values: dict[str, Any] = {"name": party.name, "email": party.email, **event.values}
    return Person(party.id or "", company.id, observed_at=event.occurred_at, **values)


def _changed(person: Person, event: Event, company: Company) -> Person:
    """The person after an event that says where they work now: never what the old job was."""
    assert event.person is not None
    seen = later(event.occurred_at, person.observed_at)
    if person.company_id != company.id:
        stays: dict[str, Any] = {name: getattr(person, name) for name in OF_THE_PERSON}
        person = Person(person.id, company.id, **stays)
    elif event.type != "person.contact_update":
        over = person.end_date is not None and person.end_date < event.occurred_at.date()
        back = person.status == "left"
        person = replace(
            person, status="active", end_date=None if over or back else person.end_date
        )
    # What we don't know yet is taken from how the source names the person.
    told: dict[str, Any] = {
        "name": person.name or event.person.name,
        "email": person.email or event.person.email,
        **event.values,
    }
    return replace(person, observed_at=seen, **told)
