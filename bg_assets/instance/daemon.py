"""`python -m bg_assets.instance.daemon dagster-daemon run …`: Dagster's daemon, under a clock that
may be set back.

Dagster gives no turn to a sensor before its last one is over by the clock: set back by an hour, the
daemon rests for an hour. Here it ends then, to be started again by whoever keeps it, and as it
starts it puts turns that lie in the future where they belong.
"""

import os
import sys
import threading
import time
from collections.abc import Callable
from importlib.metadata import entry_points

import dagster as dg

from bg_assets import settings
from bg_assets.instance import awaiting, launcher
from bg_assets.instance.launcher import ForkRunLauncher
from bg_assets.instance.private import speaking, turns
from bg_assets.logs import setup
from bg_assets.logs.log import logger

# Less is the pace of ntpd, or a wait that nobody minds.
MOST_BACK_SECONDS = 30.0
LOOK_SECONDS = 1.0
# From one round of sensors to the next at least: what keeps failing at once is asked so often.
ROUND_SECONDS = 1.0
# The exit code of a service that wants to be started again (sysexits.h: EX_TEMPFAIL).
AGAIN = 75

LOG = logger("bg_assets.instance.daemon")


def watch(
    again: Callable[[int], None],
    clock: Callable[[], float] = time.time,
    steady: Callable[[], float] = time.monotonic,
    rest: Callable[[float], None] = time.sleep,
) -> None:
    """Look at the clock until it was set back, then call ``again`` with the exit code.

    ``steady`` counts seconds, whatever the clock shows.
    """
    newest = clock() - steady()
    while True:
        rest(LOOK_SECONDS)
        began = clock() - steady()
        if began < newest - MOST_BACK_SECONDS:
            LOG.warning("clock_set_back", seconds=round(newest - began))
            again(AGAIN)
            return
        newest = max(newest, began)


def begin(instance: dg.DagsterInstance, now: float) -> None:
    """Say whose last turn lay in the future, and put it back."""
    for name in turns.put_back(instance, now):
        LOG.warning("turn_put_back", sensor=name)


def main(arguments: list[str]) -> None:
    """Run the daemon by these arguments, the first being its own name."""
    try:
        setup.begin("daemon", settings.read())
    except settings.BadSetting as err:
        sys.stderr.write(f"{err}\n")
        sys.exit(2)
    speaking.through_ours()
    turns.rest_no_longer(ROUND_SECONDS)
    try:
        with dg.DagsterInstance.get() as instance:
            if isinstance(instance.run_launcher, ForkRunLauncher):
                launcher.start_early()
            begin(instance, time.time())
    except dg.DagsterError as err:
        # The daemon says the same, and goes on when the database is there; so will this.
        LOG.warning("daemon_not_started", reason=str(err))
        sys.exit(AGAIN)
    if not awaiting.wait_for_code(arguments):
        LOG.warning("code_server_awaited", seconds=awaiting.MOST_SECONDS)
    # os._exit, as the daemon's threads rest by the clock too; to be killed costs it nothing.
    threading.Thread(target=watch, args=(os._exit,), daemon=True).start()
    sys.argv = arguments
    (daemon,) = entry_points(group="console_scripts", name=arguments[0])
    daemon.load()()


if __name__ == "__main__":
    main(sys.argv[1:])
