"""The way to the database: one engine, made when first needed, that waits for nothing long."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from bg_assets import settings
from bg_assets.embedded import EmbeddedUnavailable
from bg_assets.embedded.databases import DatabaseNotMade, DatabaseUnreachable
from bg_assets.storage import database

LOCK_SECONDS = 1.0
# A network that swallows everything is noticed within seconds, not within hours.
_NOTICED = {
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
}


class Unavailable(Exception):
    """Nothing can be read for now; the message says why and what to do."""


class Link:
    """The database that holds schema bg, for several threads."""

    def __init__(self, config: settings.Settings) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._made: sa.Engine | None = None

    @contextmanager
    def transaction(self, seconds: float) -> Iterator[sa.Connection]:
        """A transaction whose statements take so long at most. Raises Unavailable."""
        try:
            bounded = database.bounded(
                self._engine(), lock_seconds=LOCK_SECONDS, statement_seconds=lambda: seconds
            )
            with database.connect(bounded) as conn:
                yield conn
        except (DatabaseUnreachable, DatabaseNotMade, EmbeddedUnavailable) as err:
            raise Unavailable(str(err)) from None
        except database.SchemaMismatch as err:
            raise Unavailable(str(err)) from None
        except sa.exc.TimeoutError:
            raise Unavailable("no connection to PostgreSQL is free") from None

    def close(self) -> None:
        """Let go of all connections that are not in use."""
        if self._made is not None:
            self._made.dispose()

    def _engine(self) -> sa.Engine:
        with self._lock:
            if self._made is None:
                url = sa.make_url(self._config.database_url or database.bg_url())
                noticed = url.update_query_dict(_NOTICED).render_as_string(hide_password=False)
                self._made = database.make_engine(noticed, pool_size=3, name="bg_metrics")
            return self._made
