"""How far a run is, in its log: a line now and then, and none in a run that is over soon."""

import time
from collections.abc import Callable

EVERY_SECONDS = 10.0


class Progress:
    """Tells how many of all companies are done, every ten seconds at most."""

    def __init__(
        self, say: Callable[[str], None], total: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._say = say
        self._total = total
        self._clock = clock
        self._next = clock() + EVERY_SECONDS
        self._done = 0

    def add(self, companies: int) -> None:
        """So many more are done."""
        self._done += companies
        if self._clock() >= self._next:
            self._next = self._clock() + EVERY_SECONDS
            self._say(f"{self._done} of {self._total} companies")
