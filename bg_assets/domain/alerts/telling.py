"""When a channel is told of an alert: once, again after hours, when it gets worse, when it is over.

In quiet hours warnings wait, and so does their end; what is critical goes through. What ends and
comes back is another alert of the same key, and a channel hears of these in their order: PagerDuty
would else resolve what is open.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bg_assets.domain.alerts.kinds import CRITICAL, SEVERITIES
from bg_assets.domain.alerts.lives import Alert

_QUIET = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)-([01]?\d|2[0-3]):([0-5]\d)(?: +(\S+))?")


class What(StrEnum):
    """What a message tells of an alert."""

    RAISED = "raised"
    WORSE = "worse"
    AGAIN = "again"
    OVER = "over"
    TEST = "test"


class BadQuietHours(ValueError):
    """The text names no quiet hours; the message says what it takes."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours of each day, by the clocks of a zone, in which nobody is told of warnings."""

    begin: time
    end: time
    zone: ZoneInfo

    @property
    def in_words(self) -> str:
        """As in settings, with the zone whose clocks count."""
        return f"{self.begin:%H:%M}-{self.end:%H:%M} {self.zone.key}"

    def holds(self, now: datetime) -> bool:
        """Whether it is quiet at this moment; the end is outside."""
        here = now.astimezone(self.zone).time().replace(tzinfo=None)
        if self.begin < self.end:
            return self.begin <= here < self.end
        return here >= self.begin or here < self.end


def quiet_hours(text: str) -> Quiet | None:
    """Read hours like ``22:00-07:00 Europe/Berlin``, of UTC without a zone; None for none.

    Raises BadQuietHours.
    """
    if not text.strip():
        return None
    found = _QUIET.fullmatch(text.strip())
    if found is None:
        raise BadQuietHours(f"takes hours like 22:00-07:00 Europe/Berlin, not {text.strip()!r}")
    begin, end = time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4]))
    if begin == end:
        raise BadQuietHours("takes hours that begin and end at different times")
    try:
        zone = ZoneInfo(found[5] or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadQuietHours(f"names a zone that there is none of: {found[5]!r}") from None
    return Quiet(begin, end, zone)


@dataclass(frozen=True, slots=True)
class Told:
    """What a channel was told of an alert last, and how it is with what it could not be told.

    A severity without ``told_at``: it may have been told, or not; whoever sent it does not know.
    """

    told_at: datetime | None = None
    severity: str = ""
    over_at: datetime | None = None
    tries: int = 0
    try_at: datetime | None = None
    error: str = ""

    @property
    def has_heard(self) -> bool:
        """Whether it was told that the alert is there, as far as anybody knows."""
        return self.told_at is not None or self.severity != ""

    @property
    def owes_end(self) -> bool:
        """Whether it has heard of the beginning and not of the end."""
        return self.has_heard and self.over_at is None


@dataclass(frozen=True, slots=True)
class Rules:
    """Whom to tell when: the least severity that the channel wants, and in s when to repeat."""

    least: str
    repeat: float
    quiet: Quiet | None = None


def turn(
    episodes: Sequence[tuple[Alert, Told]], rules: Rules, silenced: bool, now: datetime
) -> list[tuple[Alert, What]]:
    """What a channel has to be told now of the alerts of one key, which come oldest first.

    In this order, each only once those before got through. The end of an older alert goes before
    the beginning of a newer one, with it and without further waiting; once the newer one was told
    it is told no more.
    """
    if not episodes:
        return []
    owed = ended_untold(episodes)
    last, told = episodes[-1]
    what = due(last, told, rules, silenced, now)
    if what is None or what is What.OVER:
        found = [(one, due(one, known, rules, silenced, now)) for one, known in owed]
        return [(one, what) for one, what in found if what is not None]
    return [*((one, What.OVER) for one, _ in owed), (last, what)]


def ended_untold(episodes: Sequence[tuple[Alert, Told]]) -> list[tuple[Alert, Told]]:
    """Those that are over and of whose end the channel is still to be told, the oldest first.

    Who has heard of a newer one of the same key is not.
    """
    heard = [number for number, (_, told) in enumerate(episodes) if told.has_heard]
    return [
        (alert, told)
        for number, (alert, told) in enumerate(episodes)
        if alert.resolved_at is not None and told.owes_end and number >= max(heard)
    ]


def due(alert: Alert, told: Told, rules: Rules, silenced: bool, now: datetime) -> What | None:
    """What the channel has to be told of the alert now; None for nothing.

    Who was told of an alert is told of its end, silenced or not. Who could not be told of it in
    time hears nothing of its end either.
    """
    if told.try_at is not None and told.try_at > now:
        return None
    what = _wanted(alert, told, rules, now)
    if what is None or (silenced and what is not What.OVER):
        return None
    if not _is_grave(alert, told) and rules.quiet is not None and rules.quiet.holds(now):
        return None
    return what


def waits_for(alert: Alert, told: Told, rules: Rules, silenced: bool, now: datetime) -> str:
    """What the channel waits for that it is to be told of an alert, or its end; "" for nothing."""
    what = _wanted(alert, told, rules, now)
    if what is What.AGAIN:
        return ""
    if what is None:
        is_open = alert.raised_at is not None and alert.resolved_at is None
        left_out = is_open and told.told_at is None
        return f"wants {rules.least} alone" if left_out else ""
    if silenced and what is not What.OVER:
        return "silenced"
    if not _is_grave(alert, told) and rules.quiet is not None and rules.quiet.holds(now):
        return f"quiet hours until {rules.quiet.end:%H:%M} {rules.quiet.zone.key}"
    if told.try_at is not None and told.try_at > now:
        return f"tried again in {(told.try_at - now).total_seconds():.0f} s"
    return "due at the next look"


def _is_grave(alert: Alert, told: Told) -> bool:
    return CRITICAL in (alert.severity, told.severity)


def _wanted(alert: Alert, told: Told, rules: Rules, now: datetime) -> What | None:
    if alert.raised_at is None:
        return None
    if alert.resolved_at is not None:
        return What.OVER if told.owes_end else None
    if _rank(alert.severity) < _rank(rules.least):
        return None
    if told.told_at is None:
        return What.RAISED
    if _rank(alert.severity) > _rank(told.severity):
        return What.WORSE
    return What.AGAIN if now - told.told_at >= timedelta(seconds=rules.repeat) else None


def succeeded(told: Told, what: What, severity: str, now: datetime) -> Told:
    """What the channel knows once it was told."""
    if what is What.OVER:
        return Told(told.told_at, told.severity, now)
    return Told(now, severity)


# The first wait before another try, and the longest, in s.
FIRST_WAIT, LONGEST_WAIT = 15.0, 900.0
# Tries after which a beginning no longer waits for the end of the one before.
PATIENCE_TRIES = 3


def begun(told: Told, severity: str) -> Told:
    """What stands while a channel is told for the first time: whoever dies then does not know."""
    return replace(told, severity=severity) if told.told_at is None else told


def failed(told: Told, error: str, now: datetime, wait: float | None = None) -> Told:
    """What stands of a try that failed: the next one comes ever later, or after ``wait`` s."""
    pause = min(FIRST_WAIT * 2.0 ** min(told.tries, 20), LONGEST_WAIT)
    longest = max(pause, min(wait or 0.0, 4 * LONGEST_WAIT))
    return Told(
        told.told_at, told.severity, told.over_at, told.tries + 1,
        now + timedelta(seconds=longest), error,
    )  # fmt: skip


def _rank(severity: str) -> int:
    return SEVERITIES.index(severity)
