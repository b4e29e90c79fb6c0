"""How PostgreSQL is made and started: its command lines, its settings, and what its failures mean.

The server gets no pipe of ours: it would keep it, and whoever reads it would wait for ever.
"""

import os
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import psutil

from bg_assets.embedded import EmbeddedUnavailable, processes
from bg_assets.embedded.users import ServerUser

# Recovery after a crash is part of a start.
START_SECONDS = 120.0
KEEP_LOG_BYTES = 10_000_000
TAIL_LINES = 4

SETTINGS = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # A statement, and the detail of an error, hold values: names, e-mails. The client is told.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_checkpoints": "off",
}
INITDB = (
    "--username=postgres",
    "--auth=trust",
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
    "--no-instructions",
)
# An eighth of the machine's memory, within these: 10,000 companies take 400 MB with all there is.
_SHARE, _MOST_MB, _LEAST_MB = 8, 512, 128
# The shell leaves at once, so that the server is nobody's child and no zombie of ours.
DETACH = '"$@" >&2 & echo $!'


def initdb(programs: Path, data: Path, user: ServerUser, log: Path, *, durable: bool) -> None:
    """Fill the empty folder; raises EmbeddedUnavailable with what initdb said."""
    command: list[str | Path] = [
        programs / "initdb",
        "-D",
        data,
        *INITDB,
        *([] if durable else ["--no-sync"]),
    ]
    with log.open("wb") as output:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            check=False,
            cwd="/",
            umask=0o077,
            start_new_session=True,
            env=user.environment(),
            **user.popen(),
        )
    if done.returncode != 0:
        raise _failure("could not make its data folder", log, 0, data)
    log.unlink()


def settled(data: Path) -> processes.Postmaster | None:
    """The living server once it is neither starting nor stopping, or None when there is none.

    Raises EmbeddedUnavailable after START_SECONDS.
    """
    until = time.monotonic() + START_SECONDS
    while True:
        server = processes.postmaster(data)
        if server is None or server.state == "ready":
            return server
        if time.monotonic() >= until:
            raise EmbeddedUnavailable(
                f"PostgreSQL (process {server.pid}) has been {server.state or 'starting'} for "
                f"{START_SECONDS:.0f} s on {data}: wait for it, or end it with kill -QUIT"
            )
        time.sleep(processes.POLL)


def start(
    programs: Path,
    data: Path,
    sockets: Path,
    user: ServerUser,
    log: Path,
    options: Mapping[str, str],
) -> None:
    """Start the server and wait until it takes connections.

    Raises EmbeddedUnavailable with the end of its log.
    """
    settings = SETTINGS | {
        "unix_socket_directories": str(sockets),
        "shared_buffers": f"{buffers(psutil.virtual_memory().total)}MB",
        **options,
    }
    command: list[str | Path] = [programs / "postgres", "-D", data]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    _rotate(log)
    with log.open("ab") as output:
        log.chmod(0o600)
        if user.switched:
            # Where root helps out in an ordinary user's home, that user must be able to go on.
            os.chown(log, log.parent.stat().st_uid, log.parent.stat().st_gid)
        before = output.tell()
        pid = _detached(command, output.fileno(), user)
    ready = processes.wait_until(
        lambda: _ready(data, pid) or not processes.alive(pid), START_SECONDS
    )
    if not _ready(data, pid):
        what = "did not start" if ready else f"was not ready after {START_SECONDS:.0f} s"
        raise _failure(what, log, before, data)


def buffers(memory: int) -> int:
    """How many MB PostgreSQL keeps tables in, on a machine with so many bytes of memory."""
    return min(_MOST_MB, max(_LEAST_MB, (memory >> 20) // _SHARE))


def _detached(command: list[str | Path], output: int, user: ServerUser) -> int:
    """Run the command as a session of its own, its output to the descriptor; gives its id."""
    shell = subprocess.run(
        ["/bin/sh", "-c", DETACH, "sh", *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=output,
        check=True,
        cwd="/",
        umask=0o077,
        start_new_session=True,
        env=user.environment(),
        **user.popen(),
    )
    return int(shell.stdout)


def _ready(data: Path, pid: int) -> bool:
    found = processes.postmaster(data)
    return found is not None and found.pid == pid and found.accepts()


def _rotate(log: Path) -> None:
    if log.exists() and log.stat().st_size > KEEP_LOG_BYTES:
        log.replace(log.with_name(f"{log.name}.1"))


def _failure(what: str, log: Path, offset: int, data: Path) -> EmbeddedUnavailable:
    """The error of a program that failed: one sentence on what to do, then what it said last."""
    with log.open("rb") as written:
        written.seek(offset)
        said = written.read().decode(errors="replace")
    advice = f"the whole log is {log}; BG_DATABASE_URL takes another PostgreSQL"
    if "No space left on device" in said or "Disk quota exceeded" in said:
        advice = f"the disk that holds {data.parent} is full: free some space and try again"
    last = "\n  ".join(said.strip().splitlines()[-TAIL_LINES:]) or "(nothing)"
    return EmbeddedUnavailable(f"The embedded PostgreSQL {what}: {advice}. It said:\n  {last}")
