"""The real daemon with the project's dagster.yaml: its runs start, fail when killed, outlive it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import psutil
import pytest

from bg_assets import settings
from bg_assets.instance.private import names
from bg_assets.instance.worker import State, Worker
from bg_assets_tests.instance.conftest import Make, wait_for

pytestmark = pytest.mark.system

STARTED = dg.DagsterRunStatus.STARTED
SUCCESS = dg.DagsterRunStatus.SUCCESS
FAILURE = dg.DagsterRunStatus.FAILURE


@pytest.fixture(scope="module")
def requests(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder from which the sensor takes what to request."""
    return tmp_path_factory.mktemp("requests")


@pytest.fixture(scope="module")
def daemon(
    instance: dg.DagsterInstance, home: Path, requests: Path
) -> Iterator["subprocess.Popen[bytes]"]:
    environment = {
        **os.environ,
        "DAGSTER_HOME": str(home / "dagster"),
        "BG_HOME": str(home),
        "REQUESTS": str(requests),
    }
    log = home / "daemon.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                str(Path(sys.executable).with_name("dagster-daemon")),
                "run",
                "-m",
                "bg_assets_tests.instance.code",
                "-d",
                str(settings.PROJECT),
            ],
            env=environment,
            cwd=home,
            stdout=output,
            stderr=output,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            process.wait(30)


@pytest.fixture
def request_run(
    instance: dg.DagsterInstance, daemon: object, requests: Path
) -> Callable[[str, str], dg.DagsterRun]:
    """Has the sensor request a run, and returns it once it is there."""

    def request(name: str, do: str) -> dg.DagsterRun:
        (requests / f"{name}.part").write_text(do)
        (requests / f"{name}.part").rename(requests / f"{name}.txt")
        wanted = dg.RunsFilter(tags={"dagster/run_key": name})
        until = time.monotonic() + 30
        while not (found := instance.get_runs(wanted)):
            assert time.monotonic() < until
            time.sleep(0.1)
        return found[0]

    return request


def events(instance: dg.DagsterInstance, run: dg.DagsterRun) -> set[dg.DagsterEventType | None]:
    return {entry.dagster_event_type for entry in instance.all_logs(run.run_id)}


def alive(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def worker_of(run: dg.DagsterRun) -> Worker:
    worker = Worker.from_tag(run.tags.get(names.WORKER_TAG))
    assert worker is not None
    return worker


def test_what_a_sensor_requests_passes_the_queue_by(
    instance: dg.DagsterInstance, request_run: Callable[[str, str], dg.DagsterRun]
) -> None:
    run = wait_for(instance, request_run("direct", "nothing"), SUCCESS)
    assert dg.DagsterEventType.RUN_ENQUEUED not in events(instance, run)


def test_what_another_process_submits_is_taken_from_the_queue(
    instance: dg.DagsterInstance, make_run: Make, daemon: object
) -> None:
    run = make_run()
    instance.report_dagster_event(dg.DagsterEvent.job_enqueue(run), run.run_id)
    wait_for(instance, run, SUCCESS)


def test_a_run_that_is_killed_is_failed_within_seconds(
    instance: dg.DagsterInstance, request_run: Callable[[str, str], dg.DagsterRun]
) -> None:
    run = wait_for(instance, request_run("killed", "sleep 60"), STARTED)
    os.kill(worker_of(run).pid, signal.SIGKILL)
    wait_for(instance, run, FAILURE, seconds=10)


def test_a_run_outlives_the_daemon_that_launched_it(
    instance: dg.DagsterInstance,
    request_run: Callable[[str, str], dg.DagsterRun],
    daemon: "subprocess.Popen[bytes]",
) -> None:
    run = wait_for(instance, request_run("outlives", "sleep 3"), STARTED)
    servers = [
        child
        for child in psutil.Process(daemon.pid).children()
        if "bg_assets.instance.forkserver" in child.cmdline()
    ]
    assert servers
    daemon.kill()
    daemon.wait()
    # Where nobody reaps it, a zombie is as good as gone.
    until = time.monotonic() + 5
    while any(map(alive, servers)):
        assert time.monotonic() < until
        time.sleep(0.05)
    assert worker_of(run).state() is State.ALIVE
    wait_for(instance, run, SUCCESS)
