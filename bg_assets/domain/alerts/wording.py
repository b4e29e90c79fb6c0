"""What a message says: one for all channels, as a title and some lines."""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from bg_assets.domain.alerts.kinds import KINDS
from bg_assets.domain.alerts.lives import Alert
from bg_assets.domain.alerts.telling import Told, What
from bg_assets.domain.values.controls import visible

MOST_SAID = 600
REMEDIES = "docs/alerts.md"
# No alert repeats these, whatever an error quotes: an address, and the password within one.
_EMAIL = re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+")
_PASSWORD = re.compile(r"(://[^/\s:@]*):[^@\s]*@")


@dataclass(frozen=True, slots=True)
class Message:
    """What a channel is told; ``key`` is the same from the first message to the last.

    ``id`` is this message's, whenever it is tried again. ``name`` is the installation's. Times are
    of the alert: since when, and when this was said.
    """

    id: str
    what: What
    name: str
    key: str
    kind: str
    severity: str
    title: str
    said: str
    todo: str
    since: datetime
    at: datetime

    @property
    def remedy(self) -> str:
        """Where the remedy stands."""
        return f"{REMEDIES}#{self.kind}"

    @property
    def headline(self) -> str:
        """One line."""
        if self.what is What.TEST:
            return f"[{self.name}] test: {self.title}"
        if self.what is What.OVER:
            return f"[{self.name}] over: {self.title}"
        still = "still " if self.what is What.AGAIN else ""
        return f"[{self.name}] {still}{self.severity}: {self.title}"

    @property
    def lines(self) -> list[str]:
        """The lines below the headline."""
        lines = [self.said]
        if self.what is What.OVER:
            lines = [f"it was: {self.said}", f"from {_utc(self.since)} to {_utc(self.at)}"]
        elif self.what is not What.TEST:
            lines += [f"what to do: {self.todo}"] if self.todo else []
            lines += [f"since {_utc(self.since)}"]
        if self.what is not What.TEST:
            lines.append(f"{self.key}; see {self.remedy}")
        return [one for one in lines if one]


def message_of(alert: Alert, what: What, told: Told, name: str, now: datetime) -> Message:
    """What to tell of an alert to a channel that was told of it as ``told`` says."""
    before = "" if told.told_at is None else told.told_at.isoformat()
    return Message(
        id=_id(name, alert.key, alert.since.isoformat(), what, before),
        what=what,
        name=name,
        key=alert.key,
        kind=alert.kind,
        severity=alert.severity,
        title=KINDS[alert.kind].title if alert.kind in KINDS else alert.kind,
        said=cleaned(alert.said),
        todo=cleaned(alert.todo),
        since=alert.since,
        at=now if alert.resolved_at is None else alert.resolved_at,
    )


def trial_message(name: str, channel: str, now: datetime) -> Message:
    """What `alerts test` sends."""
    said = f"alerts reach {channel}; nothing is wrong"
    title, number = "a message to try it", _id(name, channel, now.isoformat())
    return Message(
        number, What.TEST, name, "test", "test", "warning", title, said, "", now, now
    )  # fmt: skip


def cleaned(text: str) -> str:
    """A text that may leave the house: one line, of bounded length, no address and no password."""
    shown = _PASSWORD.sub(r"\1:…@", visible(text))
    shown = _EMAIL.sub("(an address)", shown)
    return shown if len(shown) <= MOST_SAID else shown[: MOST_SAID - 1] + "…"


def _id(*parts: str) -> str:
    return "alert_" + hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
