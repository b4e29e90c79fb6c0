"""The sign of life of a run's process: its output file is touched every few seconds.

A file, since a database that is away must not look like a process that hangs. What stops the
interpreter, a signal or code in C that keeps it to itself, stops the touching.
"""

import _thread
import contextlib
import os
import threading
from pathlib import Path

EVERY_SECONDS = 10.0


def start(output: Path) -> None:
    """Begin to touch the file, at once and until this process ends."""
    # A Thread would have the run wait until it has begun: milliseconds on a busy machine.
    _thread.start_new_thread(_forever, (output,))


def _forever(output: Path) -> None:
    pause = threading.Event()
    while True:
        with contextlib.suppress(OSError):
            os.utime(output)
        pause.wait(EVERY_SECONDS)
