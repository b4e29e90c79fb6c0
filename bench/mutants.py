"""Which small faults the tests let through: planted one at a time, judged by the room's fast tests.

`make mutants`, or `python -m bench mutants [OPTION …]` (`--help` lists them), works on a copy of
the project in a temporary folder with a PostgreSQL of its own; the tree you work in is only read.
It runs the fast tests once, noting which lines each of them runs. Then it plants faults, a sample
by seed, and runs on each the tests of its room that reach the line, until one fails:

    caught      a test failed, or hung
    equivalent  listed in bench/mutants_equivalent.yaml, with the reason: planting it proves nothing
    alive       no test of the room noticed
    unreached   alive, since no test of the room runs that line

`python -m bench mutants --rooms storage --modules claims.py --minutes 10` looks at one module;
`--again FILE` plants those again that an earlier JSON says are alive, `--go-on FILE` goes on with
its sample where --minutes had ended it. A fault is the same by the names of its module and function
and by its text, so that the list of equivalents survives moves.
It takes about four minutes before the first fault; Ctrl-C ends it and leaves nothing behind.
"""

import argparse
import contextlib
import importlib
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from bench import mutant_sites
from bench.mutant_reach import Reach
from bench.mutant_report import UNREACHED, Report, alive, kept, name, say
from bench.mutant_sites import Mutant, Quota
from bench.mutant_trials import Outcome, Workshop

