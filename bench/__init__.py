"""What is measured, and how: each module here is a bench with a ``main(arguments)``."""

import os
from pathlib import Path


class Skipped(Exception):
    """A bench can't be run here; the message says why and what to do."""


def shared_data() -> Path:
    """The folder of the real data. Raises Skipped where it is absent."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("BG_SHARED_DATA") or default)
    if not folder.is_dir():
        raise Skipped(f"no real data at {folder}: set BG_SHARED_DATA to its folder")
    return folder
