"""What an event of the webhook door says: its body read and checked, field by field.

Who is meant, and what follows from it, is not decided here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from bg_assets.domain.values.columns import PEOPLE
from bg_assets.domain.values.unfit import Unfit
from bg_assets.domain.webhooks import company_fields, fields, strict_json
from bg_assets.domain.webhooks.fields import Field, UnfitField

_OF_A_PERSON = ("timestamp", "company.id", "person.id")
_OF_WHOM = ("timestamp", "person.id")
_OF_A_COMPANY = ("timestamp", "company.id")
# The types of events, and what each must tell.
NEEDED: Mapping[str, tuple[str, ...]] = {
    "person.role_change": _OF_A_PERSON,
    "person.company_change": _OF_A_PERSON,
    "person.promotion": _OF_A_PERSON,
    "person.department_change": _OF_A_PERSON,
    "person.joined": _OF_A_PERSON,
    "person.left": _OF_A_PERSON,
    "person.contact_update": _OF_A_PERSON,
    "person.changed": _OF_WHOM,
    "person.deleted": _OF_WHOM,
    "person.restored": _OF_WHOM,
    "person.erased": _OF_WHOM,
    "person.merged": (*_OF_WHOM, "into"),
    "company.refresh_requested": _OF_A_COMPANY,
    "company.changed": _OF_A_COMPANY,
    "company.deleted": _OF_A_COMPANY,
    "company.restored": _OF_A_COMPANY,
    "company.merged": (*_OF_A_COMPANY, "into"),
}
TYPES = tuple(NEEDED)
# What tells of a company itself, and not of somebody there.
OF_COMPANIES = frozenset(
    {"company.changed", "company.deleted", "company.restored", "company.merged"}
)
# What tells a part of somebody: the rest stays as it is known, and each value has its own time.
PARTS = frozenset({"person.changed", "person.deleted", "person.restored"})

# What is read of a company, of a person, and of a person in `changes`.
COMPANY: Mapping[str, Field[str]] = {
    "id": fields.REFERENCE,
    "name": fields.TEXT,
    "domain": fields.DOMAIN,
    "also": fields.REFERENCE,
}
PERSON: Mapping[str, Field[str]] = {
    "id": fields.REFERENCE,
    "name": fields.BY_FORM["name"],
    "email": fields.BY_FORM["e-mail"],
    "also": fields.REFERENCE,
}
CHANGES: Mapping[str, Field[str]] = {
    column.name: fields.BY_FORM[column.form] for column in PEOPLE if column.in_events
}


@dataclass(frozen=True, slots=True)
class Party:
    """A person or a company as the source names it: its own id, a name, an e-mail or a domain.

    also: another way in which its id may have come here.
    """

    id: str | None
    name: str | None = None
    email: str | None = None
    domain: str | None = None
    also: str | None = None

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids by which it may be known."""
        return tuple(one for one in (self.id, self.also) if one is not None)


@dataclass(frozen=True, slots=True)
class Event:
    """One event. ``type`` may be none of TYPES: then the rest is what could be read.

    company: the present employer; of a person who left, the one left; the one that an event is
    about which is of no person. values: what the event says of the person, or of that company, as
    it is now, by column; a column that is not there is not spoken of, None is "unknown from now
    on". old_email: what the e-mail was before. into: the id of whom the person, or the company, is
    one with, where two turned out to be one.
    """

    event_id: str | None
    source: str | None
    type: str
    occurred_at: datetime
    company: Party
    person: Party | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    old_email: str | None = None
    into: str | None = None


def read_body(raw: bytes, now: datetime) -> Event | Unfit:
    """The event in a request's body, UTF-8 JSON; see ``read_event``."""
    document = parse_body(raw)
    return document if isinstance(document, Unfit) else read_event(document, now)


def parse_body(raw: bytes) -> object:
    """The JSON document in a body, or Unfit."""
    try:
        return strict_json.parse(raw)
    except UnfitField as err:
        return err.unfit


def read_event(document: object, now: datetime) -> Event | Unfit:
    """The event that a JSON document is, or Unfit with the first field that is wrong.

    Never raises. ``now`` is the reader's clock: an event may be a day ahead of it at most. A type
    that is not known is no error; nothing else of such an event is checked.
    """
    try:
        body = fields.required(fields.mapping(document, "body"), "body")
        kind = fields.required(fields.TYPE.read(body.get("type"), "type"), "type")
        return _known(body, kind, now) if kind in NEEDED else _unknown(body, kind, now)
    except UnfitField as err:
        return err.unfit


def _known(body: Mapping[str, Any], kind: str, now: datetime) -> Event:
    event_id = _event_id(body)
    source = _source(body)
    occurred_at = fields.moment(body.get("timestamp"), "timestamp", now)
    company = _company(body, NEEDED[kind])
    changes = fields.mapping(body.get("changes"), "changes") or {}
    into = fields.REFERENCE.read(body.get("into"), "into")
    if "into" in NEEDED[kind]:
        fields.required(into, "into")
    if "person.id" not in NEEDED[kind]:
        of_it = company_fields.values(changes) if kind == "company.changed" else {}
        return Event(event_id, source, kind, occurred_at, company, values=of_it, into=into)
    person = _needed_party(body, "person", PERSON, NEEDED[kind])
    told = body["person"]
    values, before = _values(changes)
    old_title, new_title = (_told_title(told, when) for when in ("old", "new"))
    _agree(before.get("title"), old_title, "person.oldTitle", "changes.title.old")
    if new_title is not None:
        if "title" in values and values["title"] != new_title:
            raise UnfitField("person.newTitle", "says something else than changes.title.new")
        values["title"] = new_title
    if kind == "person.contact_update":
        values.setdefault("name", person.name)
        if person.email is not None:
            values.setdefault("email", person.email)
    old, new = (_other_company(told, changes, when) for when in ("old", "new"))
    other, name = (old, "old") if kind == "person.left" else (new, "new")
    _same_company(company, other, f"person.{name}Company", "company")
    before_email = before.get("email")
    return Event(event_id, source, kind, occurred_at, company, person, values, before_email, into)


