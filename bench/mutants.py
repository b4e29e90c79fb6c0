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
`--again FILE` plants those again that an earlier JSON says are alive. A fault is the same by the
names of its module and function and by its text, so that the list of equivalents survives moves.
It takes about four minutes before the first fault; Ctrl-C ends it and leaves nothing behind.
"""

import argparse
import contextlib
import importlib
import json
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bench import mutant_sites
from bench.mutant_reach import Reach
from bench.mutant_sites import Mutant, Quota
from bench.mutant_trials import Outcome, Workshop

_ROOT = Path(__file__).resolve().parent.parent
_EQUIVALENT = Path(__file__).with_name("mutants_equivalent.yaml")
# Imported before all runs: what takes long, and no plugin of pytest's (it wants to do that itself).
_WARM = (
    "dagster", "dagster_postgres", "pandas", "sqlalchemy", "psycopg2", "alembic.command",
    "starlette.applications", "uvicorn", "cryptography.fernet", "prometheus_client", "yaml",
    "rich.console", "click", "requests",
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
        ("storage/*.py",),
        ("storage/",),
        ("claims.py", "refreshes.py", "groups.py", "capture.py", "capture_sql.py",
         "webhook_apply.py"),
    ),
    "receiver": Room(("receiver/*.py",), ("receiver/",), ("signatures.py",)),
    "repair": Room(("repair.py",), ("test_repair.py",)),
    "instance": Room(("instance/*.py",), ("instance/",)),
    "mirror": Room(("mirror.py", "restoring.py", "checks.py"), ("assets/",)),
    "sensors": Room(("sensors.py",), ("test_sensors.py",)),
    "assets": Room(("assets/*.py",), ("assets/",)),
    "files": Room(("files/*.py",), ("files/",)),
    "domain": Room(("domain/*.py",), ("domain/",), ("applying.py",)),
}  # fmt: skip


def main(arguments: Sequence[str]) -> None:
    """Plant, judge, tell."""
    options = _options(arguments)
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGHUP, _stop)
    until = time.monotonic() + 60 * options.minutes
    for name in _WARM:
        importlib.import_module(name)
    with contextlib.ExitStack() as stack:
        shops = [stack.enter_context(Workshop(_ROOT)) for _ in range(options.workers)]
        reach = shops[0].measure(_tests(options.rooms))
        _say(f"{len(reach.seconds)} tests, of which {len(reach.failed)} failed or were skipped")
        planted = _planted(options, shops[0].root)
        report = Report(options, reach)
        try:
            for room, mutant, outcome in _judged(planted, shops, reach, until, options):
                report.add(room, mutant, outcome)
        except KeyboardInterrupt:
            _say("stopped")
        report.tell({room: len(list(mutants)) for room, mutants in planted.items()})


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
    busy: dict[Workshop, tuple[str, Mutant]] = {}
    while True:
        while idle and time.monotonic() < until and (one := next(waiting, None)):
            room, mutant = one
            if mutant.name in equivalent:
                yield room, mutant, None
                continue
            tests = _within(reach, _reaching(reach, shops[0].root, room, mutant), options.longest)
            if not tests:
                yield room, mutant, Outcome(False, "unreached", 0)
                continue
            shop = idle.pop()
            shop.start(
                mutant.module, mutant.code, tests, max(reach.seconds[test] for test in tests)
            )
            busy[shop] = one
        if not busy:
            return
        for shop in list(busy):
            outcome = shop.ended()
            if outcome is not None:
                yield (*busy.pop(shop), outcome)
                idle.append(shop)
        time.sleep(0.05)


def _reaching(reach: Reach, root: Path, room: str, mutant: Mutant) -> list[str]:
    paths = [f"bg_assets_tests/{path}" for path in ROOMS[room].tests]
    return reach.tests(root, mutant.module, mutant.line, paths)


def _within(reach: Reach, tests: Sequence[str], longest: float) -> list[str]:
    """As many of the tests as take no longer than this, in seconds."""
    taken, chosen = 0.0, []
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
    wanted = _alive(options.again) if options.again else None
    planted = {}
    for name in options.rooms:
        room = ROOMS[name]
        modules = mutant_sites.modules_of(root, room.modules)
        if options.modules:
            modules = {
                path: code for path, code in modules.items() if Path(path).name in options.modules
            }
        important = tuple(path for path in modules if Path(path).name in room.important)
        total = options.each * len(important) + options.per_room
        quota = Quota(total, options.each, important)
        if wanted is not None:
            modules = {path: code for path, code in modules.items() if path in wanted}
            quota = Quota(10**6, 0, ())
        chosen = mutant_sites.choose(modules, quota, options.seed)
        planted[name] = [one for one in chosen if wanted is None or one.name in wanted[one.module]]
    return {room: mutants for room, mutants in planted.items() if mutants}


def _alive(file: Path) -> dict[str, set[tuple[str, ...]]]:
    found: dict[str, set[tuple[str, ...]]] = {}
    for one in json.loads(file.read_text(encoding="utf-8"))["mutants"]:
        if one["verdict"] in ("alive", "unreached"):
            name = (one["module"], one["place"], one["was"], one["becomes"])
            found.setdefault(one["module"], set()).add(name)
    return found


def _equivalent() -> dict[tuple[str, ...], str]:
    """The faults judged to change nothing, and why."""
    listed = yaml.safe_load(_EQUIVALENT.read_text(encoding="utf-8")) or []
    return {
        (one["module"], one["place"], one["was"] or "", one["becomes"] or ""): one["reason"]
        for one in listed
    }


class Report:
    """What came of each mutant: told as it comes, kept as JSON, summed up by room at the end."""

    def __init__(self, options: argparse.Namespace, reach: Reach) -> None:
        self._file: Path = options.json
        self._options = {"seed": options.seed, "rooms": options.rooms, "minutes": options.minutes}
        self._failed = sorted(reach.failed)
        self._found: list[dict[str, Any]] = []

    def add(self, room: str, mutant: Mutant, outcome: Outcome | None) -> None:
        """One more; None is equivalent."""
        if outcome is None:
            verdict = "equivalent"
        elif outcome.by == "unreached":
            verdict = "unreached"
        else:
            verdict = "caught" if outcome.caught else "alive"
        self._found.append(
            {
                "room": room, "module": mutant.module, "line": mutant.line, "place": mutant.place,
                "operator": mutant.operator, "verdict": verdict, "was": mutant.was,
                "becomes": mutant.becomes, "diff": mutant.diff,
                "by": outcome.by if outcome else "",
                "seconds": round(outcome.seconds, 1) if outcome else 0,
            }
        )  # fmt: skip
        if verdict in ("alive", "unreached"):
            _say(f"{verdict}  {mutant.module}:{mutant.line} in {mutant.place}\n{mutant.diff}")
        self._write()

    def tell(self, planned: Mapping[str, int]) -> None:
        """The table by room."""
        _say(
            f"{'room':<10}{'planted':>9}{'caught':>9}{'equivalent':>12}{'alive':>7}"
            f"{'unreached':>11}{'share':>8}"
        )
        totals: Counter[str] = Counter()
        for room in planned:
            counts = Counter(one["verdict"] for one in self._found if one["room"] == room)
            totals += counts
            _say(_line(room, counts))
        _say(_line("all", totals))
        left = sum(planned.values()) - len(self._found)
        if left:
            _say(f"{left} of the sample were not planted: --minutes was over")
        _say(f"share: caught of those not equivalent; each is in {self._file}")

    def _write(self) -> None:
        summary = {
            room: Counter(one["verdict"] for one in self._found if one["room"] == room)
            for room in {one["room"] for one in self._found}
        }
        kept = {
            "options": self._options,
            "rooms": summary,
            "tests that could not judge": self._failed,
            "mutants": self._found,
        }
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(json.dumps(kept, indent=1, ensure_ascii=False), encoding="utf-8")


def _line(room: str, counts: Mapping[str, int]) -> str:
    caught, alive = counts.get("caught", 0), counts.get("alive", 0)
    unreached, equivalent = counts.get("unreached", 0), counts.get("equivalent", 0)
    judged = caught + alive + unreached
    share = f"{caught / judged:>8.0%}" if judged else f"{'-':>8}"
    planted = judged + equivalent
    return f"{room:<10}{planted:>9}{caught:>9}{equivalent:>12}{alive:>7}{unreached:>11}{share}"


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench mutants", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--rooms", type=_rooms, default=list(ROOMS), help=", ".join(ROOMS))
    parser.add_argument("--modules", type=_words, default=[], help="names of files, as claims.py")
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
    parser.add_argument("--again", type=Path, help="only those that this JSON says are alive")
    return parser.parse_args(list(arguments))


def _words(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]


def _rooms(text: str) -> list[str]:
    names = _words(text)
    for name in names:
        if name not in ROOMS:
            raise argparse.ArgumentTypeError(f"no room {name}: there are {', '.join(ROOMS)}")
    return names


def _tests(rooms: Sequence[str]) -> list[str]:
    return [f"bg_assets_tests/{path}" for room in rooms for path in ROOMS[room].tests]


def _stop(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
