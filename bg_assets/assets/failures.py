"""What becomes of a company that fails in its run: the words for it, and the way out."""

from collections.abc import Mapping, Sequence

import dagster as dg
import sqlalchemy as sa

from bg_assets import settings
from bg_assets.embedded.databases import DatabaseUnreachable
from bg_assets.storage import claims, database, refreshes


class RefreshFailed(Exception):
    """A company could not be refreshed; the message holds ids and kinds of error, no values."""


def in_words(err: BaseException) -> str:
    """An error in words that may be logged: its kind, its place, PostgreSQL's code.

    Messages may quote values, and so are left out.
    """
    if isinstance(err, RefreshFailed | DatabaseUnreachable):
        return str(err)
    code = getattr(getattr(err, "orig", None), "pgcode", None)
    said = f" {code}" if code else ""
    return f"{type(err).__name__}{said}{_where(err)}"


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
    if len(held) <= 1:
        raise RefreshFailed("; ".join(f"{who}: {why}" for who, why in failed.items()))
    for company, why in failed.items():
        context.log.error(f"{company} failed and is tried again, by itself in the end: {why}")
    again = settings.read().max_attempts
    with database.connect(engine) as conn:
        now = claims.database_now(conn)
        for one in held:
            if one.company_id in failed:
                pair = (one.refresh_id, one.attempt)
                refreshes.release(conn, [pair], failed[one.company_id], now, again)


def _where(err: BaseException) -> str:
    trace = err.__traceback__
    if trace is None:
        return ""
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f" at {trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}"
