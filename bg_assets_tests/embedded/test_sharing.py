"""One server for all processes of a home, for as long as any of them needs it."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from bg_assets.embedded import processes
from bg_assets.embedded.server import EmbeddedPostgres
from bg_assets_tests.embedded import command
from bg_assets_tests.embedded.conftest import ask


def test_two_commands_that_start_at_once_share_one_server(empty_home: Path) -> None:
    both = [command.begin(empty_home), command.begin(empty_home)]
    first, second = [each.wait_until_ready() for each in both]
    assert first.server == second.server
    assert first.url == second.url
    assert ask(first.url, "select 1") == 1
    assert [first.end(), second.end()] == [0, 0]
    assert not EmbeddedPostgres(empty_home).running()


def test_the_last_one_out_stops_the_server(home: Path, server: EmbeddedPostgres) -> None:
    first, second = command.run(home), command.run(home)
    first.end()
    assert server.running()
    second.end()
    assert not server.running()
    assert not processes.alive(second.server)


def test_an_orphaned_server_is_adopted_and_ends_with_its_new_user(
    home: Path, server: EmbeddedPostgres
) -> None:
    killed = command.run(home)
    killed.kill()
    assert server.running()
    heir = command.run(home)
    assert heir.server == killed.server
    heir.end()
    assert not server.running()


def test_a_lease_is_released_once_however_often_it_is_asked(server: EmbeddedPostgres) -> None:
    with server.acquire() as outer:
        inner = server.acquire()
        inner.release()
        inner.release()
        assert server.running()
        assert not server.stop()
        outer.release()
        assert not server.running()
    assert not server.leased()


def test_a_forked_child_keeps_the_server_when_its_parent_ends(
    home: Path, server: EmbeddedPostgres
) -> None:
    script = (
        "import os, sys, time; from pathlib import Path;"
        "from bg_assets.embedded.server import EmbeddedPostgres;"
        f"lease = EmbeddedPostgres(Path({str(home)!r}), options={command.NOT_DURABLE}).acquire();"
        "child = os.fork();"
        "time.sleep(60) if child == 0 else print(child, flush=True)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=command.ROOT
    )
    assert parent.stdout is not None
    with parent.stdout as said:
        child = int(said.readline())
    assert parent.wait(30) == 0
    assert server.running()
    assert server.leased()
    os.kill(child, signal.SIGKILL)
    assert processes.wait_until(lambda: not server.leased(), 5)
    assert server.stop()
    assert not server.running()


def test_a_command_that_forgets_to_release_stops_the_server_as_it_ends(
    home: Path, server: EmbeddedPostgres
) -> None:
    script = (
        "from pathlib import Path; from bg_assets.embedded.server import EmbeddedPostgres;"
        f"server = EmbeddedPostgres(Path({str(home)!r}), options={command.NOT_DURABLE});"
        "lease = server.acquire(); assert server.running()"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=command.ROOT, timeout=30)
    assert server.data.exists()
    assert not server.running()


def test_two_homes_have_two_servers_that_know_nothing_of_each_other(
    homes: Callable[[], Path],
) -> None:
    one, two = [EmbeddedPostgres(homes(), options=command.NOT_DURABLE) for _ in range(2)]
    with one.acquire(), two.acquire():
        ask(one.psql_url("postgres"), "create table mine (id int)")
        assert ask(one.psql_url("postgres"), "select to_regclass('mine')") == "mine"
        assert ask(two.psql_url("postgres"), "select to_regclass('mine')") is None
        one.stop(force=True)
        assert two.running()
