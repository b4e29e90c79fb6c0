"""Which runs start at once, and which wait in the queue."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import dagster as dg
import pytest

from bg_assets.instance.coordinator import DirectRunCoordinator
from bg_assets.instance.private import base
from bg_assets_tests import private
from bg_assets_tests.instance.conftest import Make, reload, wait_for

LIMIT = 3
QUEUED = dg.DagsterRunStatus.QUEUED
IN_PROGRESS = {dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED}


@pytest.fixture
def in_daemon() -> Iterator[None]:
    """This process passes for the daemon, by the name of a thread."""
    end = threading.Event()
    thread = threading.Thread(target=end.wait, name="dagster-daemon-SENSOR")
    thread.start()
    yield
    end.set()
    thread.join()


@pytest.fixture(autouse=True)
def nothing_left(instance: dg.DagsterInstance) -> Iterator[None]:
    """Each test ends with no run queued or in progress."""
    yield
    for run in instance.get_runs(dg.RunsFilter(statuses=[QUEUED, *IN_PROGRESS])):
        instance.run_coordinator.cancel_run(run.run_id)
        wait_for(instance, run)


def submit(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dg.DagsterRun:
    coordinator = instance.run_coordinator
    assert isinstance(coordinator, DirectRunCoordinator)
    return coordinator.submit_run(base.SubmitRunContext(run, None))  # type: ignore[arg-type]


@pytest.mark.usefixtures("in_daemon")
def test_in_the_daemon_a_run_starts_as_it_is_submitted(
    instance: dg.DagsterInstance, make_run: Make
) -> None:
    run = submit(instance, make_run())
    assert run.status in IN_PROGRESS | {dg.DagsterRunStatus.SUCCESS}
    wait_for(instance, run, dg.DagsterRunStatus.SUCCESS)
    kinds = {entry.dagster_event_type for entry in instance.all_logs(run.run_id)}
    assert dg.DagsterEventType.RUN_ENQUEUED not in kinds


def test_outside_the_daemon_a_run_is_queued(instance: dg.DagsterInstance, make_run: Make) -> None:
    assert submit(instance, make_run()).status == QUEUED


@pytest.mark.usefixtures("in_daemon")
def test_the_limit_holds_when_many_are_submitted_at_once(
    instance: dg.DagsterInstance, make_run: Make
) -> None:
    made = [make_run("sleep 60") for _ in range(LIMIT + 3)]
    with ThreadPoolExecutor(len(made)) as pool:
        runs = list(pool.map(lambda run: submit(instance, run), made))
    assert sum(run.status in IN_PROGRESS for run in runs) == LIMIT
    assert sum(run.status == QUEUED for run in runs) == 3


@pytest.mark.usefixtures("in_daemon")
def test_a_run_does_not_overtake_those_that_are_queued(
    instance: dg.DagsterInstance, make_run: Make
) -> None:
    instance.report_dagster_event(
        dg.DagsterEvent.job_enqueue(waiting := make_run()), waiting.run_id
    )
    assert reload(instance, waiting).status == QUEUED
    assert submit(instance, make_run()).status == QUEUED


@pytest.mark.usefixtures("in_daemon")
def test_a_run_that_was_submitted_already_is_not_launched_again(
    instance: dg.DagsterInstance, make_run: Make
) -> None:
    run = submit(instance, make_run("sleep 60"))
    assert submit(instance, reload(instance, run)).status in IN_PROGRESS
    assert reload(instance, run).status in IN_PROGRESS


@pytest.mark.usefixtures("in_daemon")
@pytest.mark.parametrize(
    "settings",
    [
        {"runs": {"max_concurrent_runs": 0}},
        {"runs": {"tag_concurrency_limits": [{"key": "customer", "limit": 1}]}},
        {"pools": {"granularity": "run"}},
    ],
    ids=["no runs allowed", "limits by tag", "pools by run"],
)
def test_what_only_the_queue_can_keep_goes_to_the_queue(
    instance: dg.DagsterInstance,
    make_run: Make,
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, object],
) -> None:
    monkeypatch.setitem(private.settings_of(instance), "concurrency", settings)
    assert submit(instance, make_run()).status == QUEUED


@pytest.mark.usefixtures("in_daemon")
def test_without_a_limit_every_run_starts_as_it_is_submitted_but_none_overtakes(
    instance: dg.DagsterInstance, make_run: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"runs": {"max_concurrent_runs": -1}}
    monkeypatch.setitem(private.settings_of(instance), "concurrency", settings)
    assert submit(instance, make_run()).status != QUEUED
    waiting = make_run()
    instance.report_dagster_event(dg.DagsterEvent.job_enqueue(waiting), waiting.run_id)
    assert submit(instance, make_run()).status == QUEUED


@pytest.mark.usefixtures("in_daemon")
def test_a_launch_that_fails_fails_its_run_and_not_the_tick(
    instance: dg.DagsterInstance, make_run: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> None:
        raise OSError("no more processes")

    monkeypatch.setattr(instance.run_launcher, "launch_run", refuse)
    run = submit(instance, make_run())
    assert run.status == dg.DagsterRunStatus.FAILURE
    assert any("no more processes" in str(entry) for entry in instance.all_logs(run.run_id))


@pytest.mark.parametrize("setting", [
    {"max_concurrent_runs": 7}, {"tag_concurrency_limits": [{"key": "customer", "limit": 1}]},
    {"dequeue_interval_seconds": 3}, {"dequeue_use_threads": True}, {"dequeue_num_workers": 2},
    {"max_user_code_failure_retries": 4}, {"user_code_failure_retry_delay": 9},
    {"block_op_concurrency_limited_runs": {"enabled": True, "op_concurrency_slot_buffer": 1}},
])  # fmt: skip
def test_each_setting_of_the_queue_is_one_of_this_coordinator(setting: dict[str, Any]) -> None:
    plain, ours = dg.QueuedRunCoordinator(**setting), DirectRunCoordinator(**setting)
    assert vars(plain) != vars(dg.QueuedRunCoordinator())
    assert vars(ours).items() >= vars(plain).items()
