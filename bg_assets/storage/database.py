"""Where the two databases are, engines on them, and whether the schema fits this code."""

import functools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import psycopg2
import sqlalchemy as sa

from bg_assets import settings
from bg_assets.embedded.databases import DatabaseUnreachable, ensure_database
from bg_assets.embedded.server import EmbeddedPostgres
from bg_assets.storage import errors, locks, revisions
from bg_assets.storage.capture import triggers, watch
from bg_assets.storage.locks import Lock

# Alembic costs 0.15 s to import, which only migrating is worth.
if TYPE_CHECKING:
    from alembic.config import Config

_T = TypeVar("_T")

# A serialization failure, and a deadlock that another has won.
_GOT_IN_BETWEEN = {"40001", "40P01"}
_TRIES = 10


class SchemaMismatch(Exception):
    """Schema bg is behind or ahead of this code; the message holds the command to type."""


def bg_url() -> str:
    """SQLAlchemy URL of the database that holds schema bg.

    Without BG_DATABASE_URL this starts the embedded server, if need be, and keeps it up for the
    life of this process.
    """
    return settings.read().database_url or _embedded().url("bg_assets")


def dagster_url() -> str:
    """SQLAlchemy URL of Dagster's own storage: BG_DAGSTER_URL, or a second database.

    The second database lies on the server of ``bg_url`` and is called ``dagster`` on the embedded
    server, ``<name>_dagster`` elsewhere. It is created where it is missing.
    """
    config = settings.read()
    if config.dagster_url:
        return config.dagster_url
    if not config.database_url:
        return _embedded().url("dagster")
    url = sa.make_url(config.database_url)
    beside = url.set(database=f"{url.database}_dagster").render_as_string(hide_password=False)
    return _created(beside)


def make_missing() -> None:
    """Make whichever of the two databases of the embedded server is gone; only a start looks."""
    if not settings.read().database_url:
        server = _embedded()
        for name in ("bg_assets", "dagster"):
            ensure_database(server.url(name))


def make_engine(url: str, *, pool_size: int = 5, name: str = "bg_assets") -> sa.Engine:
    """An engine whose errors never repeat values, since these are personal data."""
    engine = sa.create_engine(
        url,
        pool_size=pool_size,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={"application_name": name, "connect_timeout": 10},
    )
    errors.hide_values(engine)
    return engine


def bounded(
    engine: sa.Engine, *, lock_seconds: float, statement_seconds: Callable[[], float]
) -> sa.Engine:
    """The same engine, whose transactions give up waiting: LockNotAvailable or QueryCanceled.

    ``statement_seconds`` is asked as each transaction begins; a tenth of a second is the least.
    Both are set for the transaction alone, so that a pooler between may share the connection.
    """
    made = engine.execution_options()

    def limit(conn: sa.Connection) -> None:
        lock, statement = (
            max(100, round(1000 * seconds)) for seconds in (lock_seconds, statement_seconds())
        )
        conn.exec_driver_sql(
            f"set local lock_timeout = {lock}; set local statement_timeout = {statement}"
        )

    sa.event.listen(made, "begin", limit)
    return made


