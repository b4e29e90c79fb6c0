"""A log file of our own that several processes may write: bounded in size, and no end of anybody.

What the programs of `up` say goes through supervisord, which rotates their files; none of these is
ever one of ours.
"""

import contextlib
import fcntl
import logging
import os
from pathlib import Path

MODE = 0o600


class SharedFile(logging.Handler):
    """Appends whole lines; a file of ``most_bytes`` becomes FILE.1, of which ``kept`` are kept.

    Whichever process finds it full renames it, and the others go on in the new one. A line that
    finds no room is lost and counted, and the count is in ``lost`` until ``take_lost``.
    """

    def __init__(self, path: Path, most_bytes: int, kept: int) -> None:
        super().__init__()
        self._path, self._most, self._kept = path, most_bytes, kept
        self._file: int | None = None
        self._is_half_written = False
        self.lost = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record as one line, in one write, which no other comes in between."""
        try:
            line = f"{self.format(record)}\n".encode(errors="backslashreplace")
            self._append(line)
        except (OSError, ValueError):
            self.lost += 1
            self._close()

    def take_lost(self) -> int:
        """How many lines were lost since it was last asked."""
        lost, self.lost = self.lost, 0
        return lost

    def close(self) -> None:
        """Close the file; the next line opens it again."""
        self._close()
        super().close()

    def _append(self, line: bytes) -> None:
        file = self._current()
        if self._is_full(file, len(line)):
            self._rotate(len(line))
            file = self._current()
        start = b"\n" if self._is_half_written else b""
        written = os.write(file, start + line)
        # The disk is full: the next line begins one.
        self._is_half_written = written < len(start + line)
        if self._is_half_written:
            raise OSError("no room")

    def _current(self) -> int:
        """The file of this name, which may be another than the one that is open."""
        if self._file is not None:
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.stat(self._path), os.fstat(self._file)):  # noqa: PTH116
                    return self._file
            self._close()
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        self._file = os.open(self._path, flags, MODE)
        return self._file

    def _is_full(self, file: int, more: int) -> bool:
        size = os.fstat(file).st_size
        return size > 0 and size + more > self._most

    def _rotate(self, more: int) -> None:
        name = self._path.with_name(f".{self._path.name}.lock")
        lock = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, MODE)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            # Another may have done it meanwhile.
            if self._is_full(self._current(), more):
                self._rename()
        finally:
            os.close(lock)

    def _rename(self) -> None:
        older = [self._path.with_name(f"{self._path.name}.{n}") for n in range(self._kept, 0, -1)]
        for old, new in zip(older, [*older[1:], self._path], strict=False):
            with contextlib.suppress(FileNotFoundError):
                new.replace(old)
        if not self._kept:
            self._path.unlink(missing_ok=True)

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError):
                os.close(file)
