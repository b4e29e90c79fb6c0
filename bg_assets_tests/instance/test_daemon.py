"""A clock that is set back: Dagster's daemon starts again, and no turn lies in the future."""

from collections.abc import Iterator

import dagster as dg
import pytest

from bg_assets.instance import daemon
from bg_assets.instance.private import turns
from bg_assets_tests.private import (
    InstigatorState,
    InstigatorStatus,
    InstigatorType,
    RegisteredCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
    ScheduleInstigatorData,
    SensorInstigatorData,
)

HOUR = 3600.0
NOW = 1_800_000_000.0
_REPOSITORY = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("somewhere"), "all")


class Over(Exception):
    """The watch has looked often enough."""


def _watched(offsets: list[float]) -> list[int]:
    """What the watch says to a clock that is off so far, one look after another."""
    said: list[int] = []
    looks = iter(offsets)
    now = [next(looks)]

    def rest(seconds: float) -> None:
        try:
            now[0] = next(looks)
        except StopIteration:
            raise Over from None

    try:
        daemon.watch(said.append, lambda: NOW + now[0], lambda: 0.0, rest)
    except Over:
        return said
    return said


@pytest.mark.parametrize(
    ("offsets", "again"),
    [
        ([0, 0, 0], []),
        ([0, -29, -29], []),
        ([0, -31], [daemon.AGAIN]),
        ([0, HOUR, HOUR], []),
        ([0, HOUR, 0], [daemon.AGAIN]),
        # Bit by bit is back too.
        ([0, -20, -40], [daemon.AGAIN]),
    ],
)
def test_a_clock_set_back_by_more_than_half_a_minute_starts_the_daemon_again(
    offsets: list[float], again: list[int]
) -> None:
    assert _watched(offsets) == again


@pytest.fixture
def states(instance: dg.DagsterInstance) -> Iterator[dict[str, InstigatorState]]:
    """Two sensors and two schedules, of each one with its last turn an hour ahead."""
    made = {}
    for name, last in (("late", NOW - 10), ("early", NOW + HOUR)):
        made[f"{name}_sensor"] = InstigatorState(
            RemoteInstigatorOrigin(_REPOSITORY, f"{name}_sensor"),
            InstigatorType.SENSOR,
            InstigatorStatus.RUNNING,
            SensorInstigatorData(last_tick_timestamp=last, cursor="c", min_interval=1),
        )
        made[f"{name}_schedule"] = InstigatorState(
            RemoteInstigatorOrigin(_REPOSITORY, f"{name}_schedule"),
            InstigatorType.SCHEDULE,
            InstigatorStatus.RUNNING,
            ScheduleInstigatorData("* * * * *", NOW - HOUR, last),
        )
    for state in made.values():
        instance.add_instigator_state(state)
    yield made
    for state in made.values():
        instance.delete_instigator_state(state.instigator_origin_id, state.selector_id)


def test_turns_in_the_future_are_put_back_and_all_else_stays(
    instance: dg.DagsterInstance, states: dict[str, InstigatorState]
) -> None:
    assert sorted(turns.put_back(instance, NOW)) == ["early_schedule", "early_sensor"]
    found = {state.instigator_name: state for state in instance.all_instigator_state()}
    for name in ("late_sensor", "late_schedule"):
        assert found[name] == states[name]
    assert found["early_sensor"].instigator_data == SensorInstigatorData(
        last_tick_timestamp=NOW, cursor="c", min_interval=1
    )
    assert found["early_schedule"].instigator_data == ScheduleInstigatorData(
        "* * * * *", NOW - HOUR, NOW
    )
    assert turns.put_back(instance, NOW) == []


def test_the_daemon_says_whose_turn_it_put_back_as_it_starts(
    instance: dg.DagsterInstance,
    states: dict[str, InstigatorState],
    caplog: pytest.LogCaptureFixture,
) -> None:
    daemon.begin(instance, NOW)
    assert sorted(caplog.messages) == [
        "turn_put_back sensor=early_schedule",
        "turn_put_back sensor=early_sensor",
    ]
