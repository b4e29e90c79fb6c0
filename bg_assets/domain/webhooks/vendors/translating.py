"""What a vendor sends becomes events of ours, by its table; nothing that we keep not is kept of it.

An event that can't be read fails by itself, later and with its reason: others came with it.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bg_assets.domain.webhooks import fields, strict_json
from bg_assets.domain.webhooks.company_fields import COMPANY_CHANGES
from bg_assets.domain.webhooks.events import CHANGES
from bg_assets.domain.webhooks.fields import LONGEST_EVENT_ID, LONGEST_TYPE, Field, UnfitField
from bg_assets.domain.webhooks.vendors import soap
from bg_assets.domain.webhooks.vendors.table import JOIN, Row, Table

_Object = Mapping[str, Any]
MOST = 1000
# Seconds since 1970 have ten digits, milliseconds thirteen.
_SECONDS_BELOW = 10**11
_LATEST = 253_402_300_799
_NAME = re.compile(r"[\w. -]{1,100}")
_UNKNOWN = "events of this type are not read: `bg-assets webhook vendors` lists those that are"


@dataclass(frozen=True, slots=True)
class Translated:
    """An event as the door stores it: ``body`` is an event of ours, ``type`` the vendor's word.

    at: None where it tells no time that can be read. ignored: why nothing follows from it.
    """

    event_id: str
    type: str
    person: str | None
    company: str | None
    at: datetime | None
    ignored: str | None
    body: bytes


def translate(table: Table, body: bytes, now: datetime) -> list[Translated]:
    """The events in a request's body, in their order.

    What in a batch is none of the vendor's events is ignored, with that reason: the others came
    with it. Raises UnfitField where nothing of it is what the vendor sends.
    """
    try:
        return _all_translated(table, _events(table, body), now)
    except RecursionError:
        raise UnfitField("body", "is nested too deeply") from None


def _all_translated(table: Table, events: Sequence[object], now: datetime) -> list[Translated]:
    found: list[Translated] = []
    unread, failure = 0, None
    for event in events:
        try:
            found += _translated(table, event, now)
        except UnfitField as err:
            unread, failure = unread + 1, err
            found.append(_unread(table, event))
    if failure is not None and unread == len(events):
        raise failure
    return found


def _unread(table: Table, event: object) -> Translated:
    """What stands for something in a batch that is no event: known again by what it was."""
    name = hashlib.sha256(json.dumps(event, sort_keys=True).encode()).hexdigest()[:32]
    document = {"id": f"unread:{name}", "type": "unread"}
    why = f"it is not what {table.name} sends: it tells no type or no id"
    return Translated(
        document["id"], "unread", None, None, None, why, json.dumps(document).encode()
    )


def _events(table: Table, body: bytes) -> Sequence[object]:
    if table.body == "soap":
        return soap.notifications(body)
    document = strict_json.parse(body, mend=True)
    events = document if isinstance(document, list) else [document]
    if len(events) > MOST:
        raise UnfitField("body", f"holds more than {MOST} events")
    return events


def _translated(table: Table, event: object, now: datetime) -> Iterator[Translated]:
    if not isinstance(event, dict):
        raise UnfitField("body", f"is not what {table.name} sends")
    kind = ".".join(map(str, _all(event, table.type)))[:LONGEST_TYPE]
    event_id = ":".join(map(str, _all(event, table.id)))
    if not (kind and kind.isprintable() and event_id and event_id.isprintable()):
        raise UnfitField("body", f"is not what {table.name} sends: it tells no type or no id")
    at = _moment(next(_all(event, table.time), None), now)
    row = _row(table, kind, event)
    paths = row.person or row.firm
    whom = [one for one in _each(event, paths) if one != _into(event, row)]
    for number, one in enumerate(whom or [None]):
        own_id = (f"{event_id}#{number}" if number else event_id)[-LONGEST_EVENT_ID:]
        document = _document(table, row, event, one)
        document |= {"id": own_id, "type": row.means or kind}
        if at is not None:
            document["timestamp"] = at.isoformat()
        ignored = row.ignored or _of_nothing(row, event, document)
        yield Translated(
            own_id,
            kind,
            _reference(document.get("person")),
            _reference(document.get("company")),
            at,
            ignored,
            json.dumps(document, ensure_ascii=False).encode(),
        )


def _row(table: Table, kind: str, event: _Object) -> Row:
    for row in table.rows:
        if (
            row.type == kind
            and all(_at(event, path) == value for path, value in row.when.items())
            and all(_at(event, path) is not None for path in row.has)
            and all(_at(event, path) is None for path in row.lacks)
        ):
            return row
    return Row(kind, ignored=_UNKNOWN)


def _document(table: Table, row: Row, event: _Object, whom: object) -> dict[str, Any]:
    """The event of ours about a person or a company, but for its id, type and time."""
    document: dict[str, Any] = {}
    values = {} if row.ignored else _values(table, row, event)
    if whom is not None and row.firm:
        document["company"] = _called(table, whom)
    elif whom is not None:
        document["person"] = _called(table, whom)
        email = values.get("email")
        if email is not None:
            document["person"]["email"] = email
    company = _at(event, row.company) if row.company else None
    if company is not None:
        document["company"] = _called(table, company)
    if row.into:
        document["into"] = _into(event, row)
    if values:
        document["changes"] = {column: {"new": value} for column, value in values.items()}
    return document


def _called(table: Table, name: object) -> dict[str, Any]:
    short = table.short_ids
    if short and isinstance(name, str) and len(name) > short:
        return {"id": name, "also": name[:short]}
    return {"id": name}


def _of_nothing(row: Row, event: _Object, document: Mapping[str, Any]) -> str | None:
    """Why nothing can follow from an event that tells nothing which is kept."""
    of_company = row.means == "company.changed"
    if "changes" in document or not (of_company or row.means == "person.changed"):
        return None
    if "company" in document and not of_company:
        return None
    name = str(_at(event, row.property)) if row.property else ""
    if _NAME.fullmatch(name):
        return f"nothing is kept of the property {name}: BG_WEBHOOK_FIELDS can say what it is"
    return f"it tells nothing that is kept of a {'company' if of_company else 'person'}"


def _values(table: Table, row: Row, event: _Object) -> dict[str, Any]:
    """What an event says of a person, or of a company, by our columns.

    What can't be read is left out where something else can.
    """
    told = dict(_told(row, event, table.companies if row.firm else table.fields))
    kept: Mapping[str, Field[Any]] = COMPANY_CHANGES if row.firm else CHANGES
    return {name: value for name, value in told.items() if _is_fit(kept[name], value)} or told


def _is_fit(kept: Field[Any], value: object) -> bool:
    try:
        kept.read(value, "")
    except UnfitField:
        return False
    return True


def _told(row: Row, event: _Object, known: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    if row.property:
        column = known.get(str(_at(event, row.property)))
        if column is not None:
            # A property that was emptied comes as an empty text.
            yield column, _plain(_at(event, row.value))
        return
    if row.record is None:
        return
    record = _at(event, row.record) if row.record else event
    before = _at(event, row.before) if row.before else None
    told: dict[str, Any] = {}
    for theirs, column in known.items():
        paths = theirs.split(JOIN)
        value = " ".join(str(one) for path in paths if (one := _plain(_at(record, path))))
        if value:
            told.setdefault(column, value)
        elif before is not None and all(_has(before, path) for path in paths):
            # It was there and is not any more; what is empty all along tells nothing.
            told.setdefault(column, None)
    yield from told.items()


def _plain(value: object) -> object:
    """The text of a value: of several the primary one or the first, of a choice its label."""
    if isinstance(value, list):
        objects = [one for one in value if isinstance(one, dict)]
        primary = [one for one in objects if one.get("primary")]
        return _plain(next(iter(primary or value), None))
    if isinstance(value, dict):
        return _plain(value["value"] if value.get("value") else value.get("label"))
    if isinstance(value, bool) or value is None:
        return None
    return value.strip() if isinstance(value, str) else str(value)


def _into(event: _Object, row: Row) -> object:
    return next(_all(event, row.into), None)


def _each(event: _Object, paths: tuple[str, ...]) -> Iterator[object]:
    for found in _all(event, paths):
        yield from found if isinstance(found, list) else [found]


def _all(event: _Object, paths: tuple[str, ...]) -> Iterator[Any]:
    return (found for found in (_at(event, path) for path in paths) if found is not None)


def _at(event: object, path: str) -> Any:
    """What is at a dotted path; None where nothing is. Nothing but white space is nothing."""
    for name in path.split("."):
        if not isinstance(event, dict):
            return None
        event = event.get(name)
    return None if isinstance(event, str) and not event.strip() else event


def _has(event: object, path: str) -> bool:
    *above, last = path.split(".")
    inner = _at(event, ".".join(above)) if above else event
    return isinstance(inner, dict) and last in inner


def _moment(told: object, now: datetime) -> datetime | None:
    """The time that a vendor tells: in ISO 8601, or as seconds or milliseconds since 1970."""
    if isinstance(told, str) and told.strip().isdecimal() and told.isascii():
        told = int(told[:20])
    if isinstance(told, int) and not isinstance(told, bool):
        seconds = told if abs(told) < _SECONDS_BELOW else told / 1000
        if not 0 < seconds < _LATEST:
            return None
        told = datetime.fromtimestamp(seconds, tz=UTC).isoformat()
    return fields.leniently(lambda: fields.moment(told, "timestamp", now))


def _reference(party: object) -> str | None:
    """The id of a person or a company as it is stored in clear, if it is one."""
    told = party.get("id") if isinstance(party, dict) else None
    return fields.leniently(lambda: fields.reference(told, "id"))
