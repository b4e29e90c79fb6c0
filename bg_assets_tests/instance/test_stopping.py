"""The mark at which ticks return, and what becomes of runs that still work."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import psutil
import pytest
import sqlalchemy as sa

from bg_assets import faults, sensors
from bg_assets.instance import stopping
from bg_assets.instance.private import names
from bg_assets.instance.worker import Worker
from bg_assets_tests.instance.conftest import Make, eventually, launch, reload, wait_for

STARTED = dg.DagsterRunStatus.STARTED


def test_a_mark_is_seen_until_it_is_over(tmp_path: Path) -> None:
    assert not stopping.is_under_way(tmp_path)
    stopping.begin(tmp_path)
    assert stopping.is_under_way(tmp_path)
    stopping.over(tmp_path)
    assert not stopping.is_under_way(tmp_path)


@pytest.mark.parametrize("seconds", [-3600, -61, 61, 3600])
def test_a_mark_that_a_crash_left_counts_for_nothing(tmp_path: Path, seconds: int) -> None:
    stopping.begin(tmp_path)
    then = time.time() + seconds
    os.utime(tmp_path / "stopping", (then, then))
    assert not stopping.is_under_way(tmp_path)


def test_a_home_that_is_gone_stops_nobody(tmp_path: Path) -> None:
    stopping.begin(tmp_path / "gone")
    assert not stopping.is_under_way(tmp_path / "gone")
    stopping.over(tmp_path / "gone")


def test_a_tick_that_waits_for_changes_returns_at_the_mark(
    instance: dg.DagsterInstance, home: Path, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(sensors, "_claim", lambda engine, policy, sensor: asked.append(sensor))
    stopping.begin(home)
    assert sensors.tick(instance, engine, "some") == ([], [])
    stopping.over(home)
    assert asked == ["some"]
    sensors.tick(instance, engine, "some", poll_seconds=0.5)
    assert len(asked) > 2


@pytest.fixture
def said() -> list[str]:
    """What the person who stops is told."""
    return []


@pytest.fixture
def under_way(
    instance: dg.DagsterInstance, home: Path, make_run: Make, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dg.DagsterRun]:
    """A run that works on until it is ended, of a launcher that is gone."""
    run = make_run("sleep 60")
    launch(instance, run)
    wait_for(instance, run, STARTED)
    eventually(lambda: names.WORKER_TAG in reload(instance, run).tags)
    instance.run_launcher.dispose()
    yield run
    worker = Worker.from_tag(reload(instance, run).tags[names.WORKER_TAG])
    assert worker is not None
    if psutil.pid_exists(worker.pid):
        os.kill(worker.pid, signal.SIGKILL)


def test_a_run_that_does_not_end_by_itself_is_interrupted_which_uses_up_no_attempt(
    instance: dg.DagsterInstance,
    home: Path,
    engine: sa.Engine,
    under_way: dg.DagsterRun,
    said: list[str],
) -> None:
    began = time.monotonic()
    stopping.end_runs(home, 0.3, said.append)
    assert time.monotonic() - began < 9
    assert wait_for(instance, under_way).status is dg.DagsterRunStatus.FAILURE
    record = instance.get_run_record_by_id(under_way.run_id)
    assert record is not None
    why = faults.outage(faults.read(instance, engine, record))
    assert why == "by DagsterExecutionInterruptedError"
    assert [line.strip().split(":")[0] for line in said] == [
        "1 of the runs still work", "interrupted, to be tried again at the next start",
    ]  # fmt: skip


def test_runs_of_another_home_are_not_touched(
    instance: dg.DagsterInstance, tmp_path: Path, under_way: dg.DagsterRun, said: list[str]
) -> None:
    stopping.end_runs(tmp_path, 0, said.append)
    assert said == []
    assert reload(instance, under_way).status is STARTED
