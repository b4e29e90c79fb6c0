"""What is read from Dagster's own tables, without importing Dagster.

Each function takes a connection to the database of Dagster's storage, and finds nothing where
Dagster has not made its tables yet.
"""

import json
from collections.abc import Sequence

import sqlalchemy as sa

from bg_assets.instance.private.names import RUN_KEY_TAG

# Cursors of Dagster's daemons, and whatever else has a key and a value.
_CURSORS = "kvs"

_EXISTS = sa.text("select to_regclass(:table) is not null")
# Served by the unique index on key.
_CURSOR = sa.text(f"select value from {_CURSORS} where key = :key")
_HEARTBEAT = sa.text("""
    select extract(epoch from (now() at time zone 'utc') - max(timestamp))::float
    from daemon_heartbeats where daemon_type = 'SENSOR'
""")
_SENSORS = sa.text("""
    select status, instigator_body from instigators where instigator_type = 'SENSOR' order by id
""")
# Served by idx_run_status and the index of the tags by run.
_LONG_RUNS = sa.text("""
    select r.run_id, t.value as run_key, r.start_time as started
    from runs as r join run_tags as t on t.run_id = r.run_id and t.key = :run_key
    where r.status in ('STARTED', 'CANCELING')
        and r.start_time < extract(epoch from now()) - :seconds
    order by r.start_time limit 1000
""")


def cursor(conn: sa.Connection, key: str) -> str | None:
    """The value that ``run_storage.set_cursor_values`` has stored under a key."""
    if not _exists(conn, _CURSORS):
        return None
    value: str | None = conn.scalar(_CURSOR, {"key": key})
    return value


def seconds_since_heartbeat(conn: sa.Connection) -> float | None:
    """How long ago the daemon's sensor thread gave its last sign; None where it never did."""
    if not _exists(conn, "daemon_heartbeats"):
        return None
    seconds: float | None = conn.scalar(_HEARTBEAT)
    return seconds


def sensors(conn: sa.Connection) -> dict[str, bool]:
    """Whether each sensor is on, by name: all that there ever were, in any code location."""
    if not _exists(conn, "instigators"):
        return {}
    rows = conn.execute(_SENSORS)
    return {_name(row.instigator_body): row.status != "STOPPED" for row in rows}


def long_runs(conn: sa.Connection, seconds: float) -> Sequence[sa.RowMapping]:
    """``run_id, run_key, started`` (in s since 1970) of the runs that began so long ago.

    Those in progress that a sensor asked for, the oldest first, a thousand at most.
    """
    if not _exists(conn, "run_tags"):
        return []
    return conn.execute(_LONG_RUNS, {"seconds": seconds, "run_key": RUN_KEY_TAG}).mappings().all()


def _exists(conn: sa.Connection, table: str) -> bool:
    return bool(conn.scalar(_EXISTS, {"table": table}))


def _name(body: str) -> str:
    origin = json.loads(body)["origin"]
    return str(origin.get("instigator_name") or origin.get("job_name"))
