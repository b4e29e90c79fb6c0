"""Who sends what next: leases on messages, one for a company and subscription, and their ends.

The first pending message of a company is the only one of it that is sent. The others wait for it:
one that comes up before its turn is put off until the first may be tried again, and the end of the
first calls up the next. So what waits is looked at once for each attempt, not all the time.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import sqlalchemy as sa

from bg_assets.domain.notifications.messages import Known, Message
from bg_assets.storage import audit

# Of those that are due; what among them must wait for another is put off.
_LOOK = 200

# Served by deliveries_due: a probe for each subscription. The clock's own time, which may change
# while the statement runs, would be compared with every row.
_READY = sa.text("""
    select s.id from bg.subscriptions as s
    where s.status = 'active' and (s.paused_until is null or s.paused_until <= now())
        and exists (
            select from bg.deliveries as d
            where d.subscription_id = s.id and d.finished_at is null
                and d.next_attempt_at <= statement_timestamp()
            offset 0)
    order by s.last_success_at nulls first, s.id
""")
# Who claims for a subscription, replays or changes it does so alone. Served by the primary key.
_LOCK = sa.text("""
    select id, url, names, insecure, private, failing_since, kinds
    from bg.subscriptions where id = :id and status = 'active' for no key update skip locked
""")
# Served by deliveries_due, deliveries_waiting, deliveries_leased and the primary key.
_CLAIM = sa.text("""
    with due as materialized (
        select outbox_id, company_id from bg.deliveries
        where subscription_id = :id and finished_at is null
            and next_attempt_at <= statement_timestamp()
        order by next_attempt_at, outbox_id limit :look for update skip locked
    ), judged as materialized (
        select due.outbox_id, first.outbox_id as first, first.next_attempt_at as first_at, exists (
            select from bg.deliveries as l
            where l.subscription_id = :id and l.company_id = due.company_id
                and l.lease is not null and l.next_attempt_at > statement_timestamp()
            offset 0) as is_busy
        from due cross join lateral (
            select d.outbox_id, d.next_attempt_at from bg.deliveries as d
            where d.subscription_id = :id and d.company_id = due.company_id
                and d.status = 'pending'
            order by d.outbox_id limit 1) as first
    ), chosen as (
        select outbox_id from judged where first = outbox_id and not is_busy
        order by outbox_id limit :most
    ), put_off as (
        update bg.deliveries as d
        set next_attempt_at =
            greatest(j.first_at, clock_timestamp() + make_interval(secs => :seconds))
        from judged as j
        where d.subscription_id = :id and d.outbox_id = j.outbox_id
            and (j.first <> j.outbox_id or j.is_busy)
    ), leased as (
        update bg.deliveries as d set lease = gen_random_uuid(),
            next_attempt_at = clock_timestamp() + make_interval(secs => :seconds)
        from chosen where d.subscription_id = :id and d.outbox_id = chosen.outbox_id
        returning d.outbox_id, d.lease, d.attempts
    )
    select l.outbox_id, l.lease::text as lease, l.attempts, o.message_id::text as message_id,
        o.company_id, o.product, o.refresh_id::text as refresh_id, o.payload, o.trace_id,
        o.created_at
    from leased as l cross join lateral (
        select * from bg.outbox where id = l.outbox_id offset 0) as o
    order by l.outbox_id
""")
# Served by the primary keys.
_COMPANIES = sa.text("""
    select id, name from bg.canonical_companies where id = any(:ids)
""")
_PEOPLE = sa.text("""
    select id, name from bg.canonical_people where id = any(:ids) and deleted_at is null
""")
_TOLD = """
    jsonb_to_recordset(cast(:results as jsonb)) as t(
        subscription_id bigint, outbox_id bigint, lease uuid, accepted boolean, wait float,
        code integer, error text)
"""
# Served by the primary key. Whoever's lease is over has no say: another is sending it.
_RECORD = sa.text(f"""
    update bg.deliveries as d set
        status = case when t.accepted then 'delivered' when t.wait is null then 'dead'
            else 'pending' end,
        attempts = d.attempts + 1, lease = null, last_attempt_at = clock_timestamp(),
        next_attempt_at = clock_timestamp() + make_interval(secs => coalesce(t.wait, 0)),
        last_code = t.code, last_error = nullif(t.error, ''),
        finished_at = case when t.accepted or t.wait is null then clock_timestamp() end
    from {_TOLD}
    where d.subscription_id = t.subscription_id and d.outbox_id = t.outbox_id
        and d.lease = t.lease and d.status = 'pending'
    returning d.subscription_id, d.company_id, d.status
""")
# Served by deliveries_waiting.
_CALL_UP = sa.text("""
    update bg.deliveries as d set next_attempt_at = clock_timestamp()
    from (
        select e.subscription_id, n.outbox_id
        from (
            select distinct * from unnest(
                cast(:subscriptions as bigint[]), cast(:companies as text[]))
                as u(subscription_id, company_id)
        ) as e cross join lateral (
            select w.outbox_id from bg.deliveries as w
            where w.subscription_id = e.subscription_id and w.company_id = e.company_id
                and w.status = 'pending'
            order by w.outbox_id limit 1) as n
    ) as next
    where d.subscription_id = next.subscription_id and d.outbox_id = next.outbox_id
        and d.lease is null
