"""A process that has everything imported and forks a copy of itself for each run.

The launcher starts it as ``python -m bg_assets.instance.forkserver``. It has one thread, opens no
connection to anything, and ends when its parent does; the runs that it forked go on.
"""

import contextlib
import fcntl
import gc
import importlib
import io
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType

from bg_assets import settings
from bg_assets.domain.titles import lexicon, tail
from bg_assets.instance import beating, code_changes, notes
from bg_assets.instance.private import names, speaking
from bg_assets.logs import setup
from bg_assets.logs.log import logger
from bg_assets.tracing import spans

KEPT_OUTPUTS = 200
# New objects until the collector looks at them. What a batch reads are hundreds of thousands that
# live until it is written, and none goes round: with Python's 700 a quarter of a run's time went
# into looking at them again and again.
YOUNG = 50_000
# All runs of a machine write it.
LOG_FILE = "runs.log"

LOG = logger("bg_assets.instance.forkserver")

# What every run imports besides its own code, found by comparing sys.modules before and after one.
ON_THE_WAY = (
    *names.IMPORTED_BY_RUNS,
    "numpy",
    "psycopg2.extras",
    "sqlalchemy.dialects.postgresql.psycopg2",
    "upath.implementations.local",
    "bg_assets.instance.coordinator",
    "bg_assets.instance.launcher",
    "bg_assets.instance.local",
    "bg_assets.instance.private.running",
    "bg_assets.instance.storage",
    "bg_assets.instance.worker",
)


@dataclass(frozen=True, slots=True)
class Launch:
    """A run that a forked process is to execute."""

    run_id: str
    instance_ref: str
    output: Path
    # The place in a trace that it goes on from.
    trace: str | None = None


class ForkServer:
    """Answers launch requests on a connection until it closes.

    A request is ``{"run_id", "instance_ref"}``, with ``"trace"`` where it has one. The answer is
    ``{"pid"}``, or ``{"stale": true}`` when the code on the disk is no longer what was imported, or
    ``{"error"}``.
    """

    def __init__(self, connection: Connection, outputs: Path) -> None:
        self._connection = connection
        self._outputs = outputs
        self._children: dict[int, Path] = {}
        self._roots: list[str] = []
        self._loaded: code_changes.Fingerprint | None = None

    def prepare(self, origin: str) -> None:
        """Import what runs need, and the definitions.

        Definitions that fail to load are left to the run, which reports the error as its own.
        """
        for module in ON_THE_WAY:
            importlib.import_module(module)
        spans.prepare()
        from bg_assets.instance.private import running

        imported = set(sys.modules)
        try:
            running.preload(origin)
            # Every run reads it: a third of a second that a forked one has behind it.
            lexicon.shipped()
            if tail.in_use():
                tail.shipped()
        except Exception:
            LOG.exception("definitions_unusable")
            code_changes.forget(kept=imported)
        else:
            self._roots = code_changes.roots()
            self._loaded = code_changes.fingerprint(self._roots)
        self._outputs.mkdir(parents=True, exist_ok=True)
        self._forget_old_outputs()
        # What lives now lives on: no collection shall touch it, and so copy its memory.
        gc.collect()
        gc.freeze()

    def serve(self) -> Launch | None:
        """Answer until the parent is gone; in a forked process, return what it is to execute."""
        signal.signal(signal.SIGCHLD, self._reap)
        self._connection.send_bytes(b"{}")
        while True:
            try:
                request = json.loads(self._connection.recv_bytes())
            except (EOFError, ConnectionError):
                return None
            answer, launch = self._answer(request)
            if launch is not None:
                return launch
            with contextlib.suppress(ConnectionError):
                self._connection.send_bytes(json.dumps(answer).encode())
            if self._loaded is None:
                # The definitions may load the next time: a new server has to try.
                return None

    def _answer(self, request: Mapping[str, str]) -> tuple[dict[str, object], Launch | None]:
        """What to answer; in a forked process, what it is to execute instead."""
        if self._loaded is not None and code_changes.fingerprint(self._roots) != self._loaded:
            return {"stale": True}, None
        run_id = request["run_id"]
        output, trace = self._output(run_id), request.get("trace")
        launch = Launch(run_id, request["instance_ref"], output, trace)
        try:
            pid = self._fork(launch)
        except OSError as err:
            return {"error": f"no process could be made for the run: {err.strerror}"}, None
        return {"pid": pid}, launch if pid == 0 else None

    def _fork(self, launch: Launch) -> int:
        # A child that ends at once must not be reaped before it is known.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        try:
            pid = os.fork()
            if pid == 0:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                self._connection.close()
                self._children.clear()
            else:
                self._children[pid] = launch.output
            return pid
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})

    def _reap(self, _signal: int, _frame: FrameType | None) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            output = self._children.pop(pid, None)
            if status == 0 and output is not None:
                # Dagster has logged whatever went wrong in a run that ended by itself.
                output.unlink(missing_ok=True)

    def _output(self, run_id: str) -> Path:
        return output_of(self._outputs, run_id)

    def _forget_old_outputs(self) -> None:
        outputs = sorted(
            self._outputs.glob("*.log"), key=lambda path: path.stat().st_mtime, reverse=True
        )
        for path in outputs[KEPT_OUTPUTS:]:
            path.unlink(missing_ok=True)
        notes.forget_old(self._outputs)


