"""Which of what an event tells of a person is news: each value goes by its own time.

Vendors send a property at a time, in any order. What was seen of a person as a whole (an import, a
write of the user's own, an event that tells everything) is one time for all of it; on top of it
stands for each column the time of the last event that told just that.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bg_assets.domain.values.columns import PEOPLE, watched

# The company, and whether somebody is deleted, have times like the columns of people.
COMPANY, PRESENCE = "company_id", "deleted"
# What is saved together in a form comes as several events of nearly one moment.
TOGETHER = timedelta(seconds=5)
# What somebody takes along to the next company; the rest was of the old job.
OF_THE_PERSON = watched(PEOPLE, "contact_change")


@dataclass(frozen=True, slots=True)
class Seen:
    """When a person was last seen as a whole, and since then by column."""

    whole: datetime | None
    told: Mapping[str, datetime] = field(default_factory=dict)

    def last(self, name: str) -> datetime | None:
        """When this column was last told."""
        return max((at for at in (self.whole, self.told.get(name)) if at), default=None)

    def with_told(self, names: Iterable[str], at: datetime) -> "Seen":
        """As it is after an event of this time that told these columns."""
        return Seen(self.whole, {**self.told, **dict.fromkeys(names, at)})


def news(seen: Seen, names: Iterable[str], at: datetime) -> set[str]:
    """Those of the columns of which an event of this time is not older than what is known."""
    fresh = {name for name in names if not is_older(at, seen.last(name))}
    moved = seen.told.get(COMPANY)
    if moved is not None and at < moved - TOGETHER:
        # It is of the job before.
        fresh &= {*OF_THE_PERSON, COMPANY, PRESENCE}
    return fresh


def kept_on_a_move(seen: Seen, at: datetime) -> set[str]:
    """The columns that somebody who moves at this time keeps, those of the new job among them."""
    new = {name for name, told in seen.told.items() if told >= at - TOGETHER}
    return {*OF_THE_PERSON, *(new - {COMPANY, PRESENCE})}


def is_older(occurred_at: datetime, observed_at: datetime | None) -> bool:
    """Whether an event is older than what is known, in seconds or less as its time is given.

    One of 12:00:00 may well have been after something seen at 12:00:00.4.
    """
    if observed_at is None:
        return False
    if occurred_at.microsecond == 0:
        observed_at = observed_at.replace(microsecond=0)
    elif occurred_at.microsecond % 1000 == 0:
        observed_at = observed_at.replace(microsecond=observed_at.microsecond // 1000 * 1000)
    return occurred_at < observed_at


def later(occurred_at: datetime, observed_at: datetime | None) -> datetime:
    """When a person was seen last, after an event that is not older."""
    return occurred_at if observed_at is None else max(occurred_at, observed_at)
