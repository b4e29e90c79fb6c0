"""A process of this host, told from every later one with the same id; and how it is.

Nothing of what it does belongs here.
"""

import socket
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Process:
    """A process of this host: ``started`` tells it from others; its age in s, memory in bytes."""

    host: str
    pid: int
    started: str
    is_stopped: bool
    age: float
    memory: int


def host() -> str:
    """The name of this host, as processes are told by it."""
    return socket.gethostname()


def seen(pid: int) -> Process | None:
    """A process as it is now; None if it is gone."""
    found = look(pid)
    try:
        process = psutil.Process(pid)
        with process.oneshot():
            age = max(0.0, time.time() - process.create_time())
            memory = process.memory_info().rss
    except psutil.Error:
        return None
    if found is None:
        return None
    return Process(host(), pid, found[0], found[1], age, memory)


def look(pid: int) -> tuple[str, bool] | None:
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
