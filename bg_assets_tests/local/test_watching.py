"""`up` notes its processes and ends what hangs: here those that only sleep, under their names."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import sqlalchemy as sa

from bg_assets import settings
from bg_assets.embedded import processes
from bg_assets.instance import beating
from bg_assets.local import hanging, watching
from bg_assets.local.watching import Watch
from bg_assets.storage import database, workers

SLEEP = "import time; time.sleep(120)"
# Starts what its arguments name, and sleeps as they do.
PARENT = f"""
import subprocess, sys
for word in sys.argv[2:]:
    subprocess.Popen([sys.executable, "-c", {SLEEP!r}, word])
{SLEEP}
"""
KEEPER, DAEMON = "bg_assets.embedded.keeper", "dagster-daemon"


@pytest.fixture
def family() -> Iterator[psutil.Process]:
    """A supervisor with a keeper and a daemon."""
    started = subprocess.Popen(
        [sys.executable, "-c", PARENT, "bg_assets.local.supervisor", KEEPER, DAEMON, "other"]
    )
    found = psutil.Process(started.pid)
    until = time.monotonic() + 20
    while len(found.children()) < 3:
        assert time.monotonic() < until
        time.sleep(0.02)
    everyone = [*found.children(), found]
    yield found
    for one in everyone:
        if one.is_running():
            one.kill()
    started.wait()


@pytest.fixture
def watch(
    family: psutil.Process, engine: sa.Engine, database_url: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Watch:  # fmt: skip
    """A watch over them, on a database in which Dagster has no tables."""
    monkeypatch.setenv("BG_DATABASE_URL", database_url)
    monkeypatch.setenv("BG_DAGSTER_URL", database_url)
    monkeypatch.setenv("BG_HOME", str(tmp_path))
    said: list[str] = []
    made = Watch(settings.read(), engine, said.append, family.pid)
    made.round()
    return made


def child(family: psutil.Process, word: str) -> psutil.Process:
    (found,) = [one for one in family.children() if word in one.cmdline()]
    return found


def stop(one: psutil.Process) -> None:
    one.suspend()
    while one.status() != psutil.STATUS_STOPPED:
        time.sleep(0.01)


def noted(engine: sa.Engine) -> dict[str, str]:
    with engine.connect() as conn:
        return {one.kind: one.health for one in workers.read(conn)}


def test_each_process_is_noted_by_what_it_is_and_those_of_others_are_not(
    watch: Watch, engine: sa.Engine
) -> None:
    assert noted(engine) == {"up": "ok", "supervisor": "ok", "keeper": "ok", "daemon": "ok"}


def test_a_stopped_process_is_told_at_once_and_killed_when_it_stays_so(
    watch: Watch, family: psutil.Process, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper, daemon = child(family, KEEPER), child(family, DAEMON)
    stop(keeper)
    watch.round()
    assert noted(engine)["keeper"] == "stopped"
    assert processes.alive(keeper.pid)

    monkeypatch.setattr(hanging, "STOPPED_SECONDS", 0.0005)
    watch.round()
    assert not processes.alive(keeper.pid)
    assert processes.alive(daemon.pid)
    watch.round()
    assert noted(engine)["keeper"] == "ended"


def test_the_next_look_comes_when_a_stopped_process_has_been_so_for_as_long_as_it_may(
    watch: Watch, family: psutil.Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "EVERY_SECONDS", 100.0)
    monkeypatch.setattr(hanging, "STOPPED_SECONDS", 40.0)
    assert watch.pause() == 100
    stop(child(family, DAEMON))
    watch.round()
    assert 20 < watch.pause() <= 40
    child(family, DAEMON).resume()
    while child(family, DAEMON).status() == psutil.STATUS_STOPPED:
        time.sleep(0.01)
    watch.round()
    assert watch.pause() == 100


def test_a_stopped_supervisor_is_continued_since_all_would_end_with_it(
    watch: Watch, family: psutil.Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop(family)
    monkeypatch.setattr(hanging, "verdict", lambda seen: "was stopped" if seen.stopped else "")
    watch.round()
    until = time.monotonic() + 5
    while family.status() == psutil.STATUS_STOPPED:
        assert time.monotonic() < until
    assert processes.alive(family.pid)


def test_while_the_database_is_away_no_silence_counts_and_stopped_ones_are_ended(
    watch: Watch, family: psutil.Process, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = f"postgresql+psycopg2://x@/nothing?host={tmp_path}"
    monkeypatch.setenv("BG_DATABASE_URL", nowhere)
    monkeypatch.setenv("BG_DAGSTER_URL", nowhere)
    watch.engine = database.make_engine(nowhere)
    seen: list[hanging.Seen] = []

    def verdict(one: hanging.Seen) -> str:
        seen.append(one)
        return "was stopped" if one.stopped else ""

    monkeypatch.setattr(hanging, "verdict", verdict)
    watch.round()
    assert {one.could_beat for one in seen if one.kind == "daemon"} == {0.0}

    keeper = child(family, KEEPER)
    stop(keeper)
    watch.round()
    watch.round()
    assert not processes.alive(keeper.pid)


def test_when_up_stops_nothing_more_is_ended_and_all_are_noted_as_over(
    watch: Watch, family: psutil.Process, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hanging, "verdict", lambda _: "hangs")
    watch.stopping.set()
    watch.round()
    assert processes.alive(family.pid)
    watch.ended()
    assert set(noted(engine).values()) == {"ended"}


def test_a_sign_of_life_is_another_moment_and_not_the_same_one_told_again() -> None:
    known = watching._Known("daemon", 0.0)
    for moment, counts in ((100.0, True), (103.0, False), (98.0, False), (130.0, True)):
        known.beat_at = None
        watching._note_beat(known, moment)
        assert (known.beat_at is not None) is counts
    watching._note_beat(known, None)
    assert known.beat == 130.0


def test_the_file_that_a_run_touches_is_found_whatever_its_output_is(tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    folder.mkdir()
    script = (
        "import sys, time; from pathlib import Path; from bg_assets.instance import beating; "
        "kept = open(sys.argv[1], 'ab'); beating.start(Path(sys.argv[1])); "
        "print(flush=True); time.sleep(60)"
    )
    output = folder / "1234.log"
    with (tmp_path / "elsewhere.log").open("wb") as other:
        run = subprocess.Popen([sys.executable, "-c", script, output], stdout=other)
        until = time.monotonic() + 20
        while not (tmp_path / "elsewhere.log").stat().st_size:
            assert time.monotonic() < until
            time.sleep(0.02)
    assert watching._output_of(run.pid, folder) == output
    assert watching._output_of(run.pid, tmp_path / "another") is None
    run.kill()
    run.wait()
    assert watching._output_of(run.pid, folder) is None
    assert watching._touched(output) is not None
    assert watching._touched(tmp_path / "none.log") is None


def test_a_stopped_run_touches_its_file_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "x.log"
    file.touch()
    os.utime(file, (0, 0))
    script = (
        "import sys, time; from pathlib import Path; from bg_assets.instance import beating; "
        "beating.EVERY_SECONDS = 0.02; beating.start(Path(sys.argv[1])); time.sleep(60)"
    )
    run = subprocess.Popen([sys.executable, "-c", script, file])
    until = time.monotonic() + 20
    while file.stat().st_mtime == 0:
        assert time.monotonic() < until
        time.sleep(0.02)
    process = psutil.Process(run.pid)
    stop(process)
    os.utime(file, (0, 0))
    time.sleep(5 * 0.02)
    assert file.stat().st_mtime == 0
    run.send_signal(signal.SIGCONT)
    while file.stat().st_mtime == 0:
        assert time.monotonic() < until
        time.sleep(0.02)
    run.kill()
    run.wait()
    assert beating.EVERY_SECONDS < hanging.NO_BEAT_SECONDS / 10
