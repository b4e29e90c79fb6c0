"""What follows from events that tell a part of a person, or that there is no such person any more.

A part: a property at a time, as CRMs send them. Nothing is read or written here.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

from bg_assets.domain.webhooks.events import Event, Party
from bg_assets.domain.webhooks.known import (
    ERASED,
    Company,
    Known,
    Person,
    join,
    put_person,
    recognise,
    remove,
    see,
    whom,
)
from bg_assets.domain.webhooks.seen import (
    COMPANY,
    PRESENCE,
    Seen,
    is_older,
    kept_on_a_move,
    later,
    news,
)

OLDER = "older than what is known of the person"
Outcome = tuple[Literal["applied", "ignored", "dead"], str | None]
APPLIED: Outcome = ("applied", None)


def change(known: Known, event: Event, person: Person, company: Company | None) -> Outcome:
    """Somebody we know after what an event tells of them, and of their employer where it does."""
    at = event.occurred_at
    seen = known.seen.get(person.id) or Seen(person.observed_at)
    told = {*event.values, *((COMPANY,) if company else ())}
    if not told:
        return "ignored", "it tells nothing that is kept of a person"
    fresh = news(seen, told, at)
    if not fresh:
        return "ignored", OLDER
    if company is not None and COMPANY in fresh:
        person = _employed(person, event, company, seen)
    values: dict[str, Any] = {name: value for name, value in event.values.items() if name in fresh}
    _put(known, replace(person, **values), seen.with_told(fresh, at), at)
    return APPLIED


def presence(known: Known, event: Event, person: Person) -> Outcome:
    """Somebody whose record was deleted, or is back."""
    seen = known.seen.get(person.id) or Seen(person.observed_at)
    if is_older(event.occurred_at, seen.last(PRESENCE)):
        return "ignored", OLDER
    gone, at = event.type == "person.deleted", event.occurred_at
    if gone == person.deleted:
        # An older one that comes later is older than this.
        _put(known, person, seen.with_told((PRESENCE,), at), at)
        return "ignored", "the person is deleted here" if gone else "the person is not deleted here"
    _put(known, replace(person, deleted=gone), seen.with_told((PRESENCE,), at), at)
    return APPLIED


def erase(known: Known, source: str, event: Event, person: Person | None) -> Outcome:
    """Nothing is kept of the person but that they were erased: later events find nobody.

    Whatever is known of when: what is to be forgotten is forgotten.
    """
    assert event.person is not None
    if person is not None:
        remove(known, person.id, None)
    else:
        # They may stand in a table that is not attached just now: so as to know them there again.
        called = {known.identities.get(("person", source, one)) for one in event.person.ids}
        known.removed.update((ours, None) for ours in called if ours not in (None, ERASED))
    recognise(known, "person", source, event.person, ERASED)
    return APPLIED


def merge(known: Known, source: str, event: Event) -> Outcome:
    """Two of the source's people are one from now on: the first becomes the other."""
    assert event.person is not None
    into = Party(event.into)
    loser, survivor = (whom(known, source, party) for party in (event.person, into))
    if loser is None and survivor is None:
        return "ignored", "neither of the two is known here"
    if loser is None or survivor is None:
        one = loser or survivor
        assert one is not None
        join(known, "person", source, event, one.id)
        return APPLIED
    join(known, "person", source, event, survivor.id)
    if loser.id != survivor.id:
        remove(known, loser.id, survivor.id)
    return APPLIED


def _employed(person: Person, event: Event, company: Company, seen: Seen) -> Person:
    """The person at the company that an event names; what was of another job does not stay."""
    if person.company_id != company.id:
        kept = kept_on_a_move(seen, event.occurred_at)
        stays: dict[str, Any] = {name: getattr(person, name) for name in kept}
        return Person(person.id, company.id, observed_at=person.observed_at, **stays)
    if event.values:
        # Where a record tells everything, the company in it is no news.
        return person
    over = person.end_date is not None and person.end_date < event.occurred_at.date()
    back = person.status == "left"
    return replace(person, status="active", end_date=None if over or back else person.end_date)


def _put(known: Known, person: Person, seen: Seen, at: datetime) -> None:
    person = replace(person, observed_at=later(at, person.observed_at))
    put_person(known, person)
    see(known, person.id, seen)
