"""The file of rejects beside an imported file: line, reason, then the original columns."""

import csv
import re
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from bg_assets import writing
from bg_assets.files.rows import Reject
from bg_assets.writing import WholeFile

# Bytes that are not UTF-8 and NUL are written out, so that every tool can open the file.
_UNWRITABLE = re.compile("[\0\ud800-\udfff]")


class CannotReject(Exception):
    """The file of rejects can't be written; the message says why and what to do."""


class RejectsWriter:
    """Writes ``FILE.rejects.csv``; a context manager.

    The file appears whole at the end, with the access rights of the imported one, and only if
    there was a reject; one of an earlier run is replaced, or removed when there was none. After
    an exception everything is as before. Values are written as they are, formulas too.
    """

    def __init__(self, imported: Path, header: Sequence[str]) -> None:
        self.path = imported.with_name(imported.name + ".rejects.csv")
        self.count = 0
        self._imported = imported
        self._header = header
        self._file: WholeFile | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()

    def write(self, reject: Reject) -> None:
        """Add one reject. Raises CannotReject."""
        try:
            if self._file is None:
                self._begin()
            self._writer.writerow([reject.line, reject.reason, *map(_written, reject.original)])
        except OSError as err:
            raise self._failed(err) from None
        self.count += 1

    def close(self) -> None:
        """Put the file in its place, or remove that of an earlier run. Raises CannotReject.

        What a link leads to is not removed: without a reject it holds the header alone.
        """
        try:
            if self._file is None and self.path.is_symlink() and self.path.is_file():
                self._begin()
            if self._file is None:
                writing.remove(self.path)
            else:
                self._file.put()
        except OSError as err:
            raise self._failed(err) from None

    def discard(self) -> None:
        """Forget what was written; the file of an earlier run stays."""
        if self._file is not None:
            self._file.discard()

    def _begin(self) -> None:
        self._file = self._open()
        self._writer = csv.writer(self._file.text, lineterminator="\n")
        self._writer.writerow(["line", "reason", *map(_written, self._header)])

    def _open(self) -> WholeFile:
        # Rejects hold the same personal data as the imported file: nobody else may read them.
        mode = self._imported.stat().st_mode & 0o666 | 0o600
        return WholeFile(self.path, mode, keep_mode=False)

    def _failed(self, error: OSError) -> CannotReject:
        return CannotReject(
            f"{self.path} can't be written ({error.strerror}): make its folder writable, or "
            "import from a copy elsewhere"
        )


def _written(field: str) -> str:
    return field if field.isprintable() else _UNWRITABLE.sub(_escape, field)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code & 0xFF if 0xDC80 <= code <= 0xDCFF else code:02x}"
