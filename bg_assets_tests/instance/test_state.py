"""What `status` reads from Dagster's own tables is what Dagster wrote there by its instance."""

import time

import dagster as dg
import pytest
import sqlalchemy as sa

from bg_assets import settings
from bg_assets.health import problems
from bg_assets.instance import state as dagster_state
from bg_assets.instance.state import SILENT_SECONDS, DagsterState
from bg_assets_tests.instance.conftest import Make
from bg_assets_tests.private import (
    DaemonHeartbeat,
    GrpcServerCodeLocationOrigin,
    InstigatorState,
    InstigatorStatus,
    InstigatorType,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
    SensorInstigatorData,
)
from bg_assets_tests.storage.rows import refresh


def _beat(instance: dg.DagsterInstance, daemon: str, seconds_ago: float) -> None:
    instance.add_daemon_heartbeat(DaemonHeartbeat(time.time() - seconds_ago, daemon, "an id", []))


def _sensor(name: str, status: InstigatorStatus) -> InstigatorState:
    location = GrpcServerCodeLocationOrigin("localhost", socket="/x.sock", location_name="here")
    return InstigatorState(
        RemoteInstigatorOrigin(RemoteRepositoryOrigin(location, "__repository__"), name),
        InstigatorType.SENSOR,
        status,
        SensorInstigatorData(),
    )


def test_where_dagster_has_no_tables_yet_it_never_started(database_url: str) -> None:
    assert dagster_state.read(database_url) == DagsterState("never started", {})


def test_before_the_first_daemon_nothing_has_started(
    instance: dg.DagsterInstance, empty_database: str
) -> None:
    assert dagster_state.read(empty_database) == DagsterState("never started", {})


@pytest.mark.parametrize(
    ("seconds_ago", "said"),
    [
        (SILENT_SECONDS * 40, "silent for 36"),
        (SILENT_SECONDS + 5, "silent for 9"),
        (SILENT_SECONDS - 5, "running"),
        (0, "running"),
    ],
)
def test_a_daemon_runs_while_its_sensors_heart_beats(
    instance: dg.DagsterInstance, empty_database: str, seconds_ago: float, said: str
) -> None:
    _beat(instance, "SENSOR", seconds_ago)
    _beat(instance, "SCHEDULER", 0)
    assert dagster_state.read(empty_database).daemon.startswith(said)


def test_each_of_our_sensors_is_running_or_stopped_by_its_name(
    instance: dg.DagsterInstance, empty_database: str
) -> None:
    declared = _sensor("due_companies_2", InstigatorStatus.DECLARED_IN_CODE)
    started = _sensor("due_companies_1", InstigatorStatus.RUNNING)
    stopped = _sensor("due_companies_3", InstigatorStatus.RUNNING)
    earlier = _sensor("people_changes", InstigatorStatus.DECLARED_IN_CODE)
    for state in (declared, started, stopped, earlier):
        instance.add_instigator_state(state)
    instance.update_instigator_state(stopped.with_status(InstigatorStatus.STOPPED))
    assert dagster_state.read(empty_database).sensors == {
        "due_companies_1": "running",
        "due_companies_2": "running",
        "due_companies_3": "stopped",
    }


def test_runs_that_began_long_ago_are_found_with_what_they_were_asked_for_by(
    instance: dg.DagsterInstance, empty_database: str, make_run: Make
) -> None:
    began = make_run(**{"dagster/run_key": "k1"})
    make_run(**{"dagster/run_key": "k2"})
    by_hand = make_run()
    for run in (began, by_hand):
        instance.report_dagster_event(
            dg.DagsterEvent(dg.DagsterEventType.RUN_START.value, run.job_name), run.run_id
        )
    (found,) = dagster_state.long_runs(empty_database, -60)
    assert (found.run_id, found.run_key) == (began.run_id, "k1")
    assert abs(found.started - time.time()) < 60
    assert dagster_state.long_runs(empty_database, 600) == []
    instance.report_run_failed(began)
    assert dagster_state.long_runs(empty_database, -60) == []


def test_where_dagster_has_no_tables_there_is_no_long_run(database_url: str) -> None:
    assert dagster_state.long_runs(database_url, -60) == []


def test_a_run_that_never_begins_the_refresh_it_is_for_is_a_problem_of_that_company(
    instance: dg.DagsterInstance,
    empty_database: str,
    make_run: Make,
    engine: sa.Engine,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BG_DATABASE_URL", database_url)
    monkeypatch.setenv("BG_DAGSTER_URL", empty_database)
    run = make_run(**{"dagster/run_key": "acme:1"})
    instance.report_dagster_event(
        dg.DagsterEvent(dg.DagsterEventType.RUN_START.value, run.job_name),
        run.run_id,
        timestamp=time.time() - 3600,
    )
    refresh(engine, "acme", "requested", run_key="acme:1")
    with engine.connect() as conn:
        (line,) = problems.read(conn, settings.read())
    assert line.startswith(f"run {run.run_id} has run since ")
    assert "and has not begun to refresh acme; after 900 s" in line
