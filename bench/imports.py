"""Importing a million people: rows per second, peak memory of the command, changes captured.

`--rows N` takes another number of people.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bg_assets.embedded.databases import ensure_database
from bg_assets.embedded.server import EmbeddedPostgres
from bg_assets.storage import database

PEOPLE_OF_ONE = 50
_TITLES = ("Chief Financial Officer", "Head of IT", "Buyer", "Clerk", "Engineer", "Sales Manager")


@dataclass(frozen=True, slots=True)
class Measured:
    """One import: what the command printed, how long it took, its CPU and its peak memory in MB."""

    counts: dict[str, Any]
    seconds: float
    megabytes: float
    cpu: float


def main(arguments: Sequence[str]) -> None:
    """Import, import again, import with differences, and print a line for each."""
    parser = argparse.ArgumentParser(prog="python -m bench imports", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args(arguments).rows
    with ExitStack() as stop:
        folder = Path(tempfile.mkdtemp(prefix="bg-bench-"))
        stop.callback(shutil.rmtree, folder)
        folder.chmod(0o711)
        server = EmbeddedPostgres(folder / "home")
        stop.callback(server.destroy)
        stop.enter_context(server.acquire())
        url = server.url("bg_assets")
        ensure_database(url)
        database.migrate(url)
        engine = database.make_engine(url)
        stop.callback(engine.dispose)
        _measure(engine, folder, {"BG_HOME": str(folder / "home")}, rows)


def _measure(engine: sa.Engine, folder: Path, env: dict[str, str], rows: int) -> None:
    companies = max(1, rows // PEOPLE_OF_ONE)
    _write(folder / "companies.csv", "id,name", companies, lambda n: f"c{n},Company {n}")
    _report(engine, "companies, new", env, "companies", folder / "companies.csv")
    path = folder / "people.csv"
    header = "id,company_id,name,title,department,email,location,manager_id"
    _write(path, header, rows, lambda n: _person(n, 0))
    _report(engine, "people, new", env, "people", path)
    _report(engine, "the same again", env, "people", path)
    _write(path, header, rows, lambda n: _person(n, 100))
    _report(engine, "1 in 100 with a new title", env, "people", path)
    _write(path, header, rows * 9 // 10, lambda n: _person(n + n // 9, 100))
    _report(engine, "a snapshot without a tenth of all", env, "people", path, "--full-snapshot")
    _write(path, header, rows, lambda n: _person(n, 100).replace(",c", ",x", 1))
    _report(engine, "every row rejected", env, "people", path)


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


def _report(
    engine: sa.Engine, what: str, env: dict[str, str], kind: str, path: Path, *options: str
) -> None:
    before = _changes(engine)
    done = measure(env, kind, path, *options)
    counts = done.counts
    rows = sum(int(counts[name]) for name in ("inserted", "updated", "unchanged", "rejected"))
    sys.stdout.write(
        f"{what:<34} {rows:>9,} rows {done.seconds:6.1f} s {rows / done.seconds:>9,.0f} rows/s "
        f"{done.megabytes:5.0f} MB {_changes(engine) - before:>7,} changes "
        f"({counts['inserted']:,} new, {counts['updated']:,} changed, {counts['left']:,} left, "
        f"{counts['rejected']:,} rejected)\n"
    )
    sys.stdout.flush()


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
