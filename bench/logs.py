"""What logs cost: one UPDATE of many scattered companies, with all lines and with errors alone.

Each turn runs all of `up` but the UI on an empty database; off, on, on, off, so that a machine that
gets slower favours neither. `--companies N` takes another number than 500, `--rounds N` another
than 1.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from statistics import fmean

from bench import running, traces

_VARIABLE = "BG_LOG_LEVEL"


def main(arguments: Sequence[str]) -> None:
    """Print seconds to all groups and of CPU of all processes, off and on, lines, and the ratio."""
    parser = argparse.ArgumentParser(prog="python -m bench logs", description=__doc__)
    parser.add_argument("--companies", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=1)
    chosen = parser.parse_args(arguments)
    found: dict[bool, list[tuple[float, float]]] = {False: [], True: []}
    for turn in (False, True, True, False) * chosen.rounds:
        os.environ[_VARIABLE] = "info" if turn else "error"
        found[turn].append(_scatter(chosen.companies))
        seconds, cpu = found[turn][-1]
        word = "on " if turn else "off"
        sys.stdout.write(f"logs {word}: all after {seconds:.1f} s, CPU {cpu:.1f} s\n")
        sys.stdout.flush()
    for place, what in enumerate(("time", "CPU")):
        off, on = (fmean(one[place] for one in found[turn]) for turn in (False, True))
        sys.stdout.write(f"{what}: {off:.2f} s off, {on:.2f} s on, {100 * (on / off - 1):+.1f} %\n")


def _scatter(number: int) -> tuple[float, float]:
    """Seconds until every other company has its group, and those of CPU that it took."""
    with running.with_door(settle=0) as (engine, config):
        chosen = running.grow(engine, "scatter-", 2 * number, seconds=900)[::2]
        before, began = traces._cpu(config.home), time.monotonic()
        running.retitle(engine, chosen, "Treasurer")
        running.settle(engine, seconds=900)
        took = time.monotonic() - began
        # A run tells of its end after the groups.
        time.sleep(3)
        return took, traces._cpu(config.home) - before
