"""Companies a second from one UPDATE over all to the last group and the last of Dagster's events.

All of `up` but the UI runs on a database of its own: `--companies N` of the sample are there with
their groups (1,000 unless told), one statement changes a title in each, and the clock runs until
all groups stand, and until every run has told its events. Beside it, with the same companies: a
plain loop over storage and domain in one process, without Dagster; runs of ranges with Dagster's
own storage, in one process too; and, with that storage, a run in a process of its own for each of
`--stock` companies (20), two at a time. `--ranges N` has so many companies in the runs of ranges,
and in that loop (as many as in all). 0 leaves either out.

`--touch N` lets the statement change so many of the companies, and `--each N` so many people in
each. `--growth 1000,3000,10000` repeats the first for each number and no other. `--json` prints one
document. CPU is that of all processes: give it more weight than the clock where other programs run.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import dagster as dg
import psutil
import sqlalchemy as sa

from bench import refreshing, running
from bg_assets import settings
from bg_assets.assets import handed, portions, runs
from bg_assets.definitions import defs
from bg_assets.embedded.databases import ensure_database
from bg_assets.products import in_force
from bg_assets.sample import world
from bg_assets.storage import claims, copying

_Some = TypeVar("_Some")
_SEED = 7
_RANGE = 100
RANGE_START, RANGE_END = (
    "dagster/asset_partition_range_start", "dagster/asset_partition_range_end",
)  # fmt: skip
_BATCHES = "DAGSTER_EVENT_BATCH_SIZE"
_COMPANY_COLUMNS = ("id", "name", "employee_min", "employee_max", "country")
_IN_PROGRESS = sa.text("""
    select exists (select from runs where status not in ('SUCCESS', 'FAILURE', 'CANCELED'))
""")
TOLD = sa.text("""
    select count(*), coalesce(max(id), 0) from event_logs
    where dagster_event_type = 'ASSET_MATERIALIZATION' and id > :after
""")
_RETITLE = sa.text("""
    update bg.people set title = coalesce(title, '') || ' II' where id in (
        select id from (
            select id, row_number() over (partition by company_id order by id) as place,
                dense_rank() over (order by company_id) as company
            from bg.people) as p
        where place <= :each and company <= :touch)
""")
_SOME = sa.text("select id from bg.companies order by id limit :number")
_STOCK = """
storage:
  postgres:
    postgres_url: {url}
telemetry:
  enabled: false
