"""`python -m bg_assets_tests.faults.soak`: an hour of changes with a fault a minute, as a table.

A row for each five minutes: what memory each kind of process has, how large the tables are, and
how long a change takes to its group. Nothing of this may grow for ever.
"""

import argparse
import contextlib
import random
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import psutil
import sqlalchemy as sa
from rich.console import Console
from rich.table import Table

from bg_assets.embedded import processes
from bg_assets_tests.conftest import temporary_folder
from bg_assets_tests.faults import trial
from bg_assets_tests.system import stack as stacks
from bg_assets_tests.system import stream, world
from bg_assets_tests.system.stack import Stack

COMPANIES = 200
MEGABYTE = 1 << 20
WINDOW_MINUTES = 5.0
_TITLES = (*world.TITLES, "Treasurer", "Head of IT", "Account Manager", "Legal Counsel")
_RETITLE = sa.text("update bg.people set title = :title where id = :id")
# Of changes written in a window: seconds to the commit of the group that reflects them.
_LATENCY = """
    select percentile_cont(0.5) within group (order by took) as p50,
        percentile_cont(0.95) within group (order by took) as p95, count(*) as number
    from (
        select extract(epoch from handled_at - occurred_at) as took from bg.changes
        where company_id = any(:ids) and occurred_at >= to_timestamp(:since)
            and occurred_at < to_timestamp(:until) and handled_at is not null
    ) as handled
"""
_SIZES = sa.text("""
    select (select sum(pg_total_relation_size(c.oid)) from pg_class as c
            join pg_namespace as n on n.oid = c.relnamespace
            where n.nspname = :schema and c.relkind = 'r') as bytes
""")
# A word of the command line that tells each kind of process.
_KINDS = {
    "supervisor": ("supervisor",),
    "code server": ("grpc",),
    "daemon": ("dagster-daemon",),
    "fork server, runs": ("forkserver",),
    "receiver": ("receiver",),
}


@dataclass
class Window:
    """What was seen in one stretch of the soak; memory in MB (the most), sizes in MB at its end."""

    since: float
    until: float = 0.0
    memory: dict[str, float] = field(default_factory=dict)
    bg_tables: float = 0.0
    dagster_tables: float = 0.0
    faults: int = 0


def main(arguments: Sequence[str]) -> int:
    """Soak, print the table, and return 1 where a promise was broken."""
    parser = argparse.ArgumentParser(
        prog="python -m bg_assets_tests.faults.soak", description=__doc__
    )
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--per-second", type=float, default=2.0, help="changes (%(default)s)")
    parser.add_argument("--window", type=float, default=WINDOW_MINUTES, help="minutes of a row")
    parser.add_argument("--seed", type=int, default=None)
    chosen = parser.parse_args(arguments)
    seed = time.time_ns() if chosen.seed is None else chosen.seed
    sys.stderr.write(f"seed {seed}\n")
    template = temporary_folder(stacks.PREFIX)
    try:
        stacks.make_template(template)
        options = trial.Options(0, seed, template)
        return _soak(options, 60 * chosen.minutes, chosen.per_second, 60 * chosen.window)
    finally:
        shutil.rmtree(template)


def _soak(options: trial.Options, seconds: float, per_second: float, window: float) -> int:
    programs = (*trial.DAEMON, "receiver")
    with stacks.stack_in(options.template, trial.SETTINGS, server_options=trial.SERVER) as stack:
        stack.start(*programs)
        companies = world.grow(stack, "soak-", COMPANIES, seconds=trial.RECOVERY_SECONDS)
        stream.watch(stack)
        with _written(stack, companies, options.seed, per_second) as written:
            windows = _windows(stack, options.chance("soak"), seconds, window)
        found = trial.judged("soak", stack, companies, len(windows), written())
        Console(width=170).print(_table(stack, companies, windows))
    sys.stdout.write(
        f"{found.written:,} changes written, groups right {found.right} of {found.companies}, "
        f"twice at once {found.twice}, lost {found.lost} {found.note}\n"
    )
    return 0 if found.held else 1


