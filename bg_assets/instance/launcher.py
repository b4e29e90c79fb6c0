"""Launching runs on this machine by forking a process that has everything imported already.

Saves the 1.5 s in which a new process imports Dagster, NumPy and the definitions. One machine
only: on a cluster use the launcher of the platform.
"""

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Mapping
from multiprocessing.connection import Pipe
from pathlib import Path
from time import monotonic
from typing import Any, Self

import dagster as dg

from bg_assets import settings
from bg_assets.instance import ending, forkserver, longest
from bg_assets.instance.private import base, names, running
from bg_assets.instance.worker import State, Worker
from bg_assets.tracing.context import TAG

START_SECONDS = 120.0
ANSWER_SECONDS = 20.0
STOP_SECONDS = 5.0
CRASH_OUTPUT_BYTES = 4000
# After this a run whose process was stopped is ended: it holds its company, and rows of the tables.
STOPPED_SECONDS = 15.0


class LaunchFailed(Exception):
    """No process could be made for a run; the message says why."""


class ForkRunLauncher(base.RunLauncher[dg.DagsterInstance], base.ConfigurableClass):
    """Runs are forked from a server process that the first launch starts.

    Each run is a session of its own and outlives the server and whoever launched it. It writes
    what Dagster doesn't capture to ``<BG_HOME>/dagster/runs/<run id>.log``, which stays only if its
    process crashed. Runs are never resumed. The server is started anew when it died or when the
    code on the disk has changed; it ends with the process that started it.
    """

    def __init__(self, inst_data: base.ConfigurableClassData | None = None) -> None:
        self._inst_data = inst_data
        self._lock = threading.Lock()
        self._servers: dict[tuple[str, str], _Server] = {}
        self._stopped_since: dict[Worker, float] = {}
        super().__init__()  # type: ignore[no-untyped-call]

    @property
    def inst_data(self) -> base.ConfigurableClassData | None:
        return self._inst_data

    @classmethod
    def config_type(cls) -> base.UserConfigSchema:
        return {}

    @classmethod
    def from_config_value(
        cls, inst_data: base.ConfigurableClassData, config_value: Mapping[str, Any]
    ) -> Self:
        return cls(inst_data=inst_data, **config_value)

    def launch_run(self, context: base.LaunchRunContext) -> None:
        """Fork a process for the run. Raises LaunchFailed, whereupon Dagster fails the run."""
        run = context.dagster_run
        if names.LONGEST_TAG not in run.tags:
            # Started in the UI or by a backfill: a run of ours that hangs there ends as well.
            limit = longest.tag(settings.read().run_timeout, longest.COMPANIES)
            base.instance_of(self).add_run_tags(run.run_id, limit)
        key = running.repository_origin(run)
        request = {
            "run_id": run.run_id,
            "instance_ref": running.instance_ref(base.instance_of(self)),
        }
        if TAG in run.tags:
            request["trace"] = run.tags[TAG]
        with self._lock:
            # The first answer may be that the code has changed, or that nobody is there any more.
            for _ in range(2):
                server = self._servers.get(key)
                if server is None:
                    server = self._servers[key] = _server(key)
                answer = server.ask(request)
                if answer is not None and not answer.get("stale"):
                    break
                self._servers.pop(key).stop()
            else:
                raise LaunchFailed(
                    "The process that forks runs ends at once or its code keeps changing: "
                    "see the output of the daemon"
                )
        if "error" in answer:
            raise LaunchFailed(str(answer["error"]))

    def terminate(self, run_id: str) -> bool:
        """Interrupt the run, from any process on its machine, and kill it if it does not end.

        A run whose process is gone counts as cancelled at once. Returns whether the run ends;
        waits for it, ending.PATIENCE_SECONDS and a few more at most.
        """
        run = base.instance_of(self).get_run_by_id(run_id)
        if run is None or run.is_finished:
            return False
        base.instance_of(self).report_run_canceling(run)
        worker = Worker.from_tag(run.tags.get(names.WORKER_TAG))
        state = State.GONE if worker is None else worker.state()
        if worker is not None and state in (State.ALIVE, State.STOPPED):
            return self._interrupt(run, worker)
        if worker is not None and state is State.ELSEWHERE:
            self._note(run, f"The run is on host {worker.host}: terminate it from there")
            return False
        if run.status == dg.DagsterRunStatus.STARTED:
            base.instance_of(self).report_run_canceled(
                run, "The process of the run was gone already."
            )
        # A run that is still starting sees by itself that it is to be cancelled.
        return True

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> base.CheckRunHealthResult:
        """Whether the process of a started run lives; one that stays stopped is killed here.

        A run on another host, or of another launcher, can't be judged from here and is left alone:
        Dagster 1.13 fails every run that isn't called RUNNING or SUCCESS, UNKNOWN included.
        """
        worker = Worker.from_tag(run.tags.get(names.WORKER_TAG))
        if worker is None:
            return base.CheckRunHealthResult(
                base.WorkerStatus.RUNNING, "This launcher didn't launch the run: not checked"
            )
        match worker.state():
            case State.ALIVE:
                self._stopped_since.pop(worker, None)
                return base.CheckRunHealthResult(base.WorkerStatus.RUNNING)
            case State.ELSEWHERE:
                return base.CheckRunHealthResult(
                    base.WorkerStatus.RUNNING, f"It is on host {worker.host}: not checked"
                )
            case State.STOPPED:
                return self._stopped(worker)
            case State.GONE:
                self._stopped_since.pop(worker, None)
                return base.CheckRunHealthResult(
                    base.WorkerStatus.FAILED, f"Process {worker.pid} is gone"
                )

    def get_run_worker_debug_info(
        self, run: dg.DagsterRun, include_container_logs: bool | None = True
    ) -> str | None:
        """The end of what the run's process wrote besides its captured logs."""
        path = forkserver.output_of(outputs(), run.run_id)
        try:
            with path.open("rb") as file:
                file.seek(max(0, path.stat().st_size - CRASH_OUTPUT_BYTES))
                text = file.read().decode(errors="replace").strip()
        except OSError:
            return None
        return f"Output of the process ({path}):\n{text}" if text else None

    def dispose(self) -> None:
        """Let the servers end. The runs go on."""
        with self._lock:
            while self._servers:
                self._servers.popitem()[1].stop()

    def _interrupt(self, run: dg.DagsterRun, worker: Worker) -> bool:
        try:
            killed = ending.interrupt(worker)
        except PermissionError:
            self._note(run, f"Process {worker.pid} belongs to another user: terminate it as them")
            return False
        ended = base.instance_of(self).get_run_by_id(run.run_id)
        if ended is not None and not ended.is_finished:
            why = "did not end when it was asked to, and was killed" if killed else "is gone"
            base.instance_of(self).report_run_canceled(ended, f"The process of the run {why}.")
        return True

    def _stopped(self, worker: Worker) -> base.CheckRunHealthResult:
        now = monotonic()
        since = self._stopped_since.setdefault(worker, now)
        message = f"Process {worker.pid} is stopped"
        if now - since < STOPPED_SECONDS:
            return base.CheckRunHealthResult(base.WorkerStatus.RUNNING, message)
        self._stopped_since.pop(worker)
        try:
            ending.kill(worker)
        except PermissionError:
            message += " and belongs to another user, who has to kill it"
            return base.CheckRunHealthResult(base.WorkerStatus.RUNNING, message)
        message = f"Process {worker.pid} was stopped for {STOPPED_SECONDS:g} s, and was killed"
        return base.CheckRunHealthResult(base.WorkerStatus.FAILED, message)

    def _note(self, run: dg.DagsterRun, message: str) -> None:
        base.instance_of(self).report_engine_event(message, run, cls=self.__class__)


