"""Kill -9 of each process under a steady stream of changes: nothing is lost, nothing done twice."""

import contextlib
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from bg_assets.embedded import processes
from bg_assets_tests.system import stack as stacks
from bg_assets_tests.system import stream, world
from bg_assets_tests.system.stack import Stack, eventually

pytestmark = pytest.mark.system

SETTINGS = {"BG_REFRESH_INTERVAL": "0", "BG_SETTLE": "0.2", "BG_MAX_ATTEMPTS": "10"}
COMPANIES = 30
# The daemon's whole start, on a machine that is busy with other things.
RECOVERY_SECONDS = 120


@pytest.fixture(scope="module")
def stack(template_home: Path) -> Iterator[Stack]:
    """A system of its own, in which whatever has settled is refreshed, without interval."""
    with stacks.stack_in(template_home, SETTINGS) as made:
        made.start("postgres", "code", "daemon")
        world.grow(made, "warm-", 1, seconds=120)
        stream.watch(made)
        yield made


def kill_daemon(stack: Stack) -> None:
    stacks.kill(stack.daemon())


def kill_code_server(stack: Stack) -> None:
    stacks.kill(stack.code_server())


def kill_fork_server(stack: Stack) -> None:
    stacks.kill(eventually(stack.fork_servers, 60, "there is a fork server")[0])


def kill_run(stack: Stack) -> None:
    """Kill a run amid its last transaction."""
    with world.writes_blocked(stack):
        blocked = eventually(lambda: world.blocked_runs(stack), 60, "a run is at its last step")
        worker = eventually(stack.workers, 10, "it has a process")[0]
        assert blocked
        stacks.kill(worker)


def kill_any_run(stack: Stack) -> None:
    """Kill whatever run there is, wherever it is."""
    for worker in stack.workers():
        with contextlib.suppress(psutil.NoSuchProcess):
            worker.kill()


def kill_postgres(stack: Stack) -> None:
    found = eventually(lambda: processes.postmaster(stack.server.data), 60, "PostgreSQL runs")
    with contextlib.suppress(psutil.NoSuchProcess):
        stacks.kill(psutil.Process(found.pid))


def kill_everything(stack: Stack) -> None:
    """Everything at once, the supervisor too; then start again, as after a power cut."""
    stack.kill_all()
    stack.start("postgres", "code", "daemon")


KILLS: dict[str, Callable[[Stack], None]] = {
    "daemon": kill_daemon,
    "code-server": kill_code_server,
    "fork-server": kill_fork_server,
    "run": kill_run,
    "postgres": kill_postgres,
    "everything": kill_everything,
}


# Everything: see test_up, where it is started again as people start it.
@pytest.mark.parametrize("victim", [one for one in KILLS if one != "everything"])
def test_after_a_kill_no_change_is_lost_and_no_company_was_refreshed_twice_at_once(
    stack: Stack, victim: str, capsys: pytest.CaptureFixture[str]
) -> None:
    companies = world.grow(stack, f"{victim}-", COMPANIES, seconds=RECOVERY_SECONDS)
    with stream.streaming(stack, companies, seed=len(victim)) as changes:
        eventually(lambda: changes.written > 30, 30, "the stream flows")
        at = stream.now()
        KILLS[victim](stack)
        changes.recovered(at, RECOVERY_SECONDS)
    stream.assert_nothing_lost_and_nothing_twice(stack, companies, RECOVERY_SECONDS)
    with capsys.disabled():
        print(f"\n  {victim} killed: {changes.figures(at)}")  # noqa: T201


@pytest.mark.slow
def test_after_many_kills_at_any_moment_nothing_is_lost(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = time.time_ns()
    choose = random.Random(seed)
    with capsys.disabled():
        print(f"\n  seed {seed}")  # noqa: T201
    companies = world.grow(stack, "soak-", COMPANIES, seconds=RECOVERY_SECONDS)
    victims = [name for name in KILLS if name != "run"] * 4 + ["any run"] * 10
    choose.shuffle(victims)
    with stream.streaming(stack, companies, seed) as changes:
        for victim in victims:
            time.sleep(choose.uniform(0, 5))
            if victim == "any run":
                kill_any_run(stack)
                continue
            at = stream.now()
            KILLS[victim](stack)
            # Half the time the next blow falls before things are up again.
            if choose.random() < 0.5:
                changes.recovered(at, 2 * RECOVERY_SECONDS)
    stream.assert_nothing_lost_and_nothing_twice(stack, companies, 2 * RECOVERY_SECONDS)
