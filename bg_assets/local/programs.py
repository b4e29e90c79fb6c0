"""The programs of `up` and `demo`, and the supervisor that starts again what dies."""

import fcntl
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bg_assets import settings
from bg_assets.embedded import privacy
from bg_assets.instance import stopping
from bg_assets.local import bound, code_server

# What a program has to end in, else it is killed; the door gives its requests 10 s.
STOP_SECONDS = 12
# The same for all of them together, and for runs that still work.
STOP_ALL_SECONDS, STOP_RUNS_SECONDS = 18, 10
PRIVATE = 0o077
FRONT = "front"
_SUPERVISOR = "BG_SUPERVISOR_PID"
_FOLDER = "BG_PROGRAM_FOLDER"
DAEMON = ("-m", "bg_assets.instance.daemon", "dagster-daemon")


class CannotStart(Exception):
    """`up` can't start here; the message says what is in the way and what to do."""


@dataclass(frozen=True, slots=True)
class Program:
    """A long-running program by name, and its command line."""

    name: str
    command: tuple[str, ...]
    stop_signal: str = "TERM"
    priority: int = 100
    # Those of a group stop at the same time, one group after another, the highest priority first.
    group: str = ""


def all_programs(config: settings.Settings) -> list[Program]:
    """What runs while `up` does; the database first, since the others want it.

    Raises EmbeddedUnavailable where there is no safe place for the code server's socket.
    """
    socket, workspace = code_server.prepare(config.home)
    web = (sys.executable, "-m", "bg_assets.web.server", str(workspace))
    dagster = [
        Program("code", code_server.command(_beside("dagster"), socket), priority=50),
        Program("daemon", (sys.executable, *DAEMON, "run", "-w", str(workspace)), group=FRONT),
        Program("webserver", web, group=FRONT),
    ]
    receiver = Program("receiver", (_beside("bg-assets"), "receiver"), group=FRONT)
    metrics = Program("metrics", (_beside("bg-assets"), "metrics"), group=FRONT)
    # It sends to those who subscribed, and idles where nobody did.
    sender = Program("notifications", (_beside("bg-assets"), "notifications"), group=FRONT)
    keeper = Program("postgres", (sys.executable, "-m", "bg_assets.embedded.keeper"), priority=1)
    alerts = Program("alerts", (_beside("bg-assets"), "alerts", "run"), group=FRONT)
    told = [alerts] if config.alerts or config.alerts_file else []
    rest = [*dagster, receiver, metrics, sender, *told]
    return rest if config.database_url else [keeper, *rest]


def prepare_dagster_home(home: Path) -> Path:
    """Make the folder that Dagster takes as its own, with a link to the project's dagster.yaml."""
    folder = home / "dagster"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    link, target = folder / "dagster.yaml", settings.PROJECT / "dagster.yaml"
    if not link.is_symlink() or link.readlink() != target:
        fresh = folder / f".dagster.yaml.{os.getpid()}"
        fresh.symlink_to(target)
        fresh.replace(link)
    return folder


