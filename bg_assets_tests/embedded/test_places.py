"""Where data and socket lie: deep folders, odd names, ordinary users, folders closed to nobody."""

import os
import pwd
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bg_assets.embedded import EmbeddedUnavailable, binaries, places, processes
from bg_assets.embedded.server import EmbeddedPostgres
from bg_assets.embedded.users import server_user
from bg_assets_tests.embedded import command
from bg_assets_tests.embedded.conftest import ask


def test_a_deep_folder_with_an_odd_name_works(empty_home: Path) -> None:
    deep = empty_home.parent / ("very deep " * 12) / ('$HOME "quoted" `it\'s` é ' * 4) / "home"
    assert len(str(deep)) > 200
    server = EmbeddedPostgres(deep, options=command.NOT_DURABLE)
    with server.acquire():
        assert ask(server.psql_url("postgres"), "SHOW data_directory") == str(server.data)


def test_the_server_listens_on_a_private_socket_only_and_in_utc(server: EmbeddedPostgres) -> None:
    with server.acquire():
        url = server.psql_url("postgres")
        found = processes.postmaster(server.data)
        assert found is not None
        assert found.socket_folder is not None
        assert found.socket_folder.stat().st_mode & 0o777 == 0o700
        assert found.socket_folder.stat().st_uid == server.data.stat().st_uid
        assert ask(url, "SHOW listen_addresses") == ""
        assert ask(url, "SHOW timezone") == "UTC"
        assert ask(url, "SHOW server_encoding") == "UTF8"
    assert not found.socket_folder.exists()


def test_the_log_holds_no_values_of_a_failed_statement(server: EmbeddedPostgres) -> None:
    with server.acquire():
        url = server.psql_url("postgres")
        ask(url, "create table people (email text unique)")
        ask(url, "insert into people values ('a@example.com')")
        with pytest.raises(Exception, match="duplicate key"):
            ask(url, "insert into people values ('a@example.com')")
    assert "example" not in server.log.read_text()


