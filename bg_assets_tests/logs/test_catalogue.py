"""The catalogue, the code and the page of the docs name the same events, at the same levels."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import bg_assets
from bg_assets.logs import catalogue

PACKAGE = Path(bg_assets.__file__).parent
MADE = re.compile(r"^LOG = (?:log\.)?logger\(|^from .* import .*\bLOG\b", re.MULTILINE)
METHODS = ("debug", "info", "warning", "error", "critical", "exception")
# Made where a record of somebody else's comes in.
MADE_ELSEWHERE = {"said"}


def _calls() -> Iterator[tuple[str, str, str]]:
    """Each call of a logger of ours: where, its method, and the event that it names."""
    for path in PACKAGE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if not MADE.search(text):
            # Who logs with the standard library says what he says in words.
            continue
        for node in ast.walk(ast.parse(text)):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            on = node.func.value
            if isinstance(on, ast.Name) and on.id == "LOG" and node.func.attr in METHODS:
                first = node.args[0] if node.args else None
                event = first.value if isinstance(first, ast.Constant) else None
                yield f"{path.relative_to(PACKAGE)}:{node.lineno}", node.func.attr, str(event)


CALLS = list(_calls())


@pytest.mark.parametrize(("where", "method", "event"), CALLS)
def test_what_is_logged_is_an_event_of_the_catalogue_at_its_level(
    where: str, method: str, event: str
) -> None:
    level = "error" if method == "exception" else method
    assert event in catalogue.BY_NAME, f"{where}: name it in logs/catalogue.py"
    assert catalogue.BY_NAME[event].level == level, where


def test_each_event_of_the_catalogue_is_logged_somewhere_and_stands_there_once() -> None:
    names = [event.name for event in catalogue.EVENTS]
    assert len(names) == len(set(names))
    assert {event for _, _, event in CALLS} | MADE_ELSEWHERE == set(names)


def test_the_page_of_the_docs_shows_the_whole_catalogue() -> None:
    page = (PACKAGE.parent / "docs" / "logs.md").read_text(encoding="utf-8")
    assert page.endswith(f"## Events\n\n{catalogue.as_table()}\n")


def test_structlog_is_taken_from_the_room_of_logs_alone() -> None:
    """Else it brings rich and pygments along."""
    importers = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if any(
            (isinstance(node, ast.Import) and any(a.name == "structlog" for a in node.names))
            or (isinstance(node, ast.ImportFrom) and str(node.module).startswith("structlog"))
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        )
    }
    assert importers == {"logs/lean.py"}
