"""docs/scaling.md names settings, files and classes that there are, with their true defaults."""

import importlib.util
import re
from pathlib import Path

import pytest
import yaml

from bg_assets import settings

TEXT = (settings.PROJECT / "docs" / "scaling.md").read_text(encoding="utf-8")
DEFAULTS = {one.name: one.default for one in settings.VARIABLES}


def _rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading, without its first two lines."""
    section = TEXT.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_every_variable_that_is_named_is_one_of_ours() -> None:
    assert set(re.findall(r"\bBG_[A-Z_]+\b", TEXT)) <= DEFAULTS.keys()


def test_what_is_to_be_turned_is_told_with_its_true_default() -> None:
    rows = _rows("What to turn")
    assert len(rows) > 6
    for names, default, *_ in rows:
        variables = re.findall(r"BG_[A-Z_]+", names)
        for variable, told in zip(variables, default.split(", "), strict=bool(variables)):
            assert told.split()[0] == DEFAULTS[variable], variable


@pytest.mark.parametrize("path", ["dagster.yaml", "deploy/dagster.yaml"])
def test_the_limit_of_runs_is_where_it_is_said_to_be(path: str) -> None:
    config = yaml.safe_load((settings.PROJECT / path).read_text(encoding="utf-8"))
    limit = config["concurrency"]["runs"]["max_concurrent_runs"]
    (row,) = [row for row in _rows("What to turn") if "max_concurrent_runs" in row[0]]
    assert limit >= 3
    if path == "dagster.yaml":
        assert row[1] == str(limit)


def test_modules_and_files_that_are_named_are_there() -> None:
    for module in re.findall(r"`(bg_assets\.[a-z_.]+)`", TEXT):
        assert importlib.util.find_spec(module), module
    paths = re.findall(r"`((?:bg_assets/|ticks/|instance/|deploy/)[a-z_/.]+)`", TEXT)
    assert len(paths) > 2
    for path in paths:
        roots = (settings.PROJECT, settings.PROJECT / "bg_assets")
        assert any((root / path).exists() for root in roots), path


def test_pages_that_it_points_to_are_there() -> None:
    for target in re.findall(r"\]\((?!https:)([^)#]+)", TEXT):
        assert (Path(settings.PROJECT) / "docs" / target).exists(), target
