"""A copy of the project with a PostgreSQL of its own, in which tests are run on a planted fault.

Each run is a fork of this process, which has imported what takes long but nothing of the project:
a trial costs what its tests cost. Whatever a run started or left behind ends with it.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import coverage
import psutil
import psycopg2
import pytest

from bench import mutant_reach
from bg_assets.embedded.server import EmbeddedPostgres

_OPTIONS = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
_MEMORY = Path("/dev/shm")
_MEMORY_BYTES = 2 << 30
_LEFT_OUT = (".git", ".venv", ".bg", "__pycache__", ".*_cache", ".hypothesis", "*.egg-info")
_MARK = "BG_MUTANTS_TRIAL"
_PROCESS = "BG_MUTANTS_PROCESS"
# What pytest would import at each start: of no use here, or imported already.
_PLUGINS = ("cacheprovider", "schemathesis", "xdist", "anyio")
_QUIET = (
    "-q", "--tb=line", "--hypothesis-seed=0", "-W", "ignore::pytest.PytestAssertRewriteWarning",
    *(f"-pno:{name}" for name in _PLUGINS),
)  # fmt: skip
_FAST = "not slow and not system and not browser"
# Of one test, before it counts as hanging: it may share two cores with others.
_PATIENCE = 45.0
_RC = """
[run]
source = {root}/bg_assets
data_file = {data}
parallel = true
sigterm = true
context = ${{BG_MUTANTS_PROCESS-}}
disable_warnings = no-data-collected,module-not-measured,module-not-imported
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run of tests ended: ``caught`` by the test ``by``, by a hang, or not at all."""

    caught: bool
    by: str
    seconds: float


class Workshop:
    """A copy and its server, to be used as a context; one run at a time."""

    def __init__(self, project: Path) -> None:
        # Each test makes a database, which is a thousand small files.
        roomy = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _MEMORY_BYTES
        self._folder = Path(tempfile.mkdtemp(prefix="bgm-", dir=_MEMORY if roomy else None))
        self._folder.chmod(0o711)
        self.root = self._folder / "tree"
        self._project = project
        self._server = EmbeddedPostgres(self._folder / "pg", options=_OPTIONS)
        self._stack = contextlib.ExitStack()
        self._trial: _Trial | None = None

    def __enter__(self) -> Self:
        self._stack.callback(shutil.rmtree, self._folder, ignore_errors=True)
        with contextlib.ExitStack() as undo:
            undo.callback(self._stack.close)
            shutil.copytree(
                self._project, self.root, ignore=shutil.ignore_patterns(*_LEFT_OUT), symlinks=True
            )
            (self._folder / "tmp").mkdir()
            # By its content: a fault may have the size of what it replaces, in the same second.
            subprocess.run(
                [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "checked-hash",
                 str(self.root)],
                check=True,
            )  # fmt: skip
            self._stack.callback(self._server.destroy)
            self._stack.enter_context(self._server.acquire())
            self._stack.callback(self.end)
            undo.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def measure(self, tests: Sequence[str]) -> mutant_reach.Reach:
        """Run all fast tests below these paths once, noting which lines each of them runs."""
        rc = self._folder / "coveragerc"
        data = self._folder / "coverage"
        rc.write_text(_RC.format(root=self.root, data=data), encoding="utf-8")
        notes = self._folder / "notes.json"
        self._fork(lambda: _measure(rc, tests, notes), lambda test: 600)
        while (outcome := self.ended()) is None:
            time.sleep(0.2)
        if not notes.exists():
            raise RuntimeError(f"the tests could not be run: {self.output()}") from None
        noted = json.loads(notes.read_text(encoding="utf-8"))
        coverage.Coverage(config_file=str(rc)).combine(strict=True)
        assert outcome
        return mutant_reach.read(data, self.root, noted["seconds"], noted["failed"])

    def start(self, module: str, code: str, seconds: Mapping[str, float]) -> None:
        """Run tests on the module with this code; the outcome is to be asked for.

        ``seconds`` is what each of them took unharmed.
        """
        path = self.root / module
        unharmed = path.read_text(encoding="utf-8")
        path.write_text(code, encoding="utf-8")
        notes = self._folder / "notes.json"
        notes.unlink(missing_ok=True)
        tests = list(seconds)
        self._fork(
            lambda: _judge(tests, notes), lambda test: _PATIENCE + 5 * seconds.get(test, 0.0)
        )
        assert self._trial
        self._trial.undo = lambda: path.write_text(unharmed, encoding="utf-8")

    def ended(self) -> Outcome | None:
        """How the run ended; None while it is going on."""
        trial = self._trial
        assert trial
        pid, status = os.waitpid(trial.pid, os.WNOHANG)
        hanging = not pid and trial.hangs()
        if not pid and not hanging:
            return None
        trial.reaped = not hanging
        seconds = time.monotonic() - trial.began
        self.end()
        if hanging:
            return Outcome(True, "hang", seconds)
        code = os.waitstatus_to_exitcode(status)
        notes = self._folder / "notes.json"
        noted = json.loads(notes.read_text(encoding="utf-8")) if notes.exists() else {}
        by = noted.get("by") or ("" if code == 0 else f"exit {code}: {self.output()[-300:]}")
        # A fault may take the parameters of all its tests away: nobody noticed.
        silent = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
        return Outcome(code not in silent, by, seconds)

    def end(self) -> None:
        """End the run and all it started, put the module right, drop the databases it made."""
        trial, self._trial = self._trial, None
        if trial is None:
            return
        if not trial.reaped:
            _kill_forked(trial.pid)
        for _ in range(50):
            if not _kill_marked(trial.mark):
                break
            time.sleep(0.02)
        if not trial.reaped:
            os.waitpid(trial.pid, 0)
        trial.undo()
        self._drop_databases()
        shutil.rmtree(self._folder / "tmp", ignore_errors=True)
        (self._folder / "tmp").mkdir(exist_ok=True)

    def output(self) -> str:
        """The last words of the last run."""
        path = self._folder / "output"
        return path.read_text(encoding="utf-8", errors="replace")[-2000:] if path.exists() else ""

    def _fork(self, work: Callable[[], int], patience: Callable[[str], float]) -> None:
        mark = uuid.uuid4().hex
        beat = self._folder / "beat"
        beat.write_text("", encoding="utf-8")
        sys.stdout.flush()
        pid = os.fork()
        if not pid:
            self._child(work, mark)
        self._trial = _Trial(pid, mark, beat, patience, time.monotonic(), lambda: None)

    def _child(self, work: Callable[[], int], mark: str) -> None:
        """Never returns. What the project says of itself is read from the copy, by all below."""
        code = 3
        try:
            os.setsid()
            for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(name, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            self._settle_in(mark)
            code = int(work())
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _settle_in(self, mark: str) -> None:
        output = os.open(self._folder / "output", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for target, source in ((0, nothing), (1, output), (2, output)):
            os.dup2(source, target)
        os.chdir(self.root)
        for name in [one for one in os.environ if one.startswith(("BG_", "DAGSTER_", "COVERAGE_"))]:
            if name != "BG_SHARED_DATA":
                del os.environ[name]
        data = self._project.parent / "shared" / "data"
        os.environ.setdefault("BG_SHARED_DATA", str(data))
        os.environ |= {
            _MARK: mark,
            "TMPDIR": str(self._folder / "tmp"),
            "PYTHONPATH": str(self.root),
            "PYTHONDONTWRITEBYTECODE": "1",
            "BG_TEST_DATABASE_URL": self._server.url("postgres"),
        }
        sys.dont_write_bytecode = True
        tempfile.tempdir = None
        sys.path[:] = [str(self.root), *(one for one in sys.path if not self._is_project(one))]
        for name in [one for one in sys.modules if one.split(".")[0] == "bg_assets"]:
            del sys.modules[name]

    def _is_project(self, path: str) -> bool:
        return Path(path or ".").resolve() == self._project.resolve()

    def _drop_databases(self) -> None:
        connection = psycopg2.connect(_plain(self._server.url("postgres")))
        connection.autocommit = True
        with contextlib.closing(connection), connection.cursor() as cursor:
            cursor.execute(
                "select datname from pg_database where datname <> 'postgres' and not datistemplate"
            )
            for (name,) in cursor.fetchall():
                cursor.execute(f'drop database if exists "{name}" with (force)')


def _plain(url: str) -> str:
    return url.replace("postgresql+psycopg2://", "postgresql://")


@dataclass(slots=True)
class _Trial:
    """A run under way: its process, the mark of all its processes, the test that it is at."""

    pid: int
    mark: str
    beat: Path
    patience: Callable[[str], float]
    began: float
    undo: Callable[[], Any]
    reaped: bool = False

    def hangs(self) -> bool:
        """Whether the test that it is at has taken longer than this one may."""
        age = time.time() - self.beat.stat().st_mtime
        return age > self.patience(self.beat.read_text(encoding="utf-8", errors="replace"))


def _kill_forked(pid: int) -> None:
    """Kill the process and what it forked: /proc shows our own environment for these."""
    process = psutil.Process(pid)
    for one in [*process.children(recursive=True), process]:
        with contextlib.suppress(psutil.Error):
            one.kill()


def _kill_marked(mark: str) -> int:
    """Kill the programs that carry the mark in their environment; returns how many there were."""
    found = 0
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(_MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                process.kill()
                found += 1
    return found


class _Judge:
    """Only these tests, in this order; notes the first that fails."""

    def __init__(self, tests: Sequence[str], notes: Path) -> None:
        self._order = {test: number for number, test in enumerate(tests)}
        self._notes = notes
        self._beat = notes.with_name("beat")

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = sorted(
            (item for item in items if item.nodeid in self._order),
            key=lambda item: self._order[item.nodeid],
        )

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._beat.write_text(nodeid, encoding="utf-8", errors="replace")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            said = str(report.longrepr).strip().splitlines()
            self._note(f"{report.nodeid}: {said[-1][:200] if said else ''}")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            said = str(report.longrepr).strip().splitlines()
            self._note(f"{report.nodeid} can't be read: {said[-1][:200] if said else ''}")

    def _note(self, by: str) -> None:
        if not self._notes.exists():
            self._notes.write_text(json.dumps({"by": by}), encoding="utf-8")


def _judge(tests: Sequence[str], notes: Path) -> int:
    files = list(dict.fromkeys(test.split("::")[0] for test in tests))
    return pytest.main(["-x", *_QUIET, *files], plugins=[_Judge(tests, notes)])


class _Measure:
    """Tells coverage which test is running, and notes how long each takes and which fail."""

    def __init__(self, measured: coverage.Coverage, beat: Path) -> None:
        self._measured = measured
        self._beat = beat
        self._now = ""
        self.seconds: dict[str, float] = {}
        self.failed: list[str] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Any:
        self._beat.touch()
        os.environ[_PROCESS] = mutant_reach.PROCESS + item.nodeid.split("::")[0]
        self._switch(item.nodeid)
        try:
            return (yield)
        finally:
            self._switch("")

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Any:
        before = self._now
        if fixturedef.scope != "function":
            self._switch(mutant_reach.SHARED)
        try:
            return (yield)
        finally:
            self._switch(before)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0) + report.duration
        if report.failed:
            self.failed.append(report.nodeid)
        if report.skipped and report.when != "teardown":
            self.failed.append(report.nodeid)

    def _switch(self, context: str) -> None:
        self._now = context
        self._measured.switch_context(context)


def _measure(rc: Path, tests: Sequence[str], notes: Path) -> int:
    os.environ["COVERAGE_PROCESS_START"] = str(rc)
    # What pytest makes of the tests is kept for all later runs.
    sys.dont_write_bytecode = False
    measured = coverage.Coverage(config_file=str(rc))
    measured.start()
    plugin = _Measure(measured, notes.with_name("beat"))
    code = pytest.main([*_QUIET, "-m", _FAST, *tests], plugins=[plugin])
    measured.stop()
    measured.save()
    noted = {"seconds": plugin.seconds, "failed": plugin.failed}
    notes.write_text(json.dumps(noted), encoding="utf-8")
    return code
