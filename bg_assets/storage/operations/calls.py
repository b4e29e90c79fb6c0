"""One call of a provider in the tables: begun with what it may cost reserved, and settled.

Each is one short transaction; during the call itself none is open. What the call holds meanwhile is
a lease on its question, a row: a session's lock would be anybody's behind a pooler.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from bg_assets.domain.enrichment.admission import (
    OF_CAPS,
    Admission,
    Breaker,
    admission,
    after_failure,
    after_success,
    lasts,
    resting,
)
from bg_assets.domain.enrichment.policy import Policy
from bg_assets.storage.operations import bill, health
from bg_assets.storage.operations.bill import Entry
from bg_assets.storage.operations.clock import Clock
from bg_assets.storage.operations.health import Health

# How a call ended of which nobody knows: its process was stopped.
LOST = "lost"

# Served by the unique key.
_LOOK = sa.text("""
    select id, status, found, output, failure, error, attempts, cost, reserved, reserved_on,
        holder, leased_until, finished_at, expires_at
    from bg.pipeline_operations where key = :key
""")
_BEGIN = sa.text("""
    insert into bg.pipeline_operations as o (
        key, provider, kind, company_id, person_id, status, attempts, reserved, reserved_on,
        holder, leased_until, created_at, started_at)
    values (:key, :provider, :kind, :company_id, :person_id, 'running', :attempt, :price, :day,
        :holder, :leased_until, :now, :now)
    on conflict (key) do update set
        status = 'running', attempts = excluded.attempts, reserved = excluded.reserved,
        reserved_on = excluded.reserved_on, holder = excluded.holder,
        leased_until = excluded.leased_until, finished_at = null, failure = null, error = null,
        -- What has expired is believed no more, whatever comes of this call.
        output = null, found = null, expires_at = null,
        started_at = case when excluded.attempts = 1 then excluded.started_at else o.started_at end
    returning id
""")
_ANSWERED = sa.text("""
    update bg.pipeline_operations
    set status = 'done', found = :found, output = cast(:output as jsonb),
        expires_at = :expires_at, cost = cost + :cost, reserved = null, reserved_on = null,
        leased_until = null, finished_at = :now, duration = :duration
    where key = :key
""")
_FAILED = sa.text("""
    update bg.pipeline_operations
    set status = case when cast(:leased_until as timestamptz) is null then 'failed'
            else 'running' end,
        leased_until = cast(:leased_until as timestamptz), failure = :failure, error = :error,
        cost = cost + :cost, reserved = null, reserved_on = null,
        expires_at = cast(:barred_until as timestamptz),
        finished_at = case when cast(:leased_until as timestamptz) is null then :now end,
        duration = :duration
    where key = :key
""")
_GIVE_UP = sa.text("""
    update bg.pipeline_operations
    set status = 'failed', leased_until = null, finished_at = :now
    where key = :key and holder = :holder and status = 'running' and reserved is null
""")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as the tables know it: its key, and who it is about. ``price``: US dollars."""

    key: str
    provider: str
    kind: str
    company_id: str
    person_id: str | None
    price: Decimal


