"""The audit log: who did what to what, and how often. Never a secret, a name or a payload."""

import json
from collections.abc import Collection, Mapping

import sqlalchemy as sa

# A request at the webhook door that was refused, with its kind.
REFUSED = "webhook.refused"
# Events that came again with another body than the one that is stored.
DIFFERING = "webhook.differing"
# What somebody gave up on, with the reason.
REFRESH_DISCARDED = "refresh.discarded"
EVENT_DISCARDED = "webhook_event.discarded"

_RECORD = sa.text("""
    insert into bg.audit_log (actor, action, subject, count, detail)
    values (:actor, :action, :subject, :count, cast(:detail as jsonb))
""")
# A look through the log, which people fill.
_SINCE = sa.text("""
    select extract(epoch from clock_timestamp() - max(at))::float from bg.audit_log
    where action = :action
""")
# Served by audit_log_by_time: a line every few seconds for each source and kind.
_REFUSED = sa.text("""
    select coalesce(subject, '') as source, sum(count) as number from bg.audit_log
    where at > clock_timestamp() - make_interval(secs => :seconds) and action = :action
        and detail ->> 'kind' = any(:kinds)
    group by 1 order by 1
""")
# Served by audit_log_of_differing.
_DIFFERING = sa.text(f"""
    select coalesce(sum(count), 0) from bg.audit_log
    where action = '{DIFFERING}' and at > clock_timestamp() - interval '1 day'
""")


def record(
    conn: sa.Connection,
    actor: str,
    action: str,
    subject: str | None,
    count: int = 1,
    detail: Mapping[str, object] | None = None,
) -> None:
    """Add a line, in the transaction of what it tells of.

    ``subject`` is what was acted on; ``count`` stands for that many like events.
    """
    values = {"actor": actor, "action": action, "subject": subject, "count": count}
    conn.execute(_RECORD, {**values, "detail": json.dumps(detail or {})})


def seconds_since(conn: sa.Connection, action: str) -> float | None:
    """How long ago something was done last; None where it never was, as far as is known."""
    seconds: float | None = conn.execute(_SINCE, {"action": action}).scalar()
    return seconds


def differing(conn: sa.Connection) -> int:
    """How many events came again with another body, within a day."""
    return int(conn.execute(_DIFFERING).scalar_one())


def refused(
    conn: sa.Connection, action: str, kinds: Collection[str], seconds: float
) -> dict[str, int]:
    """How many requests of these kinds were refused lately, by source; "" where it is unknown."""
    values = {"action": action, "kinds": list(kinds), "seconds": seconds}
    return {row.source: int(row.number) for row in conn.execute(_REFUSED, values)}
