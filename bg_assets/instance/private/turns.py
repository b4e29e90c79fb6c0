"""When sensors and schedules had their last turn, as Dagster's daemon notes it for itself."""

from typing import Any

import dagster as dg
from dagster._daemon import sensor

# Of a sensor's state and of a schedule's: the daemon counts from these to the next turn.
_TURNS = ("last_tick_timestamp", "last_tick_start_timestamp", "last_iteration_timestamp")
_STARTED = "start_timestamp"


def rest_no_longer(seconds: float) -> None:
    """Let Dagster's daemon, in this process, begin rounds of sensors so soon after each other.

    It rests for what is left of 5 s: where each sensor finds something at once, a round of four is
    over earlier, and what comes then waits until the daemon wakes.
    """
    paced: Any = sensor
    paced.MIN_INTERVAL_LOOP_TIME = seconds


def put_back(instance: dg.DagsterInstance, now: float) -> list[str]:
    """Let those whose last turn lies in the future have had it now; returns their names.

    ``now`` is in seconds since 1970. Until a clock that was set back has caught up with the last
    turn, the daemon would give no other.
    """
    found = []
    for state in instance.all_instigator_state():
        data: Any = state.instigator_data
        ahead = {
            name: now for name in (*_TURNS, _STARTED) if (getattr(data, name, None) or 0.0) > now
        }
        if ahead:
            instance.update_instigator_state(state.with_data(data._replace(**ahead)))
            found.append(state.instigator_name)
    return found
