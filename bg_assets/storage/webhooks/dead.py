"""Events that could not be applied: what they were and why, another try, or giving them up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from bg_assets.storage import audit

# Of which a transaction takes so many at most.
_BATCH = 5000

# All of these are served by webhook_events_dead.
_CHOSEN = """status = 'dead'
        and (cast(:source as text) is null or source = :source)
        and (cast(:error as text) is null or strpos(lower(status_reason), lower(:error)) > 0)"""
_LIST = sa.text(f"""
    select id as number, event_id, source, type, company_ref, person_ref, occurred_at, received_at,
        applied_at, status_reason as reason
    from bg.webhook_events
    where {_CHOSEN}
    order by id desc limit :most
""")
# Served by the primary key.
_FAILURES = sa.text("""
    select webhook_event_id, failed_at, reason from bg.webhook_event_failures
    where webhook_event_id = any(:numbers) order by failed_at
""")
_IDS = sa.text("""
    select distinct event_id from bg.webhook_events
    where status = 'dead' and (cast(:source as text) is null or source = :source)
        and event_id = any(:ids)
""")
_TAKEN = f"""
        select id, applied_at, status_reason from bg.webhook_events
        where {_CHOSEN} and applied_at <= :until
            and (cast(:ids as text[]) is null or event_id = any(cast(:ids as text[])))
        order by id limit :most for update"""
_REPLAY = sa.text(f"""
    with chosen as ({_TAKEN}
    ), noted as (
        insert into bg.webhook_event_failures (webhook_event_id, failed_at, reason)
        select id, applied_at, status_reason from chosen
        on conflict do nothing
    ), made as (
        update bg.webhook_events as e
        set status = 'pending', status_reason = null, applied_at = null
        from chosen where e.id = chosen.id
        returning e.source
    )
    select source, count(*) as number from made group by source order by source
""")
_DISCARD = sa.text(f"""
    with chosen as ({_TAKEN}
    ), made as (
        update bg.webhook_events as e
        set status = 'ignored', status_reason = 'discarded: ' || :reason
        from chosen where e.id = chosen.id
        returning e.id, e.source, e.event_id, e.type, e.company_ref, e.person_ref,
            chosen.status_reason as error
    ), recorded as (
        insert into bg.audit_log (actor, action, subject, detail)
        select :actor, '{audit.EVENT_DISCARDED}', event_id, jsonb_build_object(
            'reason', cast(:reason as text), 'error', error, 'source', source, 'type', type)
        from made order by id
    )
    select event_id, source, type, company_ref, person_ref, error from made order by id
""")
# Served by webhook_events_pending and webhook_events_dead.
_COUNTS = sa.text("""
    select (select count(*) from bg.webhook_events where status = 'pending') as pending,
        (select count(*) from bg.webhook_events where status = 'dead') as dead
""")


@dataclass(frozen=True, slots=True)
class Failure:
    """When an event could not be applied, and why."""

    failed_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class DeadEvent:
    """What may be told of an event that could not be applied: references, never its payload.

    ``history`` has each failure, that for which it is dead now being the last.
    """

    id: str
    source: str
    type: str
    company: str | None
    person: str | None
    occurred_at: datetime
    received_at: datetime
    reason: str
    history: tuple[Failure, ...] = ()


@dataclass(frozen=True, slots=True)
class DiscardedEvent:
    """An event that somebody gave up on, and why it was dead."""

    id: str
    source: str
    type: str
    company: str | None
    person: str | None
    error: str


def list_dead(
    conn: sa.Connection, most: int, source: str | None = None, error: str | None = None
) -> list[DeadEvent]:
    """The dead events, the last received first; ``error``: those with this text in the reason."""
    values = {"most": most, "source": source, "error": error}
    rows = conn.execute(_LIST, values).all()
    before: dict[int, list[Failure]] = {row.number: [] for row in rows}
    for failed in conn.execute(_FAILURES, {"numbers": list(before)}):
        before[failed.webhook_event_id].append(Failure(failed.failed_at, failed.reason))
    return [
        DeadEvent(
            row.event_id, row.source, row.type, row.company_ref, row.person_ref, row.occurred_at,
            row.received_at, row.reason,
            (*before[row.number], Failure(row.applied_at, row.reason)),
        )
        for row in rows
    ]  # fmt: skip


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
    error: str | None = None,
) -> int:
    """Make events that were dead at ``until`` pending again, some thousands at most.

    ``ids``, ``source`` and ``error`` narrow them down. Returns how many; to be called again, each
    time in a transaction of its own, until it returns 0.
    """
    made = conn.execute(_REPLAY, _narrowed(ids, source, until, error)).all()
    for row in made:
        audit.record(conn, actor, "webhook_events.replayed", row.source, row.number)
    return sum(int(row.number) for row in made)


def discard(
    conn: sa.Connection,
    ids: Sequence[str] | None,
    until: datetime,
    actor: str,
    reason: str,
    error: str | None = None,
) -> list[DiscardedEvent]:
    """Give up on events that were dead at ``until``: ignored from now on, with the reason.

    Some thousands at most, as ``replay``: to be called again until it returns none. Each is in the
    audit log.
    """
    values = _narrowed(ids, None, until, error) | {"actor": actor, "reason": reason}
    return [DiscardedEvent(*row) for row in conn.execute(_DISCARD, values)]


def _narrowed(
    ids: Sequence[str] | None, source: str | None, until: datetime, error: str | None
) -> dict[str, object]:
    chosen = None if ids is None else list(ids)
    return {"ids": chosen, "source": source, "until": until, "error": error, "most": _BATCH}


def counts(conn: sa.Connection) -> tuple[int, int]:
    """How many events are pending, and how many dead."""
    row = conn.execute(_COUNTS).one()
    return int(row.pending), int(row.dead)
