"""A disk of some megabytes that a test can fill and empty again, where root may mount one."""

import contextlib
import errno
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from io import RawIOBase
from pathlib import Path

import pytest

_FILLER = "filler"
_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class SmallDisk:
    """A file system of its own at ``root``, which everybody may pass into."""

    root: Path

    def fill(self, *files: Path) -> None:
        """Take what room there is, to the last byte, in the last blocks of these files too."""
        for path in (self.root / _FILLER, *files):
            with path.open("ab", buffering=0) as filler:
                size = _CHUNK
                while size:
                    size = size if _fits(filler, size) else size // 2

    def empty(self) -> None:
        """Give the room back."""
        (self.root / _FILLER).unlink(missing_ok=True)


def _fits(filler: RawIOBase, size: int) -> bool:
    """Write as much; False where the disk is too full for any of it."""
    try:
        filler.write(b"\n" * size)
    except OSError as err:
        if err.errno != errno.ENOSPC:
            raise
        return False
    return True


@contextlib.contextmanager
def mounted(root: Path, megabytes: int) -> Iterator[SmallDisk]:
    """Mount a disk in memory at the folder; skips the test where that is not allowed."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk to fill")
    options = f"size={megabytes}m,mode=0711"
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "bg-small-disk", root],
        capture_output=True,
        text=True,
        check=False,
    )
    if mount.returncode != 0:
        pytest.skip(f"no disk can be mounted here: {mount.stderr.strip()}")
    try:
        yield SmallDisk(root)
    finally:
        # Lazily: a process that is just ending may still stand in it.
        subprocess.run(["umount", "--lazy", root], check=True)
