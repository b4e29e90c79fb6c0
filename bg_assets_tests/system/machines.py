"""Machines that share a PostgreSQL: each a home and a host name of its own, killed as a whole."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import yaml

from bg_assets import settings
from bg_assets.local import programs
from bg_assets_tests.system.stack import Stack, eventually, free_port

# A run of a machine that is gone is given up after so long; see deploy/dagster.yaml.
LONGEST_RUN = 25
_CODE = ("api", "grpc", "--lazy-load-user-code", "--module-name", "bg_assets.definitions")
# A name of its own, and mounts of its own, whose /proc/sys would else show the old one.
_NAMED = ("unshare", "--uts", "--", "/bin/sh", "-c", 'hostname "$0"; exec "$@"')


@dataclass
class Machine:
    """A machine by its host name, with what runs on it by name."""

    name: str
    home: Path
    env: dict[str, str]
    commands: Mapping[str, tuple[str, ...]]
    running: "dict[str, subprocess.Popen[bytes]]" = field(default_factory=dict)

    def start(self) -> None:
        """Start whatever is not running."""
        for name, command in self.commands.items():
            if name not in self.running:
                with (self.home / f"{name}.log").open("ab") as log:
                    self.running[name] = subprocess.Popen(
                        [*_named(self.name), *command],
                        env={**os.environ, **self.env},
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                        start_new_session=True,
                    )

    def kill(self) -> None:
        """All of its processes at once, runs too, as when the power fails."""
        eventually(lambda: not self._killed(), 10, f"all of {self.name} is gone")
        for process in self.running.values():
            process.wait()
        self.running.clear()

    def _killed(self) -> list[psutil.Process]:
        found = self.processes()
        for process in found:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        return found

    def processes(self) -> list[psutil.Process]:
        """All living processes with this home in their environment."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.status() == psutil.STATUS_ZOMBIE:
                    continue
                if process.environ().get("BG_HOME") == str(self.home):
                    found.append(process)
        return found


def instance(file: str) -> dict[str, Any]:
    """One of the files dagster.yaml, with less patience."""
    document: dict[str, Any] = yaml.safe_load((settings.PROJECT / file).read_text())
    document["run_monitoring"] |= {
        "max_runtime_seconds": LONGEST_RUN,
        "cancel_timeout_seconds": 5,
        "start_timeout_seconds": 20,
    }
    document["concurrency"]["runs"]["max_concurrent_runs"] = 2
    return document


def make(
    stack: Stack,
    name: str,
    instance: Mapping[str, Any],
    keys: str,
    *,
    code: tuple[str, ...] | None = None,
    daemon_of: Mapping[str, Any] | None = None,
    port: int,
) -> Machine:
    """A machine with a door on the port, a code server at ``code`` and, of that, a daemon.

    ``instance`` is its dagster.yaml, ``daemon_of`` the code server as workspace.yaml names it.
    """
    home = stack.home.parent / name
    folder = home / "dagster"
    folder.mkdir(parents=True)
    (folder / "dagster.yaml").write_text(yaml.safe_dump(dict(instance)))
    commands: dict[str, tuple[str, ...]] = {"receiver": (_beside("bg-assets"), "receiver")}
    if code is not None:
        where = ("--working-directory", str(settings.PROJECT), "--location-name", "bg_assets")
        commands["code"] = (_beside("dagster"), *_CODE, *where, *code)
    if daemon_of is not None:
        workspace = folder / "workspace.yaml"
        server = {"location_name": "bg_assets", **daemon_of}
        workspace.write_text(yaml.safe_dump({"load_from": [{"grpc_server": server}]}))
        commands["daemon"] = (sys.executable, *programs.DAEMON, "run", "-w", str(workspace))
    env = {
        **stack.env,
        "BG_HOME": str(home),
        "DAGSTER_HOME": str(folder),
        "BG_DATABASE_URL": stack.server.url("bg_assets"),
        "BG_DAGSTER_URL": stack.server.url("dagster"),
        "BG_ENCRYPTION_KEYS": keys,
        "BG_RECEIVER_PORT": str(port),
        # The tag that it gives to runs is stronger than what dagster.yaml says.
        "BG_RUN_TIMEOUT": str(LONGEST_RUN),
    }
    return Machine(name, home, env, commands)


def brain_and_workers(stack: Stack, keys: str) -> tuple[Machine, Machine]:
    """A machine with the daemon, and one with the code server on which runs start; each has a door.

    With Dagster's plain queue and launcher.
    """
    plain, port = instance("deploy/dagster.yaml"), free_port()
    at = {"host": "127.0.0.1", "port": port}
    code = ("--host", "127.0.0.1", "--port", str(port))
    return (
        make(stack, "brain", plain, keys, daemon_of=at, port=free_port()),
        make(stack, "workers", plain, keys, code=code, port=free_port()),
    )


def _named(name: str) -> tuple[str, ...]:
    may = shutil.which("unshare") is not None and os.geteuid() == 0
    return (*_NAMED, name) if may else ()


def _beside(program: str) -> str:
    return str(Path(sys.executable).with_name(program))
