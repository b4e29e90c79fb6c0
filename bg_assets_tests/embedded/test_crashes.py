"""After a kill -9 of any process at any moment the next command finds a server, and its data."""

import contextlib
import os
import shutil
import signal
import threading
from pathlib import Path

import psutil
import psycopg2
import pytest

from bg_assets.embedded import EmbeddedUnavailable, binaries, processes
from bg_assets.embedded.server import EmbeddedPostgres
from bg_assets_tests.embedded import command
from bg_assets_tests.embedded.conftest import ask


def test_what_was_committed_is_there_after_a_kill_of_everything(
    home: Path, server: EmbeddedPostgres
) -> None:
    killed = command.run(home)
    ask(killed.url, "create table kept as select 42 as answer")
    living = processes.on(server.data)
    assert killed.server in living
    assert len(living) > 3
    for pid in [killed.process.pid, *living]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    killed.kill()
    assert (server.data / processes.PID_FILE).exists()
    after = command.run(home)
    assert after.server != killed.server
    assert ask(after.url, "select answer from kept") == 42
    after.end()


def test_a_busy_backend_that_outlived_its_server_is_ended_before_the_next_start(
    server: EmbeddedPostgres,
) -> None:
    with server.acquire():
        busy = threading.Thread(target=_count_for_minutes, args=[server.psql_url("postgres")])
        busy.start()
        assert processes.wait_until(lambda: _backends(server) == 1, 10)
        found = processes.postmaster(server.data)
        assert found is not None
        os.kill(found.pid, signal.SIGKILL)
        assert processes.wait_until(lambda: not server.running(), 10)
        outlived = processes.on(server.data)
        server.ensure()
        assert server.running()
        assert outlived
        assert not set(outlived) & set(processes.on(server.data))
        busy.join(10)
        assert not busy.is_alive()


def test_a_server_that_is_a_zombie_counts_as_dead(home: Path, server: EmbeddedPostgres) -> None:
    parent = command.run(home, "parent")
    os.kill(parent.server, signal.SIGKILL)
    assert processes.wait_until(
        lambda: psutil.Process(parent.server).status() == psutil.STATUS_ZOMBIE, 5
    )
    assert not server.running()
    after = command.run(home)
    assert psutil.Process(parent.server).status() == psutil.STATUS_ZOMBIE
    assert ask(after.url, "select 1") == 1
    after.end()
    parent.end()


def test_an_initdb_that_was_killed_half_way_leaves_nothing_that_is_trusted(
    empty_home: Path,
) -> None:
    server = EmbeddedPostgres(empty_home, options=command.NOT_DURABLE)
    interrupted = command.begin(empty_home)
    assert processes.wait_until(lambda: any(server.folder.glob("data.new-*/base")), 20)
    for each in psutil.Process(interrupted.process.pid).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            each.kill()
    interrupted.kill()
    assert not server.data.exists()
    with server.acquire():
        assert ask(server.psql_url("postgres"), "select 1") == 1
    assert not list(server.folder.glob("data.new-*"))


def test_a_server_whose_socket_was_cleared_away_is_started_again(server: EmbeddedPostgres) -> None:
    with server.acquire():
        before = processes.postmaster(server.data)
        assert before is not None
        assert before.socket_folder is not None
        shutil.rmtree(before.socket_folder)
        assert not server.running()
        with server.acquire():
            assert ask(server.psql_url("postgres"), "select 1") == 1
        after = processes.postmaster(server.data)
        assert after is not None
        assert after.pid != before.pid


def test_a_home_that_is_deleted_takes_its_server_along(
    home: Path, server: EmbeddedPostgres
) -> None:
    using = command.run(home)
    shutil.rmtree(home)
    assert processes.alive(using.server)
    assert using.end() == 0
    assert not processes.alive(using.server)
    assert not home.exists()


def test_a_home_that_is_deleted_and_made_again_has_a_new_server(
    home: Path, server: EmbeddedPostgres
) -> None:
    orphaned = command.run(home)
    ask(orphaned.url, "create table gone (id int)")
    orphaned.kill()
    shutil.rmtree(home)
    with server.acquire():
        assert not processes.alive(orphaned.server)
        assert ask(server.psql_url("postgres"), "select to_regclass('gone')") is None


def test_a_setting_that_the_server_refuses_is_an_error_with_the_end_of_its_log(home: Path) -> None:
    server = EmbeddedPostgres(home, options={**command.NOT_DURABLE, "work_mem": "a lot"})
    with pytest.raises(EmbeddedUnavailable, match=r"did not start(.|\n)*work_mem"):
        server.acquire()
    assert not server.leased()
    with EmbeddedPostgres(home, options=command.NOT_DURABLE).acquire():
        assert server.running()


def test_a_full_disk_is_named_as_such(empty_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = EmbeddedPostgres(empty_home)
    programs = empty_home.parent / "bin"
    programs.mkdir()
    initdb = programs / "initdb"
    initdb.write_text("#!/bin/sh\necho 'could not write: No space left on device' >&2\nexit 1\n")
    initdb.chmod(0o755)
    monkeypatch.setattr(binaries, "folder", lambda *_: programs)
    with pytest.raises(EmbeddedUnavailable, match=r"is full: free some space(.|\n)*No space left"):
        server.acquire()
    assert not server.data.exists()


def _count_for_minutes(url: str) -> None:
    with pytest.raises(psycopg2.OperationalError):
        ask(url, "select count(*) from generate_series(1, 2000000000) a where a % 7 = 1")


def _backends(server: EmbeddedPostgres) -> int:
    count = ask(
        server.psql_url("postgres"),
        "select count(*)::int from pg_stat_activity where query like 'select count(*) from gen%' "
        "AND state = 'active' AND backend_type = 'client backend'",
    )
    assert isinstance(count, int)
    return count
