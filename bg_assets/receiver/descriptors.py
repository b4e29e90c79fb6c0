"""How many file descriptors this process may still open, and how many it needs for itself."""

import contextlib
import resource
from pathlib import Path

from bg_assets.settings import BadSetting

# The event loop, PostgreSQL's connections, the keys, starting the embedded server again.
_FOR_ITSELF = 40
_LEAST = 16
# Where the system does not tell which are open.
_OPEN_AT_MOST = 32


class TooFewDescriptors(BadSetting):
    """There would be hardly any for connections; the message says what to do."""


def free_for_connections() -> int:
    """How many there are for connections, by the limit of open files. Raises TooFewDescriptors."""
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most == resource.RLIM_INFINITY:
        most = 1 << 20
    free = most - _open_now() - _FOR_ITSELF
    if free < _LEAST:
        raise TooFewDescriptors(
            f"the limit of open files, {most}, leaves none for connections: raise it to 1024 or "
            "more (`ulimit -n 1024`)"
        )
    return free


def _open_now() -> int:
    for folder in ("/proc/self/fd", "/dev/fd"):
        with contextlib.suppress(OSError):
            return sum(1 for _ in Path(folder).iterdir())
    return _OPEN_AT_MOST