def outputs() -> Path:
    """The folder of what the processes of runs write besides their captured logs."""
    return settings.read().home / "dagster" / "runs"


def start_early() -> None:
    """Start the server that the last launch went to, so that the first one need not wait for it.

    Its imports take a second or two, while the rest of a starting daemon has as much to do. Nothing
    is started where nothing was launched yet, or by another Python than this one.
    """
    with contextlib.suppress(OSError, ValueError, TypeError):
        executable, origin = json.loads(_noted().read_text(encoding="utf-8"))
        if executable in ("", sys.executable):
            key = (executable, str(origin))
            _EARLY[key] = _Server(*key, outputs=outputs())


# By the process that launches; taken by the first launch that it fits.
_EARLY: dict[tuple[str, str], "_Server"] = {}


def _noted() -> Path:
    return outputs().parent / "forked-from.json"


def _server(key: tuple[str, str]) -> "_Server":
    """One that is ready for launches from there. Raises LaunchFailed."""
    early, server = _EARLY.pop(key, None), None
    while _EARLY:
        # The definitions are elsewhere now.
        _EARLY.popitem()[1].stop()
    if early is not None:
        # One that has died meanwhile is no reason to fail a run.
        with contextlib.suppress(LaunchFailed):
            early.wait()
            server = early
    if server is None:
        server = _Server(*key, outputs=outputs())
        server.wait()
    # Without the note the next start is slower, and nothing else.
    with contextlib.suppress(OSError):
        _noted().write_text(json.dumps(key), encoding="utf-8")
    return server


class _Server:
    """The fork server of one code location, from the side of the process that launches."""

    def __init__(self, executable: str, origin: str, *, outputs: Path) -> None:
        self._connection, theirs = Pipe()
        try:
            self._process = subprocess.Popen(
                [
                    executable or sys.executable,
                    "-m",
                    "bg_assets.instance.forkserver",
                    str(theirs.fileno()),
                    str(outputs),
                    origin,
                ],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                # One interrupt at the terminal must not reach it, let alone the runs.
                start_new_session=True,
            )
        finally:
            theirs.close()

    def wait(self) -> None:
        """Wait until it takes requests. Raises LaunchFailed."""
        if self._receive(START_SECONDS) is None:
            self.stop()
            raise LaunchFailed(
                "The process that forks runs did not start: see the output of the daemon"
            )

    def ask(self, request: Mapping[str, str]) -> dict[str, Any] | None:
        """Its answer; None if it is gone or silent."""
        try:
            self._connection.send_bytes(json.dumps(request).encode())
        except OSError:
            return None
        return self._receive(ANSWER_SECONDS)

    def stop(self) -> None:
        """Close the connection, at which it ends, and see to it that it does."""
        self._connection.close()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _receive(self, seconds: float) -> dict[str, Any] | None:
        with contextlib.suppress(EOFError, OSError):
            if self._connection.poll(seconds):
                answer: dict[str, Any] = json.loads(self._connection.recv_bytes())
                return answer
        return None
