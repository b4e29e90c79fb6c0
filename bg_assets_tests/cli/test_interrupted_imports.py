"""Imports that are killed, that lose the database, or that run at the same time."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bg_assets.embedded import processes
from bg_assets.embedded.databases import ensure_database
from bg_assets.embedded.server import EmbeddedPostgres
from bg_assets.storage import database, imports, locks
from bg_assets.storage.locks import Lock
from bg_assets_tests.cli.command import Command
from bg_assets_tests.conftest import NOT_DURABLE, temporary_folder

ROWS = 20_000
_COPYING = "query ilike 'copy staged%' and state = 'active'"
_WRITING = "query ilike '%insert into bg.people%' and wait_event_type = 'Lock'"
_STARTED = "application_name = 'bg_assets'"


@pytest.fixture
def people(bg: Command) -> Path:
    """A file that takes a moment to read."""
    bg.companies("a")
    lines = "".join(f"person-{number},a,Title {number}\n" for number in range(ROWS))
    return bg.file("people.csv", f"id,company_id,title\n{lines}")


def _start(*arguments: object) -> "subprocess.Popen[str]":
    code = "from bg_assets.cli.main import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _backends(bg: Command, which: str) -> list[int]:
    """Backends of this test's database that a command holds, in a certain state."""
    return [
        row[0]
        for row in bg.rows(
            "select pid from pg_stat_activity where datname = current_database() "
            f"and pid <> pg_backend_pid() and {_STARTED} and {which}"
        )
    ]


def _eventually(done: Callable[[], object], what: str, seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < until, f"not within {seconds:g} s: {what}"
        time.sleep(0.002)


@contextmanager
def _nobody_writes_people(bg: Command) -> Iterator[None]:
    with bg.engine.begin() as conn:
        conn.execute(sa.text("lock table bg.people in share mode"))
        yield


@pytest.mark.parametrize("moment", [_COPYING, _WRITING], ids=["reading", "writing"])
def test_an_import_that_is_killed_leaves_nothing_of_the_file(
    bg: Command, people: Path, moment: str
) -> None:
    changes = bg.changes()
    with _nobody_writes_people(bg):
        process = _start("import", "people", people)
        _eventually(lambda: _backends(bg, moment), "the import is on its way")
        process.kill()
        process.communicate()
    _eventually(lambda: not _backends(bg, "true"), "its backend is gone")
    assert bg.value("select count(*) from bg.people") == 0
    assert bg.changes() == changes
    assert bg.json("import", "people", people)["inserted"] == ROWS


def test_an_import_that_is_told_to_stop_leaves_nothing_of_the_file(
    bg: Command, people: Path
) -> None:
    # So that it can't come to its end before it is told.
    with _nobody_writes_people(bg):
        process = _start("import", "people", people)
        _eventually(lambda: _backends(bg, _COPYING), "the import reads")
        process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (128 + signal.SIGTERM, "")
    assert "Traceback" not in err
    _eventually(lambda: not _backends(bg, "true"), "its backend is gone")
    assert bg.value("select count(*) from bg.people") == 0


@pytest.mark.parametrize("moment", [_COPYING, _WRITING], ids=["reading", "writing"])
def test_an_import_that_loses_its_connection_says_so_and_leaves_nothing(
    bg: Command, people: Path, moment: str
) -> None:
    def cut() -> None:
        _eventually(lambda: _backends(bg, moment), "the import is on its way")
        bg.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            f"where datname = current_database() and pid <> pg_backend_pid() and {_STARTED}"
        )

    cutting = threading.Thread(target=cut)
    cutting.start()
    with _nobody_writes_people(bg):
        done = bg("import", "people", people)
        cutting.join()
    assert (done.code, done.out) == (3, "")
    assert len(done.err.splitlines()) == 1
    assert bg.value("select count(*) from bg.people") == 0


def test_a_database_that_is_killed_under_an_import_has_nothing_of_the_file(
    monkeypatch: pytest.MonkeyPatch, people: Path
) -> None:
    home = temporary_folder("bg-tests-killed-")
    monkeypatch.setenv("BG_HOME", str(home))
    monkeypatch.delenv("BG_DATABASE_URL")
    monkeypatch.delenv("BG_DAGSTER_URL")
    server = EmbeddedPostgres(home, options=NOT_DURABLE)
    engine = None
    try:
        with server.acquire():
            url = server.url("bg_assets")
            ensure_database(url)
            database.migrate(url)
            engine = database.make_engine(url)
            killed = Command(engine, people.parent)
            killed.execute("insert into bg.companies (id, name) values ('a', 'Company a')")
            holding = engine.connect()
            holding.execute(sa.text("lock table bg.people in share mode"))
            process = _start("import", "people", people)
            _eventually(lambda: _backends(killed, _COPYING), "the import reads")
            processes.kill(server.data)
            holding.invalidate()
            holding.close()
            out, err = process.communicate(timeout=30)
            assert (process.returncode, out, len(err.splitlines())) == (3, "", 1), err
            engine.dispose()
            server.ensure()
            assert killed.value("select count(*) from bg.people") == 0
    finally:
        if engine is not None:
            engine.dispose()
        server.destroy()
        shutil.rmtree(home)


def test_imports_of_the_same_people_at_once_wait_for_each_other(bg: Command, people: Path) -> None:
    first, *rest = people.read_text().splitlines()
    back = bg.file("back.csv", "\n".join([first, *reversed(rest[: ROWS // 2])]) + "\n")
    lots = [
        _start("import", "people", people, "--full-snapshot"),
        _start("import", "people", back, "--full-snapshot"),
        _start("import", "people", people, "--full-snapshot"),
        _start("import", "companies", bg.file("c.csv", "id,name\na,Other\n")),
    ]
    for process in lots:
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
    active = bg.value("select count(*) from bg.people where status = 'active'")
    assert active in {ROWS, ROWS // 2}


def test_an_import_says_that_it_waits_for_another(bg: Command) -> None:
    bg.companies("a")
    path = bg.file("p.csv", "id,company_id\np1,a\n")
    with bg.engine.begin() as conn:
        locks.take(conn, Lock.IMPORT)
        process = _start("import", "people", path)
        assert process.stderr is not None
        assert "waiting for another import" in process.stderr.readline()
    out, _ = process.communicate(timeout=30)
    assert (process.returncode, out) == (0, "people: 1 new, 0 changed, 0 as before, 0 rejected\n")


def test_a_file_that_changes_while_it_is_read_leaves_nothing(
    bg: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    bg.companies("a")
    bad = bg.file("bad.csv", "id,company_id\np1,a\np2,nowhere\n")
    judge = imports.judge

    def judge_and_cut(*given: Any, **named: Any) -> imports.Rejected:
        os.truncate(bad, 19)
        return judge(*given, **named)

    monkeypatch.setattr(imports, "judge", judge_and_cut)
    done = bg("import", "people", bad)
    assert done.code == 1
    assert "changed while it was read" in done.err
    assert bg.value("select count(*) from bg.people") == 0
