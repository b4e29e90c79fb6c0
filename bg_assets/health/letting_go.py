"""Whether what has been kept long enough goes in time: for `doctor` and `status`."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from bg_assets.health.findings import OK, WARN, Finding, Patient
from bg_assets.settings import Settings
from bg_assets.storage import claims, database
from bg_assets.storage.retention import rounds
from bg_assets.storage.retention.policy import policy


def read(conn: sa.Connection, config: Settings) -> list[dict[str, Any]]:
    """The kinds that are behind: name, what it is, and since when no round has come to its end."""
    now, known = claims.database_now(conn), rounds.read(conn)
    found = []
    for one in policy(config):
        standing = known.get(one.name)
        since = standing and one.seconds is not None and standing.behind_since(now)
        if since:
            found.append({"name": one.name, "what": one.what, "since": since})
    return found


def in_words(found: list[dict[str, Any]]) -> Iterator[str]:
    """The same for people, a sentence each."""
    for one in found:
        yield (
            f"no round of letting go of old rows has ended since {_utc(one['since'])}: "
            f"{one['what']}; is the schedule `retention` on? By hand: `bg-assets retention`"
        )


def check(patient: Patient) -> Iterator[Finding]:
    """Whether each kind has had its round."""
    with database.connect(patient.engine()) as conn:
        behind = read(conn, patient.config)
        known = rounds.read(conn)
    for one in behind:
        said = f"no round has ended since {_utc(one['since'])}: {one['what']}"
        todo = "look at the schedule `retention` in the UI, or run `bg-assets retention`"
        yield Finding("retention", WARN, said, todo)
    if not behind:
        done = [one.done for one in known.values() if one.done]
        said = f"what is old goes; {sum(one.removed for one in known.values())} rows went so far"
        yield Finding("retention", OK, said if done else "there was no round yet")


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
