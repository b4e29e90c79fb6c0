"""`python -m bg_assets_tests.faults [FAULT …]`: inject faults, print what came of each as a table.

A FAULT is a name or the beginning of some (`kill`). Exit code 1 where something was lost, done
twice at once or left wrong.
"""

import argparse
import json
import shutil
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bg_assets_tests.conftest import temporary_folder
from bg_assets_tests.faults import catalogue
from bg_assets_tests.faults.trial import Options, Result, Unfit
from bg_assets_tests.system import stack as stacks

ROUNDS = 50
_COLUMNS = (
    "fault", "injected", "changes written", "groups right", "twice at once", "lost", "seconds",
    "note",
)  # fmt: skip


def main(arguments: Sequence[str]) -> int:
    """Run the chosen trials one after another; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bg_assets_tests.faults", description=__doc__)
    parser.add_argument("faults", nargs="*", metavar="FAULT")
    parser.add_argument("--list", action="store_true", help="print the faults there are")
    parser.add_argument("--quick", action="store_true", help="leave out those that take minutes")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often each (%(default)s)")
    parser.add_argument("--seed", type=int, default=None, help="the same chance again")
    parser.add_argument("--json", type=Path, help="write the results to this file too")
    chosen = parser.parse_args(arguments)
    if chosen.rounds < 1:
        parser.error("--rounds takes a number from 1")
    names = [
        name
        for name in catalogue.FAULTS
        if (not chosen.faults or any(name.startswith(word) for word in chosen.faults))
        and not (chosen.quick and name in catalogue.LONG)
    ]
    for word in chosen.faults:
        if not any(name.startswith(word) for name in names):
            parser.error(f"no fault {word}: --list prints those there are")
    if chosen.list:
        sys.stdout.write("".join(f"{name}\n" for name in names))
        return 0
    results = _run(names, chosen.rounds, chosen.seed)
    if chosen.json:
        chosen.json.write_text(json.dumps([asdict(result) for result in results], indent=1))
    Console(width=160).print(_table(results))
    return 0 if all(result.held for result in results) else 1


def _run(names: Sequence[str], rounds: int, seed: int | None) -> list[Result]:
    seed = time.time_ns() if seed is None else seed
    _say(f"seed {seed}; {len(names)} faults, {rounds} rounds of each that comes in rounds")
    template = temporary_folder(stacks.PREFIX)
    results: list[Result] = []
    try:
        stacks.make_template(template)
        options = Options(rounds, seed, template)
        for name in names:
            _say(f"{name} ...")
            result = _tried(name, options)
            if result is not None:
                _say(f"  {'held' if result.held else 'BROKEN'}: {asdict(result)}")
                results.append(result)
    finally:
        shutil.rmtree(template)
    return results


def _tried(name: str, options: Options) -> Result | None:
    try:
        return catalogue.FAULTS[name](options)
    except Unfit as err:
        _say(f"  not on this machine: {err}")
        return None
    except Exception as err:
        # What must come about did not, or the trial itself is broken; the others go on.
        traceback.print_exc()
        text = f"{type(err).__name__}: {err}".splitlines()[0]
        return Result(name, 0, 0, 0, 0, 0, 1, 0.0, text)


def _table(results: Sequence[Result]) -> Table:
    table = Table(*_COLUMNS)
    for result in results:
        table.add_row(
            result.fault,
            f"{result.injected:,}",
            f"{result.written:,}",
            f"{result.right} of {result.companies}",
            str(result.twice),
            str(result.lost),
            f"{result.seconds:.0f}",
            result.note,
            style=None if result.held else "red",
        )
    return table


def _say(text: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
