"""Asking the server for a sign of life before a connection is used that has rested for a while.

SQLAlchemy's pool_pre_ping asks before each use: a third of the statements of a run, which takes its
connection 25 times within a fifth of a second.
"""

import time
from collections.abc import Callable

import sqlalchemy as sa

# The uses of a run follow each other within some milliseconds. A server that restarts is away for
# longer, so that whoever comes within this time would have found it away in any case.
RESTED_SECONDS = 0.05
_USED = "bg_used_at"


def ping_rested(engine: sa.Engine, clock: Callable[[], float] = time.monotonic) -> None:
    """Let the engine take a connection that rested for RESTED_SECONDS only if it still works.

    One that does not makes all that are as old be opened anew, as pool_pre_ping does.
    """

    def note(_: object, record: sa.pool.ConnectionPoolEntry) -> None:
        record.info[_USED] = clock()

    def look(
        connection: sa.engine.interfaces.DBAPIConnection,
        record: sa.pool.ConnectionPoolEntry,
        _: object,
    ) -> None:
        used = record.info.get(_USED)
        if used is None or clock() - used < RESTED_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as err:
            raise sa.exc.InvalidatePoolError from err

    sa.event.listen(engine, "checkin", note)
    sa.event.listen(engine, "checkout", look)
