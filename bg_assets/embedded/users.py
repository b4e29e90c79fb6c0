"""Who the server runs as: ourselves, or for root, whom PostgreSQL refuses, another user."""

import os
import pwd
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from bg_assets.embedded import EmbeddedUnavailable


class PopenUser(TypedDict, total=False):
    """The arguments of subprocess that start a program as another user."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class ServerUser:
    """The user that the server runs as; ``switched`` when that is not the present user."""

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
    """The user for a data folder: its owner when root asks and it exists, else ``nobody``.

    Raises EmbeddedUnavailable for a user id without a name, with which PostgreSQL can't start.
    """
    me = os.geteuid()
    if me != 0:
        return _named(me, switched=False)
    try:
        owner = data.stat().st_uid
    except OSError:
        owner = 0
    if owner != 0:
        return _named(owner, switched=True)
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise EmbeddedUnavailable(
            "PostgreSQL does not run as root, and this machine has no user nobody to run it: "
            "work as an ordinary user, or set BG_DATABASE_URL"
        ) from None
    return ServerUser(nobody.pw_uid, nobody.pw_gid, nobody.pw_name, switched=True)


def _named(uid: int, *, switched: bool) -> ServerUser:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise EmbeddedUnavailable(
            f"The user id {uid} has no name on this machine, and PostgreSQL needs one: "
            "add it to /etc/passwd, or set BG_DATABASE_URL"
        ) from None
    return ServerUser(uid, entry.pw_gid, entry.pw_name, switched)
