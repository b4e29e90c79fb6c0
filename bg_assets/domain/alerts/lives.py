"""The life of an alert: seen, raised once it has lasted, over once nothing was seen for a while.

No clock and no I/O: looks come in with their time, and what is known now goes out.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bg_assets.domain.alerts.kinds import CRITICAL, GONE_SECONDS, KINDS

# What is seen of one machine by itself alone is over when that machine says nothing for so long.
FORGOTTEN_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Sight:
    """Something that is wrong now: of which kind, of what (``subject``, "" for all), in words."""

    kind: str
    subject: str
    severity: str
    said: str
    todo: str

    @property
    def key(self) -> str:
        """What it is told apart by, from look to look."""
        return key_of(self.kind, self.subject)


@dataclass(frozen=True, slots=True)
class Alert:
    """What is known of something wrong: since when, when it was seen last, raised, and over."""

    kind: str
    subject: str
    severity: str
    said: str
    todo: str
    since: datetime
    seen_at: datetime
    raised_at: datetime | None = None
    resolved_at: datetime | None = None
    id: int = 0

    @property
    def key(self) -> str:
        """What it is told apart by, from look to look."""
        return key_of(self.kind, self.subject)


@dataclass(frozen=True, slots=True)
class Changed:
    """What a look changes: alerts to be kept as they are now, and keys to be forgotten."""

    kept: tuple[Alert, ...]
    forgotten: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen at a moment, and which kinds were looked for; blind checks looked for none.

    ``host`` is whose own matters (kinds that are local) were looked at.
    """

    at: datetime
    host: str
    sights: tuple[Sight, ...]
    kinds: frozenset[str]


def key_of(kind: str, subject: str) -> str:
    """``kind``, or ``kind:subject``."""
    return f"{kind}:{subject}" if subject else kind


def after(look: Look, known: Iterable[Alert]) -> Changed:
    """What becomes of the open alerts, and which there are besides."""
    seen = {one.key: one for one in _merged(look.sights)}
    before = {one.key: one for one in known}
    kept = [_seen(before.get(key), sight, look.at) for key, sight in seen.items()]
    forgotten = []
    for key, alert in before.items():
        if key in seen or not _is_gone(alert, look):
            continue
        if alert.raised_at is None:
            # It did not last.
            forgotten.append(key)
        else:
            kept.append(replace(alert, resolved_at=look.at))
    return Changed(tuple(kept), tuple(forgotten))


def _seen(alert: Alert | None, sight: Sight, now: datetime) -> Alert:
    if alert is None:
        alert = Alert(
            sight.kind, sight.subject, sight.severity, sight.said, sight.todo, now, now
        )  # fmt: skip
    lasted = (now - alert.since).total_seconds() >= KINDS[sight.kind].lasts
    return replace(
        alert,
        severity=sight.severity,
        said=sight.said,
        todo=sight.todo,
        seen_at=max(alert.seen_at, now),
        raised_at=alert.raised_at or (now if lasted else None),
    )


def _is_gone(alert: Alert, look: Look) -> bool:
    unseen = look.at - alert.seen_at
    kind = KINDS.get(alert.kind)
    if kind is None:
        # Of a version that knew more kinds.
        return unseen >= timedelta(seconds=FORGOTTEN_SECONDS)
    if kind.local and host_of(alert.subject) != look.host:
        return unseen >= timedelta(seconds=FORGOTTEN_SECONDS)
    if alert.kind not in look.kinds:
        return False
    return alert.raised_at is None or unseen >= timedelta(seconds=GONE_SECONDS)


def at_host(host: str, subject: str = "") -> str:
    """The subject of something that concerns one machine."""
    return f"{host} {subject}" if subject else host


def host_of(subject: str) -> str:
    """The machine that a subject is of, as ``at_host`` has it."""
    return subject.partition(" ")[0]


def _merged(sights: Iterable[Sight]) -> list[Sight]:
    """One of each key: the gravest severity, the first words, and how many more there are."""
    by_key: dict[str, list[Sight]] = {}
    for one in sights:
        by_key.setdefault(one.key, []).append(one)
    return [_one(same) for same in by_key.values()]


def _one(same: list[Sight]) -> Sight:
    first = next((one for one in same if one.severity == CRITICAL), same[0])
    more = len(same) - 1
    return replace(first, said=f"{first.said} (and {more} more)") if more else first
