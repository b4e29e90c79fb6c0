"""What change capture costs who writes: statements with its triggers and without, by turns.

One table of people (`--people N`, 100,000 unless told, `--of-one N` in each company, 10) on a
database of its own, as durable as in earnest. Each statement runs with capture and without, again
and again (`--rounds N`, 5), the other way around each time; told are the medians, of the clock and
of the CPU of the writer's own process of the database. Without capture the other trigger of the
table, which notes when a row was written, stays. `--only WORD` runs the statements whose name has
it, `--json` prints one document.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil
import sqlalchemy as sa

from bench.scratch import scratch
from bg_assets.storage.copying import copy_rows

# So many statements of one row are one measurement.
_SINGLES = 1000
_PEOPLE = """
    insert into bg.people (id, company_id, name, title, department, email, location)
    select 'p' || n, 'c' || n / {of_one}, 'Given Family ' || n, 'Buyer', 'Purchasing',
        'p' || n || '@company.example', 'Graz'
    from generate_series(0, {people} - 1) as n
"""
_TRIGGERS = sa.text("""
    select tgname as name, pg_get_triggerdef(oid) as definition from pg_catalog.pg_trigger
    where tgrelid = 'bg.people'::regclass and starts_with(tgname, 'capture_') order by tgname
""")
_LOOP = """
    do $$ begin for n in 1..{singles} loop
        update bg.people set {set} where id = 'p' || n * 3; end loop; end $$
"""
_INSERTS = """
    do $$ begin for n in 1..{singles} loop
        insert into bg.people (id, company_id, title) values ('x' || n, 'c' || n, 'Buyer');
    end loop; end $$
"""


@dataclass(frozen=True, slots=True)
class Case:
    """A statement: ``work`` writes ``rows`` rows; each turn it gets another number."""

    name: str
    rows: int
    work: Callable[[sa.Connection, int], None]


@dataclass(frozen=True, slots=True)
class Line:
    """Seconds of the clock and of the CPU, without capture and with, and the changes of it."""

    name: str
    rows: int
    seconds: tuple[float, float]
    cpu: tuple[float, float]
    changes: int

    @property
    def ratios(self) -> tuple[float, float]:
        return self.seconds[1] / self.seconds[0], self.cpu[1] / self.cpu[0]


def main(arguments: Sequence[str]) -> None:
    """Print a line for each statement, or all as JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench capture", description=__doc__)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--of-one", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    people, of_one = options.people, options.of_one
    with _grown(people, of_one) as engine:
        found = (
            _measured(engine, case, options.rounds)
            for case in _cases(people, of_one)
            if options.only in case.name
        )
        if options.json:
            json.dump([_document(line) for line in found], sys.stdout, indent=2)
        else:
            for line in found:
                _say(line)


@contextmanager
def _grown(people: int, of_one: int) -> Iterator[sa.Engine]:
    """A database with so many people."""
    with scratch(pool_size=1) as made:
        engine = made.engine
        with engine.begin() as conn:
            conn.exec_driver_sql(_PEOPLE.format(people=people, of_one=of_one))
        yield engine


