"""The process that holds the definitions, in which sensors tick: its socket and its workspace file.

The daemon and the UI share it. A code server of the daemon's own is started anew every 60 s, and
one that died is missed for as long; this one is back within seconds.
"""

import contextlib
import os
import sys
from pathlib import Path

import yaml

from bg_assets import settings
from bg_assets.embedded import places
from bg_assets.embedded.users import ServerUser

MODULE = "bg_assets.definitions"
# The same as in workspace.yaml: Dagster knows sensors by it.
LOCATION = "bg_assets"
_SOCKET = "code.sock"


def prepare(home: Path) -> tuple[Path, Path]:
    """Make the private folder of the socket and the file that names it.

    Returns the socket's path and the workspace file's. Whoever reaches the socket can run code as
    this user, so the folder is closed to others. Raises EmbeddedUnavailable where that can't be.
    """
    # Short, and the same each time: Dagster keeps it with every run, and paths of sockets are
    # limited to about 100 bytes.
    socket = places.prepare_socket_folder(home / "code", _me()) / _SOCKET
    workspace = home / "dagster" / "workspace.yaml"
    workspace.parent.mkdir(parents=True, exist_ok=True)
    where = {"socket": str(socket), "location_name": LOCATION}
    workspace.write_text(yaml.safe_dump({"load_from": [{"grpc_server": where}]}))
    return socket, workspace


def socket_of(home: Path) -> Path:
    """The path of the socket."""
    return places.socket_folder(home / "code", _me()) / _SOCKET


def command(dagster: str, socket: Path) -> tuple[str, ...]:
    """The command line of the server; definitions that don't load are shown in the UI."""
    return (
        *(sys.executable, "-m", "bg_assets.instance.program"),
        *(dagster, "api", "grpc", "--socket", str(socket), "--lazy-load-user-code"),
        *("--module-name", MODULE, "--working-directory", str(settings.PROJECT)),
        *("--location-name", LOCATION, "--use-python-environment-entry-point"),
    )


def clear(home: Path) -> None:
    """Remove the socket and its folder, once the server has ended."""
    folder = places.socket_folder(home / "code", _me())
    if places.is_private(folder, _me()):
        with contextlib.suppress(OSError):
            (folder / _SOCKET).unlink(missing_ok=True)
            folder.rmdir()


def _me() -> ServerUser:
    return ServerUser(os.geteuid(), os.getegid(), "", switched=False)
