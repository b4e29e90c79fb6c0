"""What a run's process leaves behind where it could not tell Dagster how it ended.

A process that is killed leaves nothing. One that ends by itself, and whose end Dagster does not
know, was refused by Dagster's database: the infrastructure was away, and its work is not to blame.
"""

from contextlib import suppress
from pathlib import Path

KEPT = 200


class EndNotStored(Exception):
    """A run was executed to its end, and Dagster still takes it to be in progress."""


def leave(folder: Path, run_id: str, why: BaseException) -> None:
    """Note that the run ended by itself; the kind of error is what the note says.

    Running out of memory is left out: it may be the work's own fault. A note that can't be written
    is missing, no more.
    """
    if isinstance(why, MemoryError):
        return
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        _place(folder, run_id).write_text(type(why).__name__, encoding="utf-8")


def read(folder: Path, run_id: str) -> str | None:
    """The kind of error with which the run ended by itself; None where there is no note."""
    try:
        return _place(folder, run_id).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def forget_old(folder: Path) -> None:
    """Remove all notes but the newest."""
    places = sorted(folder.glob("*.ended"), key=lambda one: one.stat().st_mtime, reverse=True)
    for place in places[KEPT:]:
        place.unlink(missing_ok=True)


def _place(folder: Path, run_id: str) -> Path:
    return folder / f"{run_id.replace('/', '_')}.ended"