def _cases(people: int, of_one: int) -> Iterator[Case]:
    yield Case("one row, a transaction each", _SINGLES, _one_by_one)
    yield Case("one row by INSERT, in one transaction", _SINGLES, _sql(_INSERTS))
    for name, setting in (
        ("one row, all in one transaction", "title = 'Title {turn}'"),
        ("one row, nothing that is watched", "observed_at = clock_timestamp()"),
    ):
        yield Case(name, _SINGLES, _sql(_LOOP.replace("{set}", setting)))
    # Undone each time: a table that is updated again and again is never twice the same.
    half = people // 2
    update = "update bg.people set title = 'Title {turn}' where "
    some = f"mod(substr(id, 2)::int, {2 * of_one}) < {of_one}"
    scattered = f"mod(substr(id, 2)::int, {of_one}) = 3"
    yield Case("half of all, whole companies", half, _sql(update + some, undo=True))
    yield Case("one of each company", people // of_one, _sql(update + scattered, undo=True))
    yield Case("all", people, _sql(update + "true", undo=True))
    unwatched = "update bg.people set observed_at = clock_timestamp()"
    yield Case("all, nothing that is watched", people, _sql(unwatched, undo=True))
    insert = _PEOPLE.format(people=people, of_one=of_one).replace("'p' ||", "'x{turn}-' ||", 1)
    yield Case("as many more, by INSERT", people, _sql(insert, undo=True))
    yield Case("as many more, by COPY", people, _copy(people, of_one))
    yield Case("all leave by DELETE", people, _sql("delete from bg.people", undo=True))


def _sql(statement: str, *, undo: bool = False) -> Callable[[sa.Connection, int], None]:
    def work(conn: sa.Connection, turn: int) -> None:
        conn.exec_driver_sql(statement.format(turn=turn, singles=_SINGLES))
        if not undo:
            conn.commit()

    return work


def _one_by_one(conn: sa.Connection, turn: int) -> None:
    for number in range(_SINGLES):
        parameters = (f"Title {turn}", f"p{number * 3}")
        conn.exec_driver_sql("update bg.people set title = %s where id = %s", parameters)
        conn.commit()


def _copy(people: int, of_one: int) -> Callable[[sa.Connection, int], None]:
    columns = ("id", "company_id", "name", "title", "department", "email", "location")

    def work(conn: sa.Connection, turn: int) -> None:
        rows = (
            (f"x{turn}-{n}", f"c{n // of_one}", f"Given Family {n}", "Buyer", "Purchasing",
             f"p{n}@company.example", "Graz")
            for n in range(people)
        )  # fmt: skip
        conn.begin()
        copy_rows(conn, "bg.people", columns, rows)
        conn.commit()

    return work


def _measured(engine: sa.Engine, case: Case, rounds: int) -> Line:
    found: dict[bool, list[tuple[float, float, int]]] = {False: [], True: []}
    # The first round warms up, and counts for nothing.
    for turn in range(rounds + 1):
        for captured in (False, True) if turn % 2 else (True, False):
            one = _turn(engine, case, 2 * turn + captured, captured=captured)
            if turn:
                found[captured].append(one)
            _clean(engine)
    seconds, cpu = (
        (median(one[place] for one in found[False]), median(one[place] for one in found[True]))
        for place in (0, 1)
    )
    return Line(case.name, case.rows, seconds, cpu, found[True][-1][2])


def _turn(
    engine: sa.Engine, case: Case, number: int, *, captured: bool
) -> tuple[float, float, int]:
    """Seconds of the clock and of the CPU, and the changes that came of it."""
    with _capture(engine, captured=captured), engine.connect() as conn:
        conn.exec_driver_sql("checkpoint")
        backend = psutil.Process(conn.exec_driver_sql("select pg_backend_pid()").scalar_one())
        # What a session does once is not what a statement costs.
        conn.exec_driver_sql("update bg.people set title = 'Warm' where id = 'p1'")
        conn.exec_driver_sql("delete from bg.changes")
        conn.commit()
        before, began = _spent(backend), time.monotonic()
        case.work(conn, number)
        took, spent = time.monotonic() - began, _spent(backend) - before
        changes = conn.exec_driver_sql("select count(*) from bg.changes").scalar_one()
        conn.rollback()
        return took, spent, int(changes)


def _spent(process: psutil.Process) -> float:
    """Seconds of the CPU; where the kernel tells them more exactly than in hundredths, so."""
    exact = Path(f"/proc/{process.pid}/schedstat")
    if exact.exists():
        return int(exact.read_text().split()[0]) / 1e9
    return sum(process.cpu_times()[:2])


@contextmanager
def _capture(engine: sa.Engine, *, captured: bool) -> Iterator[None]:
    """Its triggers stand, or are away: for one that is disabled rows would still be put aside."""
    with engine.begin() as conn:
        away = [] if captured else list(conn.execute(_TRIGGERS).all())
        for one in away:
            conn.exec_driver_sql(f"drop trigger {one.name} on bg.people")
    try:
        yield
    finally:
        with engine.begin() as conn:
            for one in away:
                conn.exec_driver_sql(one.definition)


def _clean(engine: sa.Engine) -> None:
    """Both tables as they were before, without dead rows."""
    with engine.begin() as conn:
        conn.exec_driver_sql("truncate bg.changes")
        conn.exec_driver_sql("set local session_replication_role = replica")
        conn.exec_driver_sql("delete from bg.people where id like 'x%%'")
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as conn:
        conn.exec_driver_sql("vacuum analyze bg.people")


def _say(line: Line) -> None:
    sys.stdout.write(
        f"{line.name:<34} {line.rows:>8,} rows, clock {1e3 * line.seconds[0]:8.1f} to "
        f"{1e3 * line.seconds[1]:8.1f} ms: {line.ratios[0]:4.2f}x, CPU {1e3 * line.cpu[0]:7.0f} to "
        f"{1e3 * line.cpu[1]:7.0f} ms: {line.ratios[1]:4.2f}x, {line.changes:,} changes\n"
    )
    sys.stdout.flush()


def _document(line: Line) -> dict[str, object]:
    return {
        "name": line.name, "rows": line.rows, "seconds": line.seconds, "cpu": line.cpu,
        "ratio": line.ratios[0], "ratio_of_cpu": line.ratios[1], "changes": line.changes,
    }  # fmt: skip
