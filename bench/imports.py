"""Importing a million people: rows per second, peak memory of the command, changes captured.

Seconds of the CPU are those of the command and of the database's processes for it, which work at
the same time. `--rows N` takes another number of people, `--turns N` the first so many imports
alone, `--json` prints one document.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import psutil
import sqlalchemy as sa

from bench.scratch import Scratch, scratch
from bg_assets.embedded.server import EmbeddedPostgres

PEOPLE_OF_ONE = 50
_TITLES = ("Chief Financial Officer", "Head of IT", "Buyer", "Clerk", "Engineer", "Sales Manager")


@dataclass(frozen=True, slots=True)
class Measured:
    """One import: what the command printed, how long it took, its CPU and its peak memory in MB."""

    counts: dict[str, Any]
    seconds: float
    megabytes: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Line:
    """An import that was measured; seconds of the CPU here and there."""

    what: str
    rows: int
    seconds: float
    megabytes: float
    cpu: float
    cpu_of_database: float
    changes: int
    counts: dict[str, Any]

    @property
    def rate(self) -> float:
        return self.rows / self.seconds


def main(arguments: Sequence[str]) -> None:
    """Import, import again, import with differences, and print a line for each."""
    parser = argparse.ArgumentParser(prog="python -m bench imports", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    with scratch() as made:
        lines = []
        for line in islice(_lines(made, options.rows), options.turns):
            lines.append(line)
            if not options.json:
                _say(line)
        if options.json:
            document = [{**asdict(one), "rows_per_second": round(one.rate)} for one in lines]
            json.dump(document, sys.stdout, indent=2)


def _lines(made: Scratch, rows: int) -> Iterator[Line]:
    engine, server, folder = made.engine, made.server, made.folder

    def imported(what: str, kind: str, path: Path, *options: str) -> Line:
        changes, cpu = _changes(engine), _cpu(server)
        done = measure({"BG_HOME": str(folder / "home")}, kind, path, *options)
        there = _cpu(server) - cpu
        return Line(
            what, _rows(done.counts), done.seconds, done.megabytes, done.cpu, there,
            _changes(engine) - changes, done.counts,
        )  # fmt: skip

    companies = max(1, rows // PEOPLE_OF_ONE)
    _write(folder / "companies.csv", "id,name", companies, lambda n: f"c{n},Company {n}")
    yield imported("companies, new", "companies", folder / "companies.csv")
    path = folder / "people.csv"
    header = "id,company_id,name,title,department,email,location,manager_id"
    _write(path, header, rows, lambda n: _person(n, 0))
    yield imported("people, new", "people", path)
    yield imported("the same again", "people", path)
    _write(path, header, rows, lambda n: _person(n, 100))
    yield imported("1 in 100 with a new title", "people", path)
    _write(path, header, rows * 9 // 10, lambda n: _person(n + n // 9, 100))
    yield imported("a snapshot without a tenth of all", "people", path, "--full-snapshot")
    _write(path, header, rows, lambda n: _person(n, 100).replace(",c", ",x", 1))
    yield imported("every row rejected", "people", path)


def _person(number: int, every: int) -> str:
    """A row of people; each ``every``-th has another title than with 0."""
    company = number // PEOPLE_OF_ONE
    title = _TITLES[number % len(_TITLES)] + (" II" if every and number % every == 0 else "")
    manager = "" if number % PEOPLE_OF_ONE == 0 else f"p{company * PEOPLE_OF_ONE}"
    return (
        f"p{number},c{company},Given{number % 997} Family{number % 7919},{title},Department "
        f"{number % 23},p{number}@c{company}.example,Site {company % 101},{manager}"
    )


def _write(path: Path, header: str, rows: int, row: Callable[[int], str]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(f"{header}\n")
        file.writelines(f"{row(number)}\n" for number in range(rows))


def _rows(counts: Mapping[str, Any]) -> int:
    return sum(int(counts[name]) for name in ("inserted", "updated", "unchanged", "rejected"))


def _say(line: Line) -> None:
    counts = line.counts
    sys.stdout.write(
        f"{line.what:<34} {line.rows:>9,} rows {line.seconds:6.1f} s {line.rate:>9,.0f} rows/s, "
        f"CPU {line.cpu:5.1f} s + {line.cpu_of_database:5.1f} s, {line.megabytes:5.0f} MB, "
        f"{line.changes:>7,} changes "
        f"({counts['inserted']:,} new, {counts['updated']:,} changed, {counts['left']:,} left, "
        f"{counts['rejected']:,} rejected)\n"
    )
    sys.stdout.flush()


def _cpu(server: EmbeddedPostgres) -> float:
    """Seconds of the CPU of all processes of the database that have ended."""
    number = int((server.data / "postmaster.pid").read_text().split("\n", 1)[0])
    times = psutil.Process(number).cpu_times()
    return times.children_user + times.children_system


def _changes(engine: sa.Engine) -> int:
    with engine.connect() as conn:
        return int(conn.execute(sa.text("select count(*) from bg.changes")).scalar_one())


def measure(env: dict[str, str], kind: str, path: Path, *options: str) -> Measured:
    """Run `bg-assets import` as a process of its own. Raises RuntimeError where it fails."""
    code = "from bg_assets.cli.main import main; main()"
    command = [sys.executable, "-c", code, "import", kind, str(path), *options, "--json"]
    with tempfile.TemporaryFile() as out:
        began = time.monotonic()
        process = subprocess.Popen(command, env={**os.environ, **env}, stdout=out)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        # 1: it ran, and every row was rejected.
        if process.returncode not in (0, 1):
            raise RuntimeError(f"the import ended with {process.returncode}")
        out.seek(0)
        counts = json.loads(out.read())
    # The kernel counts kilobytes, that of macOS bytes.
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return Measured(counts, seconds, usage.ru_maxrss / unit, usage.ru_utime + usage.ru_stime)
