"""`python -m bg_assets_tests.faults.cut_tick STEP`: one tick that ends after that step of it.

With os._exit, as a process ends that is killed: nothing is finished, told or given back.
"""

import functools
import os
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import dagster as dg

from bg_assets import repair, sensors
from bg_assets.instance import state
from bg_assets.storage import causes, claims, database, instance_settings
from bg_assets.storage.webhooks import applying

CUT = 9
# In the order in which a tick takes them; the first three in transactions of their own.
STEPS: dict[str, tuple[Any, str]] = {
    "settings written": (instance_settings, "write"),
    "looked for events": (applying, "anything_pending"),
    "repaired": (repair, "repair"),
    "claimed, not committed": (claims, "claim"),
    "asked, not committed": (claims, "ask"),
    "asked again, not committed": (claims, "ask_again"),
    "explained, not committed": (causes, "explained"),
    "claim committed": (sensors, "_claim"),
    "partitions added": (dg.DagsterInstance, "add_dynamic_partitions"),
    "returned, nothing submitted": (sensors, "tick"),
}
# These are steps on the way whatever they give.
_ALWAYS = {"write", "anything_pending", "repair", "add_dynamic_partitions"}


def _ending(step: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(step)
    def ends(*arguments: Any, **named: Any) -> Any:
        found = step(*arguments, **named)
        # What found nothing due was no step on the way to a run.
        if found or step.__name__ in _ALWAYS:
            os._exit(CUT)
        return found

    return ends


def main(step: str) -> None:
    """Tick until something is due, and end after the step."""
    owner, name = STEPS[step]
    assert isinstance(owner, ModuleType | type)
    setattr(owner, name, _ending(getattr(owner, name)))
    engine = database.make_engine(database.bg_url())
    with dg.DagsterInstance.get() as instance:
        requests, _ = sensors.tick(instance, engine, state.SENSORS[0])
    if requests and step == "returned, nothing submitted":
        os._exit(CUT)


if __name__ == "__main__":
    main(sys.argv[1])
