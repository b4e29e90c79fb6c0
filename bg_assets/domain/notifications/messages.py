"""What a message says: the news of one group, from the events of a refresh to the bytes sent."""

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

TYPE, TEST_TYPE = "buyer_group.updated", "buyer_group.test"
# The kinds of news: those of the events in bg.buyer_group_history, in the order of the message.
KINDS = ("joined", "left", "role_changed", "gap_opened", "gap_closed")
# In which a piece of news tells what it knows: the database keeps no order.
_ORDER = (
    "person_id", "name", "title", "role", "old_role", "function", "confidence", "pinned", "reason",
)  # fmt: skip
_TRACE = re.compile(r"(?!0{32})[0-9a-f]{32}")
_PARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


@dataclass(frozen=True, slots=True)
class Message:
    """The news of a company's group for a product; ``news`` by kind, without anybody's name."""

    company_id: str
    product: str
    refresh_id: str
    news: Mapping[str, Sequence[Mapping[str, Any]]]

    @property
    def kinds(self) -> tuple[str, ...]:
        """Of which kinds there is any."""
        return tuple(kind for kind in KINDS if self.news.get(kind))


@dataclass(frozen=True, slots=True)
class Known:
    """What is read when a message is sent, and stored in none: names, by id."""

    companies: Mapping[str, str | None]
    people: Mapping[str, str | None]


def of_events(
    events: Iterable[Mapping[str, Any]], titles: Mapping[tuple[str, str], str | None]
) -> list[Message]:
    """A message for each company and product that anything happened to, in the order of events.

    An event holds company_id, product, refresh_id, person_id, event, old, new and because, as
    bg.buyer_group_history does. titles: by company id and person id, of who is on the staff.
    """
    grouped: dict[tuple[str, str, str], dict[str, list[dict[str, Any]]]] = {}
    for event in events:
        if event["event"] in KINDS:
            key = (event["company_id"], event["product"], event["refresh_id"])
            title = titles.get((event["company_id"], event["person_id"] or ""))
            grouped.setdefault(key, {}).setdefault(event["event"], []).append(_told(event, title))
    return [Message(*key, news) for key, news in grouped.items()]


def _told(event: Mapping[str, Any], title: str | None) -> dict[str, Any]:
    old, new, because = event["old"] or {}, event["new"] or {}, event["because"]
    if event["event"] in {"gap_opened", "gap_closed"}:
        gap = new or old
        return {"role": gap.get("role"), "function": gap.get("function"), "reason": because}
    who = {"person_id": event["person_id"], "title": title}
    if event["event"] == "left":
        return {**who, "role": old.get("role"), "reason": because}
    before = {"old_role": old.get("role")} if event["event"] == "role_changed" else {}
    return {
        **who,
        "role": new.get("role"),
        **before,
        "confidence": new.get("confidence"),
        "pinned": bool(new.get("pinned")),
        "reason": because,
    }


def data(message: Message, kinds: Collection[str], known: Known, *, names: bool) -> dict[str, Any]:
    """What a subscription is told of a message: the kinds it asked for (all where it names none).

    With ``names`` everybody in it has a name, None where nobody knows it any more.
    """
    told: dict[str, Any] = {
        "company": {"id": message.company_id, "name": known.companies.get(message.company_id)},
        "product": message.product,
        "refresh_id": message.refresh_id,
    }
    for kind in KINDS:
        if kind in kinds or not kinds:
            told[kind] = [_named(one, known, names=names) for one in message.news.get(kind, ())]
    return told


def people(message: Message) -> set[str]:
    """The ids of all who are in a message."""
    return {
        one["person_id"] for told in message.news.values() for one in told if "person_id" in one
    }


def _named(one: Mapping[str, Any], known: Known, *, names: bool) -> dict[str, Any]:
    told = dict(one)
    if names and "person_id" in one:
        told["name"] = known.people.get(one["person_id"])
    return {name: told[name] for name in _ORDER if name in told}


def body(kind: str, at: datetime, content: Mapping[str, Any]) -> bytes:
    """The bytes to sign and send, in the form that Standard Webhooks recommends."""
    moment = at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    document = {"type": kind, "timestamp": moment, "data": content}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def webhook_id(message_id: str, subscription_id: int) -> str:
    """The id of a message to one subscription: the same however often it is sent."""
    return f"msg_{message_id.replace('-', '')}_{subscription_id}"


def traceparent(trace: str | None, span: str) -> str | None:
    """The header of W3C Trace Context; None where the stored trace is none.

    trace: a trace id, under which ``span`` (16 hexadecimal digits) is the sender's, or a whole
    traceparent, which is passed on.
    """
    if trace is None:
        return None
    if _PARENT.fullmatch(trace):
        return trace
    return f"00-{trace}-{span}-01" if _TRACE.fullmatch(trace) else None
