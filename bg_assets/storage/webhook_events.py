"""The webhook events as they come in: each is stored once, many in one statement."""

import zlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from bg_assets.storage.keys import Keys

Key = tuple[str, str]

_LARGE = 4096
_PACKED = b"x"

# Served by the unique index on (source, event_id). The arrays are of text: the driver writes those
# fastest, and a token is ASCII.
_INSERT = sa.text("""
    insert into bg.webhook_events (source, event_id, type, company_ref, person_ref, occurred_at,
        status, status_reason, payload, applied_at)
    select e.source, e.event_id, e.type, e.company_ref, e.person_ref,
        cast(e.occurred_at as timestamptz),
        case when e.status_reason is null then 'pending' else 'ignored' end, e.status_reason,
        convert_to(e.payload, 'UTF8'),
        case when e.status_reason is not null then clock_timestamp() end
    from unnest(cast(:sources as text[]), cast(:event_ids as text[]), cast(:types as text[]),
        cast(:company_refs as text[]), cast(:person_refs as text[]), cast(:occurred as text[]),
        cast(:reasons as text[]), cast(:payloads as text[]))
        as e(source, event_id, type, company_ref, person_ref, occurred_at, status_reason, payload)
    on conflict (source, event_id) do nothing
    returning source, event_id
""")
# Served by the unique index on (source, event_id).
_STATUSES = sa.text("""
    select e.source, e.event_id, e.status from bg.webhook_events as e
    join unnest(cast(:sources as text[]), cast(:event_ids as text[])) as k(source, event_id)
        on e.source = k.source and e.event_id = k.event_id
""")


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to be stored: pending, or ignored where ``ignored`` gives a reason.

    ``occurred_at`` in ISO 8601 with its offset; ``payload`` is the token of the encrypted body.
    """

    source: str
    event_id: str
    type: str
    company_ref: str | None
    person_ref: str | None
    occurred_at: str
    ignored: str | None
    payload: bytes

    @property
    def key(self) -> Key:
        """What there is one event of."""
        return self.source, self.event_id


def sealed(keys: Keys, body: bytes) -> bytes:
    """The token to store for a body; a large one is packed first, which costs less than it saves.

    Raises KeysUnusable.
    """
    return keys.encrypt(zlib.compress(body, 1) if len(body) >= _LARGE else body)


def unpacked(content: bytes) -> bytes:
    """The body, from what its token decrypts to."""
    # No JSON document starts with this byte.
    return zlib.decompress(content) if content.startswith(_PACKED) else content


def insert(conn: sa.Connection, events: Sequence[NewEvent]) -> set[Key]:
    """Store those that are not there yet, in one statement; returns the keys of these.

    The keys must differ. In their order, so that two who store the same ones don't deadlock.
    """
    ordered = sorted(events, key=lambda event: event.key)
    values = {
        "sources": [event.source for event in ordered],
        "event_ids": [event.event_id for event in ordered],
        "types": [event.type for event in ordered],
        "company_refs": [event.company_ref for event in ordered],
        "person_refs": [event.person_ref for event in ordered],
        "occurred": [event.occurred_at for event in ordered],
        "reasons": [event.ignored for event in ordered],
        "payloads": [event.payload.decode("ascii") for event in ordered],
    }
    return {(source, event_id) for source, event_id in conn.execute(_INSERT, values)}


def statuses(conn: sa.Connection, keys: Collection[Key]) -> dict[Key, str]:
    """The status of each of these events that is there."""
    if not keys:
        return {}
    sources, event_ids = zip(*keys, strict=True)
    values = {"sources": list(sources), "event_ids": list(event_ids)}
    return {
        (source, event_id): status for source, event_id, status in conn.execute(_STATUSES, values)
    }
