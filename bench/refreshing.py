"""Where the time of a refresh goes: CPU by part for companies of 10, 73, 300 and 2,000 people.

The job's own steps run in this process, on a database and a Dagster instance of their own: one
title changes in each company, and all are refreshed in batches, after a first round that is not
measured. `--daemon N` sends one UPDATE over N companies of the sample through all of `up` but the
UI instead, as `python -m bench throughput` does. `--json` prints one document. CPU seconds, since
other programs may run; figures of one run compare with each other.
"""

import argparse
import functools
import gc
import importlib
import json
import os
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

import psutil
import sqlalchemy as sa

from bench import scratch
from bg_assets.embedded.databases import ensure_database
from bg_assets.instance import forkserver
from bg_assets.local import programs
from bg_assets.sample import world
from bg_assets.storage import copying

SIZES = (10, 73, 300, 2000)
_PEOPLE_OF_ALL = 30_000
_SEED = 7
# module, function, part: what a part calls of another one counts for that.
_PARTS = (
    ("assets.runs", "take", "taking changes"),
    ("storage.staff", "read_people", "reading people"),
    ("assets.runs", "judge", "judging titles"),
    ("storage.staff", "write_staff", "writing staff"),
    ("storage.staff", "read_staff", "reading staff"),
    ("assets.buyer_groups", "outcome", "choosing"),
    ("domain.groups.group", "cohesion", "cohesion"),
    ("assets.buyer_groups", "_complete", "writing groups"),
    ("storage.reports.shown", "read_shown", "metadata"),
    ("assets.group_metadata", "describe", "metadata"),
    ("assets.judging", "judge_written", "checks"),
    ("assets.buyer_groups", "_tell_checks", "checks"),
    ("instance.report", "report", "Dagster's events"),
    ("assets.company_people", "report", "Dagster's events"),
)
COLUMNS = ("id", "company_id", "name", "title", "department", "seniority", "email", "location",
            "manager_id", "start_date", "status")  # fmt: skip
RETITLE = sa.text("""
    update bg.people set title = coalesce(title, '') || ' ' || cast(:word as text)
    where id in (select min(id) from bg.people group by company_id)
""")


@dataclass(frozen=True, slots=True)
class Round:
    """One refresh of all companies of a size: milliseconds of CPU for each company.

    postgres: of the server and its backends. python: of this process, which ``parts`` divide.
    megabytes: the most that this process held by then.
    """

    people: int
    companies: int
    python: float
    postgres: float
    parts: Mapping[str, float]
    megabytes: int


def main(arguments: Sequence[str]) -> None:
    """Print a table of the parts, or what the daemon took."""
    parser = argparse.ArgumentParser(prog="python -m bench refreshing", description=__doc__)
    parser.add_argument("--daemon", type=int, default=0, metavar="N")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args(arguments)
    if chosen.daemon:
        from bench import throughput

        throughput.main(["--growth", str(chosen.daemon), *(["--json"] if chosen.json else [])])
        return
    rounds = _rounds()
    if chosen.json:
        json.dump([asdict(one) for one in rounds], sys.stdout)
    else:
        sys.stdout.write("".join(f"{line}\n" for line in _table(rounds)))


def _table(rounds: Sequence[Round]) -> list[str]:
    parts = dict.fromkeys(part for one in rounds for part in one.parts)
    rows: dict[str, list[str]] = {
        "milliseconds of CPU a company": [f"{one.people:,}" for one in rounds],
        **{part: [f"{one.parts.get(part, 0):.2f}" for one in rounds] for part in parts},
        "all in the run": [f"{one.python:.2f}" for one in rounds],
        "PostgreSQL": [f"{one.postgres:.2f}" for one in rounds],
        "companies a CPU second": [f"{1000 / (one.python + one.postgres):.0f}" for one in rounds],
        "most memory so far, MB": [f"{one.megabytes}" for one in rounds],
    }
    return [f"{name:<30}" + "".join(f"{one:>9}" for one in row) for name, row in rows.items()]


def _rounds() -> list[Round]:
    with ExitStack() as stop:
        engine = stop.enter_context(database_of_its_own())
        watch = Stopwatch()
        for module, function, part in _PARTS:
            watch.put_on(module, function, part)
        refresh = stop.enter_context(quietly(job(engine)))
        # As in the process of a run.
        gc.collect()
        gc.freeze()
        if young := getattr(forkserver, "YOUNG", None):
            gc.set_threshold(young, 10, 10)
        return [_round(engine, refresh, watch, size) for size in SIZES]


