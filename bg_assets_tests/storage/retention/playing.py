"""Rounds of letting go in tests: their settings, and a round of everything."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from bg_assets import settings
from bg_assets.storage.retention import rounds
from bg_assets.storage.retention.policy import Kept, policy
from bg_assets_tests.storage.rows import value


def kept(**variables: str) -> dict[str, Kept]:
    """The policy by name, with these variables of BG_RETENTION_ in lower case."""
    env = {f"BG_RETENTION_{name.upper()}": text for name, text in variables.items()}
    return {one.name: one for one in policy(settings.read(env))}


def round_of(engine: sa.Engine, *names: str, **variables: str) -> dict[str, int]:
    """A round of these kinds, or of all, to its end: how many rows of each went."""
    found = kept(**variables)
    gone = {}
    for name in names or tuple(found):
        done = rounds.turn(engine, found[name], 60.0, anew=True)
        if done is not None:
            assert done.ended
            gone[name] = done.removed
    return gone


def ago(engine: sa.Engine, days: float) -> datetime:
    """A moment so many days ago by the database's clock."""
    now: datetime = value(engine, "select now()")
    return now - timedelta(days=days)
