"""Letting go of answers, which are personal data. The bill stays, and that they were asked for."""

from datetime import datetime

import sqlalchemy as sa

from bg_assets.storage import audit
from bg_assets.storage.operations import bill, health
from bg_assets.storage.operations.bill import Entry

# Of which a transaction takes so many at most.
_BATCH = 2000

# Served by pipeline_operations_kept; as an array the ids are looked up by the primary key.
_EXPIRED = sa.text("""
    update bg.pipeline_operations
    set output = null, expires_at = least(expires_at, :now)
    where id = any(array(
        select id from bg.pipeline_operations
        where output is not null
            and (cast(:until as timestamptz) is null or expires_at < :until)
        order by expires_at limit :most for update))
""")
# Served by pipeline_operations_by_person, pipeline_operations_by_company and the key of people.
# Lists of who works at a company may hold the person too.
_OF_PERSON = sa.text("""
    with theirs as (
        select id, company_id from bg.pipeline_operations where person_id = :person_id
    ), companies as (
        select company_id from theirs
        union
        select company_id from bg.canonical_people
        where id = :person_id and company_id is not null
    ), chosen as (
        select id from theirs
        union
        select o.id from companies
        join bg.pipeline_operations as o on o.company_id = companies.company_id
        where o.kind = 'discovery'
    )
    update bg.pipeline_operations as o
    set output = null, expires_at = least(expires_at, :now) from chosen
    where o.id = chosen.id and o.output is not null
""")
# Served by pipeline_operations_failed.
_LIFT = sa.text("""
    update bg.pipeline_operations set expires_at = null
    where status = 'failed' and expires_at is not null
        and (cast(:person_id as text) is null or person_id = :person_id)
""")
_ASKED_ABOUT = sa.text("""
    select exists (select from bg.pipeline_operations where person_id = :person_id)
        or exists (select from bg.canonical_people where id = :person_id)
""")
# Served by pipeline_operations_running.
_GONE = sa.text("""
    select provider, key from bg.pipeline_operations
    where status = 'running' and leased_until < cast(:now as timestamptz) - interval '1 hour'
    order by provider, key limit :most
""")
_CLOSE = sa.text("""
    update bg.pipeline_operations as o
    set status = 'failed', failure = 'lost', error = coalesce(o.error, :error),
        reserved = null, reserved_on = null, leased_until = null, finished_at = :now
    from (
        select id, kind, reserved, reserved_on from bg.pipeline_operations
        where key = :key and status = 'running'
            and leased_until < cast(:now as timestamptz) - interval '1 hour'
    ) as before
    where o.id = before.id
    returning before.kind, before.reserved, before.reserved_on
""")


def purge_expired(conn: sa.Connection, until: datetime | None, now: datetime, actor: str) -> int:
    """Let go of answers that expired before ``until`` (None: of all, expired or not), some at most.

    Returns how many; to be called again, each time in a transaction of its own, until it returns 0.
    """
    values = {"until": until, "now": now, "most": _BATCH}
    number = conn.execute(_EXPIRED, values).rowcount
    if number:
        detail = {"expired_before": None if until is None else until.isoformat()}
        audit.record(conn, actor, "operations.purged", None, number, detail)
    return number


def purge_person(conn: sa.Connection, person_id: str, now: datetime, actor: str) -> int:
    """Let go of all answers that may hold this person, expired or not; returns how many."""
    number = conn.execute(_OF_PERSON, {"person_id": person_id, "now": now}).rowcount
    if number:
        audit.record(conn, actor, "operations.purged", person_id, number)
    return number


def lift(conn: sa.Connection, person_id: str | None) -> int:
    """Let questions be asked again that failed and were paid, about a person or all of them.

    Returns how many.
    """
    return conn.execute(_LIFT, {"person_id": person_id}).rowcount


def is_known(conn: sa.Connection, person_id: str) -> bool:
    """Whether there is or was such a person here."""
    return bool(conn.execute(_ASKED_ABOUT, {"person_id": person_id}).scalar())


def close_gone(conn: sa.Connection, now: datetime) -> int:
    """Close questions whose process has been gone for an hour; returns how many.

    A call that was under way may have cost what was reserved: that stays on the bill of its day.
    """
    gone = conn.execute(_GONE, {"now": now, "most": _BATCH}).all()
    closed, held = 0, None
    for row in gone:
        if row.provider != held:
            held = row.provider
            health.locked(conn, held)
        closed += _close(conn, row.provider, row.key, now)
    return closed


def _close(conn: sa.Connection, provider: str, key: str, now: datetime) -> int:
    error = f"{provider}: the process that asked is gone"
    row = conn.execute(_CLOSE, {"key": key, "now": now, "error": error}).first()
    if row is None:
        return 0
    if row.reserved is not None:
        lost = Entry(lost=1, uncertain=row.reserved)
        bill.add(conn, provider, row.kind, row.reserved_on, lost)
    return 1
