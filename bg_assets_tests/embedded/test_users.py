"""The server's user where root starts it: one of its own, else one that it shares, and says so."""

import os
import pwd
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from bg_assets.embedded import EmbeddedUnavailable, keeper, processes, users
from bg_assets.embedded.server import EmbeddedPostgres
from bg_assets_tests.embedded import command
from bg_assets_tests.embedded.conftest import ask

pytestmark = pytest.mark.usefixtures("as_root")

# A user for these tests, so that the machine's own is neither needed nor removed.
OWN = "bg_assets_test"
# Connects as the user given, after its imports, which may lie where only root may read.
CONNECT = (
    "import os, sys, psycopg2; uid = int(sys.argv[2]); os.setgroups([]); os.setgid(uid);"
    "os.setuid(uid); psycopg2.connect(sys.argv[1]).cursor().execute('select 1')"
)


@pytest.fixture
def can_make(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine without the user, on which one can be made; it is gone afterwards."""
    makers = tuple((*maker[:-1], OWN) for maker in users.MAKERS)
    monkeypatch.setattr(users, "OWN", OWN)
    monkeypatch.setattr(users, "MAKERS", makers)
    _remove()
    programs = [shutil.which(maker[0], path=f"{os.environ['PATH']}:/usr/sbin") for maker in makers]
    if not any(programs) or not os.access("/etc/passwd", os.W_OK):
        pytest.skip("no user can be made on this machine")
    yield
    _remove()


@pytest.fixture
def cannot_make(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without the user, on which none can be made: no program, or one that fails."""
    monkeypatch.setattr(users, "OWN", "no_such_user")
    monkeypatch.setattr(users, "MAKERS", (("no-such-program",), ("false",)))


@pytest.mark.usefixtures("can_make")
def test_the_server_of_root_runs_as_a_user_of_its_own_which_is_made(empty_home: Path) -> None:
    server = EmbeddedPostgres(empty_home, options=command.NOT_DURABLE)
    with server.acquire():
        uid = pwd.getpwnam(OWN).pw_uid
        assert _uid(server) == server.data.stat().st_uid == uid
        assert uid != pwd.getpwnam(users.SHARED).pw_uid
        assert users.server_user(empty_home / "none yet").uid == uid
        assert server.remark == ""
        assert ask(server.psql_url("postgres"), "select 1") == 1


@pytest.mark.usefixtures("can_make")
def test_a_process_of_nobody_reaches_neither_the_servers_socket_nor_its_data(
    empty_home: Path,
) -> None:
    (empty_home / "logs").mkdir(mode=0o755, parents=True)
    server = EmbeddedPostgres(empty_home, options=command.NOT_DURABLE)
    with server.acquire():
        assert _connect(server, 0).returncode == 0
        refused = _connect(server, pwd.getpwnam(users.SHARED).pw_uid)
        assert refused.returncode == 1
        assert "Permission denied" in refused.stderr
        for folder in (empty_home, empty_home / "logs", server.folder, server.data):
            assert folder.stat().st_mode & 0o007 == 0


@pytest.mark.usefixtures("can_make")
def test_data_of_nobody_is_handed_over_with_all_that_is_in_it(
    empty_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = EmbeddedPostgres(empty_home, options=command.NOT_DURABLE)
    with monkeypatch.context() as without:
        without.setattr(users, "OWN", "no_such_user")
        without.setattr(users, "MAKERS", ())
        with server.acquire():
            ask(server.psql_url("postgres"), "create table kept as select 42 as answer")
            assert _uid(server) == pwd.getpwnam(users.SHARED).pw_uid
            # As versions before left them.
            empty_home.chmod(0o755)
            server.folder.chmod(0o711)
            os.chown(empty_home, -1, 0)
            os.chown(server.folder, -1, 0)
    with server.acquire():
        own = pwd.getpwnam(OWN)
        assert _uid(server) == own.pw_uid
        assert ask(server.psql_url("postgres"), "select answer from kept") == 42
        owners = {path.lstat().st_uid for path in [server.data, *server.data.rglob("*")]}
        assert owners == {own.pw_uid}
        assert (empty_home.stat().st_gid, empty_home.stat().st_mode & 0o777) == (own.pw_gid, 0o710)


@pytest.mark.usefixtures("can_make")
def test_data_does_not_change_hands_while_somebody_uses_it(
    empty_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = EmbeddedPostgres(empty_home, options=command.NOT_DURABLE)
    nobody = pwd.getpwnam(users.SHARED).pw_uid
    with monkeypatch.context() as without:
        without.setattr(users, "OWN", "no_such_user")
        without.setattr(users, "MAKERS", ())
        lease = server.acquire()
    with lease:
        url = server.psql_url("postgres")
        processes.kill(server.data)
        with server.acquire():
            assert _uid(server) == nobody
            # Whoever holds the first lease finds it where it was.
            assert ask(url, "select 1") == 1


@pytest.mark.usefixtures("can_make")
@pytest.mark.parametrize("own", [True, False])
def test_data_of_another_container_whose_user_id_means_nothing_here_is_taken_over(
    homes: Callable[[], Path], monkeypatch: pytest.MonkeyPatch, own: bool
) -> None:
    server = EmbeddedPostgres(homes(), options=command.NOT_DURABLE)
    for path in [server.data, *server.data.rglob("*")]:
        os.chown(path, 64321, 64321)
    if not own:
        monkeypatch.setattr(users, "OWN", "no_such_user")
        monkeypatch.setattr(users, "MAKERS", ())
    with server.acquire():
        assert _uid(server) == pwd.getpwnam(OWN if own else users.SHARED).pw_uid


def test_a_hand_over_that_was_cut_short_is_finished_and_follows_no_link(
    homes: Callable[[], Path], can_make: None, tmp_path: Path
) -> None:
    server = EmbeddedPostgres(homes(), options=command.NOT_DURABLE)
    nobody, own = pwd.getpwnam(users.SHARED), users.own_user()
    assert own is not None
    somebodys = tmp_path / "somebody's"
    somebodys.touch()
    os.chown(somebodys, nobody.pw_uid, nobody.pw_gid)
    for path in [server.data, *server.data.rglob("*")]:
        if "base" not in path.parts:
            os.chown(path, nobody.pw_uid, nobody.pw_gid, follow_symlinks=False)
        else:
            os.chown(path, own.uid, own.gid)
    (server.data / "foreign").touch()
    os.chown(server.data / "foreign", 64322, -1)
    (server.data / "planted").symlink_to(somebodys)
    os.chown(server.data / "planted", nobody.pw_uid, nobody.pw_gid, follow_symlinks=False)
    with server.acquire():
        assert _uid(server) == own.uid
        assert somebodys.stat().st_uid == nobody.pw_uid
        assert (server.data / "planted").lstat().st_uid == own.uid
        assert (server.data / "foreign").stat().st_uid == 64322


@pytest.mark.usefixtures("can_make")
def test_data_that_its_own_user_could_not_reach_stays_nobodys(
    empty_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = EmbeddedPostgres(empty_home, options=command.NOT_DURABLE)
    nobody = pwd.getpwnam(users.SHARED)
    with monkeypatch.context() as without:
        without.setattr(users, "OWN", "no_such_user")
        without.setattr(users, "MAKERS", ())
        server.acquire().release()
    os.chown(empty_home.parent, -1, nobody.pw_gid)
    empty_home.parent.chmod(0o710)
    with server.acquire():
        assert _uid(server) == nobody.pw_uid
        assert "runs as the user nobody" in server.remark


def test_another_users_data_whose_owner_has_no_name_is_refused_with_what_to_do(
    homes: Callable[[], Path],
) -> None:
    server = EmbeddedPostgres(homes(), options=command.NOT_DURABLE)
    for path in (server.folder, server.data, *server.data.rglob("*")):
        os.chown(path, 64321, 64321)
    with pytest.raises(EmbeddedUnavailable, match=r"user id 64321 has no name.*/etc/passwd"):
        server.acquire()
    os.chown(server.folder, 0, 0)


@pytest.mark.usefixtures("cannot_make")
def test_where_no_user_can_be_made_the_server_starts_and_says_whom_it_shares_one_with(
    empty_home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = EmbeddedPostgres(empty_home, options=command.NOT_DURABLE)
    with server.acquire():
        assert _uid(server) == pwd.getpwnam(users.SHARED).pw_uid
        assert "runs as the user nobody" in server.remark
        assert "useradd --system" in server.remark
        stop = threading.Event()
        stop.set()
        assert keeper.keep(empty_home, stop) == 0
        assert "runs as the user nobody" in caplog.text


def test_an_ordinary_users_data_stays_that_users(empty_home: Path, can_make: None) -> None:
    nobody = pwd.getpwnam(users.SHARED)
    server = EmbeddedPostgres(empty_home, options=command.NOT_DURABLE)
    for folder in (empty_home, server.folder):
        folder.mkdir()
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    server.data.mkdir(mode=0o700)
    os.chown(server.data, nobody.pw_uid, nobody.pw_gid)
    user = users.server_user(server.data)
    assert server._settled_user(server.data, user, alone=True) == user


def _uid(server: EmbeddedPostgres) -> int:
    found = processes.postmaster(server.data)
    assert found is not None
    uid: int = psutil.Process(found.pid).uids().effective
    return uid


def _connect(server: EmbeddedPostgres, uid: int) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", CONNECT, server.psql_url("postgres"), str(uid)],
        capture_output=True,
        text=True,
        check=False,
    )


def _remove() -> None:
    """Without a user of this name this does nothing."""
    for remover in (["userdel", OWN], ["deluser", OWN]):
        try:
            subprocess.run(remover, capture_output=True, check=False)
        except FileNotFoundError:
            continue