def test_another_tmpdir_makes_no_difference(
    server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with server.acquire():
        before = server.url("bg_assets")
        monkeypatch.setenv("TMPDIR", str(tmp_path))
        assert EmbeddedPostgres(server.home).url("bg_assets") == before


@pytest.mark.parametrize("case", ["open to others", "a link", "a file", "somebody else's"])
def test_a_socket_folder_that_others_could_have_prepared_is_refused(
    server: EmbeddedPostgres, case: str, tmp_path: Path
) -> None:
    user = server_user(server.data)
    folder = places.socket_folder(server.folder, user)
    said = "belongs to another user"
    if case == "a link":
        folder.symlink_to(tmp_path)
        said = "is not a folder"
    elif case == "a file":
        folder.touch()
        said = "is not a folder"
    else:
        folder.mkdir()
        folder.chmod(0o700 if case == "somebody else's" else 0o777)
    try:
        if case == "open to others":
            said = "is open to other users"
            if user.switched:
                os.chown(folder, user.uid, user.gid)
        elif case == "somebody else's" and not user.switched:
            pytest.skip("only root can make a folder of somebody else's")
        with pytest.raises(EmbeddedUnavailable, match=f"{folder} {said}.*remove it"):
            server.acquire()
        assert not server.leased()
        assert os.path.lexists(folder)
    finally:
        shutil.rmtree(folder) if folder.is_dir() and not folder.is_symlink() else folder.unlink()


@pytest.mark.usefixtures("as_root")
def test_an_ordinary_user_works_in_a_closed_folder_of_their_own(empty_home: Path) -> None:
    entry = pwd.getpwnam("nobody")
    needed = (Path(__file__), Path(sys.prefix) / "lib")
    closed = [
        folder for one in needed for folder in one.parents if not folder.stat().st_mode & 0o001
    ]
    if closed:
        pytest.skip(f"the checkout or its environment is closed to other users at {closed[0]}")
    empty_home.mkdir(mode=0o700)
    os.chown(empty_home, entry.pw_uid, entry.pw_gid)
    using = command.run(empty_home, "nobody")
    server = EmbeddedPostgres(empty_home)
    assert (server.data.stat().st_uid, server.folder.stat().st_mode & 0o777) == (
        entry.pw_uid,
        0o700,
    )
    # Root finds the same server, and leaves it to its user.
    with server.acquire():
        assert processes.postmaster(server.data).pid == using.server  # type: ignore[union-attr]
    assert server.running()
    assert using.end() == 0
    assert not server.running()


@pytest.fixture
def closing_mask() -> Iterator[None]:
    """What is made is closed to others, unless it is opened."""
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.mark.usefixtures("as_root", "closing_mask")
def test_data_that_its_user_could_not_reach_lies_outside_and_binaries_are_copied(
    empty_homes: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    outside, home = empty_homes() / "bg_assets", empty_homes()
    outside.parent.mkdir(mode=0o755)
    outside.parent.chmod(0o755)
    home.parent.chmod(0o700)
    _close_wheel(home.parent, monkeypatch)
    server = EmbeddedPostgres(home, options=command.NOT_DURABLE, outside=(outside,))
    with server.acquire():
        assert server.data.is_relative_to(outside)
        ask(server.psql_url("postgres"), "create table kept (id int)")
        other = EmbeddedPostgres(home, outside=(outside,))
        with other.acquire():
            assert ask(other.psql_url("postgres"), "select to_regclass('kept')") == "kept"
    assert len(list(outside.glob("pgsql-*"))) == 1
    assert home.parent.stat().st_mode & 0o777 == 0o700
    server.destroy()
    assert sorted(path.name[:6] for path in outside.iterdir()) == ["lock", "pgsql-"]


@pytest.mark.usefixtures("as_root", "closing_mask")
def test_data_outside_follows_a_home_that_moves_but_not_one_that_is_copied_or_made_anew(
    empty_homes: Callable[[], Path],
) -> None:
    outside, home = empty_homes() / "bg_assets", empty_homes()
    outside.parent.mkdir()
    outside.parent.chmod(0o711)
    home.parent.chmod(0o700)
    user = server_user(home)
    folder = home / "postgres"
    folder.mkdir(parents=True)
    first = places.new_data_folder(folder, user, (outside,)).parent
    assert places.data_folder(folder) == first / "data"

    moved = home.with_name("moved")
    home.rename(moved)
    assert places.data_folder(moved / "postgres") == first / "data"
    assert places.new_data_folder(moved / "postgres", user, (outside,)).parent == first

    shutil.copytree(moved, home)
    assert places.data_folder(folder) == folder / "data"
    second = places.new_data_folder(folder, user, (outside,)).parent
    assert second not in (first, folder)
    assert places.data_folder(moved / "postgres") == first / "data"

    (second / "data").mkdir()
    shutil.rmtree(home)
    folder.mkdir(parents=True)
    assert places.new_data_folder(folder, user, (outside,)).parent == second
    assert not (second / "data").exists()
    assert second.with_name(f"{second.name}.old").exists()


def test_a_home_that_cannot_be_written_is_an_error_that_names_the_variable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedUnavailable, match=r"Not a directory.*set BG_HOME"):
        EmbeddedPostgres(tmp_path / "file" / "home").acquire()


def test_without_the_wheel_the_error_says_what_to_install(
    empty_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binaries, "WHEEL", "no_such_wheel")
    server = EmbeddedPostgres(empty_home)
    with pytest.raises(EmbeddedUnavailable, match=r"bg-assets\[embedded\].*BG_DATABASE_URL"):
        server.acquire()
    assert not server.data.exists()


def test_data_of_another_version_is_refused_and_left_as_it_is(server: EmbeddedPostgres) -> None:
    (server.data / "PG_VERSION").write_text("12\n")
    with pytest.raises(EmbeddedUnavailable, match=r"made by PostgreSQL 12.*has 16, 18"):
        server.acquire()
    assert (server.data / "base").exists()


def _close_wheel(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the wheel be found in a folder that only root may pass into."""
    real = binaries.bin_folders()[0].parent.parent
    (folder / binaries.WHEEL).symlink_to(real)
    (folder / f"{binaries.WHEEL}.libs").symlink_to(real.with_name(f"{binaries.WHEEL}.libs"))
    monkeypatch.syspath_prepend(folder)
