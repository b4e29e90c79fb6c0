"""The file of a backup: a ZIP of two dumps and, last, a manifest with what they are and their sums.

What is no such file, or only half of one, is told apart here; nothing here knows a database.
"""

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

KIND, FORMAT = "bg_assets backup", 1
DAGSTER, BG = "dagster.dump", "bg.dump"
PARTS = (DAGSTER, BG)
CHUNK = 1 << 20
_MANIFEST = "manifest.json"
_LONGEST_MANIFEST = 1 << 20
_BEGINNING = b"PK"


class NoBackup(Exception):
    """The file can't be restored: not a backup, not all of it, or of a kind unknown here."""


@dataclass(frozen=True, slots=True)
class Part:
    """One dump: its bytes, and their SHA-256 in hex."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds.

    ``schema`` is the revision of schema bg, ``dagster`` the version of Dagster, ``program`` the
    major version of the pg_dump that made it. ``tables`` are Dagster's, ``keys`` the names of the
    keys of that installation, newest first, and ``encrypted`` whether they are needed.
    """

    made_at: datetime
    schema: str
    dagster: str
    program: int
    tables: tuple[str, ...]
    keys: tuple[str, ...]
    encrypted: bool


class Writer:
    """A backup on its way into a binary stream; ``close`` writes the manifest, without which what
    was written is no backup.
    """

    def __init__(self, out: IO[bytes]) -> None:
        self._zip = zipfile.ZipFile(out, "w", zipfile.ZIP_STORED)
        self._parts: dict[str, Part] = {}

    @property
    def size(self) -> int:
        """Bytes of all dumps so far."""
        return sum(part.size for part in self._parts.values())

    def add(self, name: str, content: Iterator[bytes]) -> None:
        """Write one dump as it comes."""
        digest, size = hashlib.sha256(), 0
        with self._zip.open(_entry(name), "w", force_zip64=True) as part:
            for chunk in content:
                part.write(chunk)
                digest.update(chunk)
                size += len(chunk)
        self._parts[name] = Part(size, digest.hexdigest())

    def close(self, manifest: Manifest) -> None:
        """Write what the dumps are, and end the file."""
        document = {
            "kind": KIND,
            "format": FORMAT,
            "made_at": manifest.made_at.astimezone(UTC).isoformat(),
            "schema": manifest.schema,
            "dagster": manifest.dagster,
            "program": manifest.program,
            "tables": list(manifest.tables),
            "keys": list(manifest.keys),
            "encrypted": manifest.encrypted,
            "parts": {name: [part.size, part.sha256] for name, part in self._parts.items()},
        }
        self._zip.writestr(_entry(_MANIFEST), json.dumps(document, indent=1))
        self._zip.close()


class Archive:
    """A backup to read from; a context manager."""

    def __init__(self, path: Path) -> None:
        """Raises OSError, and NoBackup where the file is not a whole backup of a known kind."""
        self._path = path
        self._file = path.open("rb")
        try:
            self._zip = self._opened()
            self.manifest, self.parts = self._described()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> "Archive":
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()
        self._file.close()

    @property
    def size(self) -> int:
        """Bytes of all dumps."""
        return sum(part.size for part in self.parts.values())

    def read(self, name: str) -> Iterator[bytes]:
        """One dump, piece by piece. Raises NoBackup where it is damaged."""
        try:
            with self._zip.open(name) as part:
                while chunk := part.read(CHUNK):
                    yield chunk
        except (zipfile.BadZipFile, EOFError, KeyError):
            raise self._damaged(name) from None

    def verify(self, progress: Callable[[int], None]) -> None:
        """Read everything once and compare the sums. Raises NoBackup.

        ``progress`` is told the bytes of each piece.
        """
        for name, part in self.parts.items():
            digest, size = hashlib.sha256(), 0
            for chunk in self.read(name):
                digest.update(chunk)
                size += len(chunk)
                progress(len(chunk))
            if (size, digest.hexdigest()) != (part.size, part.sha256):
                raise self._damaged(name)

    def _opened(self) -> zipfile.ZipFile:
        if not self._file.seekable():
            raise NoBackup(f"{self._path} is a pipe: write what comes from it to a file first")
        try:
            return zipfile.ZipFile(self._file)
        except zipfile.BadZipFile:
            self._file.seek(0)
            if self._file.read(len(_BEGINNING)) == _BEGINNING:
                raise NoBackup(f"{self._path} ends too early: it is half of a backup") from None
            raise NoBackup(f"{self._path} is not a backup of bg-assets") from None

    def _described(self) -> tuple[Manifest, dict[str, Part]]:
        try:
            if self._zip.getinfo(_MANIFEST).file_size > _LONGEST_MANIFEST:
                raise ValueError
            document = json.loads(self._zip.read(_MANIFEST))
            if document["kind"] != KIND:
                raise ValueError
        except (zipfile.BadZipFile, EOFError, KeyError, TypeError, ValueError):
            raise NoBackup(f"{self._path} is not a backup of bg-assets") from None
        if document.get("format") != FORMAT:
            raise NoBackup(
                f"{self._path} is a backup of another format ({document.get('format')!r}; this "
                f"code knows {FORMAT}): restore it with the bg_assets that made it"
            )
        try:
            return _manifest(document), _parts(document["parts"])
        except (KeyError, TypeError, ValueError):
            raise NoBackup(f"{self._path} is damaged: its manifest can't be read") from None

    def _damaged(self, name: str) -> NoBackup:
        return NoBackup(f"{self._path} is damaged: {name} is not what was written")


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.external_attr = 0o600 << 16
    return entry


def _manifest(document: dict[str, Any]) -> Manifest:
    return Manifest(
        made_at=datetime.fromisoformat(document["made_at"]).astimezone(UTC),
        schema=str(document["schema"]),
        dagster=str(document["dagster"]),
        program=int(document["program"]),
        tables=_texts(document["tables"]),
        keys=_texts(document["keys"]),
        encrypted=bool(document["encrypted"]),
    )


def _texts(values: Sequence[object]) -> tuple[str, ...]:
    return tuple(str(value) for value in values)


def _parts(document: dict[str, Any]) -> dict[str, Part]:
    return {name: Part(int(document[name][0]), str(document[name][1])) for name in PARTS}