_ROOT = Path(__file__).resolve().parent.parent
_STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# By which of them: where one comes while a process is forked, Python drops what it raises.
_told: list[str] = []
_EQUIVALENT = Path(__file__).with_name("mutants_equivalent.yaml")
# Imported once, before all runs: what takes long, and nothing of the project.
_WARM = (
    "dagster", "dagster_postgres", "pandas", "sqlalchemy", "psycopg2", "alembic.command",
    "starlette.applications", "uvicorn", "cryptography.fernet", "prometheus_client", "yaml",
    "rich.console", "click", "requests", "hypothesis.stateful", "_hypothesis_pytestplugin",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Room:
    """Modules (patterns below bg_assets) and the tests (paths below bg_assets_tests) that judge
    them; ``important`` are those in which no fault may live."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]
    important: tuple[str, ...] = ()


ROOMS = {
    "storage": Room(
        ("storage/*.py", "storage/capture/*.py", "storage/webhooks/*.py", "storage/reports/*.py"),
        ("storage/",),
        ("claims.py", "refreshes.py", "groups.py", "triggers.py", "bodies.py", "applying.py"),
    ),
    "receiver": Room(("receiver/*.py",), ("receiver/",)),
    "repair": Room(("repair.py", "faults.py"), ("test_repair.py", "test_faults.py")),
    "instance": Room(("instance/*.py", "instance/*/*.py"), ("instance/",)),
    "mirror": Room(("ticks/mirror.py", "ticks/restoring.py"), ("ticks/", "assets/")),
    "sensors": Room(
        ("sensors.py", "ticks/upkeep.py", "ticks/patience.py"), ("test_sensors.py", "ticks/")
    ),
    "assets": Room(("assets/*.py",), ("assets/",)),
    "files": Room(("files/*.py",), ("files/",)),
    "domain": Room(
        ("domain/*.py", "domain/*/*.py"),
        ("domain/",),
        ("applying.py", "signatures.py", "outcome.py"),
    ),
}  # fmt: skip


def main(arguments: Sequence[str]) -> None:
    """Plant, judge, tell."""
    options = _options(arguments)
    for number in _STOPS:
        signal.signal(number, _stop)
    try:
        _run(options, time.monotonic() + 60 * options.minutes)
    except KeyboardInterrupt as stop:
        say(f"stopped by {stop}")


def _run(options: argparse.Namespace, until: float) -> None:
    for module in _WARM:
        importlib.import_module(module)
    with contextlib.ExitStack() as stack:
        shops = [stack.enter_context(Workshop(_ROOT)) for _ in range(options.workers)]
        planted = _planted(options, shops[0].root)
        reach = shops[0].measure([path for room in planted for path in _tests(options, room)])
        say(f"{len(reach.seconds)} tests, of which {len(reach.failed)} failed or were skipped")
        said = {"seed": options.seed, "rooms": options.rooms, "modules": options.modules}
        report = Report(options.json, said, reach.failed, kept(options.go_on))
        known = {name(one) for one in kept(options.go_on)}
        rest = {
            room: [one for one in mutants if one.name not in known]
            for room, mutants in planted.items()
        }
        stack.callback(report.tell, list(planted), sum(map(len, rest.values())))
        for room, mutant, outcome in _judged(rest, shops, reach, until, options):
            report.add(room, mutant, outcome)


def _judged(
    planted: Mapping[str, Sequence[Mutant]],
    shops: Sequence[Workshop],
    reach: Reach,
    until: float,
    options: argparse.Namespace,
) -> Iterator[tuple[str, Mutant, Outcome | None]]:
    """Each mutant with its outcome, the rooms in turn; None of one that is equivalent."""
    waiting = _in_turn(planted)
    equivalent = _equivalent()
    idle = list(shops)
    busy: dict[Workshop, tuple[str, Mutant, str]] = {}
    while True:
        while idle and time.monotonic() < until and (one := next(waiting, None)):
            room, mutant = one
            if mutant.name in equivalent:
                yield room, mutant, None
                continue
            judges = _tests(options, room)
            reaching = reach.tests(mutant.module, mutant.line, judges)
            if not reaching:
                yield room, mutant, Outcome(False, UNREACHED, 0)
                continue
            tests = _within(reach, reaching, options.longest)
            shop = idle.pop()
            shop.start(mutant.module, mutant.code, {test: reach.seconds[test] for test in tests})
            busy[shop] = (room, mutant, f"{len(tests)} of {len(reaching)} tests passed")
        if not busy:
            return
        for shop in list(busy):
            outcome = shop.ended()
            if outcome is not None:
                room, mutant, passed = busy.pop(shop)
                idle.append(shop)
                yield room, mutant, outcome if outcome.caught else replace(outcome, by=passed)
        if _told:
            raise KeyboardInterrupt(_told[0])
        time.sleep(0.05)


def _within(reach: Reach, tests: Sequence[str], longest: float) -> list[str]:
    """As many of the tests as take no longer than this, in seconds."""
    taken = 0.0
    chosen: list[str] = []
    for test in tests:
        taken += reach.seconds[test]
        if chosen and taken > longest:
            break
        chosen.append(test)
    return chosen


def _in_turn(planted: Mapping[str, Sequence[Mutant]]) -> Iterator[tuple[str, Mutant]]:
    """All mutants, each room's spread evenly over the whole, so that it may end at any time."""
    order = [
        (number / len(mutants), room, mutant)
        for room, mutants in planted.items()
        for number, mutant in enumerate(mutants)
    ]
    for _, room, mutant in sorted(order, key=lambda one: one[:2]):
        yield room, mutant


def _planted(options: argparse.Namespace, root: Path) -> dict[str, list[Mutant]]:
    """The sample, by room, or those that lived before."""
    if options.again:
        return _planted_again(options, root)
    planted = {}
    for title in options.rooms:
        room = ROOMS[title]
        modules = mutant_sites.modules_of(root, room.modules)
        if options.modules:
            modules = {
                path: code for path, code in modules.items() if Path(path).name in options.modules
            }
        important = tuple(path for path in modules if Path(path).name in room.important)
        total = options.each * len(important) + options.per_room
        quota = Quota(total, options.each, important)
        planted[title] = mutant_sites.choose(modules, quota, options.seed)
    return {room: mutants for room, mutants in planted.items() if mutants}


def _planted_again(options: argparse.Namespace, root: Path) -> dict[str, list[Mutant]]:
    wanted = alive(options.again)
    planted: dict[str, list[Mutant]] = {room: [] for room in options.rooms}
    for room, mutants in planted.items():
        for module, code in mutant_sites.modules_of(root, ROOMS[room].modules).items():
            names = wanted.pop(module, set())
            if options.modules and Path(module).name not in options.modules:
                continue
            # The first of each name.
            found: dict[tuple[str, str, str, str], Mutant] = {}
            for one in mutant_sites.choose({module: code}, Quota(10**6, 0, ()), options.seed):
                found.setdefault(one.name, one)
            mutants.extend(one for name, one in found.items() if name in names)
            for _, place, was, becomes in sorted(names - found.keys()):
                say(f"gone, its code was changed: {module} {place}: {was} -> {becomes}")
    return {room: mutants for room, mutants in planted.items() if mutants}


def _equivalent() -> dict[tuple[str, ...], str]:
    """The faults judged to change nothing, and why."""
    listed = yaml.safe_load(_EQUIVALENT.read_text(encoding="utf-8")) or []
    return {
        (one["module"], one["place"], one["was"] or "", one["becomes"] or ""): one["reason"]
        for one in listed
    }


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench mutants", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--rooms", type=_rooms, default=list(ROOMS), help=", ".join(ROOMS))
    parser.add_argument("--modules", type=_words, default=[], help="names of files, as claims.py")
    parser.add_argument(
        "--tests",
        type=_words,
        default=[],
        help="who judges instead, as cli/: who else would notice",
    )
    parser.add_argument("--per-room", type=int, default=30, help="faults in each room")
    parser.add_argument(
        "--each", type=int, default=8, help="faults more in each module in which none may live"
    )
    parser.add_argument("--minutes", type=float, default=30, help="no fault is planted later")
    parser.add_argument("--workers", type=int, default=2, help="copies that work at a time")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--longest", type=float, default=120, help="seconds of tests that one fault is worth"
    )
    parser.add_argument("--json", type=Path, default=_ROOT / ".bg" / "mutants.json")
    parser.add_argument(
        "--go-on", type=Path, help="what this JSON, of the same state, has is not planted anew"
    )
    parser.add_argument("--again", type=Path, help="only those that this JSON says are alive")
    return parser.parse_args(list(arguments))


def _words(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]


def _rooms(text: str) -> list[str]:
    names = _words(text)
    for one in names:
        if one not in ROOMS:
            raise argparse.ArgumentTypeError(f"no room {one}: there are {', '.join(ROOMS)}")
    return names


def _tests(options: argparse.Namespace, room: str) -> list[str]:
    return [f"bg_assets_tests/{path}" for path in options.tests or ROOMS[room].tests]


def _stop(number: int, frame: object) -> None:
    _told.append(signal.Signals(number).name)
    for one in _STOPS:
        # What it made is being removed: a second Ctrl-C would leave some of it.
        signal.signal(one, signal.SIG_IGN)
    raise KeyboardInterrupt(_told[0])
