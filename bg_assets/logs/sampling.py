"""Which of many equal lines are written: the first of each minute, then one in so many.

Those left out are counted, and the count stands on the next line that is written, or on a line of
its own: added up, nothing is missing. Only events that the catalogue says come ``often`` are
thinned out, each kind of them by itself.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from bg_assets.logs import catalogue
from bg_assets.logs.lean import EventDict, WrappedLogger, structlog

WINDOW_SECONDS = 60.0
FIRST = 20
EVERY = 100
LEFT_OUT = "left_out"

_Key = tuple[str, str]


@dataclass(slots=True)
class _Window:
    began: float
    seen: int = 0
    left_out: int = 0


class Sampler:
    """A processor of structlog, which drops what is left out; safe between threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._windows: dict[_Key, _Window] = {}

    def __call__(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        """Let the event pass, with what was left out before it, or raise DropEvent."""
        name = str(event.get("event"))
        if name not in catalogue.OFTEN:
            return event
        key = (name, str(event.get("kind", "")))
        with self._lock:
            passes, missing = self._judge(key, self._clock())
        if not passes:
            raise structlog.DropEvent
        if missing:
            event[LEFT_OUT] = missing
        return event

    def _judge(self, key: _Key, now: float) -> tuple[bool, int]:
        window = self._windows.get(key)
        if window is None:
            window = self._windows[key] = _Window(now)
        elif now - window.began >= WINDOW_SECONDS:
            window.began, window.seen = now, 0
        window.seen += 1
        if window.seen > FIRST and (window.seen - FIRST) % EVERY:
            window.left_out += 1
            return False, 0
        missing, window.left_out = window.left_out, 0
        return True, missing

    def take_left_out(self, *, at_the_end: bool = False) -> list[tuple[str, str, int]]:
        """What was left out of minutes that are over and is told nowhere yet; all at the end.

        Name and kind of the event, and how many.
        """
        told = []
        with self._lock:
            now = self._clock()
            for (name, kind), window in list(self._windows.items()):
                if not at_the_end and now - window.began < WINDOW_SECONDS:
                    continue
                if window.left_out:
                    told.append((name, kind, window.left_out))
                del self._windows[name, kind]
        return told


SAMPLER = Sampler()
