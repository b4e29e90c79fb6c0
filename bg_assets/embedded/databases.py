"""Making a database on a PostgreSQL server, be it the embedded one or any other."""

from sqlalchemy import URL, Connection, NullPool, create_engine, make_url, text
from sqlalchemy.exc import DBAPIError, OperationalError

MAINTENANCE = "postgres"
CONNECT_SECONDS = 10
# Another session made the same database between our look and our command.
ALREADY_THERE = {"42P04", "23505"}
NO_RIGHT = "42501"


class DatabaseUnreachable(Exception):
    """No connection to the server or to the database; the message holds no password."""


class DatabaseNotMade(Exception):
    """The server is there, and the database is not and could not be made."""


def ensure_database(url: str) -> bool:
    """Make the database that the URL names unless it exists; returns whether it was made.

    It is UTF-8 and empty. Safe when several processes do it at once. Raises DatabaseUnreachable,
    DatabaseNotMade.
    """
    target = make_url(url)
    if not target.database:
        raise DatabaseNotMade("The database URL names no database: end it with /NAME")
    refused = _refusal(target)
    if refused is None:
        return False
    try:
        with _connection(target.set(database=MAINTENANCE)) as conn:
            if not _is_known(conn, target.database):
                return _make(conn, target.database)
    except OperationalError:
        # Some servers have no such database or let nobody in: the first refusal tells more.
        raise DatabaseUnreachable(_first_line(refused)) from refused
    # It is there and refuses us, or somebody made it since we asked.
    refused = _refusal(target)
    if refused is None:
        return False
    raise DatabaseUnreachable(_first_line(refused)) from refused


def _refusal(url: URL) -> OperationalError | None:
    """Why no connection to the database can be had; None when it can."""
    try:
        with _connection(url):
            return None
    except OperationalError as err:
        return err


def _is_known(conn: Connection, name: str) -> bool:
    # Served by pg_database_datname_index.
    statement = text("select true from pg_catalog.pg_database where datname = :name")
    return conn.scalar(statement, {"name": name}) is not None


def _make(conn: Connection, name: str) -> bool:
    quoted = '"' + name.replace('"', '""') + '"'
    # template1 can't be copied while anybody is connected to it, template0 always can.
    statement = f"create database {quoted} template template0 encoding 'UTF8'"
    try:
        conn.exec_driver_sql(statement.replace("%", "%%"))
    except DBAPIError as err:
        code = getattr(err.orig, "pgcode", None)
        if code in ALREADY_THERE:
            return False
        advice = (
            f"ask somebody who may to run CREATE DATABASE {quoted}"
            if code == NO_RIGHT
            else "make it by hand, or name another in the URL"
        )
        raise DatabaseNotMade(
            f"The database {name} could not be made ({_first_line(err)}): {advice}"
        ) from err
    return True


def _connection(url: URL) -> Connection:
    """A connection outside any transaction, as CREATE DATABASE wants it."""
    engine = create_engine(
        url,
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
        connect_args={"connect_timeout": CONNECT_SECONDS},
    )
    return engine.connect()


def _first_line(error: DBAPIError) -> str:
    return str(error.orig).strip().split("\n", 1)[0]
