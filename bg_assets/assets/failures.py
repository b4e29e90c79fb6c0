"""What becomes of a company that fails in its run: the words for it, and the way out."""

import contextlib
from collections.abc import Mapping, Sequence

import dagster as dg
import psycopg2
import sqlalchemy as sa
from psycopg2 import errorcodes

from bg_assets import settings
from bg_assets.embedded.databases import DatabaseUnreachable
from bg_assets.logs.log import logger
from bg_assets.storage import claims, database, refreshes

LOG = logger(__name__)


class RefreshFailed(Exception):
    """A company could not be refreshed; the message holds ids and kinds of error, no values."""


def in_words(err: BaseException) -> str:
    """An error in words that may be logged: its kind, its place, PostgreSQL's name and code for it.

    Messages may quote values, and so are left out.
    """
    if isinstance(err, RefreshFailed | DatabaseUnreachable):
        return str(err)
    cause = getattr(err, "orig", None)
    if isinstance(cause, psycopg2.Error) and cause.pgcode:
        return f"the database refused it: {_condition(cause)}{_where(err)}"
    return f"{type(err).__name__}{_where(err)}"


def release(
    context: dg.AssetExecutionContext,
    engine: sa.Engine,
    held: Sequence[refreshes.Held],
    failed: Mapping[str, str],
) -> None:
    """Let the companies that failed go, for another attempt; the others of the run go on.

    Where nothing else is in the run, RefreshFailed is raised instead: Dagster retries the step,
    and then the run carries the failure on its partition.
    """
    if not failed:
        return
    refreshes_of = {refresh.company_id: refresh.refresh_id for refresh in held}
    for company, why in failed.items():
        LOG.error("refresh_failed", company=company, refresh=refreshes_of.get(company), reason=why)
    if len(held) <= 1:
        _note(engine, held, failed)
        for company, why in failed.items():
            # The line to read in the run's page, where Dagster buries what is raised in its traces.
            context.log.error(f"{company} could not be refreshed: {why}")
        raise RefreshFailed("; ".join(f"{who}: {why}" for who, why in failed.items()))
    for company, why in failed.items():
        context.log.error(f"{company} failed and is tried again, by itself in the end: {why}")
    again = settings.read().max_attempts
    with database.connect(engine) as conn:
        now = claims.database_now(conn)
        for refresh in held:
            if refresh.company_id in failed:
                pair = (refresh.refresh_id, refresh.attempt)
                refreshes.release(conn, [pair], failed[refresh.company_id], now, again)


def _note(engine: sa.Engine, held: Sequence[refreshes.Held], failed: Mapping[str, str]) -> None:
    """Keep the reasons with the refreshes, where the database takes them."""
    with (
        contextlib.suppress(DatabaseUnreachable, sa.exc.SQLAlchemyError),
        database.connect(engine) as conn,
    ):
        for refresh in held:
            if refresh.company_id in failed:
                refreshes.note(conn, refresh, failed[refresh.company_id])


def _condition(cause: psycopg2.Error) -> str:
    """Such as ``check_violation 23514 of groups_positive``; constraints are named by the schema."""
    code = cause.pgcode or ""
    try:
        said = f"{errorcodes.lookup(code).lower()} {code}"
    except KeyError:
        said = code
    return f"{said} of {cause.diag.constraint_name}" if cause.diag.constraint_name else said


def _where(err: BaseException) -> str:
    """The innermost place in our code; that of a library tells nobody anything."""
    trace, found = err.__traceback__, ""
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__", "?"))
        if not found or module.startswith("bg_assets."):
            found = f" at {module}:{trace.tb_lineno}"
        trace = trace.tb_next
    return found
