"""A disk that fills up is told before it is full, and when it is."""

import os
from pathlib import Path

import pytest

from bg_assets import settings
from bg_assets.local import disk
from bg_assets.local.disk import MEGABYTE
from bg_assets_tests.small_disk import mounted


@pytest.mark.parametrize(
    ("free", "files", "said"),
    [
        (256 * MEGABYTE, 1000, ""),
        (256 * MEGABYTE - 1, 1000, "nearly full (255 MB left)"),
        (256 * MEGABYTE, 999, "nearly full (room for 999 files left)"),
        (32 * MEGABYTE, 1000, "nearly full (32 MB left)"),
        (32 * MEGABYTE - 1, 1000, "is full (31 MB left)"),
        (256 * MEGABYTE, 1, "nearly full (room for 1 files left)"),
        (256 * MEGABYTE, 0, "is full (room for 0 files left)"),
    ],
)
def test_a_disk_is_judged_by_its_bytes_and_its_files(free: int, files: int, said: str) -> None:
    told = disk.judge(Path("/somewhere"), free, files)
    assert told.startswith("the disk of /somewhere ") == bool(said)
    assert said in told


def test_a_full_disk_is_told_once_though_home_and_database_lie_on_it(tmp_path: Path) -> None:
    with mounted(tmp_path, 40) as small:
        home = small.root / "home"
        (home / "postgres" / "data").mkdir(parents=True)
        config = settings.read({"BG_HOME": str(home)})
        (low,) = disk.problems(config)
        assert "nearly full" in low
        small.fill()
        assert disk.problems(config) == [disk.judge(home, 0, disk.LOW_FILES)]


def test_a_file_system_that_counts_no_files_has_room_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uncounted = os.statvfs_result((4096, 4096, 10**6, 10**6, 10**6, 0, 0, 0, 0, 255))
    monkeypatch.setattr(os, "statvfs", lambda _: uncounted)
    assert disk.problems(settings.read({"BG_HOME": str(tmp_path)})) == []


def test_a_home_that_is_not_there_is_no_problem_of_a_disk(tmp_path: Path) -> None:
    assert disk.problems(settings.read({"BG_HOME": str(tmp_path / "none")})) == []
