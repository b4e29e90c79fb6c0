"""What others are told, as counts by a few words: messages of the outbox, and open alerts."""

from dataclasses import dataclass

import sqlalchemy as sa

from bg_assets.domain.alerts.lives import FORGOTTEN_SECONDS

# One pass over what waits for each subscription, served by deliveries_due and deliveries_dead, in
# which nothing delivered is; then a probe of the outbox's primary key for the oldest of each.
_OUTBOX = sa.text("""
    select s.status, count(*) as subscriptions,
        coalesce(sum(w.messages), 0)::bigint as messages,
        coalesce(sum(dead.messages), 0)::bigint as dead,
        max(extract(epoch from clock_timestamp() - o.created_at))::float as oldest_seconds,
        max(extract(epoch from clock_timestamp() - case
            when s.paused_until > clock_timestamp() then null
            when w.is_leased then null else w.due_at end))::float as late_seconds
    from bg.subscriptions as s
    cross join lateral (
        select count(*) as messages, min(d.outbox_id) as first, min(d.next_attempt_at) as due_at,
            exists (
                select from bg.deliveries as l
                where l.subscription_id = s.id and l.lease is not null
                    and l.next_attempt_at > clock_timestamp()) as is_leased
        from bg.deliveries as d
        where d.subscription_id = s.id and d.finished_at is null) as w
    cross join lateral (
        select count(*) as messages from bg.deliveries as d
        where d.subscription_id = s.id and d.status = 'dead') as dead
    left join lateral (
        select created_at from bg.outbox where id = w.first offset 0) as o on true
    where s.status <> 'removed'
    group by s.status
""")
# Served by one_open_alert: as many as are wrong now. What nobody has looked at for long, since no
# process that looks is left, is no news any more.
_ALERTS = sa.text("""
    select kind, severity, count(*) as number from bg.alerts
    where resolved_at is null and raised_at is not null
        and seen_at > now() - make_interval(secs => :seconds)
    group by kind, severity
""")


@dataclass(frozen=True, slots=True)
class Outbox:
    """Subscriptions by status (active, disabled, failed), and what is to be sent to them.

    waiting: for the active ones; held: for those that are switched off, until they are on again;
    dead: given up. oldest_seconds: since the commit of the oldest that waits; late_seconds: since
    the first was due that nobody has taken in hand. Both 0 where there is none.
    """

    subscriptions: dict[str, int]
    waiting: int
    held: int
    dead: int
    oldest_seconds: float
    late_seconds: float


def outbox(conn: sa.Connection) -> Outbox:
    """What waits to be sent: costs what waits and is dead, not what was delivered."""
    found = {row.status: row for row in conn.execute(_OUTBOX)}
    active = found.get("active")
    return Outbox(
        {
            name: found[name].subscriptions if name in found else 0
            for name in ("active", "disabled", "failed")
        },
        active.messages if active else 0,
        sum(row.messages for row in found.values() if row is not active),
        sum(row.dead for row in found.values()),
        max(0.0, active.oldest_seconds or 0.0) if active else 0.0,
        max(0.0, active.late_seconds or 0.0) if active else 0.0,
    )


def open_alerts(conn: sa.Connection) -> dict[tuple[str, str], int]:
    """Alerts that are raised and not over, by kind and severity; seen within the hour."""
    rows = conn.execute(_ALERTS, {"seconds": FORGOTTEN_SECONDS})
    return {(row.kind, row.severity): row.number for row in rows}
