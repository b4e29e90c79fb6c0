"""What the door does besides answering: chores that are done again and again, whatever happens."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from bg_assets.receiver.link import LOG, Unavailable

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0


@dataclass(frozen=True, slots=True)
class Chore:
    """A chore: its name as /readyz tells it, the seconds between its turns, and a turn of it."""

    name: str
    every: float
    turn: Callable[[], Awaitable[None]]


class Upkeep:
    """Does the chores, each on a task of its own; one that fails is tried again, ever later.

    Only for the thread of the event loop.
    """

    def __init__(self, chores: Sequence[Chore]) -> None:
        self._chores = chores
        self._tasks: list[asyncio.Task[None]] = []
        self._failing: dict[str, str] = {}

    @property
    def failing(self) -> Mapping[str, str]:
        """The chores whose last turn failed, each with the kind of the error."""
        return self._failing

    def start(self) -> None:
        """Begin."""
        self._tasks = [asyncio.create_task(self._forever(chore)) for chore in self._chores]

    async def stop(self) -> None:
        """End all of them, in the middle of a turn if need be."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _forever(self, chore: Chore) -> None:
        pause = chore.every
        while True:
            try:
                await chore.turn()
            except Unavailable as err:
                # The link tells of it, and it costs nothing to ask again soon.
                self._failing[chore.name] = type(err).__name__
                pause = chore.every
            except (Exception, asyncio.CancelledError) as err:
                task = asyncio.current_task()
                if isinstance(err, asyncio.CancelledError) and task and task.cancelling():
                    raise
                self._note(chore.name, type(err).__name__)
                pause = min(max(2 * pause, _FIRST_PAUSE), _LONGEST_PAUSE)
            else:
                self._failing.pop(chore.name, None)
                pause = chore.every
            await asyncio.sleep(pause)

    def _note(self, name: str, kind: str) -> None:
        if self._failing.get(name) != kind:
            # Without the error's message, which may quote what is stored.
            LOG.error("chore_failed", chore=name, error=kind)
        self._failing[name] = kind
