"""A real Prometheus scrapes a real exporter: each query of the dashboard and each rule answers."""

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
import sqlalchemy as sa
import yaml

from bg_assets.instance.storage import PooledPostgresStorage
from bg_assets.local.programs import free_port
from bg_assets_tests.metrics import happening, queries
from bg_assets_tests.metrics.conftest import Exporter
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

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("prometheus") is None, reason="no prometheus here"),
]
SECONDS = 50.0


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A server by its URL."""

    url: str

    def ask(self, path: str, **parameters: str) -> Any:
        """What its API answers. Fails where that is an error."""
        answer = requests.get(f"{self.url}/api/v1/{path}", params=parameters, timeout=10)
        assert answer.json()["status"] == "success", answer.text
        return answer.json()["data"]

    def series(self, query: str) -> list[dict[str, Any]]:
        """The series that a query gives now."""
        found: list[dict[str, Any]] = self.ask("query", query=query)["result"]
        return found


@pytest.fixture
def prometheus(impatient: None, exporter: Exporter, tmp_path: Path) -> Iterator[Prometheus]:
    """One that scrapes the exporter, and evaluates the rules, every second."""
    config = yaml.safe_load((queries.RULES.parent / "prometheus.yaml").read_text())
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = [str(queries.RULES)]
    (job,) = config["scrape_configs"]
    job["static_configs"] = [{"targets": [exporter.url.removeprefix("http://")]}]
    file = tmp_path / "prometheus.yaml"
    file.write_text(yaml.safe_dump(config))
    address = f"127.0.0.1:{free_port()}"
    with (tmp_path / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            [
                "prometheus", f"--config.file={file}", f"--storage.tsdb.path={tmp_path / 'data'}",
                f"--web.listen-address={address}", "--log.level=warn",
            ],
            stdout=log, stderr=log,
        )  # fmt: skip
    try:
        yield Prometheus(f"http://{address}")
    finally:
        process.terminate()
        process.wait(timeout=20)


def _daemon_of_dagster(url: str) -> None:
    """Dagster's tables, with the heartbeat of a daemon and a sensor that is on."""
    storage = PooledPostgresStorage(url)
    storage.run_storage.add_daemon_heartbeat(DaemonHeartbeat(time.time(), "SENSOR", "an id", []))
    location = GrpcServerCodeLocationOrigin("localhost", socket="/x.sock", location_name="here")
    origin = RemoteInstigatorOrigin(
        RemoteRepositoryOrigin(location, "__repository__"), "due_companies_1"
    )
    storage.schedule_storage.add_instigator_state(
        InstigatorState(
            origin, InstigatorType.SENSOR, InstigatorStatus.RUNNING, SensorInstigatorData()
        )
    )
    for one in (storage.run_storage, storage.event_log_storage, storage.schedule_storage):
        one.dispose()


def _reachable(found: Callable[[], object]) -> bool:
    try:
        return bool(found())
    except requests.ConnectionError:
        return False


def test_each_query_of_the_dashboard_gives_a_series_and_each_rule_is_well(
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    engine: sa.Engine,
    database_url: str,
    prometheus: Prometheus,
) -> None:
    monkeypatch.setenv("BG_ENRICH_CAP_DAILY", "1")
    _daemon_of_dagster(database_url)
    happening.begin(engine)
    until = time.monotonic() + SECONDS
    while not _reachable(lambda: prometheus.series("bg_up == 1")):
        assert time.monotonic() < until
        time.sleep(0.2)
    missing = list(queries.panels())
    assert len(missing) > 50
    while missing:
        happening.once_more(engine)
        missing = [(title, query) for title, query in missing if not prometheus.series(query)]
        assert time.monotonic() < until, missing
        time.sleep(1.0)
    for rule in queries.rules():
        prometheus.series(rule["expr"])
    evaluated = [rule for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]
    assert len(evaluated) == len(queries.rules())
    assert {(rule["health"], rule.get("lastError")) for rule in evaluated} == {("ok", None)}
    firing = {
        one["labels"]["alertname"]
        for one in prometheus.ask("alerts")["alerts"]
        if one["state"] == "firing"
    }
    # A refresh is dead, and a cap of a dollar is passed by the fourth call.
    assert {"BgRefreshesDead", "BgCostCapNear"} <= firing
    assert firing.isdisjoint({"BgMetricsAway", "BgDatabaseAway", "BgCaptureLost"})