""")
_SUCCEEDED = sa.text("""
    update bg.subscriptions set last_success_at = clock_timestamp(), failing_since = null
    where id = :id and (failing_since is not null or last_success_at is null
        or last_success_at < clock_timestamp() - interval '10 seconds')
""")
_PAUSE = sa.text("""
    update bg.subscriptions set paused_until = greatest(
        paused_until, clock_timestamp() + make_interval(secs => :pause))
    where id = :id
""")
_FAILED = sa.text("""
    update bg.subscriptions set failing_since = coalesce(failing_since, clock_timestamp())
    where id = :id and status = 'active'
    returning extract(epoch from clock_timestamp() - failing_since)::float as seconds
""")
_DISABLE = sa.text("""
    update bg.subscriptions
    set status = 'failed', status_reason = :why, status_since = clock_timestamp()
    where id = :id and status = 'active'
""")


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that this process sends, until its lease ends; ``attempts`` were made before."""

    subscription_id: int
    outbox_id: int
    lease: str
    attempts: int
    message_id: str
    message: Message
    trace_id: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where messages of a subscription go, and what it may be told."""

    id: int
    url: str
    names: bool
    insecure: bool
    private: bool
    failing_since: datetime | None
    kinds: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """What came of an attempt. ``wait``: seconds until the next, None where there is none.

    ``pause``: seconds in which the receiver wants nothing at all; ``gone``: nor ever.
    """

    subscription_id: int
    outbox_id: int
    lease: str
    accepted: bool
    wait: float | None
    code: int | None
    error: str
    pause: float | None = None
    gone: bool = False


def ready(conn: sa.Connection) -> list[int]:
    """The subscriptions of which something is due, whoever waits longest for a success first."""
    return list(conn.execute(_READY).scalars())


def lock(conn: sa.Connection, subscription_id: int) -> Endpoint | None:
    """Claim alone for a subscription until the transaction ends; None where another does."""
    row = conn.execute(_LOCK, {"id": subscription_id}).mappings().one_or_none()
    return None if row is None else Endpoint(**row)


def claim(conn: sa.Connection, subscription_id: int, most: int, seconds: float) -> list[Claimed]:
    """Lease what is due of a subscription that is locked, at most one message of each company.

    Nobody else sends them for so many seconds.
    """
    values = {"id": subscription_id, "most": most, "look": _LOOK, "seconds": seconds}
    return [
        Claimed(
            subscription_id,
            row.outbox_id,
            row.lease,
            row.attempts,
            row.message_id,
            Message(row.company_id, row.product, row.refresh_id, row.payload),
            row.trace_id,
            row.created_at,
        )
        for row in conn.execute(_CLAIM, values)
    ]


def known(conn: sa.Connection, companies: Sequence[str], people: Sequence[str]) -> Known:
    """The names of these companies and people as they are now."""
    return Known(
        {row.id: row.name for row in conn.execute(_COMPANIES, {"ids": list(companies)})},
        {row.id: row.name for row in conn.execute(_PEOPLE, {"ids": list(people)})}
        if people
        else {},
    )


def record(conn: sa.Connection, results: Sequence[Result], disabled_after: float) -> list[int]:
    """Note what came of attempts; returns the subscriptions that were given up for it.

    Those are given up that say that they are gone, and those that took nothing for so many seconds.
    """
    rows = conn.execute(_RECORD, {"results": json.dumps([asdict(one) for one in results])}).all()
    over = [(row.subscription_id, row.company_id) for row in rows if row.status != "pending"]
    if over:
        subscriptions, companies = zip(*over, strict=True)
        values = {"subscriptions": list(subscriptions), "companies": list(companies)}
        conn.execute(_CALL_UP, values)
    given_up = []
    for subscription_id in sorted({one.subscription_id for one in results}):
        theirs = [one for one in results if one.subscription_id == subscription_id]
        if _note(conn, subscription_id, theirs, disabled_after):
            given_up.append(subscription_id)
    return given_up


def _note(
    conn: sa.Connection, subscription_id: int, theirs: Sequence[Result], disabled_after: float
) -> bool:
    """What the attempts say of the subscription itself; whether it is given up."""
    pauses = [one.pause for one in theirs if one.pause is not None]
    if pauses:
        conn.execute(_PAUSE, {"id": subscription_id, "pause": max(pauses)})
    gone = any(one.gone for one in theirs)
    if not gone and any(one.accepted for one in theirs):
        conn.execute(_SUCCEEDED, {"id": subscription_id})
        return False
    failing = conn.execute(_FAILED, {"id": subscription_id}).scalar()
    if failing is None or not (gone or failing >= disabled_after):
        return False
    last = theirs[-1].error
    days = f"{disabled_after / 86_400:g}"
    why = "it answered 410 Gone" if gone else f"it took nothing for {days} days ({last})"
    conn.execute(_DISABLE, {"id": subscription_id, "why": why})
    detail = {"reason": why}
    audit.record(conn, "sender", "subscription.failed", str(subscription_id), detail=detail)
    return True