"""


@dataclass(frozen=True, slots=True)
class Through:
    """One way to refresh all companies after one UPDATE.

    groups, events: seconds until the last group stood, and the last event of a run. cpu: seconds by
    kind of process. materializations: events of assets that were told. megabytes: the most that the
    process of a run held, None where it is not looked at.
    """

    way: str
    companies: int
    people: int
    groups: float
    events: float
    cpu: Mapping[str, float]
    materializations: int
    megabytes: int | None = None


def main(arguments: Sequence[str]) -> None:
    """Print what each way took, and how it compares with ours."""
    parser = argparse.ArgumentParser(prog="python -m bench throughput", description=__doc__)
    parser.add_argument("--companies", type=int, default=1000, metavar="N")
    parser.add_argument("--stock", type=int, default=20, metavar="N")
    parser.add_argument("--ranges", type=int, metavar="N")
    parser.add_argument("--touch", type=int, metavar="N")
    parser.add_argument("--each", type=int, default=1, metavar="N")
    parser.add_argument("--growth", default="", metavar="N,N,…")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args(arguments)
    found: list[Through] = []
    if chosen.growth:
        for number in map(int, chosen.growth.split(",")):
            found.append(through_the_daemon(number))
            sys.stderr.write(f"{told(found[-1])}\n")
    else:
        found.append(through_the_daemon(chosen.companies, chosen.touch, chosen.each))
        sys.stderr.write(f"{told(found[-1])}\n")
        ranges = chosen.companies if chosen.ranges is None else chosen.ranges
        if ranges:
            found += _otherwise(ranges, chosen.stock)
    if chosen.json:
        json.dump([asdict(one) for one in found], sys.stdout)
        return
    for one in found:
        sys.stdout.write(f"{told(one)}\n")
    for one in found[1:]:
        clock, cpu = (_each(one, by) / _each(found[0], by) for by in (True, False))
        sys.stdout.write(f"{one.way}: {clock:.2f} times the time, {cpu:.2f} times the CPU\n")


def _each(one: Through, by_clock: bool) -> float:
    return (one.events if by_clock else sum(one.cpu.values())) / one.companies


def told(one: Through) -> str:
    """What a way took, in a line."""
    spent = sum(one.cpu.values())
    parts = ", ".join(f"{kind} {seconds:.1f}" for kind, seconds in sorted(one.cpu.items()))
    held = f"; a run held {one.megabytes} MB at most" if one.megabytes is not None else ""
    return (
        f"{one.way}: {one.companies:,} companies, {one.people:,} people: all groups after "
        f"{one.groups:.1f} s, the last of {one.materializations:,} events after "
        f"{one.events:.1f} s, {one.companies / one.events:.3g} companies a second; "
        f"CPU {spent:.1f} s ({parts}), {one.companies / spent:.3g} a CPU second{held}"
    )


def through_the_daemon(number: int, touch: int | None = None, each: int = 1) -> Through:
    """One UPDATE over so many companies of the sample, through all of `up` but the UI.

    ``touch``: companies that it changes, all unless told; ``each``: people in each.
    """
    changed = number if touch is None else touch
    with running.with_door(settle=0) as (engine, config):
        dagster = sa.create_engine(engine.url.set(database="dagster"))
        people = fill(engine, number)
        running.settle(engine, 7200)
        _ended(dagster)
        with dagster.connect() as conn:
            _, after = conn.execute(TOLD, {"after": 0}).one()
        with refreshing.largest() as most:
            before, began = _cpu(engine, config), time.monotonic()
            with engine.begin() as conn:
                conn.execute(_RETITLE, {"touch": changed, "each": each})
            updated = time.monotonic() - began
            running.settle(engine, 7200)
            groups = time.monotonic() - began
            _ended(dagster)
            events = time.monotonic() - began
            while any(_runs_of(config)):
                time.sleep(0.05)
            spent = _cpu(engine, config)
        with dagster.connect() as conn:
            materializations, _ = conn.execute(TOLD, {"after": after}).one()
        dagster.dispose()
    cpu = {kind: spent[kind] - before.get(kind, 0.0) for kind in spent}
    sys.stderr.write(f"the UPDATE took {updated:.2f} s\n")
    return Through("the daemon", changed, people, groups, events, cpu, materializations,
                   most[0] >> 20)  # fmt: skip


def fill(engine: sa.Engine, number: int) -> int:
    """So many companies of the sample with their people; returns how many people those are."""
    rows = list(world.generate_companies(number, _SEED))
    with engine.begin() as conn:
        copying.copy_rows(
            conn, "bg.companies", _COMPANY_COLUMNS,
            ((r.id, r.name, r.employees, r.employees, r.home) for r in rows),
        )  # fmt: skip
        copying.copy_rows(
            conn, "bg.people", refreshing.COLUMNS,
            ([getattr(r, one) for one in refreshing.COLUMNS]
             for r in world.generate_people(rows, _SEED)),
        )  # fmt: skip
        return int(conn.execute(sa.text("select count(*) from bg.people")).scalar_one())


def _ended(dagster: sa.Engine) -> None:
    """Wait until no run is queued or under way: an event is told before its run has ended."""
    while True:
        with dagster.connect() as conn:
            if not conn.execute(_IN_PROGRESS).scalar():
                return
        time.sleep(0.1)


def _runs_of(config: settings.Settings) -> Iterator[psutil.Process]:
    """The processes of runs: the time of one that has ended tells when its parent has seen it."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get("BG_HOME") == str(config.home) and (
                _kind(process.cmdline()) == "runs"
            ):
                yield from process.children()


def _cpu(engine: sa.Engine, config: settings.Settings) -> dict[str, float]:
    """Seconds of CPU so far of all processes of this home by kind, ended ones too."""
    spent: dict[str, float] = {}
    server = refreshing.server_of(engine)
    kinds = dict.fromkeys((server, *server.children()), "PostgreSQL")
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.pid != os.getpid() and process.environ().get("BG_HOME") == str(config.home):
                kinds.setdefault(process, _kind(process.cmdline()))
    for process, kind in kinds.items():
        with suppress(psutil.Error):
            spent[kind] = spent.get(kind, 0.0) + sum(process.cpu_times()[:4])
    return spent


def _kind(command: Sequence[str]) -> str:
    line = " ".join(command)
    if "postgres" in line and "keeper" not in line:
        return "PostgreSQL"
    if "bg_assets.instance.forkserver" in line:
        return "runs"
    return "daemon" if "daemon" in line else "others"


