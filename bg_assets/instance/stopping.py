"""That everything on this machine is being stopped: a mark in the home, and the runs to wait for.

Sensors wait for changes inside their ticks, and the daemon waits for a tick before it ends: at the
mark they return. A mark that a crash left counts for nothing after a minute.
"""

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from bg_assets.instance import ending
from bg_assets.instance.worker import State, Worker

_MARK, _INTERRUPTED = "stopping", "runs-interrupted"
_VALID_SECONDS = 60.0
_POLL = 0.05
# A run that hears it ends within a second; one that waits for the database does not hear it.
_PATIENCE_SECONDS = 2.0
# What executes runs, by the command line that it has from the process it was forked from.
_COMMAND = "bg_assets.instance.forkserver"


def begin(home: Path) -> None:
    """Let the ticks of this home return at once from now on."""
    with contextlib.suppress(OSError):
        (home / _MARK).touch()


def over(home: Path) -> None:
    """Let ticks wait again."""
    with contextlib.suppress(OSError):
        (home / _MARK).unlink(missing_ok=True)


def is_under_way(home: Path) -> bool:
    """Whether ``begin`` was called within the last minute; costs microseconds."""
    try:
        age = time.time() - (home / _MARK).stat().st_mtime
    except OSError:
        return False
    return -_VALID_SECONDS < age < _VALID_SECONDS


def interrupted_since(home: Path, when: float) -> bool:
    """Whether ``end_runs`` interrupted any after that moment, in seconds since 1970."""
    try:
        return (home / _INTERRUPTED).stat().st_mtime > when
    except OSError:
        return False


def end_runs(home: Path, seconds: float, say: Callable[[str], None]) -> None:
    """Wait for the runs of this home to end by themselves, then interrupt what is left.

    What they have not committed by then is pending, and is tried again at the next start; an
    interruption counts as no attempt.
    """
    left = _runs(home)
    if not left:
        return
    say(f"  {len(left)} of the runs still work: waiting for them, {max(0, seconds):.0f} s at most")
    end = time.monotonic() + seconds
    while (left := _alive(left)) and time.monotonic() < end:
        time.sleep(_POLL)
    if left:
        say(f"  interrupted, to be tried again at the next start: {len(left)}")
        with contextlib.suppress(OSError):
            (home / _INTERRUPTED).touch()
    end = time.monotonic() + _PATIENCE_SECONDS
    for worker in left:
        with contextlib.suppress(PermissionError):
            ending.ask(worker)
    while (left := _alive(left)) and time.monotonic() < end:
        time.sleep(_POLL)
    for worker in left:
        with contextlib.suppress(PermissionError):
            ending.kill(worker)


def _runs(home: Path) -> list[Worker]:
    """The processes of runs: sessions of their own whose parent is not the daemon any more."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ProcessLookupError, PermissionError):
            is_one = (
                _COMMAND in process.cmdline()
                and process.environ().get("BG_HOME") == str(home)
                and os.getsid(process.pid) == process.pid
            )
            if is_one:
                found.append(Worker.of(process.pid))
    return _alive(found)


def _alive(workers: list[Worker]) -> list[Worker]:
    return [one for one in workers if one.state() in (State.ALIVE, State.STOPPED)]
