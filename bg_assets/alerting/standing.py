"""How it is with alerts themselves: who is told, whether anybody looks, what does not get through.

For `status` and `doctor`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from bg_assets import settings
from bg_assets.alerting import configured
from bg_assets.alerting.watch import FAILING_TRIES, KIND
from bg_assets.health.findings import FAIL, OK, WARN, Finding, Patient
from bg_assets.instance import alive
from bg_assets.storage import alerts, database

NONE = "none configured"


@dataclass(frozen=True, slots=True)
class Standing:
    """The channels that are configured here, how many processes look, how many alerts are open."""

    channels: tuple[str, ...]
    mistakes: tuple[str, ...]
    looking: int
    open: int

    @property
    def in_words(self) -> str:
        """One line."""
        if not (self.channels or self.mistakes or self.looking):
            return NONE
        told = f"told to {', '.join(self.channels)}" if self.channels else "told by what runs"
        if self.mistakes:
            told = f"wrong: {self.mistakes[0]}"
        return f"{self.open} open, {told}{'' if self.looking else '; nobody looks'}"


def read(conn: sa.Connection, config: settings.Settings) -> Standing:
    """How it is now; of the processes those that live."""
    found = configured.read(config)
    looking = [
        one for one in alive.read(conn) if one.kind == KIND and one.health == "ok"
    ]  # fmt: skip
    raised = [one for one in alerts.read_open(conn) if one.raised_at is not None]
    names = tuple(one.name for one in found.channels)
    return Standing(names, found.mistakes, len(looking), len(raised))


def check(patient: Patient) -> Iterator[Finding]:
    """Whether those who are to be told of alerts are."""
    # Told whether or not the database is there.
    for mistake in configured.read(patient.config).mistakes:
        where, _, what = mistake.partition(": ")
        yield Finding("alerts", FAIL, f"{where} can't be used: {what}", "see docs/alerts.md")
    with database.connect(patient.engine()) as conn:
        found = read(conn, patient.config)
        open_ids = [one.id for one in alerts.read_open(conn)]
        told = alerts.read_told(conn, open_ids)
    failing = {name: one for (_, name), one in told.items() if one.tries >= FAILING_TRIES}
    for name, one in sorted(failing.items()):
        said = f"channel {name} has not been told, {one.tries} times: {one.error}"
        yield Finding("alerts", WARN, said, f"`bg-assets alerts test {name}`", "delivery-failing")
    if found.channels and not found.looking:
        todo = "start `bg-assets up` with these variables, or `bg-assets alerts run`"
        yield Finding("alerts", WARN, f"{', '.join(found.channels)}: nobody looks", todo)
    elif not (failing or found.mistakes):
        more = "" if found.channels or found.looking else ": BG_ALERTS tells whom, docs/alerts.md"
        yield Finding("alerts", OK, f"{found.in_words}{more}")
