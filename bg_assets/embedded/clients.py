"""PostgreSQL's client programs for a server: those on PATH, or those of the wheel."""

import contextlib
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bg_assets.embedded import EmbeddedUnavailable, binaries

NAMES = ("pg_dump", "pg_restore", "psql")
# From this on their scripts hold a setting that servers before don't know.
WITH_TRANSACTION_TIMEOUT = 17
_VERSION_SECONDS = 20


class NoClients(Exception):
    """There are no programs here that fit the server; the message says which would."""


@dataclass(frozen=True, slots=True)
class Clients:
    """A folder that holds pg_dump, pg_restore and psql, and their major version."""

    folder: Path
    major: int

    def path(self, name: str) -> str:
        """The path of one of them."""
        return str(self.folder / name)


def fits(program: int, server: int) -> bool:
    """Whether programs of a major version dump a server of another and restore what they dumped."""
    newer = program >= WITH_TRANSACTION_TIMEOUT > server
    return program >= server and not newer


def choose(found: list[Clients], server: int, made_by: int = 0) -> Clients:
    """The oldest of the programs that fit the server and read what ``made_by`` wrote.

    Raises NoClients.
    """
    fitting = [one for one in found if fits(one.major, server) and one.major >= made_by]
    if fitting:
        return min(fitting, key=lambda one: one.major)
    if made_by and not fits(made_by, server):
        raise NoClients(
            f"the backup was made by pg_dump {made_by}, and the server is PostgreSQL {server}: "
            f"restore it into PostgreSQL {made_by} or newer"
        )
    wanted = max(server, made_by)
    have = ", ".join(sorted({str(one.major) for one in found})) or "none"
    raise NoClients(
        f"PostgreSQL {server} wants pg_dump, pg_restore and psql of version {wanted}, and here "
        f"are: {have}. Install postgresql-client-{wanted} and put its programs on PATH"
    )


def installed(path: str | None = None) -> list[Clients]:
    """All that are here: on PATH (or ``path``), and in the wheel, if it is installed."""
    folders = [Path(text) for text in (path or os.environ.get("PATH", "")).split(os.pathsep)]
    with contextlib.suppress(EmbeddedUnavailable):
        folders += binaries.bin_folders()
    found = []
    for folder in dict.fromkeys(folders):
        if all(os.access(folder / name, os.X_OK) for name in NAMES):
            versions = {_major(folder / name) for name in NAMES}
            major = versions.pop()
            if major is not None and not versions:
                found.append(Clients(folder, major))
    return found


def _major(program: Path) -> int | None:
    try:
        told = subprocess.run(
            [program, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_VERSION_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r"\) (\d+)", told.stdout)
    return int(match[1]) if told.returncode == 0 and match else None
