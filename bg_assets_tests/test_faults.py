"""Whose fault it is that a run failed: its work's, or that of what it stands on."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa

from bg_assets import faults
from bg_assets.definitions import defs
from bg_assets.faults import Ending, outage
from bg_assets.instance import launcher, notes
from bg_assets.instance.private import names
from bg_assets.instance.worker import Worker
from bg_assets_tests.private import JobFailureData, RunFailureReason

JOB = "refresh_buyer_groups"


@pytest.mark.parametrize(
    ("ending", "why"),
    [
        (Ending(False), "before it began to work"),
        (Ending(True), None),
        (Ending(True, ("DagsterExecutionStepExecutionError", "RefreshFailed")), None),
        (Ending(True, ("DagsterExecutionStepExecutionError", "MemoryError")), None),
        (Ending(True, ("RefreshFailed", "DatabaseUnreachable")), "by DatabaseUnreachable"),
        (Ending(True, ("DatabaseUnreachable", "OperationalError")), "by DatabaseUnreachable"),
        (Ending(True, ("OperationalError", "TooManyConnections")), "by TooManyConnections"),
        (Ending(True, ("OperationalError", "DiskFull")), "by DiskFull"),
        (Ending(True, ("OperationalError", "AdminShutdown")), "by AdminShutdown"),
        (Ending(True, ("InternalError", "ReadOnlySqlTransaction")), "by ReadOnlySqlTransaction"),
        (Ending(True, ("OperationalError", "OperationalError")), "by OperationalError"),
        (Ending(True, ("ProgrammingError", "UndefinedColumn")), "by UndefinedColumn"),
        (Ending(True, ("OperationalError", "QueryCanceled")), None),
        (Ending(True, ("OperationalError", "DeadlockDetected")), None),
        (Ending(True, ("IntegrityError", "CheckViolation")), None),
        (Ending(True, ("X", "BadTemplate")), "by BadTemplate"),
        (Ending(True, ("RefreshFailed",), note="EndNotStored", restarted="PostgreSQL"), None),
        (Ending(True, note="EndNotStored"), "and Dagster could not be told how (EndNotStored)"),
        (Ending(True, restarted="the machine"), "as the machine was started anew"),
    ],
)
def test_only_what_its_work_may_have_done_counts(ending: Ending, why: str | None) -> None:
    assert outage(ending) == why


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    monkeypatch.setenv("BG_HOME", str(tmp_path))
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def failed(
    instance: dg.DagsterInstance,
    engine: sa.Engine,
    *,
    events: tuple[str | dg.DagsterEvent, ...] = ("STEP_START",),
    worker: Worker | None = None,
    started: datetime | None = None,
    note: BaseException | None = None,
) -> Ending:
    """How a run ended of which Dagster has stored these events."""
    run = instance.create_run_for_job(
        defs.resolve_job_def(JOB),
        status=dg.DagsterRunStatus.FAILURE,
        tags={names.WORKER_TAG: worker.to_tag()} if worker else {},
    )
    for one in events:
        if isinstance(one, str):
            one = dg.DagsterEvent(one, JOB, step_key="company_people")
        instance.report_dagster_event(one, run.run_id)
    if note is not None:
        notes.leave(launcher.outputs(), run.run_id, note)
    (record,) = instance.get_run_records(dg.RunsFilter(run_ids=[run.run_id]))
    began = (started or datetime.now(UTC)).timestamp()
    return faults.read(instance, engine, record._replace(start_time=began))


def test_a_run_that_dagster_interrupts_for_its_time_is_its_works_own_fault() -> None:
    interrupted = Ending(True, ("DagsterExecutionInterruptedError",))
    assert outage(interrupted) == "by DagsterExecutionInterruptedError"
    assert outage(interrupted, for_its_time=True) is None
    away = Ending(True, ("OperationalError",))
    assert outage(away, for_its_time=True) == outage(away)


def test_a_process_that_was_killed_at_its_work_may_have_been_killed_by_it(
    instance: dg.DagsterInstance, engine: sa.Engine
) -> None:
    assert failed(instance, engine, worker=Worker.here()) == Ending(True)


def test_a_run_without_a_step_never_began(instance: dg.DagsterInstance, engine: sa.Engine) -> None:
    assert failed(instance, engine, events=()) == Ending(False)


@pytest.mark.parametrize(
    ("reason", "began"),
    [(RunFailureReason.START_TIMEOUT, False), (RunFailureReason.UNEXPECTED_TERMINATION, True)],
)
def test_a_run_that_was_late_to_start_is_nobodys_fault_though_it_came_to_its_work_in_the_end(
    instance: dg.DagsterInstance, engine: sa.Engine, reason: RunFailureReason, *, began: bool
) -> None:
    late = dg.DagsterEvent(
        "PIPELINE_FAILURE", JOB, event_specific_data=JobFailureData(None, reason)
    )  # fmt: skip
    assert failed(instance, engine, events=("STEP_START", late)).began_a_step is began


def test_what_a_process_could_not_tell_dagster_is_read_from_its_note(
    instance: dg.DagsterInstance, engine: sa.Engine
) -> None:
    found = failed(instance, engine, note=notes.EndNotStored("secret"))
    assert found == Ending(True, note="EndNotStored")
    assert failed(instance, engine, note=MemoryError()).note is None


def test_a_database_that_was_started_after_the_run_tells_of_an_outage(
    instance: dg.DagsterInstance, engine: sa.Engine
) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=3650)
    assert failed(instance, engine, started=long_ago).restarted == "PostgreSQL"


def test_a_machine_that_was_started_after_the_run_tells_of_an_outage(
    instance: dg.DagsterInstance, engine: sa.Engine
) -> None:
    here = Worker.here()
    before = Worker(here.host, here.pid, f"another-boot/{here.started.rpartition('/')[2]}")
    earlier = Worker(here.host, here.pid, f"{here.started.rpartition('/')[0]}/-1")
    elsewhere = Worker("elsewhere", here.pid, before.started)
    assert failed(instance, engine, worker=before).restarted == "the machine"
    assert failed(instance, engine, worker=earlier).restarted is None
    assert failed(instance, engine, worker=elsewhere).restarted is None


def test_old_notes_go(tmp_path: Path) -> None:
    for number in range(notes.KEPT + 3):
        notes.leave(tmp_path, f"run-{number}", ValueError())
    notes.forget_old(tmp_path)
    assert len(list(tmp_path.iterdir())) == notes.KEPT


def test_a_note_that_can_not_be_written_is_missing_and_no_more(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    notes.leave(tmp_path / "file", "run", ValueError())
    assert notes.read(tmp_path / "file", "run") is None