def output_of(outputs: Path, run_id: str) -> Path:
    """Where a run's process writes what isn't captured: kept only if the process crashed."""
    return outputs / f"{run_id.replace(os.sep, '_')}.log"


def execute(launch: Launch) -> int:
    """Become the process of a run: its own session and output, then what Dagster does in one.

    Returns the exit code; 0 says that Dagster knows how the run ended.
    """
    os.setsid()
    gc.set_threshold(YOUNG, 10, 10)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with launch.output.open("ab") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # What was printed before a kill must be in the captured logs.
            stream.reconfigure(line_buffering=True)
    # Held until this process ends, and not shared with those that inherit its output: a second
    # launch of the run must not execute it once more.
    with launch.output.open("ab") as mine:
        try:
            fcntl.flock(mine, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return 1
        beating.start(launch.output)
        _begin_logs(launch)
        numpy = sys.modules.get("numpy")
        if numpy is not None:
            # Python seeds its own generator anew in a forked process, NumPy does not.
            numpy.random.seed()
        from bg_assets.instance.private import running
        from bg_assets.instance.worker import Worker

        began = time.monotonic()
        LOG.info("run_started")
        try:
            with spans.span("run", parent=launch.trace, seed=launch.run_id, run_id=launch.run_id):
                running.execute(launch.instance_ref, launch.run_id, Worker.here().to_tag())
        except Exception as err:
            notes.leave(launch.output.parent, launch.run_id, err)
            LOG.error("run_crashed", run=launch.run_id, error=type(err).__name__)
            raise
        finally:
            spans.close()
        LOG.info("run_ended", run=launch.run_id, seconds=round(time.monotonic() - began, 3))
        setup.end()
    return 0


def _begin_logs(launch: Launch) -> None:
    """A file of all runs, since what this process prints is captured, or kept if it crashes."""
    config = settings.read()
    folder = config.home / "logs"
    with contextlib.suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    setup.begin("run", config, file=folder / LOG_FILE, run=launch.run_id)


def main(arguments: list[str]) -> int:
    """``arguments``: file descriptor of the connection, folder of the outputs, the definitions."""
    descriptor, outputs, origin = arguments
    # NumPy's library of linear algebra starts a thread for each core as it is imported, and a
    # process that has threads can't be forked safely.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    setup.begin("forkserver", settings.read())
    speaking.through_ours()
    connection = Connection(int(descriptor))
    os.set_inheritable(connection.fileno(), False)
    server = ForkServer(connection, Path(outputs))
    server.prepare(origin)
    LOG.info("forkserver_started")
    launch = server.serve()
    if launch is None:
        return 0
    code = execute(launch)
    # Taking apart what was imported and read costs an eighth of the run of a batch, a third of that
    # of one company.
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
