"""What a tick sees to beside changes: that capture stands, and that dates that pass are noticed."""

import time
from collections.abc import Sequence
from datetime import UTC

import sqlalchemy as sa

from bg_assets.storage import claims, database
from bg_assets.storage.attach import upkeep
from bg_assets.storage.capture import attached, dates, missed, observed, watch

# A tick has 60 s in all; what is left over is done by the next.
SECONDS = 5.0


def see_to(engine: sa.Engine) -> list[str]:
    """Look after both; returns what is worth telling, a line each. Raises DatabaseUnreachable."""
    with database.connect(engine) as conn:
        done = upkeep.look_after(conn) if watch.is_due(conn) else []
        lines = watch.keep_watch(conn)
    if is_unreadable(lines):
        # People can't be read just now, and what is due can still be asked for.
        return [*done, *lines]
    with database.connect(engine) as conn:
        observed.settle(conn)
        observed.let_go(conn)
    return [*done, *lines, *_compare(engine), *_follow_dates(engine)]


def is_unreadable(lines: Sequence[str]) -> bool:
    """Whether one of the lines that see_to returns says so of people or companies."""
    return any(attached.UNREADABLE in line for line in lines)


def _compare(engine: sa.Engine) -> list[str]:
    end = time.monotonic() + SECONDS
    raised: int = 0
    found: int | None = 0
    while found is not None and time.monotonic() < end:
        with database.connect(engine) as conn:
            found = missed.raise_changes(conn)
        raised += found or 0
    if not raised:
        return []
    return [f"companies that changed while capture was lost, to be refreshed now: {raised}"]


def _follow_dates(engine: sa.Engine) -> list[str]:
    end = time.monotonic() + SECONDS
    raised, more = 0, True
    while more and time.monotonic() < end:
        with database.connect(engine) as conn:
            today = claims.database_now(conn).astimezone(UTC).date()
            passed = dates.raise_changes(conn, today)
        raised, more = raised + passed.raised, passed.more
    return [f"people who joined or left by a date that came: {raised}"] if raised else []
