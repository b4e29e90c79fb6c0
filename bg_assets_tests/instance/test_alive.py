"""Who is missed: not who was replaced, nor who is silent only since `up` tells nothing of it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from bg_assets import process
from bg_assets.health import processes
from bg_assets.instance import alive
from bg_assets.metrics import standing as metrics
from bg_assets.storage import workers
from bg_assets.storage.workers import Beat, Worker

UNDER_UP = ("supervisor", "keeper", "code", "daemon", "webserver", "forkserver", "run")


def one(
    kind: str, silent: float = 1, *, host: str = "a", up: float = 9000, state: str = "",
    ended: float | None = None, pid: int = 7,
) -> Worker:  # fmt: skip
    """A process that began ``up`` s ago."""
    return Worker(host, pid, "then", kind, None, 1, state, up, silent, ended)


def missed(*known: Worker) -> list[str]:
    """Of which kinds."""
    return [found.process.kind for found in alive.standing(known) if found.is_missed]


def under(silent: float) -> list[Worker]:
    """All that `up` tells of, last seen with it."""
    return [one(kind, silent) for kind in UNDER_UP]


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ([one("up"), one("receiver", 200)], ["receiver"]),
        ([one("up"), one("receiver", 80)], []),
        ([one("up", 200), *under(205), one("receiver")], ["up"]),
        # Itself silent, or known to be in trouble before `up` was.
        ([one("up", 200), *under(205), one("receiver", 200), one("alerts")], ["up", "receiver"]),
        ([one("up", 200), one("webserver", 400), one("alerts")], ["up", "webserver"]),
        ([one("up", 200), one("daemon", 205, state="stopped"), one("alerts")], ["up", "daemon"]),
        # Nothing of the machine is heard.
        ([one("up", 200), *under(205), one("receiver", 195), one("alerts", 190)], ["up"]),
        ([one("up", 200, state="gone"), *under(205)], ["up"]),
        # Another machine's `up` covers nothing here.
        ([one("up", 200), one("webserver", 205, host="b"), one("up", host="b")],
         ["up", "webserver"]),
        # Killed; there was another before, there is another since, there is one for two.
        ([one("notifications", 300, state="gone"), one("notifications", up=900)],
         ["notifications"]),
        ([one("notifications", 300, state="gone"), one("notifications", up=200)], []),
        ([one("receiver", 300, state="gone"), one("receiver", 310, state="gone", pid=8),
          one("receiver", up=200)], ["receiver"]),
        ([one("up", 300, state="gone"), *under(305), one("up", up=200),
          *(one(kind, up=195, pid=8) for kind in UNDER_UP)], []),
        # A container in the place of another has another name, a machine that runs on is another.
        ([one("receiver", 300), one("receiver", host="b", up=200)], []),
        ([one("receiver", 300), one("receiver", host="b", up=200), one("up", host="b")],
         ["receiver"]),
        # Long ago; in order; of a run.
        ([one("receiver", 3700), one("receiver", 3700, state="gone")], []),
        ([one("receiver", 300, ended=100)], []),
        ([one("run", 300, state="gone")], []),
        ([one("run", 300)], ["run"]),
    ],
)  # fmt: skip
def test_who_is_missed(known: list[Worker], expected: list[str]) -> None:
    assert missed(*known) == expected


def test_an_up_that_is_silent_says_of_how_many_nothing_is_known() -> None:
    known = [one("up", 200), *under(205), one("receiver")]
    (lost,) = processes.lost(known)
    assert ", so nothing is known of 7 more there: look whether" in processes.problem(lost)
    shown = {found["kind"]: found["health"] for found in processes.document(known)}
    assert shown["webserver"] == "unknown, as `up` is silent"
    assert (shown["up"], shown["receiver"]) == ("silent for 200 s", "ok")


@pytest.fixture
def sleeper() -> Iterator["subprocess.Popen[bytes]"]:
    """A process of this machine."""
    made = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        yield made
    finally:
        made.kill()
        made.wait()


def told(engine: sa.Engine, word: str) -> float:
    """What the metric counts of the senders that are so."""
    with engine.begin() as conn:
        (family, *_) = metrics._of_workers(alive.standing(alive.read(conn)))
    return sum(
        sample.value
        for sample in family.samples
        if sample.labels["kind"] == "notifications" and sample.labels["health"] == word
    )


def test_a_process_that_is_killed_is_missed_by_all_until_another_begins_in_its_place(
    engine: sa.Engine, sleeper: "subprocess.Popen[bytes]"
) -> None:
    me, its = process.seen(os.getpid()), process.seen(sleeper.pid)
    assert me is not None
    assert its is not None
    beat = Beat(its.host, its.pid, its.started, "notifications", 4000.0, 1, silent=200.0)
    with engine.begin() as conn:
        workers.beat(conn, [beat])
    sleeper.send_signal(signal.SIGKILL)
    sleeper.wait()

    def lost() -> list[str]:
        with engine.begin() as conn:
            return list(processes.problems(alive.read(conn)))

    (line,) = lost()
    assert "is gone without having ended in order, for 20" in line
    assert (told(engine, "ok"), told(engine, "bad")) == (0, 1)
    with engine.begin() as conn:
        workers.beat(conn, [Beat(me.host, me.pid, me.started, "notifications", 150.0, 1)])
    assert lost() == []
    assert (told(engine, "ok"), told(engine, "bad")) == (1, 0)


def test_a_process_that_was_stopped_is_missed_though_up_is_silent_too(
    engine: sa.Engine, sleeper: "subprocess.Popen[bytes]"
) -> None:
    its = process.seen(sleeper.pid)
    assert its is not None
    with engine.begin() as conn:
        workers.beat(conn, [
            Beat(its.host, its.pid, its.started, "webserver", 4000.0, 1, silent=200.0),
            Beat("elsewhere", 5, "then", "up", 4000.0, 1, silent=200.0),
        ])  # fmt: skip
    sleeper.send_signal(signal.SIGSTOP)
    os.waitpid(sleeper.pid, os.WUNTRACED)
    with engine.begin() as conn:
        lines = list(processes.problems(alive.read(conn)))
    assert [line.split(" on ")[0] for line in lines] == ["the up", "the webserver"]
    assert "was stopped (SIGSTOP)" in lines[1]
