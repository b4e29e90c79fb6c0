"""The webhook events as they come in: each is stored once, many in one statement."""

import zlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from bg_assets.encryption import Keys

Key = tuple[str, str]

_LARGE = 4096
_PACKED = b"x"

# Served by the unique index on (source, event_id). The arrays are of text: the driver writes those
# fastest, and a token is ASCII. What its sender puts after its arrival is taken as of its arrival:
# such a time is not to be believed, and would make all later news look old.
_INSERT = sa.text("""
    insert into bg.webhook_events (source, event_id, type, company_ref, person_ref, occurred_at,
        received_at, status, status_reason, payload, body_digest, applied_at, trace_id)
    select e.source, e.event_id, e.type, e.company_ref, e.person_ref,
        least(cast(e.occurred_at as timestamptz), clock.at), clock.at,
        case when e.status_reason is null then 'pending' else 'ignored' end, e.status_reason,
        convert_to(e.payload, 'UTF8'), decode(e.body_digest, 'hex'),
        case when e.status_reason is not null then clock.at end, e.trace_id
    from unnest(cast(:sources as text[]), cast(:event_ids as text[]), cast(:types as text[]),
        cast(:company_refs as text[]), cast(:person_refs as text[]), cast(:occurred as text[]),
        cast(:reasons as text[]), cast(:payloads as text[]), cast(:digests as text[]),
        cast(:traces as text[]))
        as e(source, event_id, type, company_ref, person_ref, occurred_at, status_reason, payload,
            body_digest, trace_id)
    cross join (select clock_timestamp() as at) as clock
    on conflict (source, event_id) do nothing
    returning source, event_id
""")
# Served by the unique index on (source, event_id).
_FOUND = sa.text("""
    select e.source, e.event_id, e.status, e.body_digest from bg.webhook_events as e
    join unnest(cast(:sources as text[]), cast(:event_ids as text[])) as k(source, event_id)
        on e.source = k.source and e.event_id = k.event_id
""")


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to be stored: pending, or ignored where ``ignored`` gives a reason.

    ``occurred_at`` in ISO 8601 with its offset; ``payload`` is the token of the encrypted body,
    ``digest`` its keyed hash; ``trace`` the traceparent of its coming in, where that is traced.
    """

    source: str
    event_id: str
    type: str
    company_ref: str | None
    person_ref: str | None
    occurred_at: str
    ignored: str | None
    payload: bytes
    digest: bytes
    trace: str | None = None

    @property
    def key(self) -> Key:
        """What there is one event of."""
        return self.source, self.event_id


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """What is there of an event; ``digest`` is None where nobody noted what its body was."""

    status: str
    digest: bytes | None


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
        "digests": [event.digest.hex() for event in ordered],
        "traces": [event.trace for event in ordered],
    }
    return {(source, event_id) for source, event_id in conn.execute(_INSERT, values)}


def find(conn: sa.Connection, keys: Collection[Key]) -> dict[Key, StoredEvent]:
    """Those of these events that are there."""
    if not keys:
        return {}
    sources, event_ids = zip(*keys, strict=True)
    values = {"sources": list(sources), "event_ids": list(event_ids)}
    return {
        (row.source, row.event_id): StoredEvent(
            row.status, None if row.body_digest is None else bytes(row.body_digest)
        )
        for row in conn.execute(_FOUND, values)
    }
