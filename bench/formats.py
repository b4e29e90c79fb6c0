"""Importing one file of people as CSV, workbook and Parquet: rows per second, peak memory.

Each goes to a fresh database, and a second time without a change; then it is read alone, without a
database. Seconds of the CPU are those of the command and of the database's processes for it, which
work at the same time: where nothing else runs, the longer of both is the least that it takes. The
people are those of `bg-assets sample`. `--rows N` takes another number than 1,000,000
(a sheet has room for 1,048,575), `--only csv,xlsx,parquet` some of the formats, `--json` prints one
document.
"""

import argparse
import csv
import json
import multiprocessing
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import psutil

from bench.imports import measure
from bg_assets.embedded.databases import ensure_database
from bg_assets.embedded.server import EmbeddedPostgres
from bg_assets.storage import database

FORMATS = ("csv", "xlsx", "parquet")
# The sample has some more people than so many a company.
_PEOPLE_OF_ONE = 20
_READ = """
import sys, time, resource
from pathlib import Path
from bg_assets.files.reading import open_import
began = time.monotonic()
with open_import(Path(sys.argv[1]), "people", {}, False) as file:
    rows = sum(1 for _ in file.rows())
usage = resource.getrusage(resource.RUSAGE_SELF)
print(rows, time.monotonic() - began, usage.ru_maxrss / 1024, usage.ru_utime + usage.ru_stime)
"""


@dataclass(frozen=True, slots=True)
class Line:
    """One measurement: rows, seconds of the clock, peak MB, seconds of the CPU here and there."""

    form: str
    what: str
    rows: int
    seconds: float
    megabytes: float
    cpu: float
    cpu_of_database: float = 0

    @property
    def rate(self) -> float:
        return self.rows / self.seconds


def main(arguments: Sequence[str]) -> None:
    """Make the files, measure each, and print a line for each measurement, or all as JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench formats", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--only", default=",".join(FORMATS))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    lines = []
    with tempfile.TemporaryDirectory(prefix="bg-bench-") as name:
        for line in _lines(Path(name), options.rows, options.only.split(",")):
            lines.append(line)
            if not options.json:
                _say(line)
    if options.json:
        document = [{**asdict(one), "rows_per_second": round(one.rate)} for one in lines]
        sys.stdout.write(json.dumps(document, indent=2) + "\n")


def _lines(folder: Path, rows: int, forms: Sequence[str]) -> Iterator[Line]:
    folder.chmod(0o711)
    made = _made(folder, rows)
    for form in forms:
        path = made.with_suffix(f".{form}")
        # A process begins with the peak of its parent, so that this one stays small.
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            pool.apply(_write, (made, path))
        yield from _measured(folder, form, path)


def _say(line: Line) -> None:
    sys.stdout.write(
        f"{line.form:<8} {line.what:<14} {line.rows:>9,} rows {line.seconds:7.1f} s "
        f"{line.rate:>9,.0f} rows/s {line.megabytes:6.0f} MB "
        f"CPU {line.cpu:5.1f} s + {line.cpu_of_database:5.1f} s\n"
    )
    sys.stdout.flush()


def _made(folder: Path, rows: int) -> Path:
    """The first people of a sample that is large enough, in a folder with its companies."""
    code = "from bg_assets.cli.main import main; main()"
    companies = max(100, rows // _PEOPLE_OF_ONE)
    command = [sys.executable, "-c", code, "sample", str(folder), "--companies", str(companies)]
    subprocess.run(command, check=True, capture_output=True)
    whole, part = folder / "people.csv", folder / "some.csv"
    with whole.open(encoding="utf-8", newline="") as file, part.open("w", encoding="utf-8") as out:
        csv.writer(out).writerows(islice(csv.reader(file), rows + 1))
    part.replace(whole)
    return whole


def _write(people: Path, path: Path) -> None:
    if path.suffix == ".xlsx":
        import openpyxl

        book = openpyxl.Workbook(write_only=True)
        sheet = book.create_sheet("people")
        with people.open(encoding="utf-8", newline="") as file:
            for row in csv.reader(file):
                sheet.append([cell or None for cell in row])
        book.save(path)
    elif path.suffix == ".parquet":
        from pyarrow import csv as arrow_csv
        from pyarrow import parquet

        parquet.write_table(arrow_csv.read_csv(people), path)


def _measured(folder: Path, form: str, path: Path) -> Sequence[Line]:
    env = {"BG_HOME": str(folder / f"home-{form}")}
    with ExitStack() as stop:
        server = EmbeddedPostgres(Path(env["BG_HOME"]))
        stop.callback(shutil.rmtree, env["BG_HOME"], ignore_errors=True)
        stop.callback(server.destroy)
        stop.enter_context(server.acquire())
        url = server.url("bg_assets")
        ensure_database(url)
        database.migrate(url)
        measure(env, "companies", folder / "companies.csv")
        lines = []
        for what in ("new", "the same again"):
            before = _cpu(server)
            one = measure(env, "people", path)
            rows = sum(int(one.counts[name]) for name in ("inserted", "unchanged", "rejected"))
            there = _cpu(server) - before
            lines.append(Line(form, what, rows, one.seconds, one.megabytes, one.cpu, there))
    return [*lines, _read_alone(form, path)]


def _cpu(server: EmbeddedPostgres) -> float:
    """Seconds of the CPU of all processes of the database that have ended."""
    number = int((server.data / "postmaster.pid").read_text().split("\n", 1)[0])
    times = psutil.Process(number).cpu_times()
    return times.children_user + times.children_system


def _read_alone(form: str, path: Path) -> Line:
    command = [sys.executable, "-c", _READ, str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    rows, seconds, megabytes, cpu = map(float, done.stdout.split())
    return Line(form, "read alone", int(rows), seconds, megabytes, cpu)
