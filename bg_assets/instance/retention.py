"""Letting go of Dagster's finished runs, and a turn of all that is let go of.

A run goes with its events, its tags and what it printed, once nothing that it holds is the last
word on an asset, a partition or a check. Dagster itself never lets go of any.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import sqlalchemy as sa

from bg_assets.instance.private import old_runs
from bg_assets.settings import Settings
from bg_assets.storage import database
from bg_assets.storage.retention import rounds
from bg_assets.storage.retention.policy import RUNLESS, RUNS, Kept, policy
from bg_assets.storage.retention.rounds import Gone
from bg_assets.storage.retention.step import ROWS, Step

# A command that only counts runs is not to import Dagster, which takes seconds.
if TYPE_CHECKING:
    import dagster as dg

# Of which a step deletes so many: each takes some 10 ms, one of 500 companies more.
RUNS_A_STEP = 20
_GAVE_UP = {"55P03", "57014"}


@dataclass(frozen=True, slots=True)
class Turn:
    """What went in a turn by kind, and the kinds of which a step gave up waiting for a lock."""

    gone: list[Gone]
    held_up: list[str]


def turn(
    engine: sa.Engine,
    instance: "dg.DagsterInstance | None",
    config: Settings,
    seconds: float,
    *,
    anew: bool = False,
    told: Callable[[Kept, int], None] = lambda kept, removed: None,
) -> Turn:
    """Let go of everything that may go, for so many seconds at most; each kind has its share.

    ``anew`` begins a round of each. Without an instance Dagster's runs are left alone.
    """
    end = time.monotonic() + seconds
    found = Turn([], [])
    with _of_dagster(instance) as able:
        kinds = [able(one) for one in policy(config)]
        for number, kept in enumerate(kinds):
            share = (end - time.monotonic()) / (len(kinds) - number)
            hear = partial(told, kept)
            _turn_of(found, partial(rounds.turn, engine, kept, share, anew=anew, told=hear), kept)
    return found


def _turn_of(found: Turn, work: Callable[[], Gone | None], kept: Kept) -> None:
    """Do the turn of one kind, whose rows somebody may hold."""
    try:
        done = work()
    except sa.exc.DBAPIError as err:
        if getattr(err.orig, "pgcode", None) not in _GAVE_UP:
            raise
        found.held_up.append(kept.name)
    else:
        found.gone.extend([done] if done is not None else [])


def counts(engine: sa.Engine, config: Settings, now: datetime) -> dict[str, int | None]:
    """How many rows of each kind would go, by its name; None: they are kept for ever.

    Looks at whole tables. Of runs and refreshes at most so many: some are needed still.
    """
    found: dict[str, int | None] = {}
    for kept in policy(config):
        until = kept.until(now)
        if until is None:
            found[kept.name] = None
        elif kept.count is None:
            found[kept.name] = _count_of_dagster(kept.name, until)
        else:
            with database.connect(engine) as conn:
                found[kept.name] = kept.count(conn, until)
    return found


def has_runs() -> bool:
    """Whether Dagster has its tables yet. Raises DatabaseUnreachable."""
    with _connected() as conn:
        return old_runs.there(conn)


def _count_of_dagster(name: str, until: datetime) -> int:
    with _connected() as conn:
        if not old_runs.there(conn):
            return 0
        return (old_runs.count if name == RUNS else old_runs.count_runless)(conn, until)


@contextmanager
def _of_dagster(instance: "dg.DagsterInstance | None") -> Iterator[Callable[[Kept], Kept]]:
    """What gives Dagster's kinds their steps, while the block lasts."""
    if instance is None:
        yield lambda kept: kept
        return
    made = database.make_engine(database.dagster_url(), pool_size=1)
    runs = _Runs(instance, made)
    steps = {RUNS: runs.step, RUNLESS: runs.step_without_run}
    try:
        with database.connect(made) as conn:
            there = old_runs.there(conn)
        yield (
            lambda kept: (
                replace(kept, step=steps[kept.name]) if there and kept.name in steps else kept
            )
        )
    finally:
        made.dispose()


@contextmanager
def _connected() -> Iterator[sa.Connection]:
    made = database.make_engine(database.dagster_url(), pool_size=1)
    try:
        with database.connect(made) as conn:
            yield conn
    finally:
        made.dispose()


class _Runs:
    """Steps of letting go of an instance's runs, and of what it was told without one."""

    def __init__(self, instance: "dg.DagsterInstance", engine: sa.Engine) -> None:
        self._instance, self._engine = instance, engine
        self._checks: list[old_runs.Checked] | None = None

    def step(self, conn: sa.Connection, until: datetime, after: object) -> Step:
        """Delete some runs that were over before then, but for those that are needed."""
        with database.connect(self._engine) as made:
            if self._checks is None:
                self._checks = old_runs.last_checked(made)
            page = old_runs.page(made, until, int(str(after or 0)), RUNS_A_STEP)
            over = [one.run_id for one in page if one.over]
            needed = old_runs.needed(made, over) | {one.run_id for one in self._checks}
            going = [one for one in over if one not in needed]
            old_runs.forget_checks(made, going, self._checks)
        for run_id in going:
            self._delete(run_id)
        more = len(page) == RUNS_A_STEP and not all(one.young for one in page)
        return Step(len(going), page[-1].id if page else None, more)

    def step_without_run(self, conn: sa.Connection, until: datetime, after: object) -> Step:
        """Delete some of what was told without a run."""
        with database.connect(self._engine) as made:
            removed, last, more = old_runs.forget_runless(
                made, until, int(str(after or 0)), ROWS
            )  # fmt: skip
        return Step(removed, last, more)

    def _delete(self, run_id: str) -> None:
        """What DagsterInstance.delete_run does, but the run itself last.

        A kill before that leaves one that the next round finds, never events of no run.
        """
        self._instance.compute_log_manager.delete_logs(prefix=[run_id])
        self._instance.event_log_storage.delete_events(run_id)
        self._instance.run_storage.delete_run(run_id)
