"""The process that executes a run: how a run's tag names it, and whether it still lives."""

import json
import os
import socket
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Self

from bg_assets import process


class State(Enum):
    """What is known of a worker from here."""

    ALIVE = "alive"
    STOPPED = "stopped"
    GONE = "gone"
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True)
class Worker:
    """A process on a host. ``started`` tells it from a later one with the same id."""

    host: str
    pid: int
    started: str

    @classmethod
    def here(cls) -> Self:
        """This process."""
        return cls.of(os.getpid())

    @classmethod
    def of(cls, pid: int) -> Self:
        """A process of this host."""
        found = process.look(pid)
        return cls(socket.gethostname(), pid, found[0] if found else "")

    @classmethod
    def from_tag(cls, text: str | None) -> Self | None:
        """The worker that a tag names; None where there is none or it can't be read."""
        try:
            found = json.loads(text or "")
            return cls(str(found["host"]), int(found["pid"]), str(found["started"]))
        except (ValueError, KeyError, TypeError):
            return None

    def to_tag(self) -> str:
        """The value of the tag that ``from_tag`` reads."""
        return json.dumps(asdict(self))

    def state(self) -> State:
        """Whether it lives. A zombie, or another process with its id, means that it is gone.

        One that was stopped (SIGSTOP) lives and does nothing until it is continued.
        """
        if self.host != socket.gethostname():
            return State.ELSEWHERE
        found = process.look(self.pid)
        if found is None or found[0] != self.started:
            return State.GONE
        return State.STOPPED if found[1] else State.ALIVE

    def system_restarted(self) -> bool:
        """Whether its machine or container was started anew since; False where that is unknown."""
        first = process.look(1)
        if self.host != socket.gethostname() or first is None:
            return False
        boot, _, began = first[0].rpartition("/")
        its_boot, _, its_start = self.started.rpartition("/")
        if not boot or not its_boot:
            return False
        return boot != its_boot or (its_start.isdigit() and int(began) > int(its_start))
