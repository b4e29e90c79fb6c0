"""The running system logs in one form, and one refresh can be followed through its files by ids."""

import json
from pathlib import Path
from typing import Any

import pytest

from bg_assets_tests.system import world
from bg_assets_tests.system.stack import Stack, eventually

pytestmark = [pytest.mark.system, pytest.mark.slow]

# Of the programs of `up` that this stack runs; supervisord's own is supervisord's.
OURS = ("code.log", "daemon.log", "postgres.log", "runs.log")


def lines_of(path: Path) -> list[dict[str, Any]]:
    """All lines of a file, each of which has to be a JSON document."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_refresh_is_followed_from_the_tick_to_its_group_by_its_ids(stack: Stack) -> None:
    (company,) = world.grow(stack, "logged-", 1, seconds=120)
    (refresh,) = world.log_of(stack, company)
    stack.wait_for_run(refresh.run_id, "SUCCESS")
    logs = {name: lines_of(stack.home / "logs" / name) for name in OURS}

    (asked,) = [
        line for line in logs["code.log"]
        if line["event"] == "run_requested" and line.get("refresh") == refresh.id
    ]  # fmt: skip
    assert (asked["process"], asked["company"], asked["companies"]) == ("code", company, 1)
    assert asked["sensor"].startswith("due_companies_")
    eventually(
        lambda: any(
            line["event"] == "run_ended" and line["run"] == refresh.run_id
            for line in lines_of(stack.home / "logs" / "runs.log")
        ),
        60, "the run's process tells of its end",
    )  # fmt: skip
    mine = [
        line for line in lines_of(stack.home / "logs" / "runs.log")
        if line.get("run") == refresh.run_id and line["level"] == "info"
    ]  # fmt: skip
    events = [line["event"] for line in mine]
    assert events == ["run_started", "refresh_taken", "refresh_completed", "run_ended"]
    done = mine[2]
    told = {name: done[name] for name in ("process", "company", "refresh", "step", "attempt")}
    assert told == {
        "process": "run", "company": company, "refresh": refresh.id, "step": "buyer_groups",
        "attempt": 1,
    }  # fmt: skip


def test_what_dagsters_own_processes_say_has_our_form_and_the_ids_of_the_work(
    stack: Stack,
) -> None:
    (company,) = world.grow(stack, "said-", 1, seconds=120)
    stack.execute(world.POISON.format(company=company))
    try:
        world.retitle(stack, f"{company}-2", "Group Treasurer")
        eventually(lambda: stack.runs_of(company, "FAILURE"), 60, "a run has failed")
    finally:
        stack.execute("drop schema poison cascade")
    daemon = lines_of(stack.home / "logs" / "daemon.log")
    said = [line for line in daemon if str(line.get("logger", "")).startswith("dagster.")]
    assert said
    assert {line["process"] for line in daemon} == {"daemon", "forkserver"}
    runs = lines_of(stack.home / "logs" / "runs.log")
    failed = [line for line in runs if line.get("company") == company and line["level"] == "error"]
    assert {line["event"] for line in failed} >= {"refresh_failed", "said", "step_failed"}
    assert all(line["run"] and line["refresh"] for line in failed)
    assert "check_violation" not in str(failed)
    assert any("not this one" not in str(line) and "could not be refreshed" in str(line)
               for line in failed if line["event"] == "said")  # fmt: skip
    world.settle(stack, [company], 60)
