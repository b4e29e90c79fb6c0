"""Rounds of letting go: each kind has one a day, in steps, and goes on where a kill has left it.

Where it stands is in bg.chores. A round that is lost begins anew, and finds less to do.
"""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from bg_assets.storage import chores, claims, database
from bg_assets.storage.retention.policy import Kept
from bg_assets.storage.retention.step import Step

# From the beginning of a round to that of the next: what is kept for days may stay a day longer.
ROUND = timedelta(days=1)
# A round that takes longer is behind, and so is one that nobody begins.
BEHIND = timedelta(days=2)
# After each step it rests as long as that took: others come first. At most so long.
LONGEST_REST = 0.5
# For a lock, and for a step.
_LOCK_SECONDS, _STEP_SECONDS = 1.0, 15.0

_NAME = "retention "
# A look at all chores, which are few.
_ALL = sa.text("select name, state from bg.chores where name like 'retention %'")


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the rounds of a kind are; times as ISO 8601.

    began, done: of this round, and of the last that came to its end. after: where this round goes
    on. removed: rows that went in all rounds.
    """

    began: str | None = None
    done: str | None = None
    after: str | int | None = None
    ended: bool = True
    removed: int = 0

    def is_due(self, now: datetime) -> bool:
        """Whether there is something to do: a round is under way, or the next may begin."""
        return not self.ended or self.began is None or _moment(self.began) + ROUND <= now

    def behind_since(self, now: datetime) -> datetime | None:
        """Since when a round has been under way or due, where that is too long; else None."""
        since = self.done or self.began
        if since is None or _moment(since) + BEHIND > now:
            return None
        return _moment(since)


@dataclass(frozen=True, slots=True)
class Gone:
    """What went of a kind in a turn, and whether its round came to an end."""

    kept: Kept
    removed: int
    ended: bool


def read(conn: sa.Connection) -> dict[str, Standing]:
    """How far each kind is; nothing of those that never had a round."""
    return {
        row.name.removeprefix(_NAME): Standing(**row.state)
        for row in conn.execute(_ALL)
        if row.state
    }


def read_one(conn: sa.Connection, name: str) -> Standing:
    """How far one kind is."""
    return Standing(**(chores.recall(conn, _NAME + name) or {}))


def note(conn: sa.Connection, name: str, standing: Standing) -> None:
    """Keep how far a kind is."""
    chores.remember(conn, _NAME + name, asdict(standing))


def begun(standing: Standing, now: datetime) -> Standing:
    """At the beginning of a round, where none is under way."""
    return replace(standing, began=now.isoformat(), after=None, ended=False)


def advanced(standing: Standing, step: Step, now: datetime) -> Standing:
    """After a step."""
    if step.more:
        return replace(standing, after=step.after, removed=standing.removed + step.removed)
    return replace(
        standing, after=None, ended=True, done=now.isoformat(),
        removed=standing.removed + step.removed,
    )  # fmt: skip


def turn(
    engine: sa.Engine,
    kept: Kept,
    seconds: float,
    *,
    anew: bool = False,
    told: Callable[[int], None] = lambda removed: None,
) -> Gone | None:
    """Let go of one kind for so many seconds at most; None where there is nothing to do.

    ``anew``: a round begins though the last is not long ago. ``told`` hears of each step how many
    rows went. Each step is a transaction, which notes too how far it came.
    """
    step = kept.step
    if step is None or kept.seconds is None:
        return None
    patient = database.bounded(
        engine, lock_seconds=_LOCK_SECONDS, statement_seconds=lambda: _STEP_SECONDS
    )
    end = time.monotonic() + seconds
    removed = 0
    while True:
        began = time.monotonic()
        with database.connect(patient) as conn:
            now = claims.database_now(conn)
            standing = _at_work(read_one(conn, kept.name), now, anew=anew)
            if standing is None:
                # None is due, or another process has ended this one meanwhile.
                return Gone(kept, removed, ended=True) if removed else None
            done = step(conn, now - timedelta(seconds=kept.seconds), standing.after)
            note(conn, kept.name, advanced(standing, done, now))
        anew, removed = False, removed + done.removed
        told(done.removed)
        if not done.more or time.monotonic() >= end:
            return Gone(kept, removed, ended=not done.more)
        time.sleep(min(time.monotonic() - began, LONGEST_REST, max(0.0, end - time.monotonic())))


def _at_work(standing: Standing, now: datetime, *, anew: bool) -> Standing | None:
    """In a round, which may begin now; None where none is under way or due."""
    if standing.ended and not standing.is_due(now) and not anew:
        return None
    return begun(standing, now) if standing.ended or anew else standing


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
