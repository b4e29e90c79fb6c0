"""Whether Dagster's daemon and sensors run, read from its own tables.

Importing Dagster takes seconds, and `status` should not.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import sqlalchemy as sa

from bg_assets.instance.private import tables
from bg_assets.storage import database
from bg_assets.storage.stuck import LongRun

# The names of this project's sensors. Dagster remembers others, of earlier versions or locations.
SENSORS = tuple(f"due_companies_{number}" for number in (1, 2, 3, 4))
# And the one that looks for companies to ask providers about.
ENRICHMENT = "enrichment"

# The daemon writes every 30 s.
SILENT_SECONDS = 90


@dataclass(frozen=True, slots=True)
class DagsterState:
    """``daemon``: running, silent for some seconds, never started. ``sensors``: name to state.

    ``heartbeat_seconds``: since the daemon's sensor thread gave its last sign.

    Of the sensors those of this project that have been evaluated or switched once.
    """

    daemon: str
    sensors: dict[str, str]
    heartbeat_seconds: float | None = field(default=None, compare=False)


def read(url: str) -> DagsterState:
    """Read the state from the database of Dagster's storage. Raises DatabaseUnreachable."""
    with _connected(url) as conn:
        seconds = tables.seconds_since_heartbeat(conn)
        sensors = tables.sensors(conn)
    if seconds is None:
        daemon = "never started"
    elif seconds < SILENT_SECONDS:
        daemon = "running"
    else:
        daemon = f"silent for {seconds:.0f} s"
    return DagsterState(
        daemon,
        {
            name: "running" if sensors[name] else "stopped"
            for name in (*SENSORS, ENRICHMENT)
            if name in sensors
        },
        seconds,
    )


@dataclass(frozen=True, slots=True)
class Storage:
    """What is in Dagster's database: the revision of its tables, None where there are none.

    ``heartbeats``: s since each thread of the daemon gave a sign; schedules: which are on, by name;
    ``ahead_seconds``: by how much that server's clock is before this machine's.
    """

    revision: str | None
    heartbeats: dict[str, float]
    schedules: dict[str, bool]
    ahead_seconds: float


def read_storage(url: str) -> Storage:
    """Read what ``doctor`` looks at. Raises DatabaseUnreachable."""
    with _connected(url) as conn:
        return Storage(
            tables.revision(conn),
            tables.heartbeats(conn),
            tables.schedules(conn),
            database.seconds_ahead(conn),
        )


def long_runs(url: str, seconds: float) -> list[LongRun]:
    """The runs in progress that began so long ago and were asked for by a sensor.

    Raises DatabaseUnreachable.
    """
    with _connected(url) as conn:
        return [LongRun(**row) for row in tables.long_runs(conn, seconds)]


def failed_runs(url: str, seconds: float) -> list[str]:
    """The runs that have failed within so many seconds. Raises DatabaseUnreachable."""
    with _connected(url) as conn:
        return tables.failed_runs(conn, seconds)


@contextmanager
def _connected(url: str) -> Iterator[sa.Connection]:
    engine = database.make_engine(url, pool_size=1)
    try:
        with database.connect(engine) as conn:
            yield conn
    finally:
        engine.dispose()
