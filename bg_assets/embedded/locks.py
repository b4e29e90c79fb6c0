"""File locks that the kernel drops when their holder dies: who starts, who stops, who still uses.

They are flock locks, so they belong to an open file, not to a process: a forked child shares
them. A lock that must end for every copy is unlocked explicitly, one that a forked child must
keep is only closed.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the file alone for the length of the block, waiting for it as long as it takes.

    Raises FileNotFoundError when the file's folder is not there.
    """
    fd = _open_current(path)
    try:
        yield
    finally:
        # A child forked by another thread meanwhile has a copy of this descriptor.
        fcntl.flock(fd, fcntl.LOCK_UN)
        os.close(fd)


def share(path: Path) -> int:
    """Hold the file together with others, until the descriptor and its forked copies are closed."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_SH)
    except BaseException:
        os.close(fd)
        raise
    return fd


def is_held(path: Path) -> bool:
    """Whether anybody holds the file, in whatever way. No file means nobody."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        fcntl.flock(fd, fcntl.LOCK_UN)
        return False
    finally:
        os.close(fd)


def _open_current(path: Path) -> int:
    """Lock the file that has the name now: while we waited it may have been deleted and remade."""
    while True:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            if _same_file(fd, path):
                return fd
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)


def _same_file(fd: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), path.stat())
    except FileNotFoundError:
        return False
