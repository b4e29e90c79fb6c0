"""Forked runs: that they run, are watched, are cancelled, and outlive whoever launched them."""

import logging
import os
import signal
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import psutil
import pytest
import sqlalchemy as sa

from bg_assets.instance import ending, forkserver, launcher, notes
from bg_assets.instance.launcher import ForkRunLauncher, LaunchFailed, outputs
from bg_assets.instance.private import base, names, running
from bg_assets.instance.worker import State, Worker
from bg_assets_tests.conftest import Cluster
from bg_assets_tests.instance.conftest import Make, eventually, launch, reload, wait_for
from bg_assets_tests.private import execute_run_monitoring_iteration

STARTED = dg.DagsterRunStatus.STARTED
SUCCESS = dg.DagsterRunStatus.SUCCESS
FAILURE = dg.DagsterRunStatus.FAILURE
CANCELED = dg.DagsterRunStatus.CANCELED


def launcher_of(instance: dg.DagsterInstance) -> ForkRunLauncher:
    found = instance.run_launcher
    assert isinstance(found, ForkRunLauncher)
    return found


def server_of(instance: dg.DagsterInstance) -> psutil.Process:
    (server,) = launcher_of(instance)._servers.values()
    return psutil.Process(server._process.pid)


def worker_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> Worker:
    worker = Worker.from_tag(reload(instance, run).tags.get(names.WORKER_TAG))
    assert worker is not None
    return worker


def monitor(instance: dg.DagsterInstance) -> None:
    """One round of the daemon's run monitoring."""
    context: Any = SimpleNamespace(instance=instance, create_request_context=lambda: None)
    list(execute_run_monitoring_iteration(context, logging.getLogger("monitoring")))


@pytest.fixture
def sleeping(instance: dg.DagsterInstance, make_run: Make) -> dg.DagsterRun:
    """A run in the middle of its step."""
    run = make_run("sleep 60")
    launch(instance, run)
    return wait_for(instance, run, STARTED)


def test_a_run_succeeds_in_a_session_of_its_own_and_its_output_is_captured(
    instance: dg.DagsterInstance, make_run: Make, home: Path
) -> None:
    run = make_run()
    launch(instance, run)
    wait_for(instance, run, SUCCESS)
    pid = worker_of(instance, run).pid
    captured = home / "dagster" / "storage" / run.run_id
    eventually(lambda: any(captured.rglob("*.complete")))
    assert [path.read_text() for path in captured.rglob("*.out")] == ["seen by the compute logs\n"]
    eventually(lambda: not psutil.pid_exists(pid))
    assert not forkserver.output_of(outputs(), run.run_id).exists()


def test_the_server_has_a_session_one_thread_and_no_connection_but_its_own(
    instance: dg.DagsterInstance, make_run: Make
) -> None:
    run = make_run()
    launch(instance, run)
    wait_for(instance, run, SUCCESS)
    server = server_of(instance)
    assert server.num_threads() == 1
    assert os.getsid(server.pid) == server.pid
    sockets = [
        fd for fd in Path(f"/proc/{server.pid}/fd").iterdir() if "socket:" in str(fd.readlink())
    ]
    assert len(sockets) == 1


def test_a_run_holds_no_descriptor_of_the_server(
    instance: dg.DagsterInstance, sleeping: dg.DagsterRun
) -> None:
    worker = worker_of(instance, sleeping)
    assert os.getsid(worker.pid) == worker.pid
    ours = {str(fd.readlink()) for fd in Path(f"/proc/{server_of(instance).pid}/fd").iterdir()}
    theirs = {str(fd.readlink()) for fd in Path(f"/proc/{worker.pid}/fd").iterdir()}
    assert not {name for name in ours & theirs if "socket:" in name or "pipe:" in name}
    os.kill(worker.pid, signal.SIGKILL)


def test_a_killed_run_is_failed_by_the_monitoring_and_leaves_no_zombie(
    instance: dg.DagsterInstance, sleeping: dg.DagsterRun
) -> None:
    pid = worker_of(instance, sleeping).pid
    monitor(instance)
    assert reload(instance, sleeping).status == STARTED
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not psutil.pid_exists(pid))
    monitor(instance)
    assert reload(instance, sleeping).status == FAILURE


@pytest.mark.slow
def test_a_run_that_could_not_tell_dagster_its_end_leaves_a_note_and_a_killed_one_does_not(
    instance: dg.DagsterInstance, make_run: Make, empty_database: str, postgres: Cluster
) -> None:
    """Dagster's database lets nobody in while the run comes to its end, which takes a minute."""
    run, killed = make_run("sleep 2"), make_run("sleep 60")
    for one in (run, killed):
        launch(instance, one)
    for one in (run, killed):
        wait_for(instance, one, STARTED)
    workers = [worker_of(instance, one) for one in (run, killed)]
    name = sa.make_url(empty_database).database
    postgres.run(
        f"alter database {name} allow_connections false",
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'",
    )
    try:
        os.kill(workers[1].pid, signal.SIGKILL)
        eventually(lambda: not any(psutil.pid_exists(one.pid) for one in workers), 300)
    finally:
        postgres.run(f"alter database {name} allow_connections true")
    assert notes.read(outputs(), run.run_id) is not None
    assert notes.read(outputs(), killed.run_id) is None
    assert reload(instance, run).status == STARTED


