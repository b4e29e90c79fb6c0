"""Alerts in the tables, shared by the processes that look on all machines; one of them tells."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import sqlalchemy as sa

from bg_assets.domain.alerts import lives
from bg_assets.domain.alerts.lives import Alert, Look
from bg_assets.domain.alerts.telling import Told
from bg_assets.storage import locks

# Of an alert that is over its end is told for so long, and it is listed and kept.
TELL_SECONDS, KEEP_SECONDS = 86_400.0, 90 * 86_400.0

_COLUMNS = "id, kind, subject, severity, said, todo, since, seen_at, raised_at, resolved_at"
# Served by one_open_alert: as many as are wrong now.
_OPEN = sa.text(f"select {_COLUMNS} from bg.alerts where resolved_at is null order by since, id")
# Served by alerts_by_end.
_OVER = sa.text(f"""
    select {_COLUMNS} from bg.alerts
    where resolved_at >= :since order by resolved_at desc, id desc limit :most
""")
# Served by one_open_alert.
_KEEP = sa.text("""
    insert into bg.alerts as a
        (kind, subject, severity, said, todo, since, seen_at, raised_at, resolved_at)
    select kind, subject, severity, said, todo, since, seen_at, raised_at, null
    from jsonb_to_recordset(cast(:alerts as jsonb)) as n(kind text, subject text, severity text,
        said text, todo text, since timestamptz, seen_at timestamptz, raised_at timestamptz)
    order by kind, subject
    on conflict (kind, subject) where resolved_at is null do update set
        severity = excluded.severity, said = excluded.said, todo = excluded.todo,
        seen_at = excluded.seen_at, raised_at = excluded.raised_at
""")
# Both served by the primary key.
_END = sa.text("update bg.alerts set resolved_at = :at where id = any(:ids)")
_FORGET = sa.text("delete from bg.alerts where id = any(:ids)")
# Served by alerts_by_end.
_PURGE = sa.text("delete from bg.alerts where resolved_at < :oldest")
# Served by the primary key.
_TOLD = sa.text("""
    select alert_id, channel, told_at, severity, over_at, tries, try_at, error
    from bg.alert_deliveries where alert_id = any(:ids)
""")
_NOTE = sa.text("""
    insert into bg.alert_deliveries as d
        (alert_id, channel, told_at, severity, over_at, tries, try_at, error)
    values (:alert_id, :channel, :told_at, :severity, :over_at, :tries, :try_at, :error)
    on conflict (alert_id, channel) do update set told_at = excluded.told_at,
        severity = excluded.severity, over_at = excluded.over_at, tries = excluded.tries,
        try_at = excluded.try_at, error = excluded.error
""")
# A handful of rows.
_SILENCES = sa.text("""
    select key, until, by, reason, since from bg.alert_silences where until > :now order by key
""")
_SILENCE = sa.text("""
    insert into bg.alert_silences as s (key, until, by, reason, since)
    values (:key, :until, :by, :reason, :now)
    on conflict (key) do update set until = excluded.until, by = excluded.by,
        reason = excluded.reason, since = excluded.since
""")
_UNSILENCE = sa.text("delete from bg.alert_silences where key = :key and until > :now")
_OLD_SILENCES = sa.text("delete from bg.alert_silences where until <= :now")
_LEASE = sa.text("""
    update bg.alert_sender set holder = :holder,
        until = cast(:now as timestamptz) + make_interval(secs => :seconds)
    where holder = :holder or until <= :now
""")
_RELEASE = sa.text("""
    update bg.alert_sender set until = '-infinity', holder = '' where holder = :holder
""")


@dataclass(frozen=True, slots=True)
class Silence:
    """Of which alert, or all alerts of which kind, nobody is told until when, by whom and why."""

    key: str
    until: datetime
    by: str
    reason: str
    since: datetime


def observe(conn: sa.Connection, look: Look) -> None:
    """Note what a look has seen; looks of all machines come one after another."""
    locks.take(conn, locks.Lock.ALERTS)
    known = read_open(conn)
    changed = lives.after(look, known)
    ids = {one.key: one.id for one in known}
    lasting = [one for one in changed.kept if one.resolved_at is None]
    ended = [one for one in changed.kept if one.resolved_at is not None]
    if lasting:
        conn.execute(_KEEP, {"alerts": json.dumps([asdict(one) for one in lasting], default=str)})
    if ended:
        conn.execute(_END, {"ids": [one.id for one in ended], "at": look.at})
    if changed.forgotten:
        conn.execute(_FORGET, {"ids": [ids[key] for key in changed.forgotten]})


def read_open(conn: sa.Connection) -> list[Alert]:
    """The alerts that are not over, the oldest first; some may not have lasted yet."""
    return [Alert(**row) for row in conn.execute(_OPEN).mappings()]


def read_over(conn: sa.Connection, since: datetime, most: int = 1000) -> list[Alert]:
    """The alerts that have ended since then, the last first."""
    rows = conn.execute(_OVER, {"since": since, "most": most}).mappings()
    return [Alert(**row) for row in rows]


def read_told(conn: sa.Connection, ids: Sequence[int]) -> dict[tuple[int, str], Told]:
    """What channels know of alerts, by the alert's id and the channel's name."""
    return {
        (row.alert_id, row.channel): Told(
            row.told_at, row.severity, row.over_at, row.tries, row.try_at, row.error
        )
        for row in conn.execute(_TOLD, {"ids": list(ids)})
    }


def note(conn: sa.Connection, alert_id: int, channel: str, told: Told) -> None:
    """Keep what a channel knows of an alert."""
    conn.execute(_NOTE, {"alert_id": alert_id, "channel": channel, **asdict(told)})


def purge(conn: sa.Connection, oldest: datetime, now: datetime) -> None:
    """Let go of alerts that were over before then, and of silences that are."""
    conn.execute(_PURGE, {"oldest": oldest})
    conn.execute(_OLD_SILENCES, {"now": now})


def silences(conn: sa.Connection, now: datetime) -> dict[str, Silence]:
    """What is silenced now, by key or kind."""
    return {row.key: Silence(**row._mapping) for row in conn.execute(_SILENCES, {"now": now})}


def is_silenced(alert: Alert, silenced: Mapping[str, Silence] | Iterable[str]) -> bool:
    """Whether the alert, or its kind, is silenced."""
    return alert.key in silenced or alert.kind in silenced


def silence(
    conn: sa.Connection, key: str, until: datetime, by: str, reason: str, now: datetime
) -> None:
    """Let nobody be told of an alert, or a kind, until then."""
    conn.execute(
        _SILENCE, {"key": key, "until": until, "by": by, "reason": reason, "now": now}
    )  # fmt: skip


def unsilence(conn: sa.Connection, key: str, now: datetime) -> bool:
    """End a silence; returns whether there was one."""
    return conn.execute(_UNSILENCE, {"key": key, "now": now}).rowcount > 0


def lease(conn: sa.Connection, holder: str, now: datetime, seconds: float) -> bool:
    """Be the one who tells of alerts for so long; False where another one is."""
    return conn.execute(_LEASE, {"holder": holder, "now": now, "seconds": seconds}).rowcount > 0


def release(conn: sa.Connection, holder: str) -> None:
    """Let another one tell from now on."""
    conn.execute(_RELEASE, {"holder": holder})
