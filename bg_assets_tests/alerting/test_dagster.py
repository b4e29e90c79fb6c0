"""The alerts about Dagster itself, on its real tables."""

import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa

from bg_assets.domain.alerts.kinds import KINDS
from bg_assets.instance.private import tables
from bg_assets_tests.alerting.scenes import scene
from bg_assets_tests.alerting.servers import Web
from bg_assets_tests.conftest import Cluster
from bg_assets_tests.instance.conftest import write_config
from bg_assets_tests.private import DaemonHeartbeat

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def instance(postgres: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[
    dg.DagsterInstance, str
]]:  # fmt: skip
    """A real instance with its tables in a database of its own, and that database's URL."""
    url = postgres.clone("template0")
    folder = tmp_path_factory.mktemp("dagster")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BG_HOME", str(folder))
        write_config(folder, url)
        with dg.DagsterInstance.from_config(str(folder)) as made:
            yield made, url
    postgres.drop(url)


@pytest.fixture
def dagster(
    instance: tuple[dg.DagsterInstance, str], installation: str, monkeypatch: pytest.MonkeyPatch
) -> dg.DagsterInstance:
    """The instance, as that of the installation; its daemon has just given a sign."""
    made, url = instance
    monkeypatch.setenv("BG_DAGSTER_URL", url)
    beat(made, 0)
    return made


def beat(instance: dg.DagsterInstance, seconds_ago: float) -> None:
    """The daemon's last sign of life."""
    for thread in ("SENSOR", "SCHEDULER"):
        instance.add_daemon_heartbeat(DaemonHeartbeat(time.time() - seconds_ago, thread, "id", []))


def test_a_daemon_whose_heart_stands_still_is_told(
    dagster: dg.DagsterInstance, engine: sa.Engine, vendor: Web, tmp_path: Path
) -> None:
    with scene("daemon-silent", engine, vendor, tmp_path) as found:
        assert found.pass_by(0) == []
        beat(dagster, 300)
        assert found.pass_by(0) == []
        assert found.pass_by(KINDS["daemon-silent"].lasts) == [("raised", "daemon-silent")]
        beat(dagster, 0)
        assert found.until_over() == [("over", "daemon-silent")]
    said = vendor.documents[0]["data"]["said"]
    assert said.startswith("Dagster's daemon is not running (silent for 30")


def test_runs_that_fail_are_told(
    dagster: dg.DagsterInstance,
    engine: sa.Engine,
    vendor: Web,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with scene("runs-failing", engine, vendor, tmp_path) as found:
        assert found.pass_by(0) == []
        for number in range(3):
            assert found.pass_by(0) == [], number
            run = dg.DagsterRun(job_name="some_job", run_id=str(uuid.uuid4()))
            dagster.run_storage.add_run(run)
            dagster.report_run_failed(run)
        assert found.pass_by(0) == [("raised", "runs-failing")]
        assert vendor.documents[0]["data"]["said"] == "3 runs have failed in 15 min"
        # A quarter of an hour passes.
        monkeypatch.setattr(tables, "failed_runs", lambda conn, seconds: [])
        assert found.until_over() == [("over", "runs-failing")]


def test_a_failure_is_counted_once_though_its_run_and_its_attempt_have_failed(
    dagster: dg.DagsterInstance, engine: sa.Engine, vendor: Web, tmp_path: Path
) -> None:
    with scene("runs-failing", engine, vendor, tmp_path) as found:
        others = len(dagster.run_storage.get_run_ids())
        found.bg.companies("co-7")
        found.execute(
            "insert into bg.buyer_group_refresh_log "
            "(company_id, status, reason, triggered_by, finished_at) "
            "values ('co-7', 'dead', 'x', 'y', now())"
        )
        for number in range(3):
            run = dg.DagsterRun(job_name="some_job", run_id=str(uuid.uuid4()))
            dagster.run_storage.add_run(run)
            dagster.report_run_failed(run)
            found.execute(
                "insert into bg.refresh_attempts (refresh_id, attempt, run_id, ended_at, error) "
                "select id, :number, :run, now(), 'it broke' from bg.buyer_group_refresh_log",
                number=number, run=run.run_id,
            )  # fmt: skip
        assert found.until_raised() == [("raised", "runs-failing")]
    more = f" and {others} more runs" if others else ""
    (said,) = [one["data"]["said"] for one in vendor.documents]
    assert said == f"3 attempts at refreshes of 1 company (co-7){more} have failed in 15 min"


def test_a_sensor_that_is_switched_off_is_told(
    dagster: dg.DagsterInstance,
    engine: sa.Engine,
    vendor: Web,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    states = {"due_companies_1": False, "due_companies_2": True}
    monkeypatch.setattr(tables, "sensors", lambda conn: states)
    with scene("switched-off", engine, vendor, tmp_path) as found:
        assert found.pass_by(0) == []
        assert found.pass_by(KINDS["switched-off"].lasts) == [("raised", "switched-off:sensors")]
        states["due_companies_1"] = True
        assert found.until_over() == [("over", "switched-off:sensors")]
