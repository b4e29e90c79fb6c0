"""A command that uses the embedded PostgreSQL, run by tests as a process of its own.

``python -m bg_assets_tests.embedded.command HOME [parent] [nobody]`` prints the server's process id
and psql's URL once it holds a lease, and goes on until its standard input ends. With ``parent`` the
server becomes its child, one that it never reaps. With ``nobody`` it becomes that user first, after
its imports, since the packages may lie where only root may read.
"""

import ctypes
import os
import pwd
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bg_assets.embedded import processes
from bg_assets.embedded.server import EmbeddedPostgres

ROOT = Path(__file__).resolve().parents[2]
NOT_DURABLE = {"fsync": "off", "full_page_writes": "off"}
PR_SET_CHILD_SUBREAPER = 36


@dataclass
class Command:
    """A running command: ``server`` is the process id of the PostgreSQL that it uses."""

    process: "subprocess.Popen[str]"
    server: int = 0
    url: str = ""

    def wait_until_ready(self) -> "Command":
        """Wait for its two lines, and fail with what it said if they don't come."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate()[1]
        self.server = int(line)
        self.url = self.process.stdout.readline().strip()
        return self

    def end(self) -> int:
        """Let it end as a command does, and give its exit code."""
        self.process.communicate(timeout=30)
        return self.process.returncode

    def kill(self) -> None:
        """Kill it with -9."""
        self.process.kill()
        self.process.communicate(timeout=30)


def begin(home: Path, *more: str) -> Command:
    """Start the command without waiting for it."""
    return Command(
        subprocess.Popen(
            [sys.executable, "-m", "bg_assets_tests.embedded.command", str(home), *more],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
    )


def run(home: Path, *more: str) -> Command:
    """Start the command and wait until it holds its lease."""
    return begin(home, *more).wait_until_ready()


def main(home: str, *more: str) -> None:
    if "parent" in more:
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    if "nobody" in more:
        entry = pwd.getpwnam("nobody")
        os.setgroups([])
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
    server = EmbeddedPostgres(Path(home), options=NOT_DURABLE)
    with server.acquire():
        found = processes.postmaster(server.data)
        sys.stdout.write(f"{found.pid if found else 0}\n{server.psql_url('postgres')}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