def test_a_run_that_is_over_and_not_stored_as_such_is_an_error(
    instance: dg.DagsterInstance, make_run: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dagster lets no error out of a run: that its end was refused is seen from what is stored."""
    run = make_run()
    monkeypatch.setattr(running, "_execute_run_command_body", lambda *_, **__: 0)
    with pytest.raises(notes.EndNotStored, match=run.run_id):
        running.execute(running.instance_ref(instance), run.run_id, Worker.here().to_tag())


def test_what_a_crashed_run_wrote_last_is_in_the_reason_of_its_failure(
    instance: dg.DagsterInstance, make_run: Make
) -> None:
    run = make_run("crash")
    launch(instance, run)
    wait_for(instance, run, STARTED)
    pid = worker_of(instance, run).pid
    eventually(lambda: not psutil.pid_exists(pid))
    (home := outputs()).mkdir(exist_ok=True)
    with forkserver.output_of(home, run.run_id).open("a") as file:
        file.write("Fatal Python error: made up\n")
    monitor(instance)
    failures = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
    assert ["Fatal Python error: made up" in (entry.message or "") for entry in failures] == [True]


def test_a_run_of_another_host_or_launcher_is_not_failed(
    instance: dg.DagsterInstance, sleeping: dg.DagsterRun
) -> None:
    worker = worker_of(instance, sleeping)
    elsewhere = Worker("another-host", worker.pid, worker.started)
    for tag in (elsewhere.to_tag(), "not json"):
        instance.add_run_tags(sleeping.run_id, {names.WORKER_TAG: tag})
        monitor(instance)
        assert reload(instance, sleeping).status == STARTED
    assert elsewhere.state() is State.ELSEWHERE
    os.kill(worker.pid, signal.SIGKILL)


def test_another_process_with_the_same_id_is_not_taken_for_the_run() -> None:
    me = Worker.here()
    assert me.state() is State.ALIVE
    assert Worker(me.host, me.pid, "another start").state() is State.GONE
    assert Worker(me.host, 2**22 + 1, me.started).state() is State.GONE


def test_terminating_interrupts_the_run(
    instance: dg.DagsterInstance, sleeping: dg.DagsterRun
) -> None:
    started = time.monotonic()
    assert instance.run_launcher.terminate(sleeping.run_id)
    wait_for(instance, sleeping, CANCELED)
    assert time.monotonic() - started < 5
    assert not instance.run_launcher.terminate(sleeping.run_id)


def test_terminating_a_run_whose_process_is_gone_cancels_it_at_once(
    instance: dg.DagsterInstance, sleeping: dg.DagsterRun
) -> None:
    pid = worker_of(instance, sleeping).pid
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not psutil.pid_exists(pid))
    assert instance.run_launcher.terminate(sleeping.run_id)
    assert reload(instance, sleeping).status == CANCELED


def test_a_run_terminated_while_it_starts_ends_as_cancelled(
    instance: dg.DagsterInstance, make_run: Make
) -> None:
    run = make_run("sleep 60")
    launch(instance, run)
    assert instance.run_launcher.terminate(run.run_id)
    wait_for(instance, run, CANCELED)


def test_terminating_a_stopped_run_lets_it_go_on_and_end_by_itself(
    instance: dg.DagsterInstance, sleeping: dg.DagsterRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ending, "PATIENCE_SECONDS", 60.0)
    worker = worker_of(instance, sleeping)
    os.kill(worker.pid, signal.SIGSTOP)
    eventually(lambda: worker.state() is State.STOPPED)
    assert instance.run_launcher.terminate(sleeping.run_id)
    assert worker.state() is State.GONE
    assert reload(instance, sleeping).status == CANCELED
    (event,) = instance.all_logs(sleeping.run_id, of_type=dg.DagsterEventType.RUN_CANCELED)
    assert "killed" not in (event.message or "")


def test_terminating_a_run_that_does_not_end_kills_it_and_what_it_started(
    instance: dg.DagsterInstance, make_run: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ending, "PATIENCE_SECONDS", 0.5)
    run = make_run("hold on")
    launch(instance, run)
    wait_for(instance, run, STARTED)
    worker = worker_of(instance, run)
    eventually(lambda: bool(psutil.Process(worker.pid).children()))
    (child,) = psutil.Process(worker.pid).children()
    assert instance.run_launcher.terminate(run.run_id)
    assert worker.state() is State.GONE
    eventually(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
    assert reload(instance, run).status == CANCELED
    (event,) = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.RUN_CANCELED)
    assert "was killed" in (event.message or "")


def test_a_run_that_stays_stopped_is_killed_and_failed_by_the_monitoring(
    instance: dg.DagsterInstance, sleeping: dg.DagsterRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = worker_of(instance, sleeping)
    os.kill(worker.pid, signal.SIGSTOP)
    eventually(lambda: worker.state() is State.STOPPED)
    monitor(instance)
    assert reload(instance, sleeping).status == STARTED
    monkeypatch.setattr(launcher, "STOPPED_SECONDS", 0.0)
    monitor(instance)
    assert worker.state() is State.GONE
    assert reload(instance, sleeping).status == FAILURE


def test_a_stopped_run_of_another_user_is_left_to_that_user(
    instance: dg.DagsterInstance, sleeping: dg.DagsterRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def not_ours(*_: object) -> None:
        raise PermissionError

    worker = worker_of(instance, sleeping)
    os.kill(worker.pid, signal.SIGSTOP)
    eventually(lambda: worker.state() is State.STOPPED)
    monkeypatch.setattr(launcher, "STOPPED_SECONDS", 0.0)
    monkeypatch.setattr(ending, "kill", not_ours)
    found = instance.run_launcher.check_run_worker_health(reload(instance, sleeping))
    monkeypatch.undo()
    assert found.status is base.WorkerStatus.RUNNING
    assert found.msg is not None
    assert found.msg.endswith("belongs to another user, who has to kill it")
    assert worker.state() is State.STOPPED
    ending.kill(worker)


def test_a_run_that_was_stopped_for_a_moment_goes_on(
    instance: dg.DagsterInstance, sleeping: dg.DagsterRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, 100.0])
    monkeypatch.setattr(launcher, "monotonic", lambda: next(clock))
    worker = worker_of(instance, sleeping)
    for _ in range(2):
        os.kill(worker.pid, signal.SIGSTOP)
        eventually(lambda: worker.state() is State.STOPPED)
        monitor(instance)
        os.kill(worker.pid, signal.SIGCONT)
        eventually(lambda: worker.state() is State.ALIVE)
        monitor(instance)
    assert reload(instance, sleeping).status == STARTED
    ending.kill(worker)


def test_a_reexecution_gets_a_worker_of_its_own(
    instance: dg.DagsterInstance, make_run: Make
) -> None:
    first = make_run("fail on purpose")
    launch(instance, first)
    tags = wait_for(instance, first, FAILURE).tags
    again = make_run(**{key: tags[key] for key in (names.WORKER_TAG,)})
    launch(instance, again)
    wait_for(instance, again, SUCCESS)
    assert worker_of(instance, again) != worker_of(instance, first)


def test_a_run_that_is_launched_twice_is_executed_once(
    instance: dg.DagsterInstance, make_run: Make
) -> None:
    run = make_run("sleep 1")
    launch(instance, run)
    instance.run_launcher.launch_run(base.LaunchRunContext(run, None))
    wait_for(instance, run, SUCCESS)
    events = [entry.dagster_event for entry in instance.all_logs(run.run_id)]
    starts = [e for e in events if e and e.event_type_value == "STEP_START"]
    assert len(starts) == 1


def test_after_the_server_was_killed_its_runs_go_on_and_the_next_launch_works(
    instance: dg.DagsterInstance, make_run: Make
) -> None:
    before = make_run("sleep 2")
    launch(instance, before)
    wait_for(instance, before, STARTED)
    server = server_of(instance)
    server.kill()
    after = make_run()
    launch(instance, after)
    wait_for(instance, after, SUCCESS)
    wait_for(instance, before, SUCCESS)
    assert server_of(instance).pid != server.pid


def test_a_server_that_starts_keeps_the_newest_outputs_and_notes_only(
    instance: dg.DagsterInstance, make_run: Make
) -> None:
    instance.run_launcher.dispose()
    outputs().mkdir(parents=True, exist_ok=True)
    for number in range(notes.KEPT + 3):
        notes.leave(outputs(), f"old-{number}", ValueError())
        forkserver.output_of(outputs(), f"old-{number}").touch()
    run = make_run()
    launch(instance, run)
    wait_for(instance, run, SUCCESS)
    assert len(list(outputs().glob("*.ended"))) == notes.KEPT
    assert len(list(outputs().glob("old-*.log"))) <= forkserver.KEPT_OUTPUTS


def test_disposing_ends_the_server_and_leaves_its_runs(
    instance: dg.DagsterInstance, make_run: Make
) -> None:
    run = make_run("sleep 2")
    launch(instance, run)
    wait_for(instance, run, STARTED)
    server = server_of(instance)
    instance.run_launcher.dispose()
    assert not server.is_running()
    assert worker_of(instance, run).state() is State.ALIVE
    wait_for(instance, run, SUCCESS)


def test_a_launch_that_fails_fails_the_run_and_says_why(
    instance: dg.DagsterInstance, make_run: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance.run_launcher.dispose()
    monkeypatch.setattr(running, "repository_origin", lambda run: ("/bin/false", "{}"))
    run = make_run()
    with pytest.raises(LaunchFailed, match="did not start"):
        launch(instance, run)
    assert reload(instance, run).status == FAILURE
