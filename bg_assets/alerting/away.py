"""The alert that the database is away: kept in memory and in a small file, and told from there.

A disk that is full keeps it in memory alone.
"""

import contextlib
import json
import os
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from bg_assets.domain.alerts import lives
from bg_assets.domain.alerts.kinds import DATABASE_AWAY
from bg_assets.domain.alerts.lives import Alert, Look
from bg_assets.domain.alerts.telling import Told, ended_untold

FILE = "alerts.json"
KINDS = frozenset({DATABASE_AWAY})


Episode = tuple[Alert, dict[str, Told]]


@dataclass
class Away:
    """The alert, None while there is none, and what each channel knows of it, by name.

    ``before`` are those that are over while not all channels have heard so, the oldest first.
    """

    path: Path
    alert: Alert | None = None
    told: dict[str, Told] = field(default_factory=dict)
    before: list[Episode] = field(default_factory=list)

    @property
    def episodes(self) -> list[Episode]:
        """All of them, the oldest first."""
        return [*self.before, *([] if self.alert is None else [(self.alert, self.told)])]

    def observe(self, look: Look) -> None:
        """Note what a look has seen of the database itself."""
        mine = replace(
            look,
            sights=tuple(one for one in look.sights if one.kind in KINDS),
            kinds=look.kinds & KINDS,
        )
        if self.alert is not None and self.alert.resolved_at is not None:
            if not mine.sights:
                return
            self.before.append((self.alert, self.told))
            self.alert, self.told = None, {}
        changed = lives.after(mine, [] if self.alert is None else [self.alert])
        if changed.forgotten:
            self._set(None)
        for alert in changed.kept:
            number = max((one.id for one, _ in self.before), default=0) + 1
            self._set(alert if self.alert is not None else replace(alert, id=number))

    def note(self, alert: Alert, channel: str, told: Told) -> None:
        """Keep what a channel knows of one of them."""
        (known,) = [known for one, known in self.episodes if one.id == alert.id]
        known[channel] = told
        self._write()

    def finish(self) -> None:
        """Forget those that are over, and of whose end all who should have been told."""
        names = {name for _, told in self.episodes for name in told}
        owed = set()
        for name in names:
            known = [(alert, told.get(name, Told())) for alert, told in self.episodes]
            owed |= {alert.id for alert, _ in ended_untold(known)}
        self.before = [one for one in self.before if one[0].id in owed]
        if self.alert is not None and self.alert.resolved_at and self.alert.id not in owed:
            self._set(None)
        self._write()

    def _set(self, alert: Alert | None) -> None:
        if alert is None:
            self.told = {}
        if alert != self.alert:
            self.alert = alert
            self._write()

    def _write(self) -> None:
        with contextlib.suppress(OSError):
            if not self.episodes:
                self.path.unlink(missing_ok=True)
                return
            # The last stands where versions that knew one alone look for it.
            *before, last = [_document(alert, told) for alert, told in self.episodes]
            fresh = self.path.with_name(f".{self.path.name}.{os.getpid()}")
            fresh.write_text(json.dumps({**last, "before": before}, default=_text))
            fresh.chmod(0o600)
            fresh.replace(self.path)


def load(home: Path) -> Away:
    """What stood in the file of this home when the last process ended; nothing where it is odd."""
    path = home / FILE
    try:
        document = json.loads(path.read_text())
        before = [_episode(one) for one in document.get("before", [])]
        alert, told = _episode(document)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return Away(path)
    return Away(path, alert, told, before)


def _document(alert: Alert, told: dict[str, Told]) -> dict[str, Any]:
    return {
        "alert": asdict(alert),
        "told": {name: asdict(one) for name, one in told.items()},
    }


def _episode(document: dict[str, Any]) -> Episode:
    told = {name: Told(**_times(one)) for name, one in document["told"].items()}
    return Alert(**_times(document["alert"])), told


def _times(values: dict[str, Any]) -> dict[str, Any]:
    """The values with what ends like a time as one."""
    return {
        name: datetime.fromisoformat(value)
        if value is not None and (name == "since" or name.endswith("_at"))
        else value
        for name, value in values.items()
    }


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(type(value).__name__)
