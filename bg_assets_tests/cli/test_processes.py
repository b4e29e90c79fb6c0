"""What `status` tells of processes and runs, and when it calls the daemon ended."""

import os
import re
import subprocess
import sys

import pytest

from bg_assets import process
from bg_assets.health import problems, processes
from bg_assets.instance.state import DagsterState
from bg_assets.storage import workers
from bg_assets.storage.workers import Beat, Worker
from bg_assets_tests.cli.command import Command
from bg_assets_tests.cli.refreshing import take


def worker(
    kind: str,
    *,
    host: str = "a",
    silent: float = 5.0,
    ended: float | None = None,
    state: str = "",
    uptime: float = 500.0,
) -> Worker:
    return Worker(host, 7, "x", kind, None, 1, state, uptime, silent, ended)


UP = worker("up")
GONE = {"state": "gone"}


@pytest.mark.parametrize(
    ("known", "heartbeat", "daemon"),
    [
        ([], 5.0, "running"),
        ([worker("daemon")], 60.0, "running"),
        ([worker("daemon", ended=3.0)], 20.0, "ended"),
        ([worker("daemon", ended=3.0)], 4.0, "ended"),
        ([worker("daemon", ended=30.0)], 4.0, "running"),
        ([worker("daemon", ended=3.0, uptime=900), worker("daemon", uptime=9)], 20.0, "running"),
        ([worker("daemon", ended=3.0, uptime=9), worker("daemon", uptime=900)], 20.0, "ended"),
        ([worker("daemon", state="gone"), UP], 20.0, "running"),
        ([worker("daemon", state="gone"), worker("up", state="gone")], 20.0, "ended"),
        ([worker("daemon", state="gone"), worker("up", host="b")], 20.0, "ended"),
        ([worker("daemon", state="gone", silent=80.0)], 20.0, "running"),
    ],
)
def test_the_daemon_has_ended_when_its_process_has_and_no_other_gave_a_sign_since(
    known: list[Worker], heartbeat: float, daemon: str
) -> None:
    assert processes.daemon(DagsterState("running", {}, heartbeat), known) == daemon


@pytest.mark.parametrize("daemon", ["never started", "silent for 95 s"])
def test_what_the_heartbeat_tells_otherwise_stands(daemon: str) -> None:
    assert processes.daemon(DagsterState(daemon, {}, 95.0), [worker("daemon")]) == daemon


@pytest.mark.parametrize(
    ("daemon", "wrong"),
    [("running", 0), ("never started", 0), ("ended", 1), ("silent for 95 s", 1)],
)
def test_a_daemon_that_ran_once_and_does_not_is_a_problem(daemon: str, wrong: int) -> None:
    assert len(problems.of_daemon(daemon)) == wrong


@pytest.mark.parametrize(
    ("one", "told"),
    [
        (worker("receiver", silent=91.0), 1),
        (worker("receiver", silent=89.0), 0),
        (worker("receiver", silent=91.0, ended=1.0), 0),
        (worker("receiver", silent=91.0, state="gone"), 1),
        (worker("receiver", silent=3700.0, state="gone"), 0),
        (worker("run", silent=91.0, state="gone"), 0),
        (worker("receiver", silent=91.0, state="stopped"), 1),
    ],
)
def test_who_gives_no_sign_and_has_not_ended_is_a_problem(one: Worker, told: int) -> None:
    assert len(list(processes.problems([one]))) == told


def test_status_lists_processes_and_calls_those_of_this_host_gone_that_are(bg: Command) -> None:
    me = process.seen(os.getpid())
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    assert me is not None
    with bg.engine.begin() as conn:
        workers.beat(
            conn,
            [
                Beat(me.host, me.pid, me.started, "up", me.age, me.memory),
                Beat(me.host, dead.pid, "x", "code", 9.0, 1 << 20),
                Beat(me.host, dead.pid + 100_000_000, "x", "run", 9.0, 1 << 20, run_id="gone"),
                Beat("elsewhere", 8, "x", "run", 9.0, 1 << 20, run_id="12345678-9"),
                Beat("elsewhere", 7, "x", "receiver", 99999.0, 1 << 20),
            ],
        )
    found = {one["kind"]: one for one in bg.json("status")["processes"]}
    assert {kind: one["health"] for kind, one in found.items()} == {
        "up": "ok", "code": "gone", "run": "ok", "receiver": "ok",
    }  # fmt: skip
    assert found["up"]["memory_bytes"] > 1 << 20
    assert found["receiver"]["uptime_seconds"] >= 99999
    out = bg("status").out
    assert re.search(r"process code                gone; up for \d+ s, 1 MB, last sign ", out)
    assert re.search(r"process run 12345678        ok; up for \d+ s, 1 MB, last sign ", out)
    assert "process receiver            ok; up for 28 h, 1 MB" in out


def test_status_tells_how_far_each_run_is(bg: Command) -> None:
    bg.companies("a", "b")
    take(bg, "a", "b")
    (going,) = bg.json("status")["runs"]
    assert (going["done"], going["companies"]) == (0, 2)
    assert going["since"].endswith("Z")
    assert f"run {going['run_id']}: 0 of 2 companies since " in bg("status").out
