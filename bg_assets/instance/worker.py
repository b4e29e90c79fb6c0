"""The process that executes a run: how a run's tag names it, and whether it still lives."""

import json
import os
import socket
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path
from typing import Self

import psutil

_PROC = Path("/proc")


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
        found = _look(pid)
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
        found = _look(self.pid)
        if found is None or found[0] != self.started:
            return State.GONE
        return State.STOPPED if found[1] else State.ALIVE

    def system_restarted(self) -> bool:
        """Whether its machine or container was started anew since; False where that is unknown."""
        first = _look(1)
        if self.host != socket.gethostname() or first is None:
            return False
        boot, _, began = first[0].rpartition("/")
        its_boot, _, its_start = self.started.rpartition("/")
        if not boot or not its_boot:
            return False
        return boot != its_boot or (its_start.isdigit() and int(began) > int(its_start))


def _look(pid: int) -> tuple[str, bool] | None:
    """When a process started, in a form that no other process has, and whether it is stopped.

    None if it is gone. On Linux the start is in ticks since this boot: a change of the clock must
    not look like another process.
    """
    if not (_PROC / "self" / "stat").exists():
        return _look_by_clock(pid)
    try:
        # The second field, the name, may hold spaces and brackets.
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # "t" is a debugger's doing, and not for us to end.
    return None if fields[0] in "ZX" else (f"{boot}/{fields[19]}", fields[0] == "T")


def _look_by_clock(pid: int) -> tuple[str, bool] | None:
    try:
        process = psutil.Process(pid)
        status = process.status()
        if status in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
            return None
        return str(int(process.create_time())), status == psutil.STATUS_STOPPED
    except psutil.NoSuchProcess:
        return None
