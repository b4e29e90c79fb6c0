"""What follows from events about companies: which is meant, their profile, their end and mergers.

Nothing is read or written here.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal

from bg_assets.domain.values.companies import parse_company_id, parse_name
from bg_assets.domain.values.unfit import Unfit
from bg_assets.domain.webhooks.events import Event, Party
from bg_assets.domain.webhooks.known import (
    Company,
    Known,
    Source,
    change_company,
    find_company,
    is_called,
    join,
    put_company,
    recognise,
    whose,
)
from bg_assets.domain.webhooks.seen import PRESENCE, Seen, is_older, later, news

OLDER = "older than what is known of the company"
_NO_COMPANY = (
    "the company is not known, and the source may not create it; needed is an import in which the "
    "company has the id that the source uses, or a domain in the event that is known here"
)
_THERE = (
    "needed is its row there, with the id that the source uses or a domain that the event tells"
)
_NOT_CALLED = (
    "a company has this id here of which the source never told, and there are other sources: that "
    "it is the same one can't be told, and what is merged can't be taken apart; needed is an "
    "import with --source, named like the source"
)


@dataclass(frozen=True, slots=True)
class Became:
    """What became of an event about a company; ``id``, ours, where it is about one we know."""

    status: Literal["applied", "ignored", "dead"]
    reason: str | None = None
    id: str | None = None


def meant(known: Known, source: str, event: Event, rights: Source) -> Company | str:
    """The company that an event names, or a new one; a reason where there is none."""
    company = find_company(known, source, event.company, rights.workspace)
    if company is not None:
        return company
    return _created(known, event.company, event, rights)


def apply(known: Known, source: str, event: Event, rights: Source) -> Became | None:
    """What an event about a company leads to. None: somebody else is writing it just now."""
    if event.type == "company.merged":
        return _merged(known, source, event, rights)
    company = whose(known, source, event.company)
    if event.type == "company.changed":
        return _changed(known, source, event, rights, company)
    if company is None:
        return Became("ignored", "the company is not known here")
    if company.id in known.busy:
        return None
    return _presence(known, source, event, company)


def _changed(
    known: Known, source: str, event: Event, rights: Source, company: Company | None
) -> Became | None:
    """A company's profile. One that is not tracked has one too: it may come back."""
    if not event.values:
        return Became("ignored", "it tells nothing that is kept of a company")
    told = event.values.get("name"), event.values.get("domain")
    party = replace(
        event.company,
        name=told[0] or event.company.name,
        domain=event.company.domain or told[1],
    )
    found = company or find_company(known, source, party, rights.workspace)
    if found is None:
        found = _created(known, party, event, rights)
    if isinstance(found, str):
        return Became("dead", found)
    if found.id in known.busy:
        return None
    is_new = found.id not in known.companies
    put_company(known, source, party, found)
    # Of a new one nobody has seen the whole: what else is told of it is news, though it be older.
    heard = known.heard.get(found.id) or Seen(None if is_new else found.observed_at)
    fresh = news(heard, event.values, event.occurred_at)
    if not fresh:
        return Became("ignored", OLDER, found.id)
    values: dict[str, Any] = {name: event.values[name] for name in fresh}
    _put(known, replace(found, **values), heard.with_told(fresh, event.occurred_at), event)
    return Became("applied", id=found.id)


def _presence(known: Known, source: str, event: Event, company: Company) -> Became:
    """A company whose record was deleted, or is back: its people stay where they are."""
    gone, at = event.type == "company.deleted", event.occurred_at
    heard = known.heard.get(company.id) or Seen(company.observed_at)
    if is_older(at, heard.last(PRESENCE)):
        return Became("ignored", OLDER, company.id)
    if gone == company.deleted:
        # An older one that comes later is older than this.
        _put(known, company, heard.with_told((PRESENCE,), at), event)
        why = "the company is not tracked" if gone else "the company is tracked already"
        return Became("ignored", why, company.id)
    recognise(known, "company", source, event.company, company.id)
    _put(known, replace(company, deleted=gone), heard.with_told((PRESENCE,), at), event)
    return Became("applied", id=company.id)


def _merged(known: Known, source: str, event: Event, rights: Source) -> Became | None:
    """Two companies are one from now on: the first ends, and whoever is there is at the other."""
    into = Party(event.into)
    loser, survivor = (whose(known, source, party) for party in (event.company, into))
    if loser is None and survivor is None:
        return Became("ignored", "neither of the two is known here")
    if any(one is not None and one.id in known.busy for one in (loser, survivor)):
        return None
    if loser is None or survivor is None or loser.id == survivor.id:
        one = survivor or loser
        assert one is not None
        join(known, "company", source, event, one.id)
        return Became("applied", id=one.id)
    if not (rights.alone or is_called(known, source, event.company, "company")):
        return Became("dead", _NOT_CALLED, loser.id)
    join(known, "company", source, event, survivor.id)
    if survivor.deleted and not loser.deleted:
        # What is tracked goes on being so, under the other's id.
        _renew(known, replace(survivor, deleted=False), event)
    if not loser.deleted:
        _renew(known, replace(loser, deleted=True), event)
    known.joined[loser.id] = survivor.id
    return Became("applied", id=survivor.id)


def _renew(known: Known, company: Company, event: Event) -> None:
    heard = known.heard.get(company.id) or Seen(company.observed_at)
    _put(known, company, heard.with_told((PRESENCE,), event.occurred_at), event)


def _put(known: Known, company: Company, heard: Seen, event: Event) -> None:
    seen = later(event.occurred_at, company.observed_at)
    change_company(known, replace(company, observed_at=seen), heard)


def _created(known: Known, party: Party, event: Event, rights: Source) -> Company | str:
    """A new company as an event names it; a reason where it can't be."""
    if known.closed is not None:
        return f"the company is not known, and {known.closed}; {_THERE}"
    if not rights.may_create:
        return _NO_COMPANY
    for part, value, parse in (
        ("id", party.id, parse_company_id),
        ("name", party.name, parse_name),
    ):
        parsed = parse(value or "")
        if isinstance(parsed, Unfit):
            return f"the company can't be created: its {part} {parsed.reason}"
    at = event.occurred_at
    return Company(party.id or "", rights.workspace, party.name, party.domain, observed_at=at)
