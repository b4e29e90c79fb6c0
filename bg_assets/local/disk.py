"""Whether there is room on the disks that this machine's part of the system writes to."""

import os
from pathlib import Path

from bg_assets import settings
from bg_assets.embedded.server import EmbeddedPostgres

MEGABYTE = 1 << 20
# PostgreSQL writes its log ahead in pieces of 16 MB, and ends where one can't be made.
FULL_BYTES = 32 * MEGABYTE
LOW_BYTES = 256 * MEGABYTE
LOW_FILES = 1000


def problems(config: settings.Settings) -> list[str]:
    """What is wrong with the disks of the home and of the embedded database, a line for each."""
    places = [config.home]
    if not config.database_url:
        places.append(EmbeddedPostgres(config.home).data)
    lines: dict[int, str] = {}
    for place in places:
        try:
            disk, room = place.stat().st_dev, os.statvfs(place)
        except OSError:
            # It is not there yet; whoever makes it says what is wrong.
            continue
        # Some file systems count no files.
        files = room.f_favail if room.f_files else LOW_FILES
        lines.setdefault(disk, judge(place, room.f_bavail * room.f_frsize, files))
    return [line for line in lines.values() if line]


def judge(place: Path, free: int, files: int) -> str:
    """What to say of a disk on which so many bytes and files are left; "" where all is well."""
    left = f"{free // MEGABYTE} MB" if files >= LOW_FILES else f"room for {files} files"
    if free < FULL_BYTES or files == 0:
        return (
            f"the disk of {place} is full ({left} left): changes, events and runs wait; free some "
            "space, and they go on by themselves"
        )
    if free < LOW_BYTES or files < LOW_FILES:
        return (
            f"the disk of {place} is nearly full ({left} left): free some space before everything "
            "has to wait"
        )
    return ""