@contextlib.contextmanager
def _written(
    stack: Stack, companies: Sequence[str], seed: int, per_second: float
) -> Iterator[Callable[[], int]]:
    over, written = threading.Event(), [0]

    def write() -> None:
        chance = random.Random(seed)
        due = time.monotonic()
        while not over.wait(max(0.0, due - time.monotonic())):
            due += 1 / per_second
            person = f"{chance.choice(companies)}-{chance.randint(1, len(world.TITLES))}"
            # A database that is away takes this one not at all.
            with contextlib.suppress(sa.exc.OperationalError), stack.engine.begin() as conn:
                conn.execute(_RETITLE, {"title": chance.choice(_TITLES), "id": person})
                written[0] += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield lambda: written[0]
    finally:
        over.set()
        writer.join()


def _windows(stack: Stack, chance: random.Random, seconds: float, length: float) -> list[Window]:
    """Go through the time, with a fault a minute, and look at everything every few seconds."""
    windows: list[Window] = []
    end = time.time() + seconds
    next_fault = time.time() + 60 * chance.random()
    while time.time() < end:
        window = Window(time.time())
        windows.append(window)
        while time.time() < min(end, window.since + length):
            if time.time() >= next_fault:
                _fault(stack, chance)
                window.faults += 1
                next_fault += 60
            _look(stack, window)
            time.sleep(2)
        window.until = time.time()
        window.bg_tables = _size(stack, "bg_assets", "bg")
        window.dagster_tables = _size(stack, "dagster", "public")
        sys.stderr.write(f"{time.strftime('%H:%M:%S')} {len(windows)} windows\n")
    return windows


def _fault(stack: Stack, chance: random.Random) -> None:
    """kill -9 of something."""
    victims: list[Callable[[], list[psutil.Process]]] = [
        stack.workers,
        stack.fork_servers,
        *(partial(stack.find, word) for word in ("dagster-daemon", "grpc", "receiver")),
    ]
    found = chance.choice(victims)()
    server = processes.postmaster(stack.server.data)
    if chance.random() < 1 / 6 and server is not None:
        found = [psutil.Process(server.pid)]
    for process in found:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def _look(stack: Stack, window: Window) -> None:
    for kind, words in _KINDS.items():
        used = 0.0
        for process in stack.find(*words):
            with contextlib.suppress(psutil.Error):
                used += process.memory_full_info().pss / MEGABYTE
        window.memory[kind] = max(window.memory.get(kind, 0.0), used)


def _size(stack: Stack, database: str, schema: str) -> float:
    engine = sa.create_engine(stack.server.url(database), poolclass=sa.NullPool)
    for _ in range(30):
        with contextlib.suppress(sa.exc.OperationalError), engine.connect() as conn:
            return float(conn.execute(_SIZES, {"schema": schema}).scalar_one() or 0) / MEGABYTE
        time.sleep(1)
    return 0.0


def _table(stack: Stack, companies: Sequence[str], windows: Sequence[Window]) -> Table:
    table = Table(
        "minutes", "changes", "p50 s", "p95 s", "faults", *(f"{kind} MB" for kind in _KINDS),
        "bg tables MB", "dagster tables MB",
    )  # fmt: skip
    began = windows[0].since
    for window in windows:
        times = {"since": window.since, "until": window.until}
        (row,) = stack.rows(_LATENCY, ids=list(companies), **times)
        table.add_row(
            f"{(window.since - began) / 60:.0f} to {(window.until - began) / 60:.0f}",
            f"{row.number:,}",
            f"{row.p50 or 0:.2f}",
            f"{row.p95 or 0:.2f}",
            str(window.faults),
            *(f"{window.memory.get(kind, 0):.0f}" for kind in _KINDS),
            f"{window.bg_tables:.1f}",
            f"{window.dagster_tables:.1f}",
        )
    return table


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
