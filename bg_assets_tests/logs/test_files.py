"""A log file that several processes write stays whole and bounded, also on a disk without room."""

import json
import logging
import multiprocessing
import os
import stat
from pathlib import Path

import pytest

from bg_assets import settings
from bg_assets.logs import files, setup
from bg_assets.logs.log import logger

LOG = logger("bg_assets.test")


def _record(text: str) -> logging.LogRecord:
    return logging.LogRecord("x", logging.INFO, "", 0, text, (), None)


def _write(path: Path, who: int, lines: int) -> None:
    handler = files.SharedFile(path, 20_000, 50)
    for number in range(lines):
        handler.emit(_record(f"{who} {number} {'x' * 80}"))
    handler.close()


def test_several_processes_write_one_file_which_begins_anew_without_losing_a_line(
    tmp_path: Path,
) -> None:
    path = tmp_path / "runs.log"
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_write, args=(path, who, 400)) for who in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(30)
    found = sorted(tmp_path.glob("runs.log*"))
    # Each of the other two may have a line under way that found room a moment ago.
    assert all(one.stat().st_size <= 20_000 + 2 * 100 for one in found)
    assert len(found) > 5
    lines = [line for one in found for line in one.read_text().splitlines()]
    assert sorted(tuple(map(int, line.split()[:2])) for line in lines) == [
        (who, number) for who in range(3) for number in range(400)
    ]


def test_only_so_many_older_files_are_kept_and_none_is_for_others(tmp_path: Path) -> None:
    path = tmp_path / "up.log"
    handler = files.SharedFile(path, 100, 2)
    for number in range(10):
        handler.emit(_record(f"{number} {'x' * 60}"))
    names = ["up.log", "up.log.1", "up.log.2"]
    assert sorted(one.name for one in tmp_path.glob("up.log*")) == names
    assert [(tmp_path / name).read_text()[0] for name in names] == ["9", "8", "7"]
    assert {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in names} == {0o600}


def test_a_file_that_is_taken_away_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "up.log"
    handler = files.SharedFile(path, 10_000, 2)
    handler.emit(_record("one"))
    path.unlink()
    handler.emit(_record("two"))
    assert path.read_text() == "two\n"


def test_a_line_without_room_is_lost_and_told_when_there_is_room_again(
    own_logs: None, tmp_path: Path
) -> None:
    folder = tmp_path / "logs"
    setup.begin("up", settings.read({}), file=folder / "up.log")
    # A folder that is not there stands for a disk that is full: both refuse to be written.
    LOG.info("up_started")
    LOG.info("up_stopping")
    folder.mkdir()
    setup.tell_left_out()
    (line,) = map(json.loads, (folder / "up.log").read_text().splitlines())
    assert (line["event"], line["count"]) == ("lines_lost", 2)


def test_half_a_line_counts_as_lost_and_the_next_one_begins_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = files.SharedFile(tmp_path / "up.log", 10_000, 2)
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, line: write(file, line[:4]))
    handler.emit(_record("half of it"))
    monkeypatch.undo()
    handler.emit(_record("whole"))
    assert handler.take_lost() == 1
    assert (tmp_path / "up.log").read_text().splitlines()[-1] == "whole"
