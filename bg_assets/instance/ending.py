"""Ending the process of a run: asked to at first, killed with all that it started if it does not.

A stopped process is continued so that it can end by itself; one that waits for a lock of the
database hears nothing until it has it.
"""

import contextlib
import os
import signal
import time
from collections.abc import Iterator

import psutil

from bg_assets.instance.worker import State, Worker

# What Dagster does on an interrupt takes a fifth of a second.
PATIENCE_SECONDS = 10.0
# One that interrupts a step with a retry policy makes Dagster try it again, the next ends the run.
AGAIN_SECONDS = 1.0
_KILL_SECONDS = 5.0
_HERE = (State.ALIVE, State.STOPPED)


def interrupt(worker: Worker) -> bool:
    """Have a worker on this host end within PATIENCE_SECONDS; kill it where it does not.

    Returns whether it had to be killed. Raises PermissionError where it belongs to another user.
    """
    end = time.monotonic() + PATIENCE_SECONDS
    while (left := end - time.monotonic()) > 0:
        ask(worker)
        if _gone_within(worker, min(left, AGAIN_SECONDS)):
            return False
    return kill(worker)


def ask(worker: Worker) -> None:
    """Ask a worker on this host to end, and wait for nothing. Raises PermissionError."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(worker.pid, signal.SIGINT)
        os.kill(worker.pid, signal.SIGCONT)


def kill(worker: Worker) -> bool:
    """Kill a worker of this host and the session that it leads; returns whether it was there.

    Raises PermissionError where it belongs to another user.
    """
    if worker.state() not in _HERE:
        return False
    for pid in _session(worker):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    _gone_within(worker, _KILL_SECONDS)
    return True


def _session(worker: Worker) -> Iterator[int]:
    """The worker first, so that it can't start another meanwhile."""
    yield worker.pid
    for pid in psutil.pids():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if pid != worker.pid and os.getsid(pid) == worker.pid:
                yield pid


def _gone_within(worker: Worker, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while worker.state() in _HERE:
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True
