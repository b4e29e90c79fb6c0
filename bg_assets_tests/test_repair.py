"""Refreshes that no run will complete are let go, and only those."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
import sqlalchemy as sa

from bg_assets import repair
from bg_assets.instance.private import names
from bg_assets.instance.worker import Worker
from bg_assets.repair import RunState, why_over
from bg_assets.storage import claims
from bg_assets.storage.refreshes import UnderWay
from bg_assets_tests.repairing import claimed as _claimed
from bg_assets_tests.repairing import make_run as _make_run
from bg_assets_tests.repairing import outages as _outages
from bg_assets_tests.repairing import refresh as _refresh
from bg_assets_tests.repairing import taken as _taken
from bg_assets_tests.storage.rows import insert

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
Status = dg.DagsterRunStatus


def held(run_id: str | None = "r1", asked: float = 30) -> UnderWay:
    return UnderWay(run_id, "key", (("id", 1),), NOW - timedelta(seconds=asked))


def run(status: Status, age: float = 30) -> RunState:
    return RunState("r1", status, NOW - timedelta(seconds=age))


@pytest.mark.parametrize(
    ("what", "state", "reason"),
    [
        (held(), run(Status.STARTED), None),
        (held(), run(Status.CANCELING), None),
        (held(None), run(Status.QUEUED, age=9999), None),
        (held(None), run(Status.NOT_STARTED, age=60), None),
        (held(None), run(Status.NOT_STARTED, age=61), "run r1 was made and never submitted"),
        (held(), run(Status.FAILURE), "run r1 ended as FAILURE"),
        (held(), run(Status.CANCELED), "run r1 was cancelled"),
        (held(), run(Status.SUCCESS), "run r1 ended without completing it"),
        (held(None), run(Status.FAILURE), "run r1 ended as FAILURE"),
        (held(), None, "run r1 is gone"),
        (held(None, asked=120), None, None),
        (held(None, asked=121), None, "the run that was asked for never came to be"),
    ],
)
def test_only_what_no_run_will_complete_is_over(
    what: UnderWay, state: RunState | None, reason: str | None
) -> None:
    over = why_over(what, state, NOW)
    assert (over and over.reason) == reason


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


@pytest.mark.parametrize("status", [Status.FAILURE, Status.SUCCESS])
def test_a_run_that_is_over_gives_its_changes_back_and_the_next_attempt_is_requested(
    engine: sa.Engine, instance: dg.DagsterInstance, status: Status
) -> None:
    now = _taken(engine, instance, status)
    (line,) = repair.repair(instance, engine, 3, now)
    assert "1 to be tried again, 0 dead" in line
    assert _refresh(engine) == ("requested", 2, 1)


@pytest.fixture
def left_over() -> Iterator["subprocess.Popen[bytes]"]:
    """A process that is stopped, as it may be left of a run."""
    process = subprocess.Popen(["sleep", "60"], start_new_session=True)
    process.send_signal(signal.SIGSTOP)
    yield process
    process.kill()
    process.wait()


@pytest.mark.parametrize(
    ("status", "done", "left"),
    [
        (Status.FAILURE, "1 to be tried again", ("requested", 2, 1)),
        (Status.CANCELED, "1 wait for the next change or request", ("cancelled", 1, 0)),
    ],
)
def test_the_process_that_a_run_left_behind_is_killed_before_its_refresh_is_let_go(
    engine: sa.Engine,
    instance: dg.DagsterInstance,
    left_over: "subprocess.Popen[bytes]",
    status: Status,
    done: str,
    left: tuple[str, int, int],
) -> None:
    now = _taken(engine, instance, status, Worker.of(left_over.pid))
    later = now + timedelta(hours=1)
    killed, released = repair.repair(instance, engine, 3, later)
    assert killed.endswith(f"its process {left_over.pid} was still there: killed")
    assert done in released
    assert left_over.wait(10) == -signal.SIGKILL
    assert _refresh(engine) == left


def test_a_process_of_another_user_is_left_to_that_user_and_the_refresh_is_let_go(
    engine: sa.Engine,
    instance: dg.DagsterInstance,
    left_over: "subprocess.Popen[bytes]",
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def not_ours(*_: object) -> None:
        raise PermissionError

    now = _taken(engine, instance, Status.FAILURE, Worker.of(left_over.pid))
    monkeypatch.setattr(os, "kill", not_ours)
    left, released = repair.repair(instance, engine, 3, now + timedelta(hours=1))
    monkeypatch.undo()
    told = f"its process {left_over.pid} was still there: kill it as the user whom it belongs to"
    assert left.endswith(told)
    assert "1 to be tried again" in released
    assert left_over.poll() is None
    assert _refresh(engine) == ("requested", 2, 1)


def test_a_run_that_has_just_ended_may_take_a_breath(
    engine: sa.Engine, instance: dg.DagsterInstance, left_over: "subprocess.Popen[bytes]"
) -> None:
    now = _taken(engine, instance, Status.STARTED, Worker.of(left_over.pid))
    (run,) = instance.get_runs()
    instance.report_run_failed(run)
    assert repair.repair(instance, engine, 3, now) == []
    assert left_over.poll() is None
    assert _refresh(engine) == ("running", 1, 0)
    later = now + repair.LAST_BREATH + timedelta(seconds=5)
    assert len(repair.repair(instance, engine, 3, later)) == 2
    assert _refresh(engine) == ("requested", 2, 1)


def test_a_run_in_progress_is_left_alone(engine: sa.Engine, instance: dg.DagsterInstance) -> None:
    now = _taken(engine, instance, Status.STARTED)
    assert repair.repair(instance, engine, 3, now + timedelta(hours=1)) == []
    assert _refresh(engine) == ("running", 1, 0)


def test_a_run_that_waits_in_the_queue_is_not_asked_for_again(
    engine: sa.Engine, instance: dg.DagsterInstance
) -> None:
    request, now = _claimed(engine)
    _make_run(instance, Status.STARTING, request.run_key)
    later = now + timedelta(seconds=20)
    assert repair.repair(instance, engine, 3, later) == []
    with engine.begin() as conn:
        assert claims.ask_again(conn, "due_companies_1", later) == []


def test_a_run_that_was_made_and_not_submitted_is_asked_for_again_by_its_key(
    engine: sa.Engine, instance: dg.DagsterInstance
) -> None:
    request, now = _claimed(engine)
    _make_run(instance, Status.NOT_STARTED, request.run_key)
    later = now + timedelta(seconds=20)
    assert repair.repair(instance, engine, 3, later) == []
    with engine.begin() as conn:
        (again,) = claims.ask_again(conn, "due_companies_1", later)
    assert again.run_key == request.run_key


def test_what_a_sensor_of_an_earlier_version_asked_for_is_asked_for_by_another(
    engine: sa.Engine, instance: dg.DagsterInstance
) -> None:
    _, now = _claimed(engine)
    with engine.begin() as conn:
        conn.execute(sa.text("update bg.buyer_group_refresh_log set sensor = 'people_changes'"))
    (said,) = repair.repair(instance, engine, 1, now + timedelta(seconds=121))
    assert said == "the run that was asked for never came to be: 1 to be tried again, 0 dead"
    policy = claims.Policy(settle=0, refresh_interval=3600, claim_limit=10)
    with engine.begin() as conn:
        later = now + timedelta(seconds=200)
        (request,) = claims.ask(conn, policy, "due_companies_2", later)
    assert (request.companies, request.attempt) == (("acme",), 2)


def test_a_claim_just_made_is_left_alone(engine: sa.Engine, instance: dg.DagsterInstance) -> None:
    _, now = _claimed(engine)
    assert repair.repair(instance, engine, 3, now) == []


def test_what_was_asked_for_a_moment_ago_holds_up_no_other(
    engine: sa.Engine, instance: dg.DagsterInstance
) -> None:
    with engine.begin() as conn:
        now = claims.database_now(conn)
        for number in range(8):
            ago = timedelta(minutes=5) if number % 2 else timedelta(seconds=1)
            insert(
                conn, "bg.buyer_group_refresh_log", company_id=f"c{number}", status="requested",
                reason="x", triggered_by="change", run_key=f"key{number}", asked_at=now - ago,
            )  # fmt: skip
    assert len(repair.repair(instance, engine, 3, now)) == 4


def test_a_run_that_never_was_submitted_is_ended_and_its_refresh_released(
    engine: sa.Engine, instance: dg.DagsterInstance
) -> None:
    request, now = _claimed(engine)
    run_id = _make_run(instance, Status.NOT_STARTED, request.run_key)
    repair.repair(instance, engine, 1, now + timedelta(seconds=90))
    assert _refresh(engine)[:2] == ("requested", 2)
    assert _outages(engine) == 1
    found = instance.get_run_by_id(run_id)
    assert found is not None
    assert found.status is Status.FAILURE


def test_a_round_looks_up_a_few_runs_and_the_next_one_goes_on(
    engine: sa.Engine, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repair, "LOOKUPS", 2)
    with engine.begin() as conn:
        now = claims.database_now(conn)
        conn.execute(
            sa.text(
                "insert into bg.buyer_group_refresh_log "
                "(company_id, status, reason, triggered_by, run_key, asked_at) "
                "select 'c' || n, 'requested', 'x', 'change', 'key' || n, :at "
                "from generate_series(1, 5) as n"
            ),
            {"at": now - timedelta(minutes=5)},
        )
    assert [len(repair.repair(instance, engine, 3, now)) for _ in range(4)] == [2, 2, 1, 0]


def test_runs_that_never_came_to_be_use_up_no_attempt(
    engine: sa.Engine, instance: dg.DagsterInstance
) -> None:
    _, now = _claimed(engine)
    (line,) = repair.repair(instance, engine, 1, now + timedelta(minutes=3))
    assert "1 to be tried again, 0 dead" in line
    assert _refresh(engine)[0] == "requested"


def test_the_last_attempt_leaves_a_dead_refresh_that_keeps_its_changes_and_says_why(
    engine: sa.Engine, instance: dg.DagsterInstance
) -> None:
    now = _taken(engine, instance, Status.FAILURE, events=["STEP_START"])
    (line,) = repair.repair(instance, engine, 1, now)
    assert "0 to be tried again, 1 dead" in line
    assert _refresh(engine) == ("dead", 1, 0)
    with engine.connect() as conn:
        error = conn.execute(sa.text("select error from bg.buyer_group_refresh_log")).scalar()
    assert error == line.partition(": ")[0]
    assert "ended as FAILURE" in error


def test_a_run_that_failed_before_it_began_to_work_uses_up_no_attempt(
    engine: sa.Engine, instance: dg.DagsterInstance
) -> None:
    """It could not be launched, or what it needs was not to be had."""
    now = _taken(engine, instance, Status.FAILURE)
    (line,) = repair.repair(instance, engine, 1, now)
    assert "ended as FAILURE before it began to work: 1 to be tried again, 0 dead" in line
    assert _refresh(engine) == ("requested", 2, 1)
    assert _outages(engine) == 1


def test_a_run_that_did_nothing_uses_up_an_attempt(
    engine: sa.Engine, instance: dg.DagsterInstance
) -> None:
    now = _taken(engine, instance, Status.SUCCESS)
    repair.repair(instance, engine, 1, now)
    assert _refresh(engine)[0] == "dead"


def test_a_run_that_somebody_cancelled_is_not_tried_again_and_keeps_its_changes_unhandled(
    engine: sa.Engine, instance: dg.DagsterInstance
) -> None:
    now = _taken(engine, instance, Status.CANCELED)
    (line,) = repair.repair(instance, engine, 1, now)
    assert line.endswith("was cancelled: 1 wait for the next change or request")
    assert _refresh(engine) == ("cancelled", 1, 0)
    with engine.connect() as conn:
        unhandled = "select count(*) from bg.changes where handled_at is null"
        assert conn.execute(sa.text(unhandled)).scalar() == 1
    assert repair.repair(instance, engine, 1, now) == []


FOR_ITS_TIME = "Canceling due to exceeding maximum runtime of 10 seconds."
BY_SOMEBODY = "Sending run termination request."


@pytest.mark.parametrize(
    ("longest", "said", "attempts"),
    [
        ("10", FOR_ITS_TIME, 2),
        ("10", BY_SOMEBODY, 1),
        ("3600", FOR_ITS_TIME, 1),
        ("nonsense", FOR_ITS_TIME, 1),
    ],
)
def test_a_run_that_took_too_long_is_tried_again_though_dagster_says_it_was_cancelled(
    engine: sa.Engine, instance: dg.DagsterInstance, longest: str, said: str, attempts: int
) -> None:
    """So does Dagster for a moment: it cancels such a run before it calls it failed."""
    now = _taken(engine, instance, Status.STARTED)
    (record,) = instance.get_run_records()
    run_id = record.dagster_run.run_id
    instance.add_run_tags(run_id, {names.LONGEST_TAG: longest})
    _events(
        instance, run_id, ("PIPELINE_START", 60.0, ""), ("PIPELINE_CANCELING", 1.0, said),
        ("PIPELINE_CANCELED", 0.0, ""),
    )  # fmt: skip
    repair.repair(instance, engine, 3, now)
    assert _refresh(engine)[:2] == ("requested" if attempts == 2 else "cancelled", attempts)


def test_a_run_that_was_interrupted_and_noticed_long_after_did_not_take_too_long(
    engine: sa.Engine, instance: dg.DagsterInstance
) -> None:
    now = _taken(engine, instance, Status.STARTED)
    (record,) = instance.get_run_records()
    run_id = record.dagster_run.run_id
    instance.add_run_tags(run_id, {names.LONGEST_TAG: "10"})
    _events(instance, run_id, ("PIPELINE_START", 60.0, ""), ("PIPELINE_FAILURE", 0.0, ""))
    (line,) = repair.repair(instance, engine, 3, now)
    assert "took longer" not in line
    assert "ended as FAILURE" in line


def _events(instance: dg.DagsterInstance, run_id: str, *told: tuple[str, float, str]) -> None:
    """What Dagster has noted of a run: the event, how many s ago, and its words."""
    for event, ago, said in told:
        instance.report_dagster_event(
            dg.DagsterEvent(event, "refresh_buyer_groups", message=said or None),
            run_id,
            timestamp=time.time() - ago,
        )


def test_a_run_whose_process_is_gone_before_it_started_is_asked_for_again_at_once(
    engine: sa.Engine, instance: dg.DagsterInstance, left_over: "subprocess.Popen[bytes]"
) -> None:
    """Dagster's monitoring sees it when the time to start is over, after half a minute."""
    request, now = _claimed(engine)
    worker = Worker.of(left_over.pid)
    run_id = _make_run(instance, Status.STARTING, request.run_key, worker)
    assert repair.repair(instance, engine, 1, now) == []
    left_over.kill()
    left_over.wait()
    (line,) = repair.repair(instance, engine, 1, now)
    assert "was lost as it began: 1 to be tried again, 0 dead" in line
    assert (_refresh(engine)[:2], _outages(engine)) == (("requested", 2), 1)
    run = instance.get_run_by_id(run_id)
    assert run is not None
    assert run.status is Status.FAILURE


def test_a_run_that_came_further_while_it_was_looked_at_is_not_lost(
    engine: sa.Engine, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    request, now = _claimed(engine)
    gone = Worker(Worker.here().host, 2**22 + 1, "x")
    run_id = _make_run(instance, Status.STARTING, request.run_key, gone)
    real = repair.why_over

    def meanwhile(*arguments: object) -> object:
        run = instance.get_run_by_id(run_id)
        assert run is not None
        instance.report_dagster_event(
            dg.DagsterEvent("PIPELINE_SUCCESS", "refresh_buyer_groups"), run_id
        )
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(repair, "why_over", meanwhile)
    assert repair.repair(instance, engine, 1, now) == []
    assert _refresh(engine)[:2] == ("requested", 1)


def test_a_run_that_dagster_has_forgotten_uses_up_no_attempt(
    engine: sa.Engine, instance: dg.DagsterInstance
) -> None:
    now = _taken(engine, instance, Status.STARTED)
    (record,) = instance.get_run_records()
    instance.delete_run(record.dagster_run.run_id)
    (line,) = repair.repair(instance, engine, 1, now)
    assert "is gone: 1 to be tried again" in line
    assert (_refresh(engine)[0], _outages(engine)) == ("requested", 1)
