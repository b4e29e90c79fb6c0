"""What became of messages, what is wrong with their sending, and sending them once more."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from bg_assets.domain.notifications import messages, targets
from bg_assets.storage.notifications import subscriptions
from bg_assets.storage.notifications.outbox import WANTS

# A sender asks several times a second; after so many seconds nobody does.
UNSENT_SECONDS = 300.0
# A receiver that has taken nothing for so long is told of; its messages are tried for days.
FAILING_SECONDS = 3600.0

# Served by deliveries_due, deliveries_dead and deliveries_leased, in which nothing delivered is.
_COUNTS = sa.text("""
    select s.id, (
        select count(*) from bg.deliveries as d
        where d.subscription_id = s.id and d.finished_at is null) as pending, (
        select count(*) from bg.deliveries as d
        where d.subscription_id = s.id and d.status = 'dead') as dead, (
        select extract(epoch from clock_timestamp() - min(d.next_attempt_at))::float
        from bg.deliveries as d
        where d.subscription_id = s.id and d.finished_at is null) as late_seconds, exists (
        select from bg.deliveries as d
        where d.subscription_id = s.id and d.lease is not null
            and d.next_attempt_at > clock_timestamp()) as is_sending
    from bg.subscriptions as s where s.status <> 'removed' order by s.id
""")
# Served by the primary key backwards, or by deliveries_due or deliveries_dead.
_LIST = """
    select d.outbox_id, o.message_id::text as message_id, d.company_id, o.product, o.kinds,
        d.status, d.attempts, d.last_code, d.last_error, d.last_attempt_at, o.created_at,
        case when d.status = 'pending' then d.next_attempt_at end as next_attempt_at
    from bg.deliveries as d join bg.outbox as o on o.id = d.outbox_id
    where d.subscription_id = :id {narrowed}
    order by d.outbox_id desc limit :limit
"""
# Served by outbox_by_time and the primary key. A message that is on its way stays so.
_REPLAY = sa.text(f"""
    with page as materialized (
        select o.id, o.company_id, o.created_at from bg.outbox as o
        where (o.created_at, o.id) > (:since, :after) and o.created_at < :until and exists (
            select from bg.subscriptions as s where s.id = :id and {WANTS} offset 0)
        order by o.created_at, o.id limit :most
    ), again as (
        insert into bg.deliveries as d (subscription_id, outbox_id, company_id)
        select :id, page.id, page.company_id from page order by page.id
        on conflict (subscription_id, outbox_id) do update set
            status = 'pending', attempts = 0, lease = null, finished_at = null,
            next_attempt_at = clock_timestamp()
            where d.status <> 'pending'
        returning 1
    )
    select (select count(*) from again) as replayed, created_at, id
    from page order by created_at desc, id desc limit 1
""")
# Served by outbox_by_time.
_MISSED = sa.text(f"""
    select count(*) from bg.outbox as o join bg.subscriptions as s on s.id = :id and {WANTS}
    where o.created_at >= :since and not exists (
        select from bg.deliveries as d where d.subscription_id = :id and d.outbox_id = o.id)
""")


@dataclass(frozen=True, slots=True)
class Counts:
    """How many messages of a subscription wait and are dead.

    late_seconds: since when the first has been due, negative before it is; None where none waits.
    is_sending: whether somebody has one in hand.
    """

    id: int
    pending: int
    dead: int
    late_seconds: float | None
    is_sending: bool


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of a message: which news it has, and how its sending went.

    next_attempt_at: while it is pending, when it is tried next, or given up by who is sending it.
    """

    webhook_id: str
    company_id: str
    product: str
    kinds: list[str]
    status: str
    attempts: int
    last_code: int | None
    last_error: str | None
    last_attempt_at: datetime | None
    next_attempt_at: datetime | None
    created_at: datetime


def counts(conn: sa.Connection) -> list[Counts]:
    """Of each subscription that is not removed, by number."""
    return [Counts(**row) for row in conn.execute(_COUNTS).mappings()]


def overview(conn: sa.Connection) -> dict[str, Any]:
    """Subscriptions by status, and their messages that wait and are dead."""
    states = [one.status for one in subscriptions.read(conn)]
    found = counts(conn)
    return {
        "subscriptions": {name: states.count(name) for name in ("active", "disabled", "failed")},
        "pending": sum(one.pending for one in found),
        "dead": sum(one.dead for one in found),
    }


def problems(conn: sa.Connection) -> Iterator[str]:
    """What is wrong with subscriptions and with their sender, a line each with what to do."""
    found = {one.id: one for one in counts(conn)}
    for one in subscriptions.read(conn):
        where = f"subscription {one.id} ({targets.target(one.url).shown})"
        if one.status == "failed":
            since = f"{one.status_since.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
            yield (
                f"{where} has been switched off since {since}: {one.status_reason}; once it is "
                f"mended, `bg-assets subscriptions enable {one.id}`"
            )
        failing = one.failing_since if one.status == "active" else None
        seconds = (datetime.now(UTC) - failing).total_seconds() if failing else 0.0
        if seconds > FAILING_SECONDS:
            yield (
                f"{where} has taken no message for {seconds / 60:.0f} min; what waits is tried "
                f"again for days, and `bg-assets subscriptions test {one.id}` says what is wrong"
            )
        is_paused = one.paused_until is not None and one.paused_until > datetime.now(UTC)
        late = None if one.status != "active" or is_paused else _unsent(found.get(one.id))
        if late is not None:
            yield (
                f"nobody has sent what waits for {where} for {late:.0f} s; look whether the "
                "process notifications runs (`bg-assets up`, or `bg-assets notifications`)"
            )


def _unsent(found: Counts | None) -> float | None:
    """Since when nobody has sent what is due, if that is too long."""
    if found is None or found.is_sending or found.late_seconds is None:
        return None
    return found.late_seconds if found.late_seconds > UNSENT_SECONDS else None


def deliveries(
    conn: sa.Connection, number: int, limit: int, status: str | None = None
) -> list[Delivery]:
    """The last messages of a subscription, newest first."""
    narrowed = "" if status is None else "and d.status = :status"
    values = {"id": number, "limit": limit, **({} if status is None else {"status": status})}
    return [
        Delivery(
            webhook_id=messages.webhook_id(row.message_id, number),
            **{name: row._mapping[name] for name in Delivery.__slots__ if name != "webhook_id"},
        )
        for row in conn.execute(sa.text(_LIST.format(narrowed=narrowed)), values)
    ]


def replay(
    conn: sa.Connection, number: int, after: tuple[datetime, int], until: datetime, most: int = 2000
) -> tuple[int, tuple[datetime, int] | None]:
    """Send again what a subscription wants of the news of a time; what it never got comes along.

    after: from when on, and 0, or what the last call returned. Returns how many messages wait now
    that did not, and how far it came, None where nothing was left; to be called again until then,
    each time in a transaction of its own. Raises NoSuchSubscription.
    """
    subscriptions.lock(conn, number)
    since, last = after
    values = {"id": number, "since": since, "after": last, "until": until, "most": most}
    row = conn.execute(_REPLAY, values).one_or_none()
    return (0, None) if row is None else (int(row.replayed), (row.created_at, row.id))


def missed(conn: sa.Connection, number: int, since: datetime) -> int:
    """How many messages a subscription wanted since then and was never to be sent."""
    return int(conn.execute(_MISSED, {"id": number, "since": since}).scalar_one())
