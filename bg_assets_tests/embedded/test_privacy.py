"""The home and what lies in it are closed to other users, and nothing else is."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from bg_assets.embedded import privacy
from bg_assets.embedded.users import ServerUser


@pytest.fixture(autouse=True)
def open_mask() -> Iterator[None]:
    """A mask that closes nothing."""
    before = os.umask(0)
    yield
    os.umask(before)


def test_a_new_home_is_closed_and_its_parents_are_as_the_mask_says(tmp_path: Path) -> None:
    home = tmp_path / "a" / "b" / "home"
    privacy.close(home)
    assert [_mode(folder) for folder in (home, home.parent)] == [0o700, 0o777]


def test_what_an_older_version_left_open_is_closed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    _lay(
        home,
        "keys",
        "up.lock",
        "supervisord.conf",
        ".keys.x1y2",
        "logs/code.log",
        "logs/code.log.1",
    )
    for folder in ("dagster", "demo", "sample", "postgres"):
        (home / folder).mkdir()
    privacy.close(home)
    closed = [home, *(home / name for name in ("logs", "dagster", "demo"))]
    assert [_mode(folder) for folder in closed] == [0o700] * 4
    assert [_mode(home / "logs" / name) for name in ("code.log", "code.log.1")] == [0o600] * 2


@pytest.mark.parametrize("other", ["somebody's.txt", "lost+found/x", "keysmith", "logs.old/x"])
def test_a_folder_that_holds_other_things_stays_open_and_ours_in_it_is_closed(
    tmp_path: Path, other: str
) -> None:
    home = tmp_path / "shared"
    _lay(home, other, "logs/code.log")
    privacy.close(home)
    assert [_mode(home), _mode(home / "logs")] == [0o777, 0o700]
    assert _mode(home / "logs" / "code.log") == 0o600
    if "/" in other:
        assert _mode((home / other).parent) == 0o777


def test_the_default_home_is_closed_whatever_lies_in_it(tmp_path: Path) -> None:
    home = tmp_path / privacy.DEFAULT_NAME
    _lay(home, "export.csv")
    privacy.close(home)
    assert _mode(home) == 0o700


def test_links_in_the_logs_are_not_followed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    _lay(home, "logs/code.log")
    _lay(tmp_path, "other", "folder/x")
    (home / "logs" / "linked.log").symlink_to(tmp_path / "other")
    (home / "dagster").symlink_to(tmp_path / "folder")
    privacy.close(home)
    assert [_mode(tmp_path / "other"), _mode(tmp_path / "folder")] == [0o666, 0o777]


@pytest.mark.usefixtures("as_root")
def test_a_home_of_another_user_is_left_as_it_is(tmp_path: Path) -> None:
    home = tmp_path / "home"
    _lay(home, "logs/code.log")
    for path in (home, home / "logs", home / "logs" / "code.log"):
        os.chown(path, 65534, -1)
    privacy.close(home)
    privacy.let_pass(home, home / "logs", ServerUser(1234, 1234, "x", switched=True))
    assert [_mode(home), _mode(home / "logs")] == [0o777, 0o777]
    assert _mode(home / "logs" / "code.log") == 0o666


@pytest.mark.usefixtures("as_root")
def test_only_the_servers_group_passes_through_roots_home_and_goes_on_to(tmp_path: Path) -> None:
    home = tmp_path / "home"
    _lay(home, "postgres/lock")
    user = ServerUser(1234, 1235, "x", switched=True)
    for _ in range(2):
        privacy.close(home)
        privacy.let_pass(home, home / "postgres", user)
        for folder in (home, home / "postgres"):
            assert (_mode(folder), folder.stat().st_gid) == (0o710, 1235)
    privacy.close(home)
    assert _mode(home) == 0o710


@pytest.mark.usefixtures("as_root")
@pytest.mark.parametrize(
    ("name", "mode", "group"), [("demo", 0o710, 1235), ("other", 0o700, 0), ("demo", 0o755, 0)]
)
def test_the_servers_group_passes_through_a_closed_home_to_the_demos(
    tmp_path: Path, name: str, mode: int, group: int
) -> None:
    outer = tmp_path / privacy.DEFAULT_NAME
    _lay(outer, f"{name}/postgres/lock")
    outer.chmod(0o755 if mode == 0o755 else 0o700)
    user = ServerUser(1234, 1235, "x", switched=True)
    privacy.let_pass(outer / name, outer / name / "postgres", user)
    assert (_mode(outer), outer.stat().st_gid) == (mode, group)
    assert _mode(outer / name) == 0o710


@pytest.mark.usefixtures("as_root")
def test_a_closed_folder_that_holds_other_things_is_not_opened_to_the_server(
    tmp_path: Path,
) -> None:
    home = tmp_path / "root"
    _lay(home, "secret", "postgres/lock")
    home.chmod(0o700)
    privacy.let_pass(home, home / "postgres", ServerUser(1234, 1235, "x", switched=True))
    assert (_mode(home), home.stat().st_gid) == (0o700, 0)


def test_the_server_that_is_not_another_user_needs_no_way_through(tmp_path: Path) -> None:
    home = tmp_path / "home"
    _lay(home, "postgres/lock")
    privacy.close(home)
    privacy.let_pass(home, home / "postgres", ServerUser(1, 1, "x", switched=False))
    assert _mode(home) == 0o700


def _lay(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