@contextmanager
def connect(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction that commits at the end of the block.

    Raises DatabaseUnreachable where the server does not answer or goes away meanwhile.
    """
    try:
        with engine.begin() as conn:
            yield conn
    except sa.exc.DBAPIError as err:
        if err.connection_invalidated or _is_connection_failure(err):
            raise DatabaseUnreachable(unreachable_message(engine.url, err)) from None
        raise


def repeatable_read(engine: sa.Engine, work: Callable[[sa.Connection], _T]) -> _T:
    """Run ``work`` in a REPEATABLE READ transaction, again where another got in between.

    Raises DatabaseUnreachable like ``connect``, and the serialization failure after some tries.
    """
    return in_transaction(engine.execution_options(isolation_level="REPEATABLE READ"), work)


def in_transaction(engine: sa.Engine, work: Callable[[sa.Connection], _T]) -> _T:
    """Run ``work`` in a transaction, again where another got in between or locked it out.

    Raises DatabaseUnreachable like ``connect``, and the deadlock after some tries.
    """
    for tries in range(1, _TRIES + 1):
        try:
            with connect(engine) as conn:
                return work(conn)
        except sa.exc.DBAPIError as err:
            if tries == _TRIES or not got_in_between(err):
                raise
            time.sleep(0.02 * tries)
    raise AssertionError("unreachable")


def got_in_between(err: sa.exc.DBAPIError) -> bool:
    """Whether another transaction is to blame, so that trying again makes sense."""
    return getattr(err.orig, "pgcode", None) in _GOT_IN_BETWEEN


def unreachable_message(url: sa.URL, err: sa.exc.DBAPIError | None = None) -> str:
    """One sentence on a server that does not answer, refuses or fails, without the password."""
    where = url.set(password=None, query={}).render_as_string()
    cause = err.orig if err else None
    if isinstance(cause, psycopg2.Error) and cause.pgcode:
        return f"PostgreSQL at {where} can't go on: {errors.said(cause)} ({cause.pgcode})"
    refusal = str(err.orig).partition("FATAL:")[2].strip().split("\n", 1)[0] if err else ""
    if "No space left on device" in refusal:
        return (
            f"PostgreSQL at {where} refuses the connection ({refusal}): its disk is full; free "
            "some space, and everything goes on by itself"
        )
    if "startup parameter" in refusal:
        return (
            f"the pooler (PgBouncer) at {where} refuses the connection ({refusal}): take it out of "
            "BG_DATABASE_URL, or add it to the pooler's ignore_startup_parameters"
        )
    if refusal:
        return f"PostgreSQL at {where} refuses the connection ({refusal}): check BG_DATABASE_URL"
    advice = "start it, or point BG_DATABASE_URL at one that does"
    return f"PostgreSQL at {where} does not answer: {advice}"


def seconds_ahead(conn: sa.Connection) -> float:
    """By how many seconds the server's clock is before this machine's, give or take the way."""
    before = time.time()
    server = conn.execute(sa.text("select extract(epoch from clock_timestamp())::float"))
    return float(server.scalar_one()) - (before + time.time()) / 2


def migrate(url: str) -> list[str]:
    """Bring schema bg to this code's revision and install its change capture.

    Idempotent, and safe when two start at once: the second waits for the first. Lost capture is
    restored, and the companies that changed meanwhile are to be refreshed. Returns what was done, a
    line each; an empty list where there was nothing to do.
    Raises SchemaMismatch when the schema comes from a newer version, DatabaseUnreachable.
    """
    done: list[str] = []
    engine = make_engine(url, pool_size=1)
    try:
        with connect(engine) as conn:
            locks.take(conn, Lock.SCHEMA)
            conn.execute(sa.text("create schema if not exists bg"))
            before, head = revisions.current(conn), revisions.head()
            if before is not None and before not in revisions.known():
                raise SchemaMismatch(_ahead(before))
            done += [f"change capture restored: {trigger}" for trigger in watch.restore(conn)]
            if before != head:
                from alembic import command

                config = _alembic()
                config.attributes["connection"] = conn
                command.upgrade(config, "head")
                done.append(f"schema bg: {before or 'empty'} -> {head}")
            if triggers.install(conn, *triggers.in_force(conn)):
                done.append("change capture: triggers and views installed")
        if changed := catch_up(engine):
            done.append(f"companies that changed while it was lost, to be refreshed now: {changed}")
    finally:
        engine.dispose()
    return done


def catch_up(engine: sa.Engine) -> int:
    """Raise changes for what was missed while capture was lost, each portion in a transaction."""
    # The titles that it reads cost every command that only looks at the schema 0.1 s.
    from bg_assets.storage.capture import missed

    changed = 0
    while True:
        with connect(engine) as conn:
            number = missed.raise_changes(conn)
        if number is None:
            return changed
        changed += number


def check_schema(conn: sa.Connection) -> None:
    """Refuse to go on unless schema bg is at this code's revision.

    Raises SchemaMismatch with the command to type.
    """
    found, head = revisions.current(conn), revisions.head()
    if found is None or (found != head and found in revisions.known()):
        state = "not there yet" if found is None else f"behind ({found}; this code wants {head})"
        raise SchemaMismatch(f"schema bg is {state}: run `bg-assets migrate`")
    if found != head:
        raise SchemaMismatch(_ahead(found))


def revision(conn: sa.Connection) -> str | None:
    """The revision of schema bg; None where there is none."""
    return revisions.current(conn)


def is_known(found: str) -> bool:
    """Whether this code can bring a schema of that revision to its own."""
    return found in revisions.known()


def _ahead(found: str) -> str:
    return (
        f"schema bg is ahead of this code ({found}; this code knows up to {revisions.head()}): "
        "install the newer bg_assets (`git pull && make setup`), "
        "or restore the database from before its migration"
    )


@functools.cache
def _embedded() -> EmbeddedPostgres:
    """The embedded server with a lease that this process keeps until it ends."""
    server = EmbeddedPostgres(settings.read().home)
    server.acquire()
    # Looking for them costs every run 30 ms, and the mark goes with the data.
    made = server.folder / "databases-made"
    if not made.exists():
        for name in ("bg_assets", "dagster"):
            ensure_database(server.url(name))
        made.touch()
    return server


@functools.cache
def _created(url: str) -> str:
    ensure_database(url)
    return url


def _is_connection_failure(err: sa.exc.DBAPIError) -> bool:
    """One of the server as a whole, or no answer at all."""
    code = getattr(err.orig, "pgcode", None)
    if code is None:
        return isinstance(err, sa.exc.OperationalError | sa.exc.InterfaceError)
    return errors.is_outage(str(code))


def _alembic() -> "Config":
    from alembic.config import Config

    config = Config()
    # A per cent sign is the config parser's: a path may hold one.
    config.set_main_option("script_location", str(revisions.FOLDER).replace("%", "%%"))
    return config
