"""The supervisor outlives a full disk, and goes on by itself when there is room again."""

import contextlib
import inspect
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
from supervisor import loggers, poller  # type: ignore[import-untyped]

from bg_assets.local import programs
from bg_assets.local.programs import Program
from bg_assets.local.supervisor import CHECKED_SUPERVISOR, PatientFile, QuickPoller
from bg_assets_tests.small_disk import SmallDisk, mounted

# Tells its process id, then goes on telling.
TELLER = (
    "import itertools, os, sys, time\n"
    "for number in itertools.count():\n"
    "    sys.stdout.write(f'{os.getpid()} says {number}\\n'); sys.stdout.flush()\n"
    "    time.sleep(0.02)\n"
)
SECONDS = 30


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A disk with room for little more than some logs."""
    with mounted(tmp_path, 1) as made:
        yield made


def test_a_full_disk_ends_neither_the_supervisor_nor_what_it_runs(disk: SmallDisk) -> None:
    home = disk.root / "home"
    teller = Program("teller", (sys.executable, "-c", TELLER))
    with programs.supervised(home, [teller], {}) as supervisor:
        first = _eventually(lambda: _teller(home))
        disk.fill(home / "logs" / "supervisord.log")
        # Its end, and the start of the next, are told in the supervisor's own log.
        os.kill(first, signal.SIGKILL)
        second = _eventually(lambda: _child(supervisor.pid, not_=first))
        os.kill(second, signal.SIGKILL)
        third = _eventually(lambda: _child(supervisor.pid, not_=second))
        assert supervisor.poll() is None
        size = _told(home).stat().st_size
        disk.empty()
        _eventually(lambda: _told(home).stat().st_size > size and _teller(home) == third)
        assert supervisor.poll() is None
    assert not _alive(third)


def test_a_home_of_any_name_has_its_programs_running_and_its_logs_closed(tmp_path: Path) -> None:
    home = tmp_path / "100% %(here)s %%" / "x ;y #z \"q\" 'r' é" / "home"
    teller = Program("teller", (sys.executable, "-c", TELLER, str(home)))
    with programs.supervised(home, [teller], {"HOME_OF_TEST": str(home)}) as supervisor:
        pid = _eventually(lambda: _teller(home))
        assert str(home) in Path(f"/proc/{pid}/cmdline").read_text().split("\0")
        assert pid == _child(supervisor.pid, not_=0)
    logs = home / "logs"
    assert {path.name for path in home.iterdir()} == {"logs", "supervisord.conf"}
    for path in (home, logs, *logs.iterdir()):
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_log_that_found_no_room_says_how_much_it_lost_and_is_rolled_over_as_ever(
    disk: SmallDisk,
) -> None:
    path = disk.root / "log"
    log = PatientFile(str(path), maxBytes=5000, backupCount=2)
    _tell(log, "before", 10)
    disk.fill(path)
    _tell(log, "refused", 7)
    disk.empty()
    _tell(log, "after", 1)
    assert "refused" not in _all(path)
    assert "7 writes before this found no room" in _all(path)
    assert _all(path).endswith("after 0\n")
    _tell(log, "then", 2000)
    assert sorted(one.name for one in disk.root.iterdir()) == ["log", "log.1", "log.2"]
    assert path.stat().st_size < 5100
    assert _all(path).endswith("then 1999\n")
    log.close()


def test_a_log_that_is_full_as_it_is_to_be_rolled_over_goes_on_when_there_is_room(
    disk: SmallDisk,
) -> None:
    path = disk.root / "log"
    log = PatientFile(str(path), maxBytes=5000, backupCount=1)
    _tell(log, "before", 600)
    disk.fill(path)
    _tell(log, "refused", 3)
    path.unlink()
    (disk.root / "log.1").unlink(missing_ok=True)
    disk.fill()
    _tell(log, "refused", 500)
    disk.empty()
    _tell(log, "after", 500)
    assert _all(path).endswith("after 499\n")
    assert path.stat().st_size < 5100
    log.close()


def test_a_log_whose_folder_is_away_is_written_when_it_is_back(tmp_path: Path) -> None:
    log = PatientFile(str(tmp_path / "away" / "log"), maxBytes=5000)
    _tell(log, "lost", 2)
    (tmp_path / "away").mkdir()
    _tell(log, "found", 1)
    assert _all(tmp_path / "away" / "log").endswith("2 writes before this found no room\nfound 0\n")
    log.close()


def test_supervisors_loggers_are_those_that_were_checked() -> None:
    advice = "read bg_assets/local/supervisor.py against the new version, then set CHECKED_*"
    assert version("supervisor") == CHECKED_SUPERVISOR, advice
    parameters = inspect.signature(loggers.RotatingFileHandler.__init__).parameters
    assert " ".join(parameters) == "self filename mode maxBytes backupCount", advice
    assert "RotatingFileHandler(filename, 'a', maxbytes, backups)" in inspect.getsource(
        loggers.handle_file
    ), advice


def _tell(log: PatientFile, what: str, times: int) -> None:
    for number in range(times):
        log.emit(loggers.LogRecord(loggers.LevelsByName.INFO, f"{what} {number}\n".encode()))


def _all(path: Path) -> str:
    return path.read_text()


def _told(home: Path) -> Path:
    return home / "logs" / "teller.log"


def _teller(home: Path) -> int | None:
    """Whom the last whole line in the log is from."""
    lines = _told(home).read_text().split("\n")[:-1] if _told(home).exists() else []
    return int(lines[-1].split()[0]) if lines and " says " in lines[-1] else None


def _child(parent: int, *, not_: int) -> int | None:
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return next((int(child) for child in children if int(child) != not_), None)


def _alive(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


def _eventually(done: Callable[[], object]) -> int:
    until = time.monotonic() + SECONDS
    while not (found := done()):
        assert time.monotonic() < until
        time.sleep(0.02)
    assert isinstance(found, int)
    return found


def test_programs_are_started_before_anything_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(poller.Poller, "poll", lambda _, seconds: waited.append(seconds))
    made = object.__new__(QuickPoller)
    for _ in range(3):
        made.poll(1)
    assert waited == [0, 1, 1]
