"""How long a tick waits for others in the database, and what it says of it.

A lock that somebody holds must not hold up the tick, behind which all sensors stand: each of its
transactions gives up waiting after a while, and the tick says for what it waited and goes on.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg2.errorcodes
import sqlalchemy as sa

from bg_assets.embedded.databases import DatabaseUnreachable
from bg_assets.storage import database, waiting

# Less than the second after which PostgreSQL looks for a deadlock: it is never the other who loses.
LOCK_SECONDS = 0.5
# Of the 60 s that a tick has, what its statements may take in all; the rest is for its runs.
ALL_SECONDS = 40.0
PAUSE_SECONDS = 0.1
LONGEST_PAUSE = 1.0

_GAVE_UP = {
    psycopg2.errorcodes.LOCK_NOT_AVAILABLE: "a lock",
    psycopg2.errorcodes.QUERY_CANCELED: "an answer",
}


class Patience:
    """The engine of one tick, whose transactions end by themselves, and what each gave up on.

    ``engine`` is the same database; ``times`` counts what was given up. What is done within
    ``spent`` may be given up halfway: its transaction is rolled back then, and the next round does
    it again.
    """

    def __init__(
        self,
        engine: sa.Engine,
        *,
        lock_seconds: float = LOCK_SECONDS,
        all_seconds: float = ALL_SECONDS,
    ) -> None:
        end = time.monotonic() + all_seconds

        def left() -> float:
            return end - time.monotonic()

        self.engine = database.bounded(engine, lock_seconds=lock_seconds, statement_seconds=left)
        self._plain = engine
        self._given_up: dict[str, tuple[float, str | None]] = {}
        self.times = 0

    @contextmanager
    def spent(self) -> Iterator[None]:
        """Note what the block waited for in vain, and go on behind it."""
        began = time.monotonic()
        try:
            yield
        except sa.exc.DBAPIError as err:
            what = _GAVE_UP.get(str(getattr(err.orig, "pgcode", None)))
            if what is None:
                raise
            self.give_up(what, time.monotonic() - began)

    def give_up(self, what: str, seconds: float) -> None:
        """Note that something was waited for in vain."""
        before, _ = self._given_up.get(what, (0.0, None))
        self._given_up[what] = (before + seconds, self._holder())
        self.times += 1

    def told(self) -> list[str]:
        """What was waited for in vain, a line each."""
        return [
            f"waited {seconds:.1f} s in vain for {what} of PostgreSQL"
            + (f": {whose}" if whose else "")
            for what, (seconds, whose) in self._given_up.items()
        ]

    def _holder(self) -> str | None:
        """Who seems to be in the way; a look that fails tells nothing and stops nothing."""
        gone = suppress(sa.exc.DBAPIError, DatabaseUnreachable)
        with gone, database.connect(self._plain) as conn:
            return waiting.holder(conn)
        return None


def pause(took: float, left: float) -> float:
    """Seconds until the next question: asked a tenth of the time at most, but within the poll."""
    return max(0.0, min(max(PAUSE_SECONDS, 9 * took), LONGEST_PAUSE, left))
