"""The file of rejects: when it appears, what it holds, and that it appears whole."""

import csv
from pathlib import Path

import pytest

from bg_assets.files.reading import open_import
from bg_assets.files.rejects import CannotReject, RejectsWriter
from bg_assets.files.rows import Reject

HEADER = ["id", "Company"]


def test_rejects_stand_beside_the_file_with_their_original_columns(tmp_path: Path) -> None:
    path = tmp_path / "people.csv.gz"
    path.touch()
    with RejectsWriter(path, HEADER) as rejects:
        rejects.write(Reject(3, "company_id: is empty", ["p1", "=1+1"]))
        rejects.write(Reject(9, "has 3 fields", ["a", "b\nc", 'd"']))
        assert not rejects.path.exists()
    assert rejects.count == 2
    with (tmp_path / "people.csv.gz.rejects.csv").open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [
            ["line", "reason", "id", "Company"],
            ["3", "company_id: is empty", "p1", "=1+1"],
            ["9", "has 3 fields", "a", "b\nc", 'd"'],
        ]
    assert len(list(tmp_path.iterdir())) == 2


def test_rejects_of_an_earlier_run_go_when_there_are_none(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.touch()
    old = tmp_path / "people.csv.rejects.csv"
    old.write_text("old")
    with RejectsWriter(path, HEADER):
        pass
    assert not old.exists()


def test_after_an_exception_everything_is_as_before(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.touch()
    old = tmp_path / "people.csv.rejects.csv"
    old.write_text("old")

    def fail() -> None:
        with RejectsWriter(path, HEADER) as rejects:
            rejects.write(Reject(2, "x", ["a"]))
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert old.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 2


def test_bytes_that_are_not_text_are_written_out(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(b"id,company_id\np\xfc,c1\np\0,c2\np\xc3\xbc,c3\n")
    with open_import(path, "people", {}, False) as file, RejectsWriter(path, file.header) as out:
        for reject in file.rows():
            if isinstance(reject, Reject):
                out.write(reject)
    written = out.path.read_text(encoding="utf-8").splitlines()
    assert written[1:] == [
        r"2,the record holds bytes that are not UTF-8,p\xfc,c1",
        r"3,id: takes 1 to 200 printable characters,p\x00,c2",
    ]


@pytest.mark.parametrize(("mode", "after"), [(0o600, 0o600), (0o440, 0o640), (0o755, 0o644)])
@pytest.mark.parametrize("before", [True, False])
def test_rejects_are_no_more_readable_than_the_file(
    tmp_path: Path, mode: int, after: int, before: bool
) -> None:
    path = tmp_path / "people.csv"
    path.touch()
    path.chmod(mode)
    if before:
        (tmp_path / "people.csv.rejects.csv").touch(0o666)
    with RejectsWriter(path, HEADER) as rejects:
        rejects.write(Reject(2, "x", ["a"]))
    assert rejects.path.stat().st_mode & 0o777 == after


def test_a_place_that_can_not_be_written_is_said(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.touch()
    (tmp_path / "people.csv.rejects.csv" / "in").mkdir(parents=True)
    with pytest.raises(CannotReject, match="can't be written"), RejectsWriter(path, HEADER) as out:
        out.write(Reject(2, "x", ["a"]))
    assert len(list(tmp_path.iterdir())) == 2
