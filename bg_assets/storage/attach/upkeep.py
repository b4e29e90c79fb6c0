"""Seen to while the system runs: attached tables get partitions, and are made anew by others."""

import psycopg2.errors
import sqlalchemy as sa

from bg_assets.storage import locks
from bg_assets.storage.capture import attached, triggers, watch
from bg_assets.storage.locks import Lock

# Writers of the table wait behind whoever waits for it.
_LOCK_TIMEOUT = "1s"
_MENDED = sa.text("delete from bg.capture_failures")
# What bears no trigger of ours that should: a partition that came, a table that was made anew.
_BARE = sa.text("""
    select count(*) from unnest(cast(:tables as text[])) as one where not exists (
        select from pg_catalog.pg_trigger as t
        where t.tgrelid = to_regclass(one) and t.tgname = :trigger)
""")
# Triggers of ours on what is a part no more, which only their owner could drop one by one.
_LEFT_BEHIND = sa.text("""
    select count(*) from pg_catalog.pg_trigger as t
    join pg_catalog.pg_proc as p on p.oid = t.tgfoid
    where p.oid = to_regproc(:function)
        and t.tgrelid <> all(array(select to_regclass(one)
            from unnest(cast(:tables as text[])) as one)::oid[])
""")


def look_after(conn: sa.Connection) -> list[str]:
    """Put triggers where they are missing on attached tables; what was done, a line each.

    Nothing is done while a table does not fit, and nothing to a trigger that its owner disabled.
    What changed meanwhile is found by comparison. A few looks into the catalogue, none where
    nothing is attached.
    """
    tables = attached.read(conn)
    if not tables or attached.closed(conn) or attached.misfits(conn):
        return []
    bare = [one for one in triggers.in_force(conn) if one.tables and _is_bare(conn, one)]
    failed = bool(attached.failures(conn))
    if not (bare or failed) or not locks.try_to_take(conn, Lock.SCHEMA):
        return []
    if bare:
        try:
            with conn.begin_nested():
                conn.exec_driver_sql(f"set local lock_timeout = '{_LOCK_TIMEOUT}'")
                triggers.install(conn, *triggers.in_force(conn))
        except sa.exc.DBAPIError as err:
            if isinstance(err.orig, psycopg2.errors.InsufficientPrivilege):
                names = ", ".join(one.table for one in bare)
                return [
                    f"no trigger can be put on all parts of {names}: `bg-assets attach` says "
                    "which rights are missing"
                ]
            if not isinstance(err.orig, psycopg2.errors.LockNotAvailable):
                raise
            return []
    conn.execute(_MENDED)
    watch.ask_for_comparison(conn)
    names = ", ".join(one.table for one in bare) or "attached tables"
    return [f"changes of {names} are captured again; what changed meanwhile is compared"]


def _is_bare(conn: sa.Connection, one: triggers.CapturedTable) -> bool:
    what = "people" if one.expressions and "company_id" in one.expressions else "companies"
    trigger = f"{watch.CAPTURING}{what}_insert"
    asked = {"tables": list(one.tables), "trigger": trigger, "function": f"bg.{trigger}"}
    return bool(conn.execute(_BARE, asked).scalar()) or bool(
        conn.execute(_LEFT_BEHIND, asked).scalar()
    )