def _round(engine: sa.Engine, refresh: Callable[[], int], watch: "Stopwatch", size: int) -> Round:
    with engine.begin() as conn:
        conn.execute(sa.text("truncate bg.people, bg.companies"))
    refresh()
    _fill(engine, [size] * min(1000, max(15, _PEOPLE_OF_ALL // size)))
    refresh()
    with engine.begin() as conn:
        conn.execute(RETITLE, {"word": "II"})
    watch.parts.clear()
    server, began = server_of(engine), time.process_time()
    before = cpu(server)
    number = refresh()
    each = 1000 / number
    python = (time.process_time() - began) * each
    parts = {part: seconds * each for part, seconds in watch.parts.items()}
    parts["the rest of the run"] = python - sum(parts.values())
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return Round(size, number, python, (cpu(server) - before) * each, parts, most)


class Stopwatch:
    """CPU seconds of this process by part, each without what it calls of another part."""

    def __init__(self) -> None:
        self.parts: dict[str, float] = {}
        self._inner = [0.0]

    def put_on(self, module: str, function: str, part: str) -> None:
        """Measure a function of bg_assets from now on."""
        owner = importlib.import_module(f"bg_assets.{module}")
        # The asset of this name hides its module.
        owner = sys.modules[f"bg_assets.{module}"] or owner
        setattr(owner, function, self._measured(getattr(owner, function), part))

    def _measured(self, function: Callable[..., Any], part: str) -> Callable[..., Any]:
        @functools.wraps(function)
        def measured(*arguments: Any, **named: Any) -> Any:
            began = time.process_time()
            self._inner.append(0.0)
            try:
                return function(*arguments, **named)
            finally:
                whole = time.process_time() - began
                own = whole - self._inner.pop()
                self._inner[-1] += whole
                self.parts[part] = self.parts.get(part, 0.0) + own

        return measured


@contextmanager
def database_of_its_own() -> Iterator[sa.Engine]:
    with scratch.scratch() as made:
        home, server = made.folder / "home", made.server
        ensure_database(server.url("dagster"))
        os.environ |= {
            "BG_HOME": str(home),
            "BG_DATABASE_URL": server.url("bg_assets"),
            "BG_DAGSTER_URL": server.url("dagster"),
            "DAGSTER_HOME": str(programs.prepare_dagster_home(home)),
            "DAGSTER_EVENT_BATCH_SIZE": "500",
        }
        yield made.engine


def job(engine: sa.Engine) -> Callable[[], int]:
    """What refreshes all that is pending, in this process; returns how many companies that were."""
    import dagster as dg

    from bg_assets import sensors
    from bg_assets.definitions import defs
    from bg_assets.storage import causes, claims

    instance = dg.DagsterInstance.get()
    job = defs.resolve_job_def("refresh_buyer_groups")
    policy = claims.Policy(settle=0, refresh_interval=0, claim_limit=5000)

    def refresh() -> int:
        with engine.begin() as conn:
            now = claims.database_now(conn)
            claims.claim(conn, policy, "due_companies_1", now)
            requests = causes.explained(conn, claims.ask(conn, policy, "due_companies_1", now))
        companies = [company for one in requests for company in one.companies]
        instance.add_dynamic_partitions("companies", companies)
        for one in requests:
            asked = sensors.run_request(one)
            job.execute_in_process(
                instance=instance, partition_key=asked.partition_key, tags=dict(asked.tags),
                run_config=asked.run_config,
            )  # fmt: skip
        return len(companies)

    return refresh


@contextmanager
def quietly(refresh: Callable[[], int]) -> Iterator[Callable[[], int]]:
    """The same, with what Dagster says of its events in a file, as in a run."""
    kept = os.dup(2)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        try:
            yield refresh
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def _fill(engine: sa.Engine, sizes: Sequence[int]) -> None:
    """Companies of so many people each, who are those of the sample's companies one after another.

    A company of more than 40 has five times as many employees as are known.
    """
    rows = world.generate_people(world.generate_companies(100_000, _SEED), _SEED)
    with engine.begin() as conn:
        companies = [(f"c{at:05}", f"Company {at}", _staff(n)) for at, n in enumerate(sizes)]
        copying.copy_rows(
            conn, "bg.companies", ("id", "name", "employee_min", "employee_max", "country"),
            ((key, name, staff, staff, "GB") for key, name, staff in companies),
        )  # fmt: skip
        copying.copy_rows(
            conn, "bg.people", COLUMNS,
            (
                [key if column == "company_id" else getattr(row, column) for column in COLUMNS]
                for (key, _, _), number in zip(companies, sizes, strict=True)
                for row in islice(rows, number)
            ),
        )  # fmt: skip


def _staff(people: int) -> int:
    return people if people <= 40 else 5 * people


def server_of(engine: sa.Engine) -> psutil.Process:
    with engine.connect() as conn:
        backend = psutil.Process(conn.execute(sa.text("select pg_backend_pid()")).scalar_one())
    server = backend.parent()
    assert server is not None
    return server


def cpu(server: psutil.Process) -> float:
    spent = sum(server.cpu_times()[:4])
    for one in server.children():
        with suppress(psutil.Error):
            spent += sum(one.cpu_times()[:2])
    return float(spent)


@contextmanager
def largest() -> Iterator[list[int]]:
    """The most bytes that a process of a run holds for itself, looked at again and again."""
    most, over = [0], threading.Event()

    def look() -> None:
        while not over.wait(0.2):
            most[0] = max([most[0], *map(_held, psutil.process_iter())])

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield most
    finally:
        over.set()
        thread.join()


def _held(process: psutil.Process) -> int:
    """Bytes of a process that is a run, 0 of any other."""
    with suppress(psutil.Error):
        if "bg_assets.instance.forkserver" in process.cmdline():
            return int(process.memory_info().rss)
    return 0
