"""What Dagster says in its own processes, and in runs, comes out of our logs with the ids."""

import importlib
import json
import logging
from collections.abc import Iterator

import dagster as dg
import pytest

from bg_assets import settings
from bg_assets.instance.private import speaking
from bg_assets.logs import setup
from bg_assets_tests.logs import conftest
from bg_assets_tests.private import SETS_UP_LOGS

own_logs = conftest.own_logs

TAGS = {"bg/refresh_id": "f1", "dagster/partition": "acme"}


@pytest.fixture
def ours(own_logs: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """This process as one of Dagster's."""
    for module, name in SETS_UP_LOGS:
        found = importlib.import_module(module)
        # What is there has to be there, and is put back.
        monkeypatch.setattr(found, name, getattr(found, name))
    setup.begin("code", settings.read({"BG_LOG_FORMAT": "json"}))
    speaking.through_ours()


@pytest.mark.parametrize(("module", "name"), SETS_UP_LOGS[:3])
def test_dagsters_processes_set_up_no_logs_of_their_own(ours: None, module: str, name: str) -> None:
    before = list(logging.getLogger("dagster").handlers)
    getattr(importlib.import_module(module), name)(formatter="colored", log_level="INFO")
    assert logging.getLogger("dagster").handlers == before


def _said(capsys: pytest.CaptureFixture[str]) -> Iterator[dict[str, object]]:
    for line in capsys.readouterr().err.splitlines():
        # What is for people, in colours, goes the same way here, and is captured in a run.
        if line.startswith("{"):
            yield json.loads(line)


@dg.op
def tells(context: dg.OpExecutionContext) -> None:
    """Says something, and fails where it is told to."""
    context.log.info("3 of 9 companies")
    context.log.debug("nobody wants to know")
    if "fail" in context.run.tags:
        raise ValueError("jane.roe@example.com is none")


@dg.job
def telling() -> None:
    """One step."""
    tells()


def test_what_a_run_says_has_its_ids_and_dagsters_events_stay_with_dagster(
    ours: None, capsys: pytest.CaptureFixture[str]
) -> None:
    done = telling.execute_in_process(tags=TAGS)
    (line,) = _said(capsys)
    told = {name: line[name] for name in ("event", "message", "run", "step", "refresh", "company")}
    assert told == {
        "event": "said", "message": "3 of 9 companies", "run": done.run_id, "step": "tells",
        "refresh": "f1", "company": "acme",
    }  # fmt: skip


def test_a_step_that_fails_is_an_event_with_the_ids_and_without_what_it_quotes(
    ours: None, capsys: pytest.CaptureFixture[str]
) -> None:
    done = telling.execute_in_process(tags={**TAGS, "fail": "yes"}, raise_on_error=False)
    _, failed = _said(capsys)
    assert (failed["event"], failed["level"]) == ("step_failed", "error")
    assert (failed["run"], failed["refresh"]) == (done.run_id, "f1")
    assert "ValueError: [personal] is none" in str(failed["told"])
