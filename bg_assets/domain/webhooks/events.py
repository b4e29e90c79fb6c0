"""What an event of the webhook door says: its body read and checked, field by field.

Who is meant, and what follows from it, is not decided here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from bg_assets.domain.webhooks import fields, strict_json
from bg_assets.domain.webhooks.fields import Refusal

TYPES: Final = (
    "person.role_change",
    "person.company_change",
    "person.promotion",
    "person.department_change",
    "person.joined",
    "person.left",
    "person.contact_update",
    "company.refresh_requested",
)
LONGEST_TYPE: Final = 100


def _title(value: object, at: str) -> str | None:
    return fields.text(value, at, fields.LONGEST_TITLE)


# What `changes` may tell of a person, with the reader of each.
_VALUES: Final[Mapping[str, Callable[[object, str], str | None]]] = {
    "title": _title,
    "department": fields.text,
    "seniority": fields.text,
    "name": fields.text,
    "email": fields.email,
    "location": fields.text,
}


@dataclass(frozen=True, slots=True)
class Party:
    """A person or a company as the source names it: its own id, a name, an e-mail or a domain."""

    id: str | None
    name: str | None = None
    email: str | None = None
    domain: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One event. ``type`` may be none of TYPES: then the rest is what could be read.

    company: the present employer; of a person who left, the one left. values: what the event says
    of the person as it is now, by column; a column that is not there is not spoken of, None is
    "unknown from now on". old_email: what the e-mail was before.
    """

    event_id: str | None
    source: str | None
    type: str
    occurred_at: datetime
    company: Party
    person: Party | None = None
    values: Mapping[str, str | None] = field(default_factory=dict)
    old_email: str | None = None


@dataclass(frozen=True, slots=True)
class Malformed:
    """A body that is no event: the dotted field (``body`` for the whole) and what is wrong.

    Neither repeats a value.
    """

    field: str
    detail: str


def read_body(raw: bytes, now: datetime) -> Event | Malformed:
    """The event in a request's body, UTF-8 JSON; see ``read_event``."""
    document = parse_body(raw)
    return document if isinstance(document, Malformed) else read_event(document, now)


def parse_body(raw: bytes) -> object:
    """The JSON document in a body, or Malformed."""
    try:
        return strict_json.parse(raw)
    except Refusal as refusal:
        return Malformed(refusal.field, refusal.detail)


def read_event(document: object, now: datetime) -> Event | Malformed:
    """The event that a JSON document is, or the first field that is wrong.

    Never raises. ``now`` is the reader's clock: an event may be a day ahead of it at most. A type
    that is not known is no error; nothing else of such an event is checked.
    """
    try:
        body = fields.required(fields.mapping(document, "body"), "body")
        kind = fields.required(fields.reference(body.get("type"), "type", LONGEST_TYPE), "type")
        return _known(body, kind, now) if kind in TYPES else _unknown(body, kind, now)
    except Refusal as refusal:
        return Malformed(refusal.field, refusal.detail)


def _known(body: Mapping[str, Any], kind: str, now: datetime) -> Event:
    event_id = _event_id(body)
    source = _source(body)
    occurred_at = fields.moment(body.get("timestamp"), "timestamp", now)
    company = _party(fields.required(fields.mapping(body.get("company"), "company"), "company"))
    fields.required(company.id, "company.id")
    if kind == "company.refresh_requested":
        return Event(event_id, source, kind, occurred_at, company)
    fields.required(company.name, "company.name")
    told = fields.required(fields.mapping(body.get("person"), "person"), "person")
    person = Party(
        fields.required(fields.reference(told.get("id"), "person.id"), "person.id"),
        fields.required(fields.text(told.get("name"), "person.name"), "person.name"),
        fields.email(told.get("email"), "person.email"),
    )
    changes = fields.mapping(body.get("changes"), "changes") or {}
    values, before = _values(changes)
    old_title, new_title = (_told_title(told, when) for when in ("old", "new"))
    _agree(before.get("title"), old_title, "person.oldTitle", "changes.title.old")
    if new_title is not None:
        if "title" in values and values["title"] != new_title:
            raise Refusal("person.newTitle", "says something else than changes.title.new")
        values["title"] = new_title
    if kind == "person.contact_update":
        values.setdefault("name", person.name)
        if person.email is not None:
            values.setdefault("email", person.email)
    old, new = (_other_company(told, changes, when) for when in ("old", "new"))
    other, name = (old, "old") if kind == "person.left" else (new, "new")
    _same_company(company, other, f"person.{name}Company", "company")
    return Event(event_id, source, kind, occurred_at, company, person, values, before.get("email"))


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
    return fields.reference(body.get("id"), "id", fields.LONGEST_EVENT_ID)


def _source(body: Mapping[str, Any]) -> str | None:
    return fields.reference(body.get("source"), "source", 100)


def _party(told: Mapping[str, Any], at: str = "company") -> Party:
    return Party(
        fields.reference(told.get("id"), f"{at}.id"),
        fields.text(told.get("name"), f"{at}.name"),
        domain=fields.domain(told.get("domain"), f"{at}.domain"),
    )


def _values(changes: Mapping[str, Any]) -> tuple[dict[str, str | None], dict[str, str | None]]:
    """What `changes` says of the person, new and old; fields that we don't keep are passed over."""
    new: dict[str, str | None] = {}
    old: dict[str, str | None] = {}
    for name, read in _VALUES.items():
        at = f"changes.{name}"
        change = fields.mapping(changes.get(name), at)
        if change is None:
            continue
        for when, told in (("old", old), ("new", new)):
            if when in change:
                told[name] = read(change[when], f"{at}.{when}")
    return new, old


def _told_title(told: Mapping[str, Any], when: str) -> str | None:
    return fields.twins(told, "person", (f"{when}Title", f"{when}_title"), _title)


def _other_company(told: Mapping[str, Any], changes: Mapping[str, Any], when: str) -> Party | None:
    """The old or the new company, from the person and from `changes`."""
    names = (f"{when}Company", f"{when}_company")
    said = fields.twins(told, "person", names, _name_or_party)
    change = fields.mapping(changes.get("company"), "changes.company") or {}
    changed = _name_or_party(change.get(when), f"changes.company.{when}")
    if said is not None and changed is not None:
        _same_company(changed, said, f"person.{names[0]}", f"changes.company.{when}")
    return changed if said is None else said


def _name_or_party(value: object, at: str) -> Party | None:
    if isinstance(value, str):
        name = fields.text(value, at)
        return None if name is None else Party(None, name)
    told = fields.mapping(value, at)
    party = None if told is None else _party(told, at)
    return None if party == Party(None) else party


def _agree(one: str | None, other: str | None, at: str, than: str) -> None:
    if one is not None and other is not None and one != other:
        raise Refusal(at, f"says something else than {than}")


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
            raise Refusal(at, f"names another company than {than}")


def _bare(name: str) -> str:
    return "".join(filter(str.isalnum, name.casefold()))
