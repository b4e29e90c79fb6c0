"""`python -m bg_assets.local.supervisor LOGS FILE`: the supervisor, which outlives a full disk.

supervisord ends when a line of its own log can't be written, and lets go of a program whose log
can't be. Here a line that finds no room is left out, and counted where there is room again.
It looks once a second whether a program has ended, which is long while it stops them one group
after another: here ten times. And it lets that second go by before it starts any: here it does not.
Its insides are no public interface: checked against supervisor 4.3.0.
"""

import os
import sys
import time
from io import FileIO
from pathlib import Path

from supervisor import events, loggers, poller, supervisord  # type: ignore[import-untyped]

CHECKED_SUPERVISOR = "4.3.0"
LOOK_SECONDS = 0.1


class PatientFile(loggers.RotatingFileHandler):  # type: ignore[misc]
    """A log that is written on when it could not be for a while."""

    stream: FileIO | None

    def __init__(
        self, filename: str, mode: str = "ab", maxBytes: int = 0, backupCount: int = 0
    ) -> None:
        loggers.Handler.__init__(self)
        self.stream = None
        self.baseFilename, self.mode = filename, "ab"
        self.maxBytes, self.backupCount = maxBytes, backupCount
        self.lost = 0
        self.reopen()

    def reopen(self) -> None:
        """Open the file again; where that fails it is tried with each line."""
        if self.stream is not None:
            self.close()
        try:
            # Without a buffer, which would keep what was refused and refuse what comes.
            self.stream = Path(self.baseFilename).open("ab", buffering=0)  # noqa: SIM115
            self.closed = False
        except OSError:
            self.stream, self.closed = None, True

    def emit(self, record: loggers.LogRecord) -> None:
        """Write the record, or count it as lost."""
        if self.stream is None or self.stream.closed:
            self.reopen()
        if self.stream is None:
            self.lost += 1
            return
        try:
            self._tell_of_lost(self.stream)
            self._roll_over()
        except (OSError, ValueError):
            self.lost += 1
            return
        loggers.Handler.emit(self, record)

    def handleError(self) -> None:
        """The record is lost. Standard error, where supervisord tells of it, may be as full."""
        self.lost += 1

    def _roll_over(self) -> None:
        before = self.stream
        self.doRollover()
        if self.stream is not before:
            # Without a buffer again; where that fails, so does the write, and counts as lost.
            self.reopen()

    def _tell_of_lost(self, stream: FileIO) -> None:
        """Raises OSError where there is no room still."""
        if self.lost:
            at = time.strftime("%Y-%m-%d %H:%M:%S")
            text = f"{at} {self.lost} writes before this found no room\n".encode()
            stream.write(text)
            self.lost = 0


class QuickPoller(poller.Poller):  # type: ignore[misc]
    """What waits for output and the ends of programs: only briefly once everything stops.

    Not at all the first time, after which supervisord starts the programs.
    """

    longest = 1.0
    waits = False

    def poll(self, timeout: float) -> object:
        """Wait for a moment at most, and say what can be read and written."""
        most = min(timeout, self.longest) if self.waits else 0.0
        self.waits = True
        return super().poll(most)


def _hurry(event: object) -> None:
    QuickPoller.longest = LOOK_SECONDS


def main(logs: Path, configuration: Path) -> None:
    """Run supervisord with this file, in which paths are relative to the folder of the logs."""
    os.chdir(logs)
    loggers.RotatingFileHandler = PatientFile
    poller.Poller = QuickPoller
    events.subscribe(events.SupervisorStoppingEvent, _hurry)
    supervisord.main(["-n", "-s", "-c", str(configuration)])


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
