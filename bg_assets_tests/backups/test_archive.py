"""The file of a backup: what is read is what was written, and all else is told apart."""

import io
import json
import os
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bg_assets.backups.archive import BG, CHUNK, DAGSTER, Archive, Manifest, NoBackup, Writer

MANIFEST = Manifest(
    made_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    schema="0009",
    dagster="1.13.27",
    program=18,
    tables=("public.runs",),
    keys=("ab",),
    encrypted=True,
)
CONTENT = {DAGSTER: b"d" * (CHUNK + 7), BG: b"truth" * 1000}


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    path = tmp_path / "backup"
    with path.open("wb") as out:
        writer = Writer(out)
        for name, content in CONTENT.items():
            writer.add(name, iter([content[:10], content[10:]]))
        writer.close(MANIFEST)
    return path


def test_what_is_read_is_what_was_written(whole: Path) -> None:
    seen: list[int] = []
    with Archive(whole) as archive:
        archive.verify(seen.append)
        assert archive.manifest == MANIFEST
        assert {name: b"".join(archive.read(name)) for name in CONTENT} == CONTENT
        assert sum(seen) == archive.size == sum(map(len, CONTENT.values()))


def test_it_can_be_written_where_nothing_can_be_sought(whole: Path, tmp_path: Path) -> None:
    class Pipe(io.RawIOBase):
        written = b""

        def writable(self) -> bool:
            return True

        def write(self, content: object) -> int:
            self.written += bytes(content)  # type: ignore[call-overload]
            return len(content)  # type: ignore[arg-type]

    pipe = Pipe()
    writer = Writer(pipe)  # type: ignore[arg-type]
    for name, content in CONTENT.items():
        writer.add(name, iter([content]))
    writer.close(MANIFEST)
    (tmp_path / "piped").write_bytes(pipe.written)
    with Archive(tmp_path / "piped") as archive:
        archive.verify(lambda _: None)


@pytest.mark.parametrize("kept", [0.01, 0.5, 0.99, 0.9999])
def test_half_of_a_file_is_called_that(whole: Path, kept: float) -> None:
    content = whole.read_bytes()
    whole.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(NoBackup, match="ends too early"):
        Archive(whole)


@pytest.mark.parametrize("name", [DAGSTER, BG])
def test_a_bit_that_turned_is_found_before_anything_is_restored(whole: Path, name: str) -> None:
    content = bytearray(whole.read_bytes())
    at = content.index(CONTENT[name][:200]) + 100
    content[at] ^= 1
    whole.write_bytes(content)
    with Archive(whole) as archive, pytest.raises(NoBackup, match=f"{name} is not what"):
        archive.verify(lambda _: None)


def test_a_dump_that_was_exchanged_with_its_sum_of_the_zip_is_found(whole: Path) -> None:
    with Archive(whole) as archive:
        parts = {name: b"".join(archive.read(name)) for name in CONTENT}
        described = zipfile.ZipFile(whole).read("manifest.json")
    with zipfile.ZipFile(whole, "w") as forged:
        forged.writestr(DAGSTER, parts[DAGSTER])
        forged.writestr(BG, parts[BG][:-1])
        forged.writestr("manifest.json", described)
    with Archive(whole) as archive, pytest.raises(NoBackup, match="is damaged"):
        archive.verify(lambda _: None)


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"kind": "something else"}, "is not a backup of bg-assets"),
        ([], "is not a backup of bg-assets"),
        ({"kind": "bg_assets backup", "format": 2}, "of another format \\(2; this code knows 1\\)"),
        ({"kind": "bg_assets backup", "format": 1}, "its manifest can't be read"),
    ],
)
def test_a_zip_of_another_kind_or_format_is_refused(
    tmp_path: Path, document: object, told: str
) -> None:
    path = tmp_path / "other.zip"
    with zipfile.ZipFile(path, "w") as other:
        other.writestr("manifest.json", json.dumps(document))
    with pytest.raises(NoBackup, match=told):
        Archive(path)


@pytest.mark.parametrize("content", [b"", b"id,name\n", b"PGDMP\x01\x10\x00"])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other"
    path.write_bytes(content)
    with pytest.raises(NoBackup, match="is not a backup of bg-assets"):
        Archive(path)


def test_a_pipe_is_told_apart(whole: Path) -> None:
    read, write = os.pipe()
    with os.fdopen(read), os.fdopen(write, "wb") as into:
        into.write(whole.read_bytes()[:100])
        into.flush()
        with pytest.raises(NoBackup, match="is a pipe: write what comes from it to a file first"):
            Archive(Path(f"/proc/self/fd/{read}"))
