"""Refreshes whose run is over, or never came to be, are let go: their changes are pending again.

This is the one place where a run is tried again; Dagster's own run retries stay off.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg
import sqlalchemy as sa

from bg_assets import faults
from bg_assets.instance import ageing, ending, longest
from bg_assets.instance.private import events, names
from bg_assets.instance.statuses import NOT_OVER
from bg_assets.instance.worker import State, Worker
from bg_assets.storage import cancelling, claims, database, priorities, refreshes
from bg_assets.storage.refreshes import UnderWay

# Submitting a run takes a fraction of a second; one that still is not submitted never will be.
NEVER_SUBMITTED = timedelta(seconds=60)
# The sensor that asked for a run asks again after 15 s; after this it is taken to be switched off.
NOBODY_ASKS = timedelta(seconds=120)
# Between the claim and the run's creation nothing is wrong yet.
TOO_EARLY = timedelta(seconds=15)
# A run that is over has this long to end its process, which may still hold rows of the tables.
LAST_BREATH = timedelta(seconds=10)
LOOKUPS = 50


@dataclass(frozen=True, slots=True)
class RunState:
    """A run's status, when it was made and when it was over, the process that executes it, and all.

    ``record`` is what Dagster has stored of it; too_long: Dagster ended it for its time; lost: its
    process is gone before Dagster knew it as started, which its monitoring would see much later.
    """

    run_id: str
    status: dg.DagsterRunStatus
    created_at: datetime
    ended_at: datetime | None = None
    worker: Worker | None = None
    record: dg.RunRecord | None = None
    too_long: bool = False
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Over:
    """Why what is under way will not be completed by its run; an outage uses up no attempt.

    What somebody has cancelled is not tried again.
    """

    reason: str
    outage: bool = False
    cancelled: bool = False


def why_over(held: UnderWay, run: RunState | None, now: datetime) -> Over | None:
    """Why what is under way will not be completed by its run; None while it may be.

    Of a run that failed, this does not tell whose fault it was.
    """
    if run is not None:
        if run.too_long and run.status in (
            dg.DagsterRunStatus.FAILURE,
            dg.DagsterRunStatus.CANCELED,
        ):
            return Over(f"run {run.run_id} took longer than it may and was ended")
        if run.status is dg.DagsterRunStatus.CANCELED:
            # Dagster calls so only what was asked for: a run interrupted otherwise has failed.
            return Over(f"run {run.run_id} was cancelled", cancelled=True)
        if run.status is dg.DagsterRunStatus.FAILURE:
            return Over(f"run {run.run_id} ended as {run.status.value}")
        if run.status is dg.DagsterRunStatus.SUCCESS:
            return Over(f"run {run.run_id} ended without completing it")
        if run.lost:
            return Over(f"run {run.run_id} was lost as it began", outage=True)
        never = run.status is dg.DagsterRunStatus.NOT_STARTED
        if never and now - run.created_at > NEVER_SUBMITTED:
            return Over(f"run {run.run_id} was made and never submitted", outage=True)
        return None
    if held.run_id is not None:
        return Over(f"run {held.run_id} is gone", outage=True)
    if held.asked_at is not None and now - held.asked_at > NOBODY_ASKS:
        return Over("the run that was asked for never came to be", outage=True)
    return None


def repair(
    instance: dg.DagsterInstance, engine: sa.Engine, max_attempts: int, now: datetime | None = None
) -> list[str]:
    """Release what no run will complete; returns what was done, a line each.

    The run that has waited longest in the queue is put forward, if that is long.
    A few look-ups in Dagster's storage, and none while nothing is under way. Each release is a
    transaction of its own, so that no completion waits for the look-ups.
    """
    with database.connect(engine) as conn:
        now = now or claims.database_now(conn)
        under_way = refreshes.under_way(conn)
    if not under_way:
        return []
    lines: list[str] = []
    waiting: list[str] = []
    by_id, by_key = _in_progress(instance)
    records = [run.record for run in by_id.values() if run.record is not None]
    ageing.put_forward(instance, records, priorities.BY_HAND, now)
    for held, run in _runs_of(instance, under_way, by_id, by_key, now):
        over = why_over(held, run, now)
        if over is None:
            if _is_submitted(run) and held.run_id is None and held.run_key is not None:
                waiting.append(held.run_key)
            continue
        over = _whose_fault(instance, engine, run, over)
        if run is not None and (run.lost or run.status is dg.DagsterRunStatus.NOT_STARTED):
            if not _end(instance, run, over.reason):
                continue
        elif run is not None and lives_on(run):
            if run.ended_at is not None and now - run.ended_at < LAST_BREATH:
                continue
            lines += _kill(run)
        with database.connect(engine) as conn:
            lines += _let_go(conn, held, over, now, max_attempts)
    with database.connect(engine) as conn:
        claims.seen(conn, waiting, now)
    return lines


def _let_go(
    conn: sa.Connection, held: UnderWay, over: Over, now: datetime, max_attempts: int
) -> list[str]:
    """End what is under way; returns what was done, in a line."""
    if over.cancelled:
        done = cancelling.cancel(conn, held.refreshes, over.reason, now)
        return [f"{over.reason}: {len(done)} wait for the next change or request"] if done else []
    again, dead = refreshes.release(
        conn, held.refreshes, over.reason, now, max_attempts, outage=over.outage
    )
    if again or dead:
        return [f"{over.reason}: {len(again)} to be tried again, {len(dead)} dead"]
    return []


def _whose_fault(
    instance: dg.DagsterInstance, engine: sa.Engine, run: RunState | None, over: Over
) -> Over:
    """The same with what is known of a run that failed."""
    if run is None or run.record is None or run.status is not dg.DagsterRunStatus.FAILURE:
        return over
    why = faults.outage(
        faults.read(instance, engine, run.record), for_its_time=run.too_long
    )  # fmt: skip
    return over if why is None else Over(f"{over.reason} {why}", outage=True)


def _runs_of(
    instance: dg.DagsterInstance,
    under_way: Sequence[UnderWay],
    by_id: Mapping[str, RunState],
    by_key: Mapping[str, RunState],
    now: datetime,
) -> Iterator[tuple[UnderWay, RunState | None]]:
    """What is under way with its run, None where there is none; leaves out what is too early."""
    lookups = 0
    for held in under_way:
        run = by_id.get(held.run_id or "") or by_key.get(held.run_key or "")
        if run is None:
            early = held.run_id is None and held.asked_at and now - held.asked_at < TOO_EARLY
            if early or lookups == LOOKUPS:
                continue
            lookups += 1
            run = _look_up(instance, held)
        yield held, run


def lives_on(run: RunState) -> bool:
    """Whether the process of a run is still there, on this host; stopped ones are."""
    return run.worker is not None and run.worker.state() in (State.ALIVE, State.STOPPED)


def _kill(run: RunState) -> list[str]:
    """Kill what was left of a run that is over; returns what is worth telling."""
    assert run.worker is not None
    said = f"run {run.run_id} is over and its process {run.worker.pid} was still there"
    try:
        ending.kill(run.worker)
    except PermissionError:
        return [f"{said}: kill it as the user whom it belongs to"]
    return [f"{said}: killed"]


def _is_submitted(run: RunState | None) -> bool:
    """One that was made only is asked for again, at which Dagster submits it after all."""
    return run is not None and run.status is not dg.DagsterRunStatus.NOT_STARTED


def _in_progress(
    instance: dg.DagsterInstance,
) -> tuple[Mapping[str, RunState], Mapping[str, RunState]]:
    """The runs in progress, by id and by run key: one query for the ordinary case."""
    records = instance.get_run_records(dg.RunsFilter(statuses=NOT_OVER), limit=5000, ascending=True)
    states = [_state(instance, record) for record in records]
    keys = [record.dagster_run.tags.get(names.RUN_KEY_TAG) for record in records]
    by_key = {key: state for key, state in zip(keys, states, strict=True) if key}
    return {state.run_id: state for state in states}, by_key


def _look_up(instance: dg.DagsterInstance, held: UnderWay) -> RunState | None:
    if held.run_id is not None:
        found = dg.RunsFilter(run_ids=[held.run_id])
    else:
        found = dg.RunsFilter(tags={names.RUN_KEY_TAG: held.run_key or ""})
    records = instance.get_run_records(found, limit=1)
    return _state(instance, records[0]) if records else None


def _state(instance: dg.DagsterInstance, record: dg.RunRecord) -> RunState:
    run = record.dagster_run
    ended = None if record.end_time is None else datetime.fromtimestamp(record.end_time, UTC)
    worker = Worker.from_tag(run.tags.get(names.WORKER_TAG))
    # What was interrupted otherwise may have been noticed long after: only Dagster's word counts.
    too_long = longest.passed(
        run.tags, record.start_time, record.end_time
    ) and events.ended_for_its_time(instance, run.run_id)
    starting = run.status is dg.DagsterRunStatus.STARTING
    lost = starting and worker is not None and worker.state() is State.GONE
    return RunState(
        run.run_id, run.status, record.create_timestamp, ended, worker, record, too_long, lost
    )


def _end(instance: dg.DagsterInstance, run: RunState, reason: str) -> bool:
    """Mark a run that was never submitted, or lost, so that the UI does not show it for ever.

    Returns False where it has come further since it was looked at: it may have done its work.
    """
    stuck = instance.get_run_by_id(run.run_id)
    if stuck is not None and stuck.status is not run.status:
        return False
    if stuck is not None:
        instance.report_run_failed(stuck, reason)
    return True
