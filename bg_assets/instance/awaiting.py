"""Waiting for the process that holds the definitions, as the daemon starts beside it.

Dagster's daemon looks for sensors as soon as it starts; where there are none yet it rests for 5 s.
"""

import itertools
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

# Longer than the code server ever takes; who waits in vain goes on as Dagster does.
MOST_SECONDS = 20.0
_LOOK_SECONDS = 0.05


def wait_for_code(
    arguments: Sequence[str],
    seconds: float = MOST_SECONDS,
    rest: Callable[[float], None] = time.sleep,
) -> bool:
    """Wait until the code servers that a workspace file names by socket answer; whether they do.

    ``arguments``: the daemon's, ``-w FILE`` among them. Nothing is waited for where the file names
    no socket, or can't be read: Dagster says so by itself.
    """
    until = time.monotonic() + seconds
    for path in _sockets(arguments):
        while not _answers(path):
            if time.monotonic() > until:
                return False
            rest(_LOOK_SECONDS)
    return True


def _sockets(arguments: Sequence[str]) -> Iterator[str]:
    for option, value in itertools.pairwise(arguments):
        if option not in ("-w", "--workspace"):
            continue
        try:
            found: Any = yaml.safe_load(Path(value).read_text(encoding="utf-8"))
        except (OSError, ValueError, yaml.YAMLError):
            continue
        listed = found.get("load_from") if isinstance(found, dict) else None
        for one in listed if isinstance(listed, list) else ():
            server = one.get("grpc_server") if isinstance(one, dict) else None
            if isinstance(server, dict) and isinstance(server.get("socket"), str):
                yield server["socket"]


def _answers(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1)
        try:
            probe.connect(path)
        except OSError:
            return False
    return True
