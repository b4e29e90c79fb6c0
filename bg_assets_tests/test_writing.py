"""Files for users: what is replaced, what is written through, and what is left as it was."""

import errno
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bg_assets import writing
from bg_assets.writing import WholeFile


def write(path: Path, text: str = "new", mode: int = 0o666, *, keep_mode: bool = True) -> None:
    with WholeFile(path, mode, keep_mode=keep_mode) as file:
        file.text.write(text)


def names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


@pytest.fixture
def pipe(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    """A pipe with a name, and the descriptor of somebody who reads it."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    yield path, reader
    os.close(reader)


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """A device of the test's own that swallows everything."""
    path = tmp_path / "node"
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 3))
        path.open("w").close()
    except PermissionError:
        pytest.skip("devices can't be made or opened here")
    return path


def test_a_new_file_is_as_open_as_the_umask_lets_it(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write(tmp_path / "open")
        write(tmp_path / "closed", mode=0o600)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "open").stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "closed").stat().st_mode) == 0o600
    assert names(tmp_path) == ["closed", "open"]


@pytest.mark.parametrize(("keep", "after"), [(True, 0o664), (False, 0o600)])
def test_a_file_that_was_there_keeps_its_mode_unless_it_must_not(
    tmp_path: Path, keep: bool, after: int
) -> None:
    path = tmp_path / "file"
    path.write_text("old and longer")
    path.chmod(0o664)
    write(path, mode=0o600, keep_mode=keep)
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("new", after)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_that_was_there_keeps_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    os.chown(path, 12345, 12346)
    write(path)
    assert (path.stat().st_uid, path.stat().st_gid) == (12345, 12346)


def test_whoever_reads_sees_the_old_file_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with WholeFile(path) as file:
        file.text.write("new")
        file.text.flush()
        assert path.read_text() == "old"
    assert path.read_text() == "new"


def test_a_link_is_followed_and_stays_a_link(tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "target").write_text("old")
    (folder / "target").chmod(0o640)
    (tmp_path / "second").symlink_to("elsewhere/target")
    (tmp_path / "first").symlink_to(tmp_path / "second")
    write(tmp_path / "first")
    assert (tmp_path / "first").readlink() == tmp_path / "second"
    assert (folder / "target").read_text() == "new"
    assert stat.S_IMODE((folder / "target").stat().st_mode) == 0o640
    assert names(folder) == ["target"]
    assert names(tmp_path) == ["elsewhere", "first", "second"]


def test_a_link_to_nothing_gets_its_target(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("target")
    write(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text() == "new"


def test_a_pipe_is_written_through(pipe: tuple[Path, int]) -> None:
    path, reader = pipe
    write(path)
    assert path.is_fifo()
    assert os.read(reader, 100) == b"new"
    assert names(path.parent) == ["pipe"]


def test_a_device_is_written_through_also_behind_a_link(node: Path) -> None:
    before = node.stat()
    (node.parent / "link").symlink_to(node)
    for path in (node, node.parent / "link"):
        write(path)
    assert stat.S_ISCHR(node.stat().st_mode)
    assert (node.stat().st_ino, node.stat().st_mode) == (before.st_ino, before.st_mode)
    assert names(node.parent) == ["link", "node"]


def test_standard_output_by_its_path_is_written_after_what_is_there(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.write_text("before,")
    code = (
        "from pathlib import Path\n"
        "from bg_assets.writing import WholeFile\n"
        "with WholeFile(Path('/dev/stdout')) as file: file.text.write('new')\n"
    )
    with out.open("a") as appending:
        subprocess.run([sys.executable, "-c", code], stdout=appending, check=True)
    assert out.read_text() == "before,new"
    piped = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True)
    assert piped.stdout == b"new"


def test_what_can_not_be_a_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "lost").symlink_to("nowhere/file")
    for name, number in (
        ("folder", errno.EISDIR),
        ("loop", errno.ELOOP),
        ("lost", errno.ENOENT),
        ("nowhere/file", errno.ENOENT),
        ("n" * 300, errno.ENAMETOOLONG),
    ):
        path = tmp_path / name
        with pytest.raises(OSError, match=r".") as refused:
            write(path)
        assert (refused.value.errno, refused.value.filename) == (number, str(path))
    assert names(tmp_path) == ["folder", "loop", "lost"]


def test_a_name_as_long_as_names_may_be_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("ä" * 127)
    write(path)
    assert path.read_text() == "new"


@pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit, OSError])
def test_what_ends_halfway_leaves_the_old_file(tmp_path: Path, end: type[BaseException]) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def half() -> None:
        with WholeFile(path) as file:
            file.text.write("n" * 100_000)
            raise end

    with pytest.raises(end):
        half()
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize("size", [3, 100_000], ids=["at the end", "halfway"])
def test_a_full_disk_leaves_the_old_file_and_is_said_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    real = os.fdopen

    def full(descriptor: int, *arguments: Any, **options: Any) -> Any:
        os.dup2(os.open("/dev/full", os.O_WRONLY), descriptor)
        return real(descriptor, *arguments, **options)

    monkeypatch.setattr("bg_assets.writing.os.fdopen", full)
    with pytest.raises(OSError, match="No space left") as refused:
        write(path, "n" * size)
    assert refused.value.filename == str(path)
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize(
    ("error", "named"),
    [
        (OSError(errno.ENOSPC, "full"), "file"),
        (OSError(errno.ENOSPC, "full", "other"), "other"),
        (OSError(errno.ECONNRESET, "gone"), None),
    ],
)
def test_only_errors_of_writing_are_said_of_the_file(
    tmp_path: Path, error: OSError, named: str | None
) -> None:
    def fail() -> None:
        with WholeFile(tmp_path / "file"):
            raise error

    with pytest.raises(OSError, match=r"full|gone") as raised:
        fail()
    assert raised.value.filename == (str(tmp_path / "file") if named == "file" else named)


def test_without_replacing_the_first_to_come_stays(tmp_path: Path) -> None:
    path = tmp_path / "file"
    file = WholeFile(path)
    path.write_text("other")
    with pytest.raises(FileExistsError):
        file.put(replace=False)
    assert path.read_text() == "other"
    assert names(tmp_path) == ["file"]


def test_only_a_regular_file_is_removed(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "folder", "pipe", "nothing"):
        writing.remove(tmp_path / name)
    assert names(tmp_path) == ["folder", "link", "pipe"]