@dataclass(frozen=True, slots=True)
class Known:
    """An answer that was kept, and when the provider gave it."""

    output: dict[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Another process is asking this very question: its call's holder."""

    holder: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The call of another, on which this one waited, ended so, or it was paid and is not repeated.

    ``until``: not asked again before then; None where it may be.
    """

    failure: str
    error: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A call that may be made now, by its holder's so many-th attempt."""

    asked: Asked
    holder: str
    attempt: int
    probe: bool


@dataclass(frozen=True, slots=True)
class Answered:
    """How a call ended: with an answer as JSON text, kept for so many seconds."""

    output: str
    found: bool
    cost: Decimal
    lasts: float
    duration: float


@dataclass(frozen=True, slots=True)
class NotAnswered:
    """How a call ended: without an answer.

    ``cost`` was paid all the same, ``uncertain`` may have been. ``counts``: it tells of the
    provider. ``again`` is after how many seconds it would be tried again, None if it should not.
    ``bars``: for how many seconds the question is not to be asked again, since that would be paid.
    """

    failure: str
    error: str
    duration: float
    cost: Decimal = Decimal(0)
    uncertain: Decimal = Decimal(0)
    counts: bool = False
    rest: float | None = None
    again: float | None = None
    bars: float | None = None


def peek(
    conn: sa.Connection, asked: Asked, waited_for: str | None, policy: Policy, clock: Clock
) -> Known | Elsewhere | Failed | None:
    """What there is without a call: an answer, or somebody else's call. It takes no lock.

    ``waited_for`` is the holder of a call that this process saw under way. None: begin one.
    """
    now = clock.now(conn)
    row = conn.execute(_LOOK, {"key": asked.key}).first()
    if row is None:
        return None
    if row.holder == waited_for and row.status == "failed" and row.failure != LOST:
        return Failed(row.failure, row.error, row.expires_at)
    return _without_call(conn, asked, row, None, policy, now)


def begin(
    conn: sa.Connection, asked: Asked, holder: str, policy: Policy, clock: Clock
) -> Call | Known | Elsewhere | Failed | Admission:
    """Take the question for this holder and reserve what the call may cost, if it may be made.

    An Admission is a refusal. A holder that has the question already makes its next attempt.
    """
    state = health.locked(conn, asked.provider)
    now = clock.now(conn)
    row = conn.execute(_LOOK, {"key": asked.key}).first()
    found = _without_call(conn, asked, row, holder, policy, now)
    if found is not None:
        return found
    day = bill.day_of(now)
    spent = bill.spent(conn, asked.provider, now)
    caps = policy.caps(asked.provider)
    verdict = admission(state.breaker, spent, caps, asked.price, now, policy)
    if verdict.why is not None:
        if verdict.why in OF_CAPS:
            health.keep_refusal(conn, asked.provider, state, asked.price)
        return verdict
    if row is not None and row.reserved is not None:
        _book_lost(conn, asked, row)
    mine = row is not None and row.status == "running" and row.holder == holder
    attempt = row.attempts + 1 if row is not None and mine else 1
    leased_until = now + timedelta(seconds=policy.seconds + policy.margin)
    conn.execute(
        _BEGIN,
        {
            "key": asked.key, "provider": asked.provider, "kind": asked.kind,
            "company_id": asked.company_id, "person_id": asked.person_id, "attempt": attempt,
            "price": asked.price, "day": day, "holder": holder, "leased_until": leased_until,
            "now": now,
        },
    )  # fmt: skip
    health.keep_refusal(conn, asked.provider, state, None)
    if verdict.probe:
        probing = replace(state.breaker, probe_until=leased_until)
        health.keep_breaker(conn, asked.provider, state, probing, holder)
    return Call(asked, holder, attempt, verdict.probe)


def settle_answered(
    conn: sa.Connection, call: Call, ended: Answered, policy: Policy, clock: Clock
) -> datetime:
    """Keep the answer, and put what it cost on the bill; returns when it was given.

    Safe to repeat. Where the lease has passed and another has taken the question, nothing is
    written: what this call may have cost stands on the bill since then.
    """
    asked = call.asked
    state = health.locked(conn, asked.provider)
    now = clock.now(conn)
    row = _mine(conn, call)
    if row is None:
        return now
    probe = call.probe and state.probe_by == call.holder
    breaker = after_success(state.breaker, probe=probe)
    health.keep_breaker(conn, asked.provider, state, breaker, None if probe else state.probe_by)
    entry = Entry(found=int(ended.found), not_found=int(not ended.found), cost=ended.cost)
    bill.add(conn, asked.provider, asked.kind, row.reserved_on, entry)
    conn.execute(
        _ANSWERED,
        {
            "key": asked.key, "found": ended.found, "output": ended.output, "cost": ended.cost,
            "expires_at": now + timedelta(seconds=ended.lasts), "now": now,
            "duration": ended.duration,
        },
    )  # fmt: skip
    return now


def settle_failed(
    conn: sa.Connection, call: Call, ended: NotAnswered, policy: Policy, clock: Clock
) -> bool:
    """Put what the call cost on the bill and on the breaker; whether it should be tried again.

    Safe to repeat, like ``settle_answered``.
    """
    asked = call.asked
    state = health.locked(conn, asked.provider)
    now = clock.now(conn)
    row = _mine(conn, call)
    if row is None:
        left = conn.execute(_LOOK, {"key": asked.key}).first()
        return left is not None and left.status == "running" and left.holder == call.holder
    breaker = _failed(conn, state, call, ended, now, policy)
    again = None if breaker.opened_at is not None else ended.again
    lost = Entry(lost=1, uncertain=ended.uncertain)
    failed = Entry(failed=1, cost=ended.cost, uncertain=ended.uncertain)
    bill.add(
        conn, asked.provider, asked.kind, row.reserved_on, lost if ended.failure == LOST else failed
    )
    lease = None if again is None else now + timedelta(seconds=again + policy.margin)
    conn.execute(
        _FAILED,
        {
            "key": asked.key, "failure": ended.failure, "error": ended.error, "cost": ended.cost,
            "leased_until": lease, "now": now, "duration": ended.duration,
            "barred_until": ended.bars and now + timedelta(seconds=ended.bars),
        },
    )  # fmt: skip
    return again is not None


def give_up(conn: sa.Connection, asked: Asked, holder: str, clock: Clock) -> None:
    """Let go of a question whose next attempt won't be made; its last failure stays with it."""
    conn.execute(_GIVE_UP, {"key": asked.key, "holder": holder, "now": clock.now(conn)})


def _without_call(
    conn: sa.Connection,
    asked: Asked,
    row: sa.Row[Any] | None,
    holder: str | None,
    policy: Policy,
    now: datetime,
) -> Known | Elsewhere | Failed | None:
    """What there is for this holder without a call; an answer counts as one from the cache."""
    if row is None:
        return None
    if row.status == "running":
        held = row.holder != holder and lasts(row.leased_until, now, policy.longest_call)
        return Elsewhere(row.holder) if held else None
    if row.status == "done" and row.output is not None and now < row.expires_at:
        bill.count_hit(conn, asked.provider, asked.kind, bill.day_of(now), row.id)
        return Known(row.output, row.finished_at)
    if row.status == "failed" and row.expires_at is not None and now < row.expires_at:
        return Failed(row.failure, row.error, row.expires_at)
    return None


def _mine(conn: sa.Connection, call: Call) -> sa.Row[Any] | None:
    """The call's question, if this call holds it and is not settled yet."""
    row = conn.execute(_LOOK, {"key": call.asked.key}).first()
    if row is None or row.reserved is None:
        return None
    return row if (row.holder, row.attempts) == (call.holder, call.attempt) else None


def _failed(
    conn: sa.Connection,
    state: Health,
    call: Call,
    ended: NotAnswered,
    now: datetime,
    policy: Policy,
) -> Breaker:
    """The breaker after this call, which is kept."""
    provider = call.asked.provider
    probe = call.probe and state.probe_by == call.holder
    if ended.failure == LOST:
        # It says nothing of the provider; another may be the probe at once.
        after = replace(state.breaker, probe_until=None) if probe else state.breaker
    else:
        after = after_failure(state.breaker, now, policy, counts=ended.counts, probe=probe)
    after = resting(after, now, ended.rest, policy)
    health.keep_breaker(conn, provider, state, after, None if probe else state.probe_by)
    if ended.counts:
        health.keep_error(conn, provider, ended.error, now)
    return after


def _book_lost(conn: sa.Connection, asked: Asked, row: sa.Row[Any]) -> None:
    """Of a call whose process is gone: what it may have cost stays on the bill of its day."""
    entry = Entry(lost=1, uncertain=row.reserved)
    bill.add(conn, asked.provider, asked.kind, row.reserved_on, entry)
