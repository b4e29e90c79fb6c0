"""The door's way to the database: threads for what blocks, and one error for all that is away."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import psycopg2
import sqlalchemy as sa

from bg_assets.embedded import EmbeddedUnavailable
from bg_assets.embedded.databases import DatabaseNotMade, DatabaseUnreachable
from bg_assets.embedded.server import EmbeddedPostgres
from bg_assets.encryption import KeysUnusable
from bg_assets.logs.log import logger
from bg_assets.settings import Settings
from bg_assets.storage import database, errors

LOG = logger("bg_assets.receiver")
_T = TypeVar("_T")
# For sources, leases, the audit log and whether all is ready.
_THREADS = 3
_WAIT_SECONDS = 10.0
# Of each transaction and not of the session: behind a pooler that is anybody's, and PgBouncer
# refuses them as options of the connection. An event is acknowledged once it is on the disk,
# whatever the server's default is.
_SETTINGS = """
    select set_config('statement_timeout', '10s', true), set_config('lock_timeout', '5s', true),
        set_config('idle_in_transaction_session_timeout', '30s', true),
        case when current_setting('synchronous_commit') in ('off', 'local')
            then set_config('synchronous_commit', 'on', true) end
"""


class Unavailable(Exception):
    """The database, its schema or the keys are not there for now; the message says which."""


class Link:
    """One engine, made when it is first needed, since the database may be away at the start."""

    def __init__(self, config: Settings) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._made: sa.Engine | None = None
        self._threads = ThreadPoolExecutor(_THREADS, "bg-link")
        self._problem = ""

    async def run(self, work: Callable[[sa.Connection], _T]) -> _T:
        """Run ``work`` in a transaction on one of the threads. Raises Unavailable."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                return await loop.run_in_executor(self._threads, self.transact, work)
        except TimeoutError:
            raise Unavailable("PostgreSQL takes too long") from None

    def transact(self, work: Callable[[sa.Connection], _T]) -> _T:
        """Run ``work`` in a transaction on this thread. Raises Unavailable."""
        with self.translated(), database.connect(self.engine()) as conn:
            return work(conn)

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn whatever says that the database can't be used into Unavailable, logged once.

        Errors of the data, classes 22 and 23, pass.
        """
        try:
            yield
        except (DatabaseUnreachable, DatabaseNotMade, EmbeddedUnavailable, KeysUnusable) as err:
            problem = str(err)
        except database.SchemaMismatch as err:
            problem = str(err)
        except sa.exc.DBAPIError as err:
            if is_data_error(err):
                raise
            problem = self._told(err)
        except sa.exc.TimeoutError:
            problem = "no connection to PostgreSQL is free"
        except OSError as err:
            # No file descriptor, no space: nothing that another try may not find better.
            problem = f"this machine refuses: {err.strerror or type(err).__name__}"
        else:
            self._say_back()
            return
        self._say(problem)
        raise Unavailable(problem) from None

    def engine(self) -> sa.Engine:
        """The engine; starts the embedded server again where that died.

        May take seconds. Raises DatabaseUnreachable, DatabaseNotMade, EmbeddedUnavailable.
        """
        with self._lock:
            if self._made is None:
                url = self._config.database_url or database.bg_url()
                self._made = database.make_engine(url, name="bg_receiver")
                sa.event.listen(self._made, "begin", _set)
            elif self._config.database_url is None:
                EmbeddedPostgres(self._config.home).ensure()
            return self._made

    def close(self) -> None:
        """Let go of threads and connections."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        if self._made is not None:
            self._made.dispose()

    def _told(self, err: sa.exc.DBAPIError) -> str:
        code = getattr(err.orig, "pgcode", None)
        if self._made is not None and (err.connection_invalidated or code is None):
            return database.unreachable_message(self._made.url, err)
        said = errors.said(err.orig) if isinstance(err.orig, psycopg2.Error) else "an error"
        return f"the database refused: {said} ({code})"

    def _say(self, problem: str) -> None:
        if problem != self._problem:
            self._problem = problem
            LOG.warning("database_away", reason=problem, answered=503)

    def _say_back(self) -> None:
        if self._problem:
            self._problem = ""
            LOG.info("database_back")


def is_data_error(err: sa.exc.DBAPIError) -> bool:
    """Whether PostgreSQL refused what was to be stored, which another try won't change."""
    return str(getattr(err.orig, "pgcode", None) or "").startswith(("22", "23"))


def _set(conn: sa.Connection) -> None:
    conn.exec_driver_sql(_SETTINGS)
