"""Dagster's own commands, typed in the project's folder with nothing set but BG_HOME."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from bg_assets import settings
from bg_assets.local import programs
from bg_assets_tests.conftest import temporary_folder
from bg_assets_tests.system import stack as stacks
from bg_assets_tests.system.stack import Stack, eventually

pytestmark = pytest.mark.system

START, STOP = 90.0, 30.0
# What other tools of this session may be writing meanwhile.
NOT_OURS = {
    ".git", ".venv", ".bg", "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache",
    ".hypothesis",
}  # fmt: skip
KNOWN = """
    query {
        assetNodes { assetKey { path } }
        partitionSets: assetNodeOrError(assetKey: {path: ["buyer_groups"]}) {
            ... on AssetNode { partitionKeys }
        }
    }
"""


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A home with a migrated database, of whose programs none runs."""
    template = temporary_folder(stacks.PREFIX)
    try:
        stacks.make_template(template)
        with stacks.stack_in(template, {}) as made:
            yield made
    finally:
        shutil.rmtree(template)


@pytest.fixture
def tree() -> Iterator[None]:
    """The test leaves the project's folder as it found it."""
    before = _tree()
    yield
    assert sorted(_tree() - before) == []


@pytest.mark.usefixtures("tree")
def test_dg_check_defs_finds_nothing_wrong(stack: Stack) -> None:
    done = subprocess.run(
        [_program("dg"), "check", "defs"],
        cwd=settings.PROJECT,
        env=_environment(stack),
        capture_output=True,
        text=True,
        check=False,
        timeout=START,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All definitions loaded successfully" in done.stdout


@pytest.mark.usefixtures("tree")
def test_the_webserver_alone_shows_what_is_in_the_shared_storage(
    stack: Stack, tmp_path: Path
) -> None:
    stack.instance.add_dynamic_partitions("companies", ["known-before"])
    port = stacks.free_port()
    command = ("dagster-webserver", "-w", "workspace.yaml", "-p", str(port))
    with _running(stack, command, port, tmp_path / "webserver.log"):
        shown = _ask(port)
    assert shown["assets"] == {
        "people", "companies", "company_people", "enriched_people", "buyer_groups",
        "buyer_group_kpis", "template_experiments",
    }  # fmt: skip
    assert "known-before" in shown["partitions"]


@pytest.mark.slow
@pytest.mark.usefixtures("tree")
def test_dg_dev_refreshes_companies_like_everything_else(stack: Stack, tmp_path: Path) -> None:
    port = stacks.free_port()
    with _running(stack, ("dg", "dev", "--port", str(port)), port, tmp_path / "dev.log"):
        stack.execute("insert into bg.companies (id, name) values ('acme', 'Acme')")
        eventually(
            lambda: stack.value("select count(*) from bg.buyer_groups where company_id = 'acme'"),
            START,
            "the company has its group",
        )
        eventually(lambda: "acme" in _ask(port)["partitions"], 10, "the UI knows its partition")
        (run_id,) = stack.runs_of("acme")
        stack.wait_for_run(run_id, "SUCCESS")


@contextlib.contextmanager
def _running(stack: Stack, command: Sequence[str], port: int, log: Path) -> Iterator[None]:
    """A command while it serves the port; at the end of the block it gets a terminal's Ctrl-C."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [_program(command[0]), *command[1:]],
            cwd=settings.PROJECT,
            env=_environment(stack),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            # Where the tests themselves run in the background of a script, it is ignored.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
    try:
        up = programs.wait_for_port(port, process, START)
        assert up, f"{command[0]} is not up: {log.read_text()[-4000:]}"
        yield
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(STOP) == 0, log.read_text()[-4000:]
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        eventually(lambda: not stack.processes(), STOP, "all its processes are gone")


def _environment(stack: Stack) -> dict[str, str]:
    """What a user has who never set anything; not even the venv needs to be active."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("DAGSTER_", "BG_", "PYTHON", "VIRTUAL_ENV"))
    }
    return {**kept, "BG_HOME": str(stack.home), "PYTHONDONTWRITEBYTECODE": "1"}


def _program(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def _tree() -> set[str]:
    found = set()
    for folder, folders, files in os.walk(settings.PROJECT):
        folders[:] = [one for one in folders if one not in NOT_OURS]
        found |= {str(Path(folder, one)) for one in (*folders, *files)}
    return found


def _ask(port: int) -> dict[str, Any]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql",
        data=json.dumps({"query": KNOWN}).encode(),
        headers={"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        data = json.load(answer)["data"]
    return {
        "assets": {"/".join(node["assetKey"]["path"]) for node in data["assetNodes"]},
        "partitions": data["partitionSets"]["partitionKeys"],
    }
