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
from bg_assets.domain.alerts.telling import Told

FILE = "alerts.json"
KINDS = frozenset({DATABASE_AWAY})


@dataclass
class Away:
    """The alert, None while there is none, and what each channel knows of it, by name."""

    path: Path
    alert: Alert | None = None
    told: dict[str, Told] = field(default_factory=dict)

    def observe(self, look: Look) -> None:
        """Note what a look has seen of the database itself."""
        mine = replace(
            look,
            sights=tuple(one for one in look.sights if one.kind in KINDS),
            kinds=look.kinds & KINDS,
        )
        if self.alert is not None and self.alert.resolved_at is not None:
            # Told, or not, it makes room for the next one.
            if not mine.sights:
                return
            self._set(None)
        known = [] if self.alert is None else [self.alert]
        changed = lives.after(mine, known)
        if changed.forgotten:
            self._set(None)
        for alert in changed.kept:
            self._set(alert)

    def note(self, channel: str, told: Told) -> None:
        """Keep what a channel knows of it."""
        self.told[channel] = told
        self._write()

    def finish(self) -> None:
        """Forget an alert that is over, and of whose end all have been told."""
        self._set(None)

    def _set(self, alert: Alert | None) -> None:
        if alert is None:
            self.told = {}
        if alert != self.alert:
            self.alert = alert
            self._write()

    def _write(self) -> None:
        with contextlib.suppress(OSError):
            if self.alert is None:
                self.path.unlink(missing_ok=True)
                return
            document = {
                "alert": asdict(self.alert),
                "told": {name: asdict(one) for name, one in self.told.items()},
            }
            fresh = self.path.with_name(f".{self.path.name}.{os.getpid()}")
            fresh.write_text(json.dumps(document, default=_text))
            fresh.chmod(0o600)
            fresh.replace(self.path)


def load(home: Path) -> Away:
    """What stood in the file of this home when the last process ended; nothing where it is odd."""
    path = home / FILE
    try:
        document = json.loads(path.read_text())
        alert = Alert(**_times(document["alert"]))
        told = {name: Told(**_times(one)) for name, one in document["told"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return Away(path)
    return Away(path, alert, told)


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
