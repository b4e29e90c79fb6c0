"""Events that could not be applied: what they were and why, and making them pending again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from bg_assets.storage import audit

# Of which a transaction takes so many at most.
_BATCH = 5000

# All of these are served by webhook_events_dead.
_LIST = sa.text("""
    select event_id, source, type, company_ref, person_ref, occurred_at, received_at,
        status_reason as reason
    from bg.webhook_events
    where status = 'dead' and (cast(:source as text) is null or source = :source)
    order by id desc limit :most
""")
_IDS = sa.text("""
    select distinct event_id from bg.webhook_events
    where status = 'dead' and (cast(:source as text) is null or source = :source)
        and event_id = any(:ids)
""")
_REPLAY = sa.text("""
    with chosen as (
        select id from bg.webhook_events
        where status = 'dead' and applied_at <= :until
            and (cast(:source as text) is null or source = :source)
            and (cast(:ids as text[]) is null or event_id = any(cast(:ids as text[])))
        order by id limit :most for update
    ), made as (
        update bg.webhook_events as e
        set status = 'pending', status_reason = null, applied_at = null
        from chosen where e.id = chosen.id
        returning e.source
    )
    select source, count(*) as number from made group by source order by source
""")
# Served by webhook_events_pending and webhook_events_dead.
_COUNTS = sa.text("""
    select (select count(*) from bg.webhook_events where status = 'pending') as pending,
        (select count(*) from bg.webhook_events where status = 'dead') as dead
""")


@dataclass(frozen=True, slots=True)
class DeadEvent:
    """What may be told of an event that could not be applied: references, never its payload."""

    id: str
    source: str
    type: str
    company: str | None
    person: str | None
    occurred_at: datetime
    received_at: datetime
    reason: str


def list_dead(conn: sa.Connection, most: int, source: str | None = None) -> list[DeadEvent]:
    """The dead events, the last received first."""
    rows = conn.execute(_LIST, {"most": most, "source": source})
    return [DeadEvent(*row) for row in rows]


def dead_ids(conn: sa.Connection, ids: Sequence[str], source: str | None) -> set[str]:
    """Those of the event ids of which there is a dead event."""
    values = {"ids": list(ids), "source": source}
    return set(conn.execute(_IDS, values).scalars())


def replay(
    conn: sa.Connection,
    ids: Sequence[str] | None,
    source: str | None,
    until: datetime,
    actor: str,
) -> int:
    """Make events that were dead at ``until`` pending again, some thousands at most.

    ``ids`` and ``source`` narrow them down. Returns how many; to be called again, each time in a
    transaction of its own, until it returns 0.
    """
    chosen = None if ids is None else list(ids)
    values = {"ids": chosen, "source": source, "until": until, "most": _BATCH}
    made = conn.execute(_REPLAY, values).all()
    for row in made:
        audit.record(conn, actor, "webhook_events.replayed", row.source, row.number)
    return sum(int(row.number) for row in made)


def counts(conn: sa.Connection) -> tuple[int, int]:
    """How many events are pending, and how many dead."""
    row = conn.execute(_COUNTS).one()
    return int(row.pending), int(row.dead)
