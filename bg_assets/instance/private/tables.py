"""What is read from Dagster's own tables, without importing Dagster.

Each function takes a connection to the database of Dagster's storage, and finds nothing where
Dagster has not made its tables yet.
"""

import importlib.util
import json
import re
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import sqlalchemy as sa

from bg_assets.instance.private.names import RUN_KEY_TAG

# A cursor that holds the version of Dagster for which the tables are complete. Written last.
COMPLETE = "bg_assets/tables_complete"

# Cursors of Dagster's daemons, and whatever else has a key and a value.
_CURSORS = "kvs"

# All of Dagster's tables, and the one that tells their version.
TABLES = (
    "alembic_version", "asset_check_executions", "asset_daemon_asset_evaluations",
    "asset_event_tags", "asset_keys", "backfill_tags", "bulk_actions", "concurrency_limits",
    "concurrency_slots", "daemon_heartbeats", "dynamic_partitions", "event_logs", "instance_info",
    "instigators", "job_ticks", "jobs", "kvs", "pending_steps", "run_tags", "runs",
    "secondary_indexes", "snapshots",
)  # fmt: skip

_MADE = re.compile(r"^revision = \"(\w+)\"", re.MULTILINE)
_BEFORE = re.compile(r"^down_revision = \"(\w+)\"", re.MULTILINE)

_EXISTS = sa.text("select to_regclass(:table) is not null")
# Served by the unique index on key.
_CURSOR = sa.text(f"select value from {_CURSORS} where key = :key")
_HEARTBEAT = sa.text("""
    select extract(epoch from (now() at time zone 'utc') - max(timestamp))::float
    from daemon_heartbeats where daemon_type = 'SENSOR'
""")
_HEARTBEATS = sa.text("""
    select daemon_type,
        extract(epoch from (now() at time zone 'utc') - max(timestamp))::float as seconds
    from daemon_heartbeats group by daemon_type order by daemon_type
""")
_SENSORS = sa.text("""
    select status, instigator_body from instigators where instigator_type = 'SENSOR' order by id
""")
_SCHEDULES = sa.text("""
    select status, instigator_body from instigators where instigator_type = 'SCHEDULE' order by id
""")
_REVISION = sa.text("select version_num from alembic_version")
# Served by idx_run_status and the index of the tags by run.
_LONG_RUNS = sa.text("""
    select r.run_id, t.value as run_key, r.start_time as started
    from runs as r join run_tags as t on t.run_id = r.run_id and t.key = :run_key
    where r.status in ('STARTED', 'CANCELING')
        and r.start_time < extract(epoch from now()) - :seconds
    order by r.start_time limit 1000
""")
# Served by idx_run_range.
_FAILED_RUNS = sa.text("""
    select run_id from runs where status = 'FAILURE'
        and update_timestamp > (now() at time zone 'utc') - make_interval(secs => :seconds)
""")


def cursor(conn: sa.Connection, key: str) -> str | None:
    """The value that ``run_storage.set_cursor_values`` has stored under a key."""
    if not _exists(conn, _CURSORS):
        return None
    value: str | None = conn.scalar(_CURSOR, {"key": key})
    return value


def are_complete(conn: sa.Connection) -> bool:
    """Whether the Dagster that is installed has found its tables complete before."""
    return cursor(conn, COMPLETE) == metadata.version("dagster")


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


def heartbeats(conn: sa.Connection) -> dict[str, float]:
    """How long ago each of the daemon's threads gave its last sign, in s, by what it is for."""
    if not _exists(conn, "daemon_heartbeats"):
        return {}
    return {row.daemon_type: row.seconds for row in conn.execute(_HEARTBEATS)}


def schedules(conn: sa.Connection) -> dict[str, bool]:
    """Whether each schedule is on, by name: all that there ever were, in any code location."""
    if not _exists(conn, "instigators"):
        return {}
    rows = conn.execute(_SCHEDULES)
    return {_name(row.instigator_body): row.status != "STOPPED" for row in rows}


def revision(conn: sa.Connection) -> str | None:
    """The revision of Dagster's tables; None where there are none."""
    if not _exists(conn, "alembic_version"):
        return None
    found: str | None = conn.execute(_REVISION).scalar()
    return found


def newest_revision() -> str | None:
    """The revision of the tables of the Dagster that is installed; None where it can't be told.

    Read from the text of its migrations: importing one imports all of Dagster.
    """
    found = importlib.util.find_spec("dagster")
    if found is None or found.origin is None:
        return None
    folder = Path(found.origin).parent / "_core" / "storage" / "alembic" / "versions"
    texts = [path.read_text(encoding="utf-8") for path in folder.glob("*.py")]
    made = {one for text in texts for one in _MADE.findall(text)}
    before = {one for text in texts for one in _BEFORE.findall(text)}
    newest = made - before
    return newest.pop() if len(newest) == 1 else None


def long_runs(conn: sa.Connection, seconds: float) -> Sequence[sa.RowMapping]:
    """``run_id, run_key, started`` (in s since 1970) of the runs that began so long ago.

    Those in progress that a sensor asked for, the oldest first, a thousand at most.
    """
    if not _exists(conn, "run_tags"):
        return []
    return conn.execute(_LONG_RUNS, {"seconds": seconds, "run_key": RUN_KEY_TAG}).mappings().all()


def failed_runs(conn: sa.Connection, seconds: float) -> list[str]:
    """The runs, of whatever job, that have failed within so many seconds."""
    if not _exists(conn, "runs"):
        return []
    return list(conn.execute(_FAILED_RUNS, {"seconds": seconds}).scalars())


def _exists(conn: sa.Connection, table: str) -> bool:
    return bool(conn.scalar(_EXISTS, {"table": table}))


def _name(body: str) -> str:
    origin = json.loads(body)["origin"]
    return str(origin.get("instigator_name") or origin.get("job_name"))
