"""Who may look into the home: its owner alone, besides the server's user, who passes through it.

A folder that holds other things than ours is somebody's: it is left as it is, and what lies in it
of ours is closed.
"""

import os
import stat
from pathlib import Path

from bg_assets.embedded.users import ServerUser

DEFAULT_NAME = ".bg"
DEMO = "demo"
_FOLDERS = ("postgres", "dagster", "logs", DEMO, "sample")
_FILES = ("keys", "up.lock", "supervisord.conf", "supervisord.pid")


def close(home: Path) -> None:
    """Make the home, and close it and what lies in it to other users, whatever older versions did.

    A home of another user is left alone. Raises OSError.
    """
    if not home.is_dir():
        # With parents that are as open as the mask says.
        home.mkdir(0o700, parents=True, exist_ok=True)
    if _is_mine(home) and _holds_only_ours(home):
        _close_folder(home)
    for name in ("dagster", "logs", DEMO):
        folder = home / name
        if folder.is_dir() and not folder.is_symlink() and _is_mine(folder):
            _close_folder(folder)
    for log in (home / "logs").glob("*.log*"):
        if log.is_file() and not log.is_symlink() and _is_mine(log):
            log.chmod(0o600)


def let_pass(home: Path, folder: Path, user: ServerUser) -> None:
    """Let the server's user through root's home and its folder to the data, and nobody else."""
    if not user.switched:
        return
    # The demo's home lies in another.
    above = [home.parent] if home.name == DEMO and _is_closed(home.parent) else []
    for path in (*above, home, folder):
        if _is_mine(path) and (path == folder or _holds_only_ours(path)):
            os.chown(path, -1, user.gid)
            path.chmod(0o710)


def _close_folder(folder: Path) -> None:
    found = folder.stat()
    # A folder of root's has another group once the server's user was let through.
    passing = found.st_mode & 0o010 if os.geteuid() == 0 and found.st_gid != 0 else 0
    if stat.S_IMODE(found.st_mode) != 0o700 | passing:
        folder.chmod(0o700 | passing)


def _is_mine(folder: Path) -> bool:
    return folder.stat().st_uid == os.geteuid()


def _is_closed(folder: Path) -> bool:
    return not folder.stat().st_mode & 0o007


def _holds_only_ours(home: Path) -> bool:
    if home.name == DEFAULT_NAME:
        return True
    return all(path.name in (*_FOLDERS, *_FILES) or _is_part(path.name) for path in home.iterdir())


def _is_part(name: str) -> bool:
    """Whether it is a file half written beside one of ours."""
    return any(name.startswith((f"{file}.", f".{file}.")) for file in _FILES)
