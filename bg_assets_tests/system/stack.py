"""Everything that `bg-assets up` runs, in a home of its own, for tests that need the real thing."""

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import psutil
import sqlalchemy as sa

from bg_assets import settings
from bg_assets.embedded import EmbeddedUnavailable, processes
from bg_assets.embedded.databases import ensure_database
from bg_assets.embedded.server import EmbeddedPostgres
from bg_assets.local import programs
from bg_assets.storage import database
from bg_assets_tests import scan
from bg_assets_tests.conftest import NOT_DURABLE, temporary_folder
from bg_assets_tests.instance.conftest import write_config

PREFIX = "bg-system-"
POLL = 0.05
LOG_LINES = 60
UP = ("-c", "from bg_assets.cli.main import main; main()", "up")
UP_SECONDS = 120
# How long a process that was killed may take to be there again, on a busy machine.
RESTART = 60


@dataclass
class Stack:
    """A home with its database, and the programs of `up` while ``running``.

    ``instance`` and ``engine`` are the test's own; they outlive every process that is killed.
    """

    home: Path
    env: dict[str, str]
    server: EmbeddedPostgres
    engine: sa.Engine
    instance: dg.DagsterInstance
    supervisor: "subprocess.Popen[bytes] | None" = None
    _stop: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    @property
    def port(self) -> int:
        """The port of the UI."""
        return int(self.env["BG_WEB_PORT"])

    @property
    def door(self) -> str:
        """Where the webhook door is."""
        return f"http://127.0.0.1:{self.env['BG_RECEIVER_PORT']}"

    def start(self, *names: str) -> None:
        """Run the named programs of `up` under its supervisor."""
        config = settings.read({**os.environ, **self.env})
        chosen = [one for one in programs.all_programs(config) if one.name in names]
        self.supervisor = self._stop.enter_context(programs.supervised(self.home, chosen, self.env))

    def stop(self) -> None:
        """Kill whatever there is, which is quicker than to stop it in order."""
        try:
            self.kill_all()
        finally:
            self._stop.close()

    def kill_all(self) -> None:
        """Kill -9 every process of this home at once, the database's too."""
        self._kill_processes()
        processes.kill(self.server.data)
        # One that was just being started is seen only now.
        eventually(lambda: not self._kill_processes(), 10, "all processes are gone")

    def _kill_processes(self) -> list[psutil.Process]:
        found = self.processes()
        for process in found:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        return found

    def processes(self) -> list[psutil.Process]:
        """All living processes with this home in their environment: all but the database's."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                    continue
                if process.environ().get("BG_HOME") == str(self.home):
                    found.append(process)
        return found

    def find(self, *words: str) -> list[psutil.Process]:
        """The processes with all these words in their command lines."""
        return [
            process
            for process in self.processes()
            if all(word in _command(process) for word in words)
        ]

    def daemon(self) -> psutil.Process:
        """The process of Dagster's daemon, as soon as there is one."""
        return self._one("dagster-daemon")

    def code_server(self) -> psutil.Process:
        """The process in which the sensors tick, as soon as there is one."""
        return self._one("api", "grpc")

    def fork_servers(self) -> list[psutil.Process]:
        """The process that forks runs, if there has been one already."""
        daemon = self.daemon().pid
        return [one for one in self.find("forkserver") if _parent(one) == daemon]

    def workers(self) -> list[psutil.Process]:
        """The processes of runs, each the leader of its session; the server that forks is none."""
        daemon = {one.pid for one in self.find("dagster-daemon")}
        gone_or_daemon = daemon | {0}
        return [one for one in self.find("forkserver") if _parent(one) not in gone_or_daemon]

    def _one(self, *words: str) -> psutil.Process:
        found = eventually(lambda: self.find(*words), RESTART, f"there is a {words[0]}")
        assert len(found) == 1, [_command(one) for one in found]
        only: psutil.Process = found[0]
        return only

    def cli(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run `bg-assets` as a user would."""
        return subprocess.run(
            [sys.executable, "-c", "from bg_assets.cli.main import main; main()", *arguments],
            env={**os.environ, **self.env},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def status(self) -> dict[str, Any]:
        """What `bg-assets status --json` prints."""
        done = self.cli("status", "--json")
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def execute(self, statement: str, **parameters: object) -> None:
        """Run one statement in a transaction of its own."""
        with self.engine.begin() as conn:
            conn.execute(sa.text(statement), parameters)

    def rows(self, statement: str, **parameters: object) -> list[Any]:
        """The rows that a statement gives."""
        with self.engine.begin() as conn:
            return list(conn.execute(sa.text(statement), parameters))

    def value(self, statement: str, **parameters: object) -> Any:
        """The first value that a statement gives; None where it gives no row."""
        with self.engine.begin() as conn:
            return conn.execute(sa.text(statement), parameters).scalar()

    def runs_of(self, company: str, *statuses: str) -> list[str]:
        """The ids of the Dagster runs of a company's partition, newest first."""
        wanted = [dg.DagsterRunStatus(status) for status in statuses]
        found = dg.RunsFilter(tags={"dagster/partition": company}, statuses=wanted)
        return [run.run_id for run in self.instance.get_runs(found)]

    def wait_for_run(self, run_id: str, status: str, seconds: float = 20) -> dg.DagsterRun:
        """Wait until the run has come to an end, which must be the one given."""

        def ended() -> dg.DagsterRun | None:
            run = self.instance.get_run_by_id(run_id)
            return run if run is not None and run.is_finished else None

        run: dg.DagsterRun = eventually(ended, seconds, f"run {run_id} has ended")
        assert run.status.value == status
        return run

    def logs(self) -> list[tuple[str, str]]:
        """The ends of all log files, by name."""
        files = [*(self.home / "logs").glob("*.log"), self.server.log]
        files += (self.home / "dagster" / "runs").glob("*.log")
        return [
            (path.name, "\n".join(path.read_text(errors="replace").splitlines()[-LOG_LINES:]))
            for path in sorted(files)
            if path.exists()
        ]


def eventually(done: Callable[[], Any], seconds: float, what: str) -> Any:
    """Ask until the answer is true, and return it; fail with ``what`` did not come about."""
    until = time.monotonic() + seconds
    while not (found := done()):
        assert time.monotonic() < until, f"not within {seconds:g} s: {what}"
        time.sleep(POLL)
    return found


def make_template(folder: Path) -> None:
    """Make a home whose database has both schemas, and leave it with nothing running."""
    server = EmbeddedPostgres(folder, options=NOT_DURABLE)
    with server.acquire():
        ensure_database(server.url("bg_assets"))
        ensure_database(server.url("dagster"))
        database.migrate(server.url("bg_assets"))
        _instance(folder, server).dispose()


@contextlib.contextmanager
def stack_in(
    template: Path,
    variables: Mapping[str, str],
    disk: Path | None = None,
    server_options: Mapping[str, str] = NOT_DURABLE,
) -> Iterator[Stack]:
    """A stack in a copy of the template; afterwards nothing of it is left, whatever happened.

    It lies on the ``disk``, where there is one.
    """
    parent = temporary_folder(PREFIX, disk)
    home = parent / "home"
    subprocess.run(["cp", "-a", template, home], check=True)
    server = EmbeddedPostgres(home, options=server_options)
    made: Stack | None = None
    try:
        with server.acquire() as lease:
            env = {
                "BG_HOME": str(home),
                "DAGSTER_HOME": str(programs.prepare_dagster_home(home)),
                "BG_WEB_PORT": str(free_port()),
                "BG_RECEIVER_PORT": str(free_port()),
                "BG_METRICS_PORT": str(free_port()),
                "BG_DATABASE_URL": "",
                "BG_ENCRYPTION_KEYS": "",
                "BG_DAGSTER_URL": "",
                **variables,
            }
            engine = database.make_engine(server.url("bg_assets"), pool_size=10)
            made = Stack(home, env, server, engine, _instance(home, server))
            yield made
            look_through(made)
            lease.release()
    finally:
        if made is not None:
            made.stop()
            made.instance.dispose()
            made.engine.dispose()
        server.destroy()
        shutil.rmtree(parent)


def look_through(stack: Stack) -> None:
    """Fail if a secret, or anybody whom the test invented, is in logs or in Dagster's tables."""
    with contextlib.suppress(EmbeddedUnavailable):
        # A test may have killed it.
        stack.server.ensure()
    try:
        wanted = scan.needles(stack.engine, stack.home)
        dagster = sa.create_engine(stack.env["BG_DAGSTER_URL"] or stack.server.url("dagster"))
        found = scan.in_dagster(wanted, dagster)
        dagster.dispose()
    except sa.exc.OperationalError:
        wanted, found = scan.needles(home=stack.home), []
    scan.nothing([*found, *scan.of_home(wanted, stack.home)])


def up(stack: Stack) -> "subprocess.Popen[bytes]":
    """Start `bg-assets up` as the leader of a process group, and wait until it says it runs."""
    said = stack.home / "up.log"
    with said.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *UP],
            env={**os.environ, **stack.env},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    # A test that fails leaves it running.
    stack._stop.callback(_reaped, process)
    eventually(
        lambda: "running; Ctrl-C" in said.read_text() or process.poll() is not None,
        UP_SECONDS,
        "up says that it runs",
    )
    assert process.poll() is None, said.read_text()
    return process


def _reaped(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait()


def free_port() -> int:
    """A port on which nothing listens just now.

    Below those that the kernel gives to whoever connects: else it may be taken meanwhile.
    """
    while True:
        port = secrets.choice(range(20_000, 32_000))
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def kill(process: psutil.Process) -> None:
    """Kill -9 and see that it is gone, or a zombie that nobody reaps."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(signal.SIGKILL)
    eventually(lambda: not processes.alive(process.pid), 5, "the killed process is gone")


def _instance(home: Path, server: EmbeddedPostgres) -> dg.DagsterInstance:
    folder = home / "watching"
    write_config(folder, server.url("dagster"))
    return dg.DagsterInstance.from_config(str(folder))


def _command(process: psutil.Process) -> list[str]:
    try:
        return " ".join(process.cmdline()).replace("/", " ").replace(".", " ").split()
    except psutil.Error:
        return []


def _parent(process: psutil.Process) -> int:
    try:
        parent: int = process.ppid()
        return parent
    except psutil.NoSuchProcess:
        return 0
