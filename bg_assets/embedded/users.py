"""Who the server runs as: ourselves, or for root, whom PostgreSQL refuses, another user."""

import contextlib
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from bg_assets.embedded import EmbeddedUnavailable

OWN = "bg_assets_db"
SHARED = "nobody"
# The second is that of BusyBox, where there is no first.
_ABOUT = "embedded PostgreSQL of bg_assets"
_PLACE = ("/nonexistent", "/usr/sbin/nologin")
MAKERS = (
    ("useradd", "-r", "-U", "-M", "-d", _PLACE[0], "-s", _PLACE[1], "-c", _ABOUT, OWN),
    ("adduser", "-S", "-D", "-H", "-h", _PLACE[0], "-s", _PLACE[1], "-g", _ABOUT, OWN),
)
ADMIN_PATH = "/usr/sbin:/sbin"
MAKE_SECONDS = 30.0


class PopenUser(TypedDict, total=False):
    """The arguments of subprocess that start a program as another user."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class ServerUser:
    """The user that the server runs as; ``switched`` when that is not the present user.

    The name is empty where the machine has none, as that of another container's user.
    """

    uid: int
    gid: int
    name: str
    switched: bool

    def popen(self) -> PopenUser:
        """What subprocess needs to start a program as this user."""
        if not self.switched:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def environment(self) -> dict[str, str]:
        """The environment of the server: none of the caller's PG variables, messages in English."""
        return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}


def server_user(data: Path) -> ServerUser:
    """The user for a data folder: its owner when root asks and it exists, else the project's own
    where there is one, else ``nobody``.

    Raises EmbeddedUnavailable where there is none of them.
    """
    me = os.geteuid()
    if me != 0:
        return _by_id(me, os.getegid(), switched=False)
    with contextlib.suppress(OSError):
        status = data.stat()
        if status.st_uid != 0:
            return _by_id(status.st_uid, status.st_gid, switched=True)
    user = _known(OWN) or _known(SHARED)
    if user is None:
        raise EmbeddedUnavailable(
            f"PostgreSQL does not run as root, and this machine has neither a user {OWN} nor "
            f"{SHARED} to run it: work as an ordinary user, or set BG_DATABASE_URL"
        )
    return user


def require_name(user: ServerUser) -> None:
    """Raise EmbeddedUnavailable for a user without a name, as whom PostgreSQL can't start."""
    if not user.name:
        raise EmbeddedUnavailable(
            f"The user id {user.uid} has no name on this machine, and PostgreSQL needs one: "
            "add it to /etc/passwd, or set BG_DATABASE_URL"
        )


def better_user(user: ServerUser) -> ServerUser:
    """Whom to run root's server as instead: the project's own user, else one that has a name."""
    if user.name == OWN:
        return user
    return own_user() or (user if user.name else _known(SHARED) or user)


def own_user() -> ServerUser | None:
    """The project's own user, made where root can; None where there is none."""
    for command in ((), *MAKERS):
        if command:
            _run(command)
        found = _known(OWN)
        if found is not None:
            return found
    return None


def is_shared(user: ServerUser) -> bool:
    """Whether other programs of the machine may run as the user, and so could change the data."""
    return user.switched and user.name == SHARED


def _run(command: tuple[str, ...]) -> None:
    """Run a program of the administrator's, if there is one; whether it worked is seen after."""
    program = shutil.which(command[0], path=f"{os.environ.get('PATH', os.defpath)}:{ADMIN_PATH}")
    if program is None:
        return
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run(
            [program, *command[1:]],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=MAKE_SECONDS,
        )


def _known(name: str) -> ServerUser | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return ServerUser(entry.pw_uid, entry.pw_gid, entry.pw_name, switched=True)


def _by_id(uid: int, gid: int, *, switched: bool) -> ServerUser:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        return ServerUser(uid, gid, "", switched)
    return ServerUser(uid, entry.pw_gid, entry.pw_name, switched)
