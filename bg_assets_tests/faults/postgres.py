"""PostgreSQL that restarts, is full, refuses, hangs, or commits in an order that misleads."""

import contextlib
import random
import signal
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import psutil
import psycopg2
import sqlalchemy as sa

from bg_assets.embedded import processes
from bg_assets_tests.conftest import temporary_folder
from bg_assets_tests.faults import trial
from bg_assets_tests.faults.proxy import Proxy
from bg_assets_tests.faults.trial import Fault, Options, Result, Unfit
from bg_assets_tests.small_disk import mounted
from bg_assets_tests.system import stack as stacks
from bg_assets_tests.system import stream, world
from bg_assets_tests.system.stack import Stack, eventually
from bg_assets_tests.system.stream import Stream

# How long each state of the server lasts, in seconds.
LASTS = 4.0
WRITERS = 16
_RETITLE = sa.text("update bg.people set title = :title where id = :id")
_TITLES = (*world.TITLES, "Treasurer", "Head of IT")


@contextlib.contextmanager
def _maintenance(stack: Stack) -> Iterator[sa.Connection]:
    engine = sa.create_engine(
        stack.server.url("bg_assets"), poolclass=sa.NullPool, isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as conn:
        yield conn


def _restart(stack: Stack, chance: random.Random, changes: Stream) -> int:
    """The fast shutdown of an administrator, or the immediate one; who keeps it starts it again."""
    found = eventually(
        lambda: processes.postmaster(stack.server.data), trial.RECOVERY_SECONDS, "PostgreSQL runs"
    )
    psutil.Process(found.pid).send_signal(chance.choice([signal.SIGINT, signal.SIGQUIT]))
    trial.sometimes_recovered(stack, chance, changes)
    return 1


def _exhausted(stack: Stack, chance: random.Random, changes: Stream) -> int:
    """All connections that there are, for some seconds."""
    held = []
    url = sa.make_url(stack.server.url("bg_assets")).set(drivername="postgresql")
    text = url.render_as_string(hide_password=False)
    try:
        with contextlib.suppress(psycopg2.OperationalError):
            while True:
                held.append(psycopg2.connect(text))
        time.sleep(LASTS)
    finally:
        for conn in held:
            conn.close()
    trial.sometimes_recovered(stack, chance, changes)
    return 1


def _read_only(stack: Stack, chance: random.Random, changes: Stream) -> int:
    """As after a fail-over to a standby: every transaction reads only, for some seconds."""
    with _maintenance(stack) as conn:
        conn.exec_driver_sql("alter system set default_transaction_read_only = on")
        conn.exec_driver_sql("select pg_reload_conf()")
    time.sleep(LASTS)
    with _maintenance(stack) as conn:
        conn.exec_driver_sql("set default_transaction_read_only = off")
        conn.exec_driver_sql("alter system reset default_transaction_read_only")
        conn.exec_driver_sql("select pg_reload_conf()")
    trial.sometimes_recovered(stack, chance, changes)
    return 1


def _full(options: Options) -> Result:
    """A small disk that fills up under database, logs and all, and is emptied again."""
    folder = temporary_folder(stacks.PREFIX)
    try:
        with mounted(folder, 800) as disk:

            def inject(stack: Stack, chance: random.Random, changes: Stream) -> int:
                disk.fill(*(stack.home / "logs").iterdir())
                time.sleep(LASTS)
                disk.empty()
                changes.recovered(stream.now(), trial.RECOVERY_SECONDS)
                return 1

            return trial.under_load("disk full", options, inject, disk=disk.root)
    # pytest's own way to say that a disk can't be mounted here.
    except BaseException as err:
        if type(err).__name__ != "Skipped":
            raise
        raise Unfit(str(err)) from err
    finally:
        folder.rmdir()


def _slow(options: Options) -> Result:
    """Behind a proxy that holds everything back for some seconds, then lets go or cuts it off."""
    proxy = Proxy()

    def prepare(stack: Stack) -> None:
        proxy.open(stack.server.url("bg_assets"))
        stack.env["BG_DATABASE_URL"] = proxy.url("bg_assets")
        stack.env["BG_DAGSTER_URL"] = proxy.url("dagster")

    def inject(stack: Stack, chance: random.Random, changes: Stream) -> int:
        proxy.hold()
        time.sleep(LASTS)
        proxy.go_on(cut=chance.random() < 0.5)
        trial.sometimes_recovered(stack, chance, changes)
        return 1

    try:
        return trial.under_load("PostgreSQL hangs", options, inject, prepare=prepare)
    finally:
        proxy.close()


def _left_open(options: Options) -> Result:
    """Transactions that stay open: one that read long ago, one that holds a person, one a table."""
    held: list[sa.Connection] = []

    def prepare(stack: Stack) -> None:
        # A snapshot for the whole time: whoever went by what is committed before it would wait.
        old = stack.engine.connect()
        old.exec_driver_sql("set transaction isolation level repeatable read")
        old.exec_driver_sql("select txid_current(), count(*) from bg.changes")
        held.append(old)

    def inject(stack: Stack, chance: random.Random, changes: Stream) -> int:
        company = chance.choice(list(changes.companies))
        statements = (
            "lock table bg.changes in share row exclusive mode",
            f"select from bg.people where company_id = '{company}' for update",
            f"select from bg.buyer_groups where company_id = '{company}' for update",
        )
        with stack.engine.connect() as conn:
            conn.exec_driver_sql(chance.choice(statements))
            time.sleep(LASTS)
        return 1

    def finish(stack: Stack) -> None:
        held.pop().close()

    return trial.under_load(
        "transactions left open", options, inject, prepare=prepare, finish=finish
    )


def _prepared(options: Options) -> Result:
    """Two-phase transactions whose second phase comes much later, for some after all else."""
    left: list[str] = []

    def prepare(stack: Stack) -> None:
        with _maintenance(stack) as conn:
            conn.exec_driver_sql("alter system set max_prepared_transactions = 64")
        processes.kill(stack.server.data)
        stack.server.ensure()

    def inject(stack: Stack, chance: random.Random, changes: Stream) -> int:
        if len(left) > 3:
            _commit(stack, left.pop(chance.randrange(len(left))))
        # A person of its own: the stream would wait for one that is held.
        name, company = uuid.uuid4().hex, chance.choice(list(changes.companies))
        with stack.engine.connect() as conn:
            conn.exec_driver_sql("begin")
            conn.execute(
                sa.text("insert into bg.people (id, company_id, title) values (:id, :c, :title)"),
                {"id": name, "c": company, "title": chance.choice(_TITLES)},
            )
            conn.exec_driver_sql(f"prepare transaction '{name}'")
        left.append(name)
        return 1

    def finish(stack: Stack) -> None:
        world.settle(stack, [row.id for row in stack.rows("select id from bg.companies")], 120)
        while left:
            _commit(stack, left.pop())

    def _commit(stack: Stack, name: str) -> None:
        with _maintenance(stack) as conn:
            conn.exec_driver_sql(f"commit prepared '{name}'")

    return trial.under_load(
        "prepared transactions left", options, inject, prepare=prepare, finish=finish, pause=1.0
    )


def _out_of_order(options: Options) -> Result:
    """16 writers whose transactions last differently long, with savepoints and rollbacks.

    A reader with a cursor, which takes what is newer than the last that it saw, goes along: it
    must miss some, else this would show nothing.
    """
    over = threading.Event()
    seen: set[int] = set()
    threads: list[threading.Thread] = []

    def begin(stack: Stack) -> None:
        if threads:
            return
        engine = sa.create_engine(stack.server.url("bg_assets"), pool_size=WRITERS + 1)
        chosen = [row.id for row in stack.rows("select id from bg.companies order by id")]
        for number in range(WRITERS):
            chance = random.Random(f"{options.seed} {number}")
            threads.append(
                threading.Thread(target=_write, args=(engine, chosen, chance, over), daemon=True)
            )
        threads.append(threading.Thread(target=_read, args=(engine, seen, over), daemon=True))
        for thread in threads:
            thread.start()

    def inject(stack: Stack, chance: random.Random, changes: Stream) -> int:
        begin(stack)
        time.sleep(1.0)
        return 1

    def finish(stack: Stack) -> None:
        over.set()
        for thread in threads:
            thread.join()

    def last(stack: Stack, result: Result) -> Result:
        ids = {row.id for row in stack.rows("select id from bg.changes")}
        missed = len(ids - seen)
        note = f"a naive cursor missed {missed:,} of {len(ids):,} changes"
        # Without a miss of the control the trial proves nothing.
        return replace(
            result,
            injected=len(ids),
            written=len(ids),
            lost=result.lost + (missed == 0),
            note=f"{note}; {result.note}".rstrip("; "),
        )

    return trial.under_load("commits out of order", options, inject, finish=finish, last=last)


def _write(
    engine: sa.Engine, companies: list[str], chance: random.Random, over: threading.Event
) -> None:
    while not over.is_set():
        with contextlib.suppress(sa.exc.OperationalError), engine.connect() as conn:
            for _ in range(chance.randint(1, 3)):
                _retitle(conn, companies, chance)
            time.sleep(chance.choice([0.0, 0.01, 0.1, 0.5]))
            if chance.random() < 0.8:
                conn.commit()


def _retitle(conn: sa.Connection, companies: list[str], chance: random.Random) -> None:
    savepoint = conn.begin_nested()
    person = f"{chance.choice(companies)}-{chance.randint(1, len(world.TITLES))}"
    conn.execute(_RETITLE, {"title": chance.choice(_TITLES), "id": person})
    if chance.random() < 0.3:
        savepoint.rollback()


def _read(engine: sa.Engine, seen: set[int], over: threading.Event) -> None:
    newest = 0
    after = sa.text("select id from bg.changes where id > :newest order by id")
    while not over.wait(0.05):
        with engine.connect() as conn:
            found = list(conn.execute(after, {"newest": newest}).scalars())
        seen.update(found)
        newest = max([newest, *found])


FAULTS: dict[str, Fault] = {
    "PostgreSQL restarts": partial(trial.under_load, "PostgreSQL restarts", inject=_restart),
    "connections exhausted": partial(trial.under_load, "connections exhausted", inject=_exhausted),
    "PostgreSQL reads only": partial(trial.under_load, "PostgreSQL reads only", inject=_read_only),
    "disk full": _full,
    "PostgreSQL hangs": _slow,
    "transactions left open": _left_open,
    "prepared transactions left": _prepared,
    "commits out of order": _out_of_order,
}
