"""Whether Dagster's daemon and sensors run, read from its own tables.

Importing Dagster takes seconds, and `status` should not. The tables are Dagster's own business: a
test with a real instance fails when they change (checked with dagster 1.13.27).
"""

import json
from dataclasses import dataclass

import sqlalchemy as sa

from bg_assets.storage import database

# The daemon writes every 30 s.
SILENT_SECONDS = 90

_HEARTBEAT = sa.text("""
    select extract(epoch from (now() at time zone 'utc') - max(timestamp))::float
    from daemon_heartbeats where daemon_type = 'SENSOR'
""")
_SENSORS = sa.text("""
    select status, instigator_body from instigators where instigator_type = 'SENSOR' order by id
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


def _name(body: str) -> str:
    origin = json.loads(body)["origin"]
    return str(origin.get("instigator_name") or origin.get("job_name"))


def _word(status: str) -> str:
    return "stopped" if status == "STOPPED" else "running"
