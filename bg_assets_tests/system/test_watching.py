"""What hangs under `up` is found and started again; `status` says at once when `up` has ended."""

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from bg_assets_tests.system import stack as stacks
from bg_assets_tests.system import world
from bg_assets_tests.system.stack import Stack, eventually, up

pytestmark = [pytest.mark.system, pytest.mark.slow]

SETTINGS = {"BG_REFRESH_INTERVAL": "0", "BG_SETTLE": "0"}
KINDS = {
    "up", "supervisor", "keeper", "code", "daemon", "webserver", "receiver", "metrics",
    "notifications",
}  # fmt: skip
# Stopped for 15 s, looked at every 10 s, started again within some seconds.
AGAIN_SECONDS = 60


@pytest.fixture
def running(template_home: Path) -> Iterator[tuple[Stack, "subprocess.Popen[bytes]"]]:
    """`bg-assets up` in a home of its own."""
    with stacks.stack_in(template_home, SETTINGS) as made:
        yield made, up(made)


def processes_of(stack: Stack) -> dict[str, psutil.Process]:
    """What `status` lists, by kind, but for the runs and what forks them."""
    document = json.loads(stack.cli("status", "--json").stdout)
    found = {one["kind"]: one for one in document["processes"]}
    return {kind: psutil.Process(one["pid"]) for kind, one in found.items() if kind in KINDS}


def test_what_is_stopped_is_ended_and_works_again_and_the_end_of_up_is_told_at_once(
    running: tuple[Stack, "subprocess.Popen[bytes]"],
) -> None:
    stack, process = running
    eventually(lambda: set(processes_of(stack)) == KINDS, 30, "all are noted")
    companies = world.grow(stack, "hang-", 2, seconds=120)
    before = processes_of(stack)
    for kind in KINDS - {"up", "supervisor"}:
        before[kind].suspend()
    eventually(
        lambda: all(not one.is_running() or one.status() == psutil.STATUS_ZOMBIE
                    for kind, one in before.items() if kind not in ("up", "supervisor")),
        AGAIN_SECONDS, "those that were stopped are ended",
    )  # fmt: skip
    assert before["supervisor"].is_running()
    world.retitle(stack, "hang-0001-2", "Group Treasurer")
    world.settle(stack, companies, seconds=AGAIN_SECONDS)
    assert "(process " in (stack.home / "up.log").read_text()

    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 0
    done = stack.cli("status", "--json")
    document = json.loads(done.stdout)
    assert (done.returncode, document["daemon"], document["processes"]) == (1, "ended", [])
    (problem,) = document["problems"]
    assert problem.startswith("Dagster's daemon is not running (ended)")


def test_a_batch_that_is_cancelled_stops_within_seconds_and_keeps_what_it_has_written(
    running: tuple[Stack, "subprocess.Popen[bytes]"],
) -> None:
    stack, _ = running
    # As many as still are one batch.
    stack.execute(
        "insert into bg.companies (id, name) "
        "select 'many-' || n, 'Company ' || n from generate_series(1, 199) as n"
    )
    stack.execute(
        "insert into bg.people (id, company_id, title) "
        "select 'p-' || n || '-' || m, 'many-' || n, 'Finance Director ' || n || ' of ' || m "
        "from generate_series(1, 199) as n, generate_series(1, 750) as m"
    )

    def under_way() -> list[dict[str, object]]:
        runs = json.loads(stack.cli("status", "--json").stdout)["runs"]
        return [one for one in runs if one["done"]]

    (going, *_) = eventually(under_way, 120, "a batch has written its first companies")
    began = stack.value("select clock_timestamp()")
    done = stack.cli("cancel", str(going["run_id"]))
    assert done.returncode == 0, done.stderr
    took = stack.value("select clock_timestamp() - cast(:began as timestamptz)", began=began)
    assert took.total_seconds() < 20
    run = stack.instance.get_run_by_id(str(going["run_id"]))
    assert run is not None
    # Between two portions it finds that nothing is left, and may end before it is interrupted.
    assert run.status.value in ("CANCELED", "SUCCESS")
    counts = dict(
        stack.rows(
            "select status, count(*) from bg.buyer_group_refresh_log "
            "where company_id like 'many-%' group by 1"
        )
    )
    assert set(counts) == {"completed", "cancelled"}
    assert sum(counts.values()) == 199
    assert stack.value(
        "select count(distinct company_id) from bg.buyer_groups where company_id like 'many-%'"
    ) == counts["completed"]  # fmt: skip
    assert stack.value("select count(distinct company_id) from bg.changes where handled_at is null"
                       ) == counts["cancelled"]  # fmt: skip
