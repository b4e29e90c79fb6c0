"""What `doctor` reads from Dagster's tables is what Dagster wrote there, and tells its version."""

import time

import dagster as dg

from bg_assets.health import checks_of_state
from bg_assets.instance import state
from bg_assets.instance.private import tables
from bg_assets_tests.private import DaemonHeartbeat


def test_tables_that_dagster_has_just_made_are_of_its_newest_revision(
    instance: dg.DagsterInstance, empty_database: str
) -> None:
    found = state.read_storage(empty_database)
    assert found.revision is not None
    assert found.revision == tables.newest_revision()
    assert abs(found.ahead_seconds) < 1


def test_where_dagster_has_no_tables_there_is_no_revision(database_url: str) -> None:
    found = state.read_storage(database_url)
    assert (found.revision, found.heartbeats, found.schedules) == (None, {}, {})


def test_each_thread_of_the_daemon_is_judged_by_its_own_heartbeat(
    instance: dg.DagsterInstance, empty_database: str
) -> None:
    for daemon, ago in (("SENSOR", 5), ("MONITORING", 500)):
        instance.add_daemon_heartbeat(DaemonHeartbeat(time.time() - ago, daemon, "an id", []))
    heartbeats = state.read_storage(empty_database).heartbeats
    (silent,) = checks_of_state._threads(heartbeats)
    assert silent.level == "warn"
    assert silent.said.startswith("its thread MONITORING has given no sign for 50")
    (well,) = checks_of_state._threads({"SENSOR": heartbeats["SENSOR"]})
    assert well.level == "ok"


def test_what_is_switched_off_is_named() -> None:
    (off,) = checks_of_state._switched("schedule", {"a": True, "b": False, "c": False})
    assert (off.check, off.level, off.said) == ("schedules", "warn", "switched off: b, c")
    (on,) = checks_of_state._switched("sensor", {"a": True})
    assert (on.level, on.said) == ("ok", "1 are on")
    assert list(checks_of_state._switched("schedule", {})) == []
