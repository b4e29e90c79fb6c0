"""Bytes of a text file, compressed or not, to its physical lines, in bounded memory.

What a file is besides text is told from its beginning. Nothing is known of records and columns.
"""

import gzip
import io
import zlib
from pathlib import Path
from typing import BinaryIO, Self, cast

from bg_assets.files.header import BadHeader

_GZIP = b"\x1f\x8b"
_AS_CSV = "save the sheet as CSV (UTF-8)"
# How other files begin, what they are, and what to do with one.
_OTHERS = (
    (b"PK\x03\x04", "a workbook or zip archive", _AS_CSV),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook", _AS_CSV),
    (b"PAR1", "a Parquet file", "save it as CSV (UTF-8)"),
    (b"%PDF", "a PDF", "it takes a CSV file (UTF-8)"),
    (b"\xff\xfe", "UTF-16", "save it as CSV in UTF-8"),
    (b"\xfe\xff", "UTF-16", "save it as CSV in UTF-8"),
)
_DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile)
_UNREADABLE = (OSError, *_DAMAGED)


class BrokenFile(Exception):
    """A file that is damaged or cut off, so that nothing of it may be stored; says where."""


class Lines:
    """The lines of one stream of bytes. ``number``: how many of them were read.

    Bytes that are not UTF-8 stay in them as lone surrogates, a BOM is left out.
    """

    def __init__(
        self,
        raw: io.BufferedReader,
        longest: int,
        *,
        compressed: bool = False,
        takes: str = "",
        encoding: str = "utf-8-sig",
    ) -> None:
        """Raises BadHeader where it can't be text, before any line is read.

        longest: characters after which a line is cut. compressed: whether its name says so; what
        is compressed is seen without. takes: what to do with another file, if it is no table.
        encoding: of another than UTF-8 or Windows-1252 what can't be read becomes U+FFFD.
        """
        self.number = 0
        self._raw = raw
        self._longest = longest
        self._text = io.TextIOWrapper(
            _decompressed(raw, compressed, takes, encoding),
            encoding=encoding,
            errors="surrogateescape" if encoding in ("utf-8-sig", "cp1252") else "replace",
            newline="",
        )

    @classmethod
    def of_file(cls, path: Path, longest: int, encoding: str) -> Self:
        """The lines of a file, compressed where its name ends in .gz; close them in the end.

        Raises BadHeader where it can't be opened or can't be text.
        """
        raw = opened(path)
        try:
            return cls(raw, longest, compressed=path.suffix == ".gz", encoding=encoding)
        except BaseException:
            raw.close()
            raise

    @property
    def position(self) -> int:
        """Bytes of the file (compressed, if it is) that are read."""
        return 0 if self._raw.closed else self._raw.tell()

    def close(self) -> None:
        self._text.close()
        self._raw.close()

    def read(self) -> str:
        """The next line with its end, or the part of it that is not too long; empty at the end.

        Raises BrokenFile where the file is damaged or can't be read on.
        """
        try:
            line = self._text.readline(self._longest)
        except _UNREADABLE as err:
            raise self._broken(err) from None
        if line:
            self.number += 1
        return line

    def is_cut(self, line: str) -> bool:
        """Whether a line just read goes on: it is too long."""
        return len(line) == self._longest and not line.endswith(("\n", "\r"))

    def skip(self) -> str:
        """Read on to the end of a line that is cut and give that end; empty at the file's."""
        try:
            while part := self._text.readline(self._longest):
                if part.endswith(("\n", "\r")):
                    return part[-1]
        except _UNREADABLE as err:
            raise self._broken(err) from None
        return ""

    def _broken(self, error: Exception) -> BrokenFile:
        after = f"after line {self.number:,}"
        if isinstance(error, _DAMAGED):
            return BrokenFile(f"is damaged or cut off {after}: copy or make it again")
        return BrokenFile(f"can't be read {after}: {getattr(error, 'strerror', None) or error}")


def opened(path: Path) -> io.BufferedReader:
    """A file to import, by its bytes. Raises BadHeader where it can't be opened."""
    try:
        return path.open("rb")
    except OSError as err:
        raise BadHeader(f"can't be read: {err.strerror}") from None


def is_no_text(start: bytes) -> bool:
    """Whether a file that begins so is of another kind, such as a workbook."""
    return any(start.startswith(begin) for begin, what, _ in _OTHERS if what != "UTF-16")


def undecoded(line: str) -> bool:
    """Whether a line holds bytes that are not UTF-8."""
    if line.isascii():
        return False
    # Several times faster than to search for the surrogates.
    try:
        line.encode()
    except UnicodeEncodeError:
        return True
    return False


def _decompressed(raw: io.BufferedReader, compressed: bool, takes: str, encoding: str) -> BinaryIO:
    try:
        start = raw.peek(8)[:8]
    except OSError as err:
        raise BadHeader(f"can't be read: {err.strerror}") from None
    if start.startswith(_GZIP):
        return cast(BinaryIO, gzip.GzipFile(fileobj=raw, mode="rb"))
    if compressed:
        raise BadHeader("is named .gz but is not compressed with gzip: rename or compress it")
    for beginning, what, advice in _OTHERS:
        if start.startswith(beginning) and not (what == "UTF-16" and "16" in encoding):
            raise BadHeader(f"is {what}: {takes or advice}")
    return raw
