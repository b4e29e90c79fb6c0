"""A starting daemon has the process that forks runs started before the first run is launched."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from bg_assets.instance import launcher
from bg_assets.instance.launcher import ForkRunLauncher
from bg_assets_tests.instance.conftest import Make, launch, wait_for

SUCCESS = dg.DagsterRunStatus.SUCCESS


@pytest.fixture
def forking(instance: dg.DagsterInstance) -> Iterator[ForkRunLauncher]:
    """The launcher, as it is after a start: it has no server, and none is left of the last test."""
    found = instance.run_launcher
    assert isinstance(found, ForkRunLauncher)
    found.dispose()
    yield found
    while launcher._EARLY:
        launcher._EARLY.popitem()[1].stop()


def _pid(forking: ForkRunLauncher) -> int:
    (server,) = forking._servers.values()
    return server._process.pid


def test_the_first_run_is_forked_from_a_server_that_was_started_before_it(
    instance: dg.DagsterInstance, forking: ForkRunLauncher, make_run: Make
) -> None:
    run = make_run()
    launch(instance, run)
    wait_for(instance, run, SUCCESS)
    forking.dispose()
    launcher.start_early()
    (early,) = launcher._EARLY.values()
    run = make_run()
    launch(instance, run)
    wait_for(instance, run, SUCCESS)
    assert _pid(forking) == early._process.pid
    assert launcher._EARLY == {}


def test_a_server_that_died_before_it_was_wanted_fails_no_run(
    instance: dg.DagsterInstance, forking: ForkRunLauncher, make_run: Make
) -> None:
    launcher.start_early()
    (early,) = launcher._EARLY.values()
    early._process.kill()
    early._process.wait()
    run = make_run()
    launch(instance, run)
    wait_for(instance, run, SUCCESS)
    assert _pid(forking) != early._process.pid


def test_a_server_of_other_definitions_ends(
    instance: dg.DagsterInstance, forking: ForkRunLauncher, make_run: Make, home: Path
) -> None:
    (home / "dagster" / "forked-from.json").write_text(json.dumps(["", "{}"]))
    launcher.start_early()
    (early,) = launcher._EARLY.values()
    run = make_run()
    launch(instance, run)
    wait_for(instance, run, SUCCESS)
    assert early._process.poll() is not None
    assert _pid(forking) != early._process.pid


@pytest.mark.parametrize(
    "noted", [None, "", "{", "3", "[1]", json.dumps([f"{sys.executable}-other", "{}"])]
)
def test_without_a_note_of_this_python_none_is_started(
    forking: ForkRunLauncher, home: Path, noted: str | None
) -> None:
    note = home / "dagster" / "forked-from.json"
    note.unlink(missing_ok=True)
    if noted is not None:
        note.write_text(noted)
    launcher.start_early()
    assert launcher._EARLY == {}