def require_free_port(port: int, variable: str) -> None:
    """Raises CannotStart, naming the variable, where something listens on the port already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise CannotStart(
                f"port {port} is busy: stop what listens there, or set {variable} to a free port"
            ) from None


def free_port() -> int:
    """A port of this machine on which nothing listens just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def only_one(home: Path) -> Iterator[None]:
    """Hold the lock that keeps a second `up` out of this home. Raises CannotStart."""
    privacy.close(home)
    with (home / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotStart(
                f"everything is running already in {home}: stop that one with Ctrl-C first, "
                "or set BG_HOME to another folder"
            ) from None
        yield


@contextmanager
def supervised(
    home: Path,
    programs: Sequence[Program],
    env: Mapping[str, str],
    say: Callable[[str], None] = lambda _: None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run the programs under a supervisor until the block ends; then stop them in order.

    The supervisor ends with this process, and the programs with it, even after a kill -9.
    Their output is in ``home/logs``. Runs that still work when all else has ended have
    STOP_RUNS_SECONDS; ``say`` is told what is waited for.
    """
    logs = prepare_logs(home)
    configuration, variables = _configuration(programs, settings.read({**os.environ, **env}))
    file = home / "supervisord.conf"
    file.write_text(configuration)
    stopping.over(home)
    parent = os.getpid()
    with (logs / "supervisor.log").open("ab") as log:
        os.fchmod(log.fileno(), 0o600)
        process = subprocess.Popen(
            [
                # The programs are told by whom they are started: one whose supervisor is killed
                # before they can bind themselves to it must not stay.
                *("/bin/sh", "-c", f'{_SUPERVISOR}=$$ exec "$@"', "sh"),
                *(sys.executable, "-m", "bg_assets.local.supervisor", str(logs), str(file)),
            ],
            env={**os.environ, **env, **variables},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            # Ctrl-C is for this process, which then stops the supervisor, which stops the rest.
            start_new_session=True,
            # What the programs write, logs above all, is for nobody else to read.
            umask=PRIVATE,
            preexec_fn=lambda: bound.bind_to_parent(parent),
        )
    try:
        yield process
    finally:
        stopping.begin(home)
        runs_until = time.monotonic() + STOP_RUNS_SECONDS
        _stop(process)
        stopping.end_runs(home, runs_until - time.monotonic(), say)
        stopping.over(home)
        code_server.clear(home)


def prepare_logs(home: Path) -> Path:
    """The folder of the logs, made where it is missing, closed to other users."""
    logs = home / "logs"
    logs.mkdir(mode=0o700, parents=True, exist_ok=True)
    privacy.close(home)
    return logs


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=STOP_ALL_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_for_port(port: int, process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Wait until something listens on the port; False when the time or the process is over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return True
        except OSError:
            time.sleep(0.2)
    return False


def _configuration(
    programs: Sequence[Program], config: settings.Settings
) -> tuple[str, dict[str, str]]:
    """The supervisor's file: restart for ever, whole process groups, logs of bounded size.

    No path stands in it, since supervisord reads some twice, for comments and for expansions: what
    it takes from the environment, which is the second value, it takes as it is.
    """
    env = {_FOLDER: str(settings.PROJECT)}
    sections = [
        "[supervisord]",
        "logfile=supervisord.log",
        f"logfile_maxbytes={config.log_bytes}",
        f"logfile_backups={config.log_files}",
        "pidfile=../supervisord.pid",
        "childlogdir=.",
        *(["user=root"] if os.geteuid() == 0 else []),
    ]
    bound_to = (sys.executable, "-m", "bg_assets.local.bound")
    for group in dict.fromkeys(program.group for program in programs if program.group):
        members = [program for program in programs if program.group == group]
        sections += [
            f"[group:{group}]",
            f"programs={','.join(program.name for program in members)}",
            f"priority={max(program.priority for program in members)}",
        ]
    for program in programs:
        started, itself = f"BG_START_{program.name}", f"BG_PROGRAM_{program.name}"
        env |= {started: shlex.join(bound_to), itself: shlex.join(program.command)}
        sections += [
            f"[program:{program.name}]",
            f"command=%(ENV_{started})s %(ENV_{_SUPERVISOR})s %(ENV_{itself})s",
            f"directory=%(ENV_{_FOLDER})s",
            f"priority={program.priority}",
            "autorestart=true",
            "startsecs=1",
            # A database that is away for minutes must not end the tries.
            "startretries=1000000",
            f"stopsignal={program.stop_signal}",
            f"stopwaitsecs={STOP_SECONDS}",
            "killasgroup=true",
            f"stdout_logfile={program.name}.log",
            "redirect_stderr=true",
            f"stdout_logfile_maxbytes={config.log_bytes}",
            f"stdout_logfile_backups={config.log_files}",
        ]
    return "\n".join(sections) + "\n", env


def _beside(program: str) -> str:
    """A program of the same installation as this Python."""
    return str(Path(sys.executable).with_name(program))