def _company(body: Mapping[str, Any], needed: tuple[str, ...]) -> Party:
    """The company; one without an id where the event need not name any."""
    if "company.id" in needed:
        return _needed_party(body, "company", COMPANY, needed)
    told = fields.mapping(body.get("company"), "company")
    party = Party(None) if told is None else _party(told, "company")
    if party.id is None and party != Party(None):
        raise UnfitField("company.id", "is required")
    return party


def _unknown(body: Mapping[str, Any], kind: str, now: datetime) -> Event:
    """All that can be read of an event whose type we don't know."""

    def party(name: str) -> Party | None:
        told = body.get(name)
        if not isinstance(told, dict):
            return None
        return Party(fields.leniently(lambda: fields.reference(told.get("id"), "id")))

    at = fields.leniently(lambda: fields.moment(body.get("timestamp"), "timestamp", now))
    return Event(
        fields.leniently(lambda: _event_id(body)),
        fields.leniently(lambda: _source(body)),
        kind,
        at or now,
        party("company") or Party(None),
        party("person"),
    )


def _event_id(body: Mapping[str, Any]) -> str | None:
    return fields.EVENT_ID.read(body.get("id"), "id")


def _source(body: Mapping[str, Any]) -> str | None:
    return fields.SOURCE.read(body.get("source"), "source")


def _needed_party(
    body: Mapping[str, Any], at: str, parts: Mapping[str, Field[str]], needed: tuple[str, ...]
) -> Party:
    told = fields.required(fields.mapping(body.get(at), at), at)
    return _party(told, at, parts, needed)


def _party(
    told: Mapping[str, Any],
    at: str,
    parts: Mapping[str, Field[str]] = COMPANY,
    needed: tuple[str, ...] = (),
) -> Party:
    values = {}
    for name, part in parts.items():
        value = told.get(name)
        if value is not None:
            value = part.read(value, f"{at}.{name}")
        if value is None and needed and f"{at}.{name}" in needed:
            raise UnfitField(f"{at}.{name}", "is required")
        values[name] = value
    return Party(**values)


def _values(changes: Mapping[str, Any]) -> tuple[dict[str, str | None], dict[str, str | None]]:
    """What `changes` says of the person, new and old; fields that we don't keep are passed over."""
    new: dict[str, str | None] = {}
    old: dict[str, str | None] = {}
    for name, part in CHANGES.items():
        if name not in changes:
            continue
        at = f"changes.{name}"
        change = fields.mapping(changes[name], at)
        if change is None:
            continue
        for when, told in (("old", old), ("new", new)):
            if when in change:
                told[name] = part.read(change[when], f"{at}.{when}")
    return new, old


@cache
def twins(when: str, what: str) -> tuple[str, str]:
    """The two ways of writing what was old or is new of a person: oldTitle and old_title."""
    return f"{when}{what.capitalize()}", f"{when}_{what}"


def _told_title(told: Mapping[str, Any], when: str) -> str | None:
    return fields.twins(told, "person", twins(when, "title"), CHANGES["title"].read)


def _other_company(told: Mapping[str, Any], changes: Mapping[str, Any], when: str) -> Party | None:
    """The old or the new company, from the person and from `changes`."""
    names = twins(when, "company")
    said = fields.twins(told, "person", names, _name_or_party)
    if "company" not in changes:
        return said
    change = fields.mapping(changes["company"], "changes.company") or {}
    changed = _name_or_party(change.get(when), f"changes.company.{when}")
    if said is not None and changed is not None:
        _same_company(changed, said, f"person.{names[0]}", f"changes.company.{when}")
    return changed if said is None else said


def _name_or_party(value: object, at: str) -> Party | None:
    if isinstance(value, str):
        name = COMPANY["name"].read(value, at)
        return None if name is None else Party(None, name)
    told = fields.mapping(value, at)
    party = None if told is None else _party(told, at)
    return None if party == Party(None) else party


def _agree(one: str | None, other: str | None, at: str, than: str) -> None:
    if one is not None and other is not None and one != other:
        raise UnfitField(at, f"says something else than {than}")


def _same_company(one: Party, other: Party | None, at: str, than: str) -> None:
    """Refuses a company that can't be the other: by id, else by domain, else by name.

    Of names, one may be part of the other: Acme and Acme Inc.
    """
    if other is None:
        return
    if one.id is not None and other.id is not None:
        _agree(one.id, other.id, f"{at}.id", f"{than}.id")
    elif one.domain is not None and other.domain is not None:
        _agree(one.domain, other.domain, f"{at}.domain", f"{than}.domain")
    elif one.name is not None and other.name is not None:
        short, long = sorted((_bare(one.name), _bare(other.name)), key=len)
        if short not in long:
            raise UnfitField(at, f"names another company than {than}")


def _bare(name: str) -> str:
    return "".join(filter(str.isalnum, name.casefold()))
