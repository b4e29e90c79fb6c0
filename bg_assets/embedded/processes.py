"""Which PostgreSQL processes live on a data folder, and how to end them.

A process is known by its working folder, since PostgreSQL's processes all stand in their data
folder: an id from a file may have been given to somebody else since. A zombie counts as dead.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from bg_assets.embedded import EmbeddedUnavailable

PID_FILE = "postmaster.pid"
SOCKET_FILE = ".s.PGSQL.5432"
POLL = 0.02
DELETED = " (deleted)"


@dataclass(frozen=True, slots=True)
class Postmaster:
    """A living server: its process id, its socket folder, its state as it wrote it down.

    The state is starting, stopping, ready or, in the first moments, empty.
    """

    pid: int
    socket_folder: Path | None
    state: str

    def accepts(self) -> bool:
        """Whether it takes connections, through a socket that is still there."""
        return (
            self.state == "ready"
            and self.socket_folder is not None
            and (self.socket_folder / SOCKET_FILE).exists()
        )


def postmaster(data: Path) -> Postmaster | None:
    """The living server of a data folder, or None."""
    lines = _lines(data / PID_FILE)
    lines += [""] * (8 - len(lines))
    try:
        pid = int(lines[0])
    except ValueError:
        return None
    if not _stands_in(pid, data):
        return None
    folder = lines[4].strip()
    return Postmaster(pid, Path(folder) if folder else None, lines[7].strip())


def on(data: Path) -> list[int]:
    """The ids of all living PostgreSQL processes that stand in the folder, or stood in one of
    this name that has been deleted."""
    return [pid for pid in psutil.pids() if _stands_in(pid, data)]


def alive(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    try:
        return psutil.Process(pid).status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True


def end(pid: int, *, fast: float, immediate: float) -> bool:
    """End a server: politely for ``fast`` seconds, then without a checkpoint for ``immediate``.

    Returns whether it is gone. Nothing is lost either way: what was committed is replayed at the
    next start.
    """
    for number, seconds in ((signal.SIGINT, fast), (signal.SIGQUIT, immediate)):
        _send(pid, number)
        if wait_until(lambda: not alive(pid), seconds):
            return True
    return False


def clear(data: Path, socket_folder: Path | None) -> None:
    """Remove what a killed server left: backends that outlived it, its pid file and its socket.

    Call it only when ``postmaster`` found nobody, and under the lock that serialises starting.
    Raises EmbeddedUnavailable when the socket belongs to a living server of another folder, as
    after its home was moved.
    """
    lock = socket_folder / f"{SOCKET_FILE}.lock" if socket_folder else None
    leftovers = [data / PID_FILE, *([lock, lock.with_suffix("")] if lock else [])]
    if not any(os.path.lexists(path) for path in leftovers):
        return
    folders = {data, *(_data_of_socket(lock) if lock else [])}

    def gone() -> bool:
        return not any(on(folder) for folder in folders)

    # An idle backend notices by itself within moments, a busy one only at the end of its query.
    if not wait_until(gone, 0.3):
        for number, seconds in ((signal.SIGQUIT, 2.0), (signal.SIGKILL, 5.0)):
            for pid in [pid for folder in folders for pid in on(folder)]:
                _send(pid, number)
            if wait_until(gone, seconds):
                break
    if lock:
        _refuse_living_owner(lock)
    for path in leftovers:
        path.unlink(missing_ok=True)


def kill(data: Path) -> None:
    """Kill every PostgreSQL process that stands in the folder, and wait until they are gone."""
    for pid in on(data):
        _send(pid, signal.SIGKILL)
    wait_until(lambda: not on(data), 5.0)


def wait_until(done: Callable[[], bool], seconds: float) -> bool:
    """Ask every 20 ms until it is done, for ``seconds`` at most; returns whether it is."""
    until = time.monotonic() + seconds
    while not done():
        if time.monotonic() >= until:
            return False
        time.sleep(POLL)
    return True


def _data_of_socket(lock: Path) -> list[Path]:
    """The data folder that the socket's lock file names: another than ours if the home was
    deleted and its data lay elsewhere."""
    lines = _lines(lock)
    return [Path(lines[1])] if len(lines) > 1 else []


def _refuse_living_owner(lock: Path) -> None:
    # One that is ending stands in no folder any more, and takes a moment to give its memory back.
    if not wait_until(lambda: _living_owner(lock) is None, 3.0):
        raise EmbeddedUnavailable(
            f"The PostgreSQL with process id {_living_owner(lock)} uses {lock.parent} for a folder "
            "that was moved from here: stop what uses it, then try again"
        )


def _living_owner(lock: Path) -> int | None:
    lines = _lines(lock)
    if not lines or not lines[0].strip().isdecimal():
        return None
    pid = int(lines[0])
    try:
        mine = alive(pid) and psutil.Process(pid).name().startswith("postgres")
    except psutil.Error:
        return None
    return pid if mine else None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(errors="replace").splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return []


def _stands_in(pid: int, folder: Path) -> bool:
    try:
        process = psutil.Process(pid)
        if not process.name().startswith("postgres") or not alive(pid):
            return False
        try:
            where = process.cwd()
        except psutil.AccessDenied:
            if os.geteuid() != 0:
                return False
            if str(folder) in process.cmdline():
                return True
            where = _folder_seen_by_itself(process)
    except psutil.Error:
        return False
    names = (str(folder), os.path.realpath(folder))
    return where.removesuffix(DELETED) in names or _same_folder(pid, folder)


def _folder_seen_by_itself(process: psutil.Process) -> str:
    """Look with the process's own user: root in a container may not look into others' processes."""
    ids = process.uids(), process.gids()
    answer = subprocess.run(
        ["readlink", f"/proc/{process.pid}/cwd"],
        user=ids[0].effective,
        group=ids[1].effective,
        extra_groups=[],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    return answer.stdout.removesuffix("\n")


def _same_folder(pid: int, folder: Path) -> bool:
    """Compare the folders themselves, since a home that was moved has another name now."""
    try:
        return Path(f"/proc/{pid}/cwd").samefile(folder)
    except OSError:
        return False


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
