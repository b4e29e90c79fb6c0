"""Judging groups by the checks, and adding the verdicts up for all of them, once a minute at most.

A run judges what it wrote; a tick judges what nobody has, and anew what was judged longest ago: a
group may be wrong because of what happened since. Going through all groups in one go takes seconds
where they are many, and is done nowhere.
"""

from collections.abc import Sequence
from dataclasses import asdict

import sqlalchemy as sa

from bg_assets import settings
from bg_assets.assets import group_checks
from bg_assets.products import in_force
from bg_assets.storage import chores, database, verdicts
from bg_assets.storage.reports import checks
from bg_assets.storage.verdicts import Tally, Verdict

EVERY_SECONDS = 60.0
# 5,000 groups take half a second, by which a change may wait for the tick that judges them.
NEW_AT_ONCE = 5000
OLD_AT_ONCE = 500
_JUDGE, _TALLY = "judge groups", "tally of checks"


def judge_written(
    engine: sa.Engine, companies: Sequence[str], force: in_force.InForce
) -> list[Verdict]:
    """Judge the groups of these companies as they stand, keep the verdicts and return them.

    Each by the template by which its company's groups are built.
    """
    with database.connect(engine) as conn:
        found = [
            verdict
            for one in checks.read(conn, companies)
            for verdict in group_checks.judge([one], force.of(one.company_id))
        ]
        if found:
            verdicts.write(conn, found)
    return found


def judge_some(engine: sa.Engine) -> None:
    """Judge a portion of what was not judged yet or longest ago, unless somebody just did."""
    if _my_turn(engine, _JUDGE):
        _judge_portion(engine)


def judge_all(engine: sa.Engine) -> None:
    """Judge whatever was not judged yet, unless somebody just did: for one who waits for it."""
    if _my_turn(engine, _JUDGE):
        while _judge_portion(engine) == NEW_AT_ONCE:
            pass


def tally_if_due(engine: sa.Engine) -> Tally | None:
    """The sums over all verdicts, where it is time for them and they differ from what was told.

    Whoever is given them tells Dagster, and then says so by ``told``.
    """
    if not _my_turn(engine, _TALLY):
        return None
    with database.connect(engine) as conn:
        found, before = verdicts.tally(conn, group_checks.MOST_LISTED), _last(conn)
    return None if found == before else found


def told(engine: sa.Engine, tally: Tally) -> None:
    """Dagster has been told of these sums: runs go on to tell them, ticks tell others only."""
    with database.connect(engine) as conn:
        chores.remember(conn, _TALLY, asdict(tally))


def tell_anew(engine: sa.Engine) -> None:
    """Dagster may have lost what it was told: the next tick tells it, whether changed or not."""
    with database.connect(engine) as conn:
        chores.remember(conn, _TALLY, None)


def last_tally(engine: sa.Engine) -> Tally:
    """The sums as they were told last, taken at most a minute ago where somebody is at work."""
    with database.connect(engine) as conn:
        found = _last(conn)
    return found or Tally(0, 0, {}, {}, dict.fromkeys(verdicts.FIGURES, (None, 0)))


def _my_turn(engine: sa.Engine, chore: str) -> bool:
    with database.connect(engine) as conn:
        return chores.begin(conn, chore, EVERY_SECONDS)


def _judge_portion(engine: sa.Engine) -> int:
    """Returns how many companies had a group that nobody had judged, NEW_AT_ONCE at most."""
    config = settings.read()
    force = in_force.in_force(engine, config.templates, config.products)
    with database.connect(engine) as conn:
        verdicts.forget(conn)
        new = verdicts.not_judged(conn, NEW_AT_ONCE)
        old = verdicts.oldest(conn, OLD_AT_ONCE)
    judge_written(engine, [*new, *old], force)
    return len(new)


def _last(conn: sa.Connection) -> Tally | None:
    state = chores.recall(conn, _TALLY)
    if state is None:
        return None
    means = {figure: (mean, measured) for figure, (mean, measured) in state.pop("means").items()}
    return Tally(**state, means=means)