def _otherwise(number: int, stock: int) -> Iterator[Through]:
    """The same companies without Dagster, and with Dagster as it comes."""
    with refreshing.database_of_its_own() as engine, _stock_storage(engine):
        people = fill(engine, number)
        with refreshing.quietly(refreshing.job(engine)) as refresh:
            refresh()
        yield _measured(engine, "a plain loop", number, people, lambda: _plainly(engine))
        yield _measured(engine, "stock runs of ranges", number, people, _ranges)
        if stock:
            with engine.connect() as conn:
                named = list(conn.execute(_SOME, {"number": stock}).scalars())
            some = people * stock // number
            yield _measured(engine, "a stock run each", stock, some, lambda: _singly(named))


@contextmanager
def _stock_storage(engine: sa.Engine) -> Iterator[None]:
    """Dagster's own storage in a database of its own, written as it is by default."""
    url = engine.url.set(database="stock", drivername="postgresql+psycopg2")
    ensure_database(url.render_as_string(hide_password=False))
    kept = {name: os.environ.pop(name, None) for name in ("DAGSTER_HOME", _BATCHES)}
    with tempfile.TemporaryDirectory() as home:
        text = _STOCK.format(url=json.dumps(url.render_as_string(hide_password=False)))
        Path(home, "dagster.yaml").write_text(text, encoding="utf-8")
        os.environ["DAGSTER_HOME"] = home
        yield
    os.environ.update({name: value for name, value in kept.items() if value is not None})


def _measured(
    engine: sa.Engine, way: str, number: int, people: int, refresh: Callable[[], int]
) -> Through:
    """What ``refresh`` takes after one UPDATE; it returns how many events of assets it told."""
    server = refreshing.server_of(engine)
    with engine.begin() as conn:
        conn.execute(refreshing.RETITLE, {"word": "II"})
    served, spent, began = refreshing.cpu(server), _own(), time.monotonic()
    with refreshing.quietly(refresh) as quiet:
        events = quiet()
    took = time.monotonic() - began
    cpu = {"runs": _own() - spent, "PostgreSQL": refreshing.cpu(server) - served}
    return Through(way, number, people, took, took, cpu, events)


def _own() -> float:
    return sum(os.times()[:4])


def _plainly(engine: sa.Engine) -> int:
    """Claim, take, decide and complete, as a run does it, and tell nobody."""
    force = in_force.in_force(engine, None, ("finance_system",))
    policy = claims.Policy(settle=0, refresh_interval=0, claim_limit=100_000)
    step = sys.modules["bg_assets.assets.buyer_groups"]
    with engine.begin() as conn:
        now = claims.database_now(conn)
        claims.claim(conn, policy, "due_companies_1", now)
        requests = claims.ask(conn, policy, "due_companies_1", now)
    for one in requests:
        what = runs.Purpose(str(uuid.uuid4()), tuple(one.companies), batch_id=one.batch_id)
        taken = runs.take(engine, what)
        handed.keep(what.run_id, taken.held, taken.staff)
        for held in _by(portions.MOST_COMPANIES, taken.held):
            outcomes, failed, people = step._decide(engine, what.run_id, held, force)
            step._complete(engine, what.run_id, outcomes, failed, people, asks=False)
    return 0


def _ranges() -> int:
    """Runs of ranges of partitions, as Dagster's backfills make them, one after another."""
    instance, job = dg.DagsterInstance.get(), defs.resolve_job_def("refresh_buyer_groups")
    keys = instance.get_dynamic_partitions("companies")
    for some in _by(_RANGE, keys):
        tags = {RANGE_START: some[0], RANGE_END: some[-1]}
        job.execute_in_process(instance=instance, tags=tags)
    return 2 * len(keys)


def _singly(companies: Sequence[str]) -> int:
    """A process and a run for each, two at a time."""
    for some in _by(2, companies):
        started = [subprocess.Popen(_command(one), stderr=subprocess.DEVNULL) for one in some]
        for process in started:
            if process.wait():
                raise running.TooSlow(f"a run ended with {process.returncode}")
    return 2 * len(companies)


def _command(company: str) -> list[str]:
    tags = json.dumps({"dagster/partition": company})
    module, job = "bg_assets.definitions", "refresh_buyer_groups"
    command = [sys.executable, "-m", "dagster", "job", "execute", "-m", module, "-j", job]
    return [*command, "--tags", tags]


def _by(number: int, some: Sequence[_Some]) -> Iterator[Sequence[_Some]]:
    return (some[at : at + number] for at in range(0, len(some), number))
