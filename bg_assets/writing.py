"""Files that are written for a user: whole or not at all, and never in place of a device.

A symlink is followed first. A regular file, or nothing, is written beside and put in its place by
a rename; a device or a pipe is written through, since a rename would replace it.
"""

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

_MOST_LINKS = 40
_OF_WRITING = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EPIPE}


class WholeFile:
    """A text in UTF-8 on its way to ``path``; a context manager that is written to by ``text``.

    At the end of the block it is in its place; after an exception everything is as before, but
    for what a device or a pipe has taken already. Raises OSError that names ``path``.
    """

    def __init__(self, path: Path, mode: int = 0o666, *, keep_mode: bool = True) -> None:
        """``mode``, less the umask, is that of a new file, and without ``keep_mode`` of any.

        Waits for a reader where a pipe is there.
        """
        self._path = path
        self._partial: Path | None = None
        with _named(path):
            found = _found(path)
            self._target = Path(os.path.realpath(path))
            number = None if found is None else _opened_through(path, found)
            if number is None:
                before = found if keep_mode else None
                self._partial, number = _opened_beside(self._target, mode, before)
        self.text: TextIO = os.fdopen(number, "w", encoding="utf-8", newline="")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:
            self.put()
            return
        self.discard()
        if isinstance(error, OSError) and error.errno in _OF_WRITING and error.filename is None:
            error.filename = str(self._path)

    def put(self, *, replace: bool = True) -> None:
        """Put it in its place, where all of it is on the disk then.

        Without ``replace`` what another process put there meanwhile stays: FileExistsError.
        """
        try:
            with _named(self._path):
                self.text.flush()
                if self._partial is not None:
                    self._place(self._partial, replace)
                self.text.close()
        finally:
            self.discard()

    def discard(self) -> None:
        """Forget what was written."""
        with suppress(OSError):
            self.text.close()
        if self._partial is not None:
            self._partial.unlink(missing_ok=True)

    def _place(self, partial: Path, replace: bool) -> None:
        os.fsync(self.text.fileno())
        if replace:
            partial.replace(self._target)
        else:
            os.link(partial, self._target)
        # Not every file system can do this; the name may come back to the old file there.
        with suppress(OSError):
            _flush(self._target.parent)


def remove(path: Path) -> None:
    """Remove the regular file that a path leads to; anything else that is there stays."""
    if path.is_file():
        Path(os.path.realpath(path)).unlink(missing_ok=True)


def _flush(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Let errors name the path that the user knows, not the file beside it."""
    try:
        yield
    except OSError as err:
        err.filename, err.filename2 = str(path), None
        raise


def _found(path: Path) -> os.stat_result | None:
    """What a path leads to, None where nothing is yet. Raises OSError for a folder or a loop."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, "is a folder")
    if stat.S_ISSOCK(found.st_mode):
        raise OSError(errno.ENXIO, "is a socket, which can't be opened")
    return found


def _opened_through(path: Path, found: os.stat_result) -> int | None:
    """What is no regular file, opened as it is; None for a regular file."""
    own = _own_descriptor(path)
    if own is not None:
        # /dev/stdout may be a file that the shell appends to: neither replaced nor begun anew.
        return os.dup(own)
    if stat.S_ISREG(found.st_mode):
        return None
    return os.open(path, os.O_WRONLY | os.O_NOCTTY | os.O_CLOEXEC)


def _own_descriptor(path: Path) -> int | None:
    """The number of the open file of this process that a path like /dev/stdout leads to."""
    for _ in range(_MOST_LINKS):
        folder = os.path.realpath(path.parent)
        if folder in (f"/proc/{os.getpid()}/fd", "/dev/fd") and path.name.isdecimal():
            return int(path.name)
        if not path.is_symlink():
            return None
        path = Path(folder, path.readlink())
    return None


def _opened_beside(target: Path, mode: int, before: os.stat_result | None) -> tuple[Path, int]:
    """A new file in the folder of the target, with the owner and mode of what was there before."""
    partial = target.with_name(f".{target.name[:32]}.{secrets.token_hex(6)}.partial")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    number = os.open(partial, flags, mode if before is None else 0o600)
    if before is not None:
        # Only root may give a file away; the mode comes last, since a new owner resets bits of it.
        with suppress(PermissionError):
            os.fchown(number, before.st_uid, before.st_gid)
        os.fchmod(number, stat.S_IMODE(before.st_mode))
    return partial, number
