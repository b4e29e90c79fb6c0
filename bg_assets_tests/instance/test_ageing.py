"""Dagster's queue under a flood: the run that waits longest is put forward, one at a time."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from bg_assets.instance import ageing
from bg_assets_tests import private
from bg_assets_tests.instance.conftest import Make, reload

QUEUED = [dg.DagsterRunStatus.QUEUED]
FRONT = 100


@pytest.fixture(autouse=True)
def nothing_left(instance: dg.DagsterInstance) -> Iterator[None]:
    """Each test ends with an empty queue."""
    yield
    for run in instance.get_runs(dg.RunsFilter(statuses=QUEUED)):
        instance.report_run_canceled(run)


def queue(instance: dg.DagsterInstance, make_run: Make, priority: int) -> dg.DagsterRun:
    run = make_run(**{ageing.PRIORITY_TAG: str(priority)})
    instance.report_dagster_event(dg.DagsterEvent.job_enqueue(run), run.run_id)
    return run


def put_forward(instance: dg.DagsterInstance, seconds: float = 61) -> str | None:
    """As a tick does it so many seconds from now."""
    records = instance.get_run_records(dg.RunsFilter(statuses=QUEUED))
    now = datetime.now(UTC) + timedelta(seconds=seconds)
    return ageing.put_forward(instance, records, FRONT, now)


def started(instance: dg.DagsterInstance, slots: int = 3) -> list[str]:
    """The runs that Dagster's daemon would start next; they leave the queue."""
    chosen = private.runs_to_dequeue(instance)[:slots]
    for run in chosen:
        instance.report_run_canceled(run)
    return [run.run_id for run in chosen]


def flood(instance: dg.DagsterInstance, make_run: Make, *, ages: bool) -> int | None:
    """In which round the least urgent run starts, while each brings as many urgent ones as start.

    None where it does not in ten rounds.
    """
    low = queue(instance, make_run, -20)
    for number in range(1, 11):
        for _ in range(3):
            queue(instance, make_run, 50)
        if ages:
            put_forward(instance)
        if low.run_id in started(instance):
            return number
    return None


def test_under_a_flood_the_least_urgent_run_starts_in_its_turn(
    instance: dg.DagsterInstance, make_run: Make
) -> None:
    assert flood(instance, make_run, ages=True) == 1


def test_left_to_dagster_it_would_never_start(instance: dg.DagsterInstance, make_run: Make) -> None:
    """What the turn is for: without it, this is what priorities in the queue come to."""
    assert flood(instance, make_run, ages=False) is None


def test_one_run_at_a_time_is_put_forward_the_oldest_first_and_others_stay_by_priority(
    instance: dg.DagsterInstance, make_run: Make
) -> None:
    low = [queue(instance, make_run, -20) for _ in range(3)]
    high = queue(instance, make_run, 50)

    assert put_forward(instance) == low[0].run_id
    assert put_forward(instance) is None, "the first has not started yet"
    tags = reload(instance, low[0]).tags
    assert (tags[ageing.PRIORITY_TAG], tags[ageing.PUT_FORWARD_TAG]) == ("100", "-20")
    assert started(instance, 2) == [low[0].run_id, high.run_id]
    assert put_forward(instance) == low[1].run_id


def test_who_waits_for_less_than_a_minute_stays_where_it_is(
    instance: dg.DagsterInstance, make_run: Make
) -> None:
    queue(instance, make_run, -20)

    assert put_forward(instance, seconds=50) is None


def test_a_run_of_the_highest_priority_is_at_the_front_already(
    instance: dg.DagsterInstance, make_run: Make
) -> None:
    queue(instance, make_run, FRONT)
    other = queue(instance, make_run, FRONT - 1)

    assert put_forward(instance) == other.run_id


def test_an_empty_queue_has_nobody_to_put_forward(instance: dg.DagsterInstance) -> None:
    assert put_forward(instance) is None
