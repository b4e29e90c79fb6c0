"""Whether Dagster's daemon and sensors run, read from its own tables.

Importing Dagster takes seconds, and `status` should not. The tables are Dagster's own business: a
test with a real instance fails when they change (checked with dagster 1.13.27).
"""

import json
from dataclasses import dataclass

import sqlalchemy as sa

from bg_assets.storage import database
from bg_assets.storage.stuck import LongRun

# The daemon writes every 30 s.
SILENT_SECONDS = 90

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
    from runs as r join run_tags as t on t.run_id = r.run_id and t.key = 'dagster/run_key'
    where r.status in ('STARTED', 'CANCELING')
        and r.start_time < extract(epoch from now()) - :seconds
    order by r.start_time limit 1000
""")


@dataclass(frozen=True, slots=True)
class DagsterState:
    """``daemon``: running, silent for some seconds, never started. ``sensors``: name to state."""

    daemon: str
    sensors: dict[str, str]


def read(url: str) -> DagsterState:
    """Read the state from the database of Dagster's storage. Raises DatabaseUnreachable."""
    engine = database.make_engine(url, pool_size=1)
    try:
        with database.connect(engine) as conn:
            if conn.execute(sa.text("select to_regclass('daemon_heartbeats')")).scalar() is None:
                return DagsterState("never started", {})
            seconds = conn.execute(_HEARTBEAT).scalar()
            sensors = {_name(row.instigator_body): row.status for row in conn.execute(_SENSORS)}
    finally:
        engine.dispose()
    if seconds is None:
        daemon = "never started"
    elif seconds < SILENT_SECONDS:
        daemon = "running"
    else:
        daemon = f"silent for {seconds:.0f} s"
    return DagsterState(daemon, {name: _word(status) for name, status in sensors.items()})


def long_runs(url: str, seconds: float) -> list[LongRun]:
    """The runs in progress that began so long ago and were asked for by a sensor.

    Raises DatabaseUnreachable.
    """
    engine = database.make_engine(url, pool_size=1)
    try:
        with database.connect(engine) as conn:
            if conn.execute(sa.text("select to_regclass('run_tags')")).scalar() is None:
                return []
            return [
                LongRun(**row) for row in conn.execute(_LONG_RUNS, {"seconds": seconds}).mappings()
            ]
    finally:
        engine.dispose()


def _name(body: str) -> str:
    origin = json.loads(body)["origin"]
    return str(origin.get("instigator_name") or origin.get("job_name"))


def _word(status: str) -> str:
    return "stopped" if status == "STOPPED" else "running"
