"""Forked runs that are ended from outside: cancelled in the middle of a step, or too long."""

import logging
import time
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest

from bg_assets.instance import ending, longest
from bg_assets.instance.private import events, names
from bg_assets.instance.worker import State, Worker
from bg_assets_tests.instance.conftest import Make, eventually, launch, reload, wait_for
from bg_assets_tests.private import execute_run_monitoring_iteration

STARTED = dg.DagsterRunStatus.STARTED
FAILURE = dg.DagsterRunStatus.FAILURE
CANCELED = dg.DagsterRunStatus.CANCELED


def worker_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> Worker:
    worker = Worker.from_tag(reload(instance, run).tags.get(names.WORKER_TAG))
    assert worker is not None
    return worker


def monitor(instance: dg.DagsterInstance) -> None:
    """One round of the daemon's run monitoring."""
    context: Any = SimpleNamespace(instance=instance, create_request_context=lambda: None)
    list(execute_run_monitoring_iteration(context, logging.getLogger("monitoring")))


def test_a_run_whose_steps_are_tried_again_is_cancelled_and_not_tried_again(
    instance: dg.DagsterInstance, make_run: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dagster takes the first interrupt for a failure of the step."""
    monkeypatch.setattr(ending, "PATIENCE_SECONDS", 60.0)
    run = make_run(trying=True)
    launch(instance, run)
    wait_for(instance, run, STARTED)
    eventually(lambda: bool(instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_START)))
    began = time.monotonic()
    assert instance.run_launcher.terminate(run.run_id)
    assert reload(instance, run).status == CANCELED
    assert time.monotonic() - began < 10
    instance.run_launcher.dispose()


def test_a_run_that_takes_too_long_is_ended_and_failed_whoever_started_it(
    instance: dg.DagsterInstance, make_run: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BG_RUN_TIMEOUT", "1")
    by_hand, allowed = make_run("sleep 60"), make_run("sleep 60", **{names.LONGEST_TAG: "900"})
    for run in (by_hand, allowed):
        launch(instance, run)
        wait_for(instance, run, STARTED)
    worker = worker_of(instance, by_hand)
    assert reload(instance, by_hand).tags[names.LONGEST_TAG] == "1"

    def ended() -> bool:
        monitor(instance)
        return reload(instance, by_hand).is_finished

    eventually(ended)
    assert reload(instance, by_hand).status == FAILURE
    assert worker.state() is State.GONE
    record = instance.get_run_record_by_id(by_hand.run_id)
    assert record is not None
    assert longest.passed(record.dagster_run.tags, record.start_time, record.end_time)
    assert events.ended_for_its_time(instance, by_hand.run_id)
    assert not events.ended_for_its_time(instance, allowed.run_id)
    assert reload(instance, allowed).status == STARTED
    ending.kill(worker_of(instance, allowed))
