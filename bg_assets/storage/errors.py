"""Errors of the driver in words that may be logged, without what PostgreSQL quotes from rows."""

import re
from typing import Any

import psycopg2
import psycopg2.errorcodes
import sqlalchemy as sa

# Class 22, data exceptions: the message itself ends in the value that was refused.
_QUOTES_A_VALUE = "22"
_TOO_LONG = psycopg2.errorcodes.STRING_DATA_RIGHT_TRUNCATION

# Classes of errors that tell of the server and not of what it was asked: connections, resources,
# shutdown, the system under it; and a standby, which is what a primary is after it has failed over.
_OUTAGES = ("08", "53", "57P", "58", "25006")


def is_outage(code: str) -> bool:
    """Whether an error code of PostgreSQL says that the server can't go on, whoever asks."""
    return code.startswith(_OUTAGES)


def hide_values(engine: sa.Engine) -> None:
    """Let no error of this engine repeat a row: no DETAIL, no CONTEXT, no parameters."""
    sa.event.listen(engine, "handle_error", _strip)


def wrapped(err: psycopg2.Error, statement: str) -> sa.exc.DBAPIError:
    """An error that came past SQLAlchemy, as SQLAlchemy would have raised it, without values."""
    err.args = (said(err),)
    found = sa.exc.DBAPIError.instance(
        statement, None, err, psycopg2.Error, hide_parameters=True, connection_invalidated=False
    )
    assert isinstance(found, sa.exc.DBAPIError)
    return found


def said(err: psycopg2.Error) -> str:
    """The first sentence of an error, without values."""
    text = (err.diag.message_primary or str(err)).strip().split("\n", 1)[0]
    if (err.pgcode or "").startswith(_QUOTES_A_VALUE):
        text = text.split('"', 1)[0].rstrip(" :")
    return text


def refusal(err: sa.exc.DBAPIError, table: str) -> str:
    """Why the database took no row, without values: the error by name, with the constraint or the
    column; of a text that is too long, of which it tells no column, that it is. ``table``: written.
    """
    code = getattr(err.orig, "pgcode", None) or ""
    diagnosis = getattr(err.orig, "diag", None)
    where = getattr(diagnosis, "constraint_name", None) or getattr(diagnosis, "column_name", None)
    if code == _TOO_LONG:
        column = f"column {where}" if where else "a column"
        limit = re.search(r"\((\d+)\)", diagnosis.message_primary or "") if diagnosis else None
        most = f": {limit[1]} characters at most" if limit else ""
        return f"a text is longer than {column} of {table} takes{most}"
    try:
        name = psycopg2.errorcodes.lookup(code).lower().replace("_", " ")
    except KeyError:
        name = f"error {code}"
    return f"{name} ({where})" if where else name


def _strip(context: Any) -> None:
    err, outer = context.original_exception, context.sqlalchemy_exception
    if not isinstance(err, psycopg2.Error):
        return
    err.args = (said(err),)
    if outer is not None:
        outer.args = (f"({type(err).__module__}.{type(err).__name__}) {err.args[0]}",)
