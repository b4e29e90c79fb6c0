"""Keys of what is encrypted: made once, for their owner alone, followed while they rotate."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bg_assets import encryption, settings
from bg_assets.encryption import CannotDecrypt, KeysMissing, KeysUnusable

# Fixed, since cases are named by them.
OLD, NEW = "b2xk" * 10 + "b2w=", "bmV3" * 10 + "bmU="
LOAD = """
from bg_assets import settings
from bg_assets import encryption
encryption.load(settings.read())
"""


def embedded(home: Path) -> settings.Settings:
    """The settings of the embedded default in this home."""
    return settings.read({"BG_HOME": str(home)})


def test_the_embedded_default_makes_a_key_on_first_need_that_only_its_owner_can_read(
    tmp_path: Path,
) -> None:
    home = tmp_path / "work" / "home"
    token = encryption.load(embedded(home)).encrypt(b"payload")
    assert (home / "keys").stat().st_mode & 0o777 == 0o600
    assert b"payload" not in token
    assert encryption.load(embedded(home)).decrypt(token) == b"payload"
    assert [path.name for path in home.iterdir()] == ["keys"]


def test_processes_that_need_the_first_key_at_once_get_the_same(tmp_path: Path) -> None:
    env = {**os.environ, "BG_HOME": str(tmp_path), "BG_DATABASE_URL": ""}
    program = (
        LOAD + "import sys; sys.stdout.buffer.write(encryption.load(settings.read()).encrypt(b'x'))"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", program], env=env, stdout=subprocess.PIPE)
        for _ in range(6)
    ]
    tokens = [one.communicate(timeout=60)[0] for one in started]
    read = encryption.load(embedded(tmp_path))
    assert [read.decrypt(token) for token in tokens] == [b"x"] * 6
    assert [path.name for path in tmp_path.iterdir()] == ["keys"]


def test_another_database_without_keys_is_refused_and_no_key_is_made_up(tmp_path: Path) -> None:
    config = settings.read({"BG_HOME": str(tmp_path), "BG_DATABASE_URL": "postgresql://h/d"})
    with pytest.raises(KeysMissing, match="bg-assets keys new"):
        encryption.load(config)
    assert list(tmp_path.iterdir()) == []


def test_the_first_key_of_the_variable_writes_and_all_of_them_read() -> None:
    both = encryption.load(settings.read({"BG_ENCRYPTION_KEYS": f"{NEW}, {OLD}"}))
    assert both.decrypt(encryption.Keys((OLD,)).encrypt(b"x")) == b"x"
    assert encryption.Keys((NEW,)).decrypt(both.encrypt(b"x")) == b"x"
    with pytest.raises(CannotDecrypt, match="BG_ENCRYPTION_KEYS"):
        encryption.Keys((OLD,)).decrypt(both.encrypt(b"x"))


@pytest.mark.parametrize("bad", ["short", OLD[:-1], f"{OLD}x", OLD.replace("=", "!"), "ä" * 44])
def test_a_variable_that_is_no_key_is_refused_without_repeating_it(bad: str) -> None:
    with pytest.raises(settings.BadSetting, match="BG_ENCRYPTION_KEYS: key 2 of 2") as refused:
        settings.read({"BG_ENCRYPTION_KEYS": f"{NEW},{bad}"})
    assert bad not in str(refused.value)
    assert NEW not in str(refused.value)


def test_settings_never_show_their_keys() -> None:
    assert NEW not in repr(settings.read({"BG_ENCRYPTION_KEYS": NEW}))


def test_a_process_that_runs_sees_a_rotation_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    encryption.write_file(path, (OLD,))
    running = encryption.load(embedded(tmp_path))
    before = running.encrypt(b"x")
    encryption.write_file(path, (NEW, OLD))
    assert encryption.Keys((NEW,)).decrypt(running.encrypt(b"y")) == b"y"
    assert running.decrypt(before) == b"x"
    encryption.write_file(path, (NEW,))
    with pytest.raises(CannotDecrypt, match=str(path)):
        running.decrypt(before)


def test_a_link_in_place_of_the_file_is_followed_when_keys_are_made_and_rotated(
    tmp_path: Path,
) -> None:
    (tmp_path / "vault").mkdir()
    (tmp_path / "keys").symlink_to("vault/secret")
    encryption.load(embedded(tmp_path))
    first = encryption.read_file(tmp_path / "vault" / "secret")
    encryption.write_file(tmp_path / "keys", (NEW, *first))
    assert (tmp_path / "keys").is_symlink()
    assert encryption.read_file(tmp_path / "vault" / "secret") == (NEW, *first)
    assert (tmp_path / "vault" / "secret").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "vault").iterdir()] == ["secret"]


def test_a_file_that_is_gone_stops_a_process_that_runs(tmp_path: Path) -> None:
    running = encryption.load(embedded(tmp_path))
    (tmp_path / "keys").unlink()
    with pytest.raises(KeysMissing, match="restore it"):
        running.encrypt(b"x")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    encryption.load(embedded(tmp_path))
    (tmp_path / "keys").chmod(mode)
    with pytest.raises(KeysUnusable, match="chmod 600"):
        encryption.load(embedded(tmp_path))


@pytest.mark.parametrize("content", ["", "# nothing\n", "no key\n", f"{OLD}\nbroken\n", "\xff\n"])
def test_a_broken_file_is_refused_without_repeating_it(tmp_path: Path, content: str) -> None:
    path = tmp_path / "keys"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(KeysUnusable, match="does not hold keys") as refused:
        encryption.load(embedded(tmp_path))
    assert OLD not in str(refused.value)


def test_a_pipe_in_place_of_the_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "keys", 0o600)
    with pytest.raises(KeysUnusable, match="is not a file"):
        encryption.load(embedded(tmp_path))


def test_a_home_in_which_no_file_can_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    with pytest.raises(KeysUnusable, match="can't be made"):
        encryption.load(embedded(tmp_path / "home"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_refused(tmp_path: Path) -> None:
    encryption.load(embedded(tmp_path))
    os.chown(tmp_path / "keys", 12345, 12345)
    with pytest.raises(KeysUnusable, match="belongs to another user"):
        encryption.load(embedded(tmp_path))
