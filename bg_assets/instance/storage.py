"""Dagster's storage in PostgreSQL, with connections that are kept open."""

import os
from typing import Any, Self

import dagster as dg
import sqlalchemy as sa
from dagster_postgres import DagsterPostgresStorage

from bg_assets import settings
from bg_assets.embedded import EmbeddedUnavailable
from bg_assets.embedded.databases import DatabaseUnreachable
from bg_assets.instance.pinging import ping_rested
from bg_assets.instance.private import base, schema, tables
from bg_assets.instance.private.names import EVENT_BATCH_VARIABLE
from bg_assets.storage import database, locks
from bg_assets.storage.locks import Lock

# Events that one INSERT takes at most: 1,000 materializations in 2.9 s instead of 14.
EVENT_BATCH_SIZE = "500"
# Left open by an idle process, and open at the same time at most.
KEPT_CONNECTIONS = 1
MORE_CONNECTIONS = 30
RECYCLE_SECONDS = 3600


class StorageAway(dg.DagsterError, DatabaseUnreachable):
    """Dagster's database does not answer.

    A code server that begins meanwhile goes on without an instance, and ticks where it is there
    again. After any error that is no DagsterError it would serve that error until it is restarted.
    """


class EmbeddedStorageAway(dg.DagsterError, EmbeddedUnavailable):
    """The embedded server, which holds Dagster's database, can't be started; see StorageAway."""


class PooledPostgresStorage(DagsterPostgresStorage):
    """Dagster's PostgreSQL storage with one pool of connections for runs, events and schedules.

    The original opens a connection for each query, 3 ms each, ten or more per event. Named under
    ``storage.custom`` in dagster.yaml. ``postgres_url`` says which database; without it it is
    ``bg_assets.storage.database.dagster_url()``. Missing tables are made, by one process at a time.
    """

    def __init__(
        self,
        postgres_url: str,
        should_autocreate_tables: bool = True,
        inst_data: base.ConfigurableClassData | None = None,
    ) -> None:
        # Dagster reads it from the environment, in whichever process writes the events.
        os.environ.setdefault(EVENT_BATCH_VARIABLE, EVENT_BATCH_SIZE)
        url = settings.psycopg2_url(postgres_url)
        engine = sa.create_engine(
            url,
            isolation_level="AUTOCOMMIT",
            pool_size=KEPT_CONNECTIONS,
            max_overflow=MORE_CONNECTIONS,
            pool_recycle=RECYCLE_SECONDS,
            # Parameters are events and tags: they don't belong into the message of an error.
            hide_parameters=True,
            connect_args={"application_name": "dagster", "connect_timeout": 10},
        )
        # A server that was restarted must not fail the first query after it.
        ping_rested(engine)
        if should_autocreate_tables:
            _ensure_tables(engine, url)
        super().__init__(url, should_autocreate_tables=False, inst_data=inst_data)
        schema.share_engine(self, engine)
        schema.write_batches_as_arrays(self)
        if should_autocreate_tables:
            schema.trust_schema(self)

    @classmethod
    def config_type(cls) -> base.UserConfigSchema:
        return {
            "postgres_url": dg.Field(dg.StringSource, is_required=False),
            "should_autocreate_tables": dg.Field(bool, is_required=False, default_value=True),
        }

    @classmethod
    def from_config_value(
        cls, inst_data: base.ConfigurableClassData | None, config_value: Any
    ) -> Self:
        """Raises BadSetting when a password stands in dagster.yaml itself.

        Raises StorageAway or EmbeddedStorageAway where no server answers.
        """
        written = inst_data.config_dict.get("postgres_url") if inst_data else None
        if isinstance(written, str) and sa.make_url(written).password:
            # Dagster hands the file's contents to its processes on their command lines.
            raise settings.BadSetting(
                "A password stands in dagster.yaml: write postgres_url: {env: BG_DAGSTER_URL} "
                "and set that variable"
            )
        try:
            return cls(
                config_value.get("postgres_url") or database.dagster_url(),
                should_autocreate_tables=config_value.get("should_autocreate_tables", True),
                inst_data=inst_data,
            )
        except EmbeddedUnavailable as err:
            raise EmbeddedStorageAway(str(err)) from err
        except DatabaseUnreachable as err:
            raise StorageAway(str(err)) from err


def _ensure_tables(engine: sa.Engine, url: str) -> None:
    """Make Dagster's tables, or bring those of an older version up to date.

    Several processes may call it at once: one works, the others wait. Nothing but two lookups
    where this version has found the tables complete before.
    """
    with database.connect(engine) as conn:
        if tables.are_complete(conn):
            return
        # A transaction that holds nothing but the lock.
        with engine.execution_options(isolation_level="READ COMMITTED").begin() as locking:
            locks.take(locking, Lock.DAGSTER_TABLES)
            if not tables.are_complete(conn):
                made = DagsterPostgresStorage(url, should_autocreate_tables=True)
                schema.complete_tables(made)
                made.run_storage.set_cursor_values({tables.COMPLETE: dg.__version__})
