"""What people see of values from outside: no orders to the terminal, no lines of their own."""

import ast
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.text import Text

from bg_assets import cli, local
from bg_assets.terminal import Terminal
from bg_assets_tests.cli.command import Command
from bg_assets_tests.cli.refreshing import refresh

# Cut the title, set the clipboard, forge a line, turn round what follows, start a line in C1.
HOSTILE = (
    "CFO\x1b]52;c;cm0gLXJm\x07\x1b[2J\ndead: all after 3 attempts: x\r"
    "\u202egnp\u2066\x9b31m\u2028end\x7f"
)
SHOWN = (
    r"CFO\x1b]52;c;cm0gLXJm\x07\x1b[2J\ndead: all after 3 attempts: x\r"
    r"\u202egnp\u2066\x9b31m\u2028end\x7f"
)


@pytest.fixture
def hostile(bg: Command) -> Command:
    """A company whose values were written by SQL, past any import."""
    bg.execute("insert into bg.companies (id, name) values ('a', :text)", text=HOSTILE)
    bg.execute(
        "insert into bg.people (id, company_id, name, title, department) "
        "values (:id, 'a', :text, :text, :text), ('p2', 'a', 'Ann', 'Chief Financial Officer', '')",
        id=f"p1{HOSTILE}",
        text=HOSTILE,
    )
    refresh(bg, "a")
    return bg


def _harmless(text: str) -> None:
    assert all(one.isprintable() for line in text.split("\n") for one in line), text
    assert not any(line.startswith("dead: all") for line in text.splitlines())


def test_show_tells_values_from_outside_without_obeying_them(hostile: Command) -> None:
    done = hostile("show", "a")
    assert done.code == 0
    _harmless(done.out)
    assert SHOWN.replace(" ", "") in "".join(done.out.split())


@pytest.mark.parametrize("person", [f"p1{HOSTILE}", "p2"], ids=["hostile", "plain"])
def test_why_does_too(hostile: Command, person: str) -> None:
    done = hostile("why", "a", person)
    assert done.code == 0, done.err
    _harmless(done.out)


def test_errors_and_near_matches_do_too(hostile: Command) -> None:
    for arguments in (
        ("why", "a", "p1CFO"),
        ("show", HOSTILE),
        ("requeue", HOSTILE),
        ("refresh", HOSTILE, "b"),
        ("templates", "show", HOSTILE),
        ("import", HOSTILE, "file"),
        ("export", "--workspace", HOSTILE),
        ("pin", "a", "p2", "--reason", "x", "--role", HOSTILE),
        ("status", f"--{HOSTILE}"),
    ):
        done = hostile(*arguments)
        assert done.code == 2, arguments
        _harmless(done.err)


def test_status_does_too(hostile: Command) -> None:
    hostile.execute(
        "insert into bg.buyer_group_refresh_log (company_id, status, reason, triggered_by, "
        "attempt, finished_at, error) values ('a', 'dead', 'manual', 'x', 3, now(), :text)",
        text=HOSTILE,
    )
    done = hostile("status")
    _harmless(done.out)
    assert f"dead: a after 3 attempts: {SHOWN}" in done.out


def test_a_hint_of_near_matches_is_one_line(bg: Command) -> None:
    bg.companies("acme")
    bg.execute("insert into bg.people (id, company_id) values (:id, 'acme')", id="p1\nerror: no")
    done = bg("why", "acme", "p1 error")
    assert done.err.splitlines() == [
        r"error: no person p1 error at acme; did you mean p1\nerror: no?"
    ]


def test_json_has_the_values_as_they_are_and_nothing_that_a_terminal_obeys(
    hostile: Command,
) -> None:
    for arguments in (("show", "a", "--json"), ("export", "--format", "json")):
        done = hostile(*arguments)
        _harmless(done.out)
        assert json.dumps(HOSTILE) in json.dumps(json.loads(done.out))


def _titles(out: int) -> None:
    code = "from bg_assets.cli.main import main; main()"
    subprocess.run(
        [sys.executable, "-c", code, "titles", "-"],
        input="CFO \x9b\x1b[31m\n".encode(),
        stdout=out,
        check=True,
    )


def test_data_is_made_visible_on_a_terminal_and_is_as_it_was_elsewhere(tmp_path: Path) -> None:
    watched, terminal = os.openpty()
    _titles(terminal)
    os.close(terminal)
    seen = os.read(watched, 10_000).decode()
    os.close(watched)
    assert r"CFO \x9b\x1b[31m" in seen
    assert "\x1b" not in seen
    with (tmp_path / "out").open("wb") as file:
        _titles(file.fileno())
    assert "CFO \x9b\x1b[31m" in (tmp_path / "out").read_text()


def test_a_text_that_was_made_elsewhere_is_made_visible_too() -> None:
    terminal = Terminal()
    terminal.file = io.StringIO()
    terminal.print(Text("CFO\x1b[2J\x9b31m\u202e"), Text("next"))
    assert terminal.file.getvalue() == "CFO\\x1b[2J\\x9b31m\\u202e next\n"


def _speaks_for_itself(node: ast.AST) -> bool:
    match node:
        case ast.Name(id="Console" | "print") | ast.Attribute(attr="Console"):
            return True
        case ast.Attribute(value=ast.Name(id="click"), attr="echo" | "secho" | "echo_via_pager"):
            return True
        case ast.Attribute(value=ast.Name(id="sys"), attr="stdout" | "stderr" | "__stdout__"):
            return True
    return False


@pytest.mark.parametrize("room", [cli, local], ids=["cli", "local"])
def test_only_one_module_writes_to_a_terminal(room: object) -> None:
    (folder,) = map(Path, room.__path__)  # type: ignore[attr-defined]
    places = [
        f"{path.name}:{getattr(node, 'lineno', '?')}"
        for path in sorted(folder.glob("*.py"))
        if path.name != "terminal.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if _speaks_for_itself(node)
    ]
    # Whether somebody watches is asked, nothing is written.
    assert [place for place in places if not place.startswith("session.py")] == []
