"""kill -9 of each process at random moments, each under its load."""

import contextlib
import random
import signal
import time
from functools import partial

import psutil

from bg_assets.embedded import processes
from bg_assets_tests.faults import trial
from bg_assets_tests.faults.deliveries import Deliveries
from bg_assets_tests.faults.trial import Fault, Options, Result
from bg_assets_tests.system import stack as stacks
from bg_assets_tests.system.stack import Stack, eventually
from bg_assets_tests.system.stream import Stream


def _kill(process: psutil.Process) -> None:
    stacks.kill(process)


def _worker(stack: Stack, chance: random.Random, changes: Stream) -> int:
    """Some run, wherever it is: runs are short, so that waiting a little finds all places."""
    workers = eventually(stack.workers, trial.RECOVERY_SECONDS, "there is a run")
    time.sleep(chance.uniform(0, 0.3))
    with contextlib.suppress(psutil.NoSuchProcess):
        victim = chance.choice(workers)
        victim.send_signal(signal.SIGKILL)
        return 1
    return 0


def _code_server(stack: Stack, chance: random.Random, changes: Stream) -> int:
    _kill(stack.code_server())
    trial.sometimes_recovered(stack, chance, changes)
    return 1


def _fork_server(stack: Stack, chance: random.Random, changes: Stream) -> int:
    _kill(eventually(stack.fork_servers, trial.RECOVERY_SECONDS, "there is a fork server")[0])
    return 1


def _daemon(stack: Stack, chance: random.Random, changes: Stream) -> int:
    _kill(stack.daemon())
    trial.sometimes_recovered(stack, chance, changes)
    return 1


def _postgres(stack: Stack, chance: random.Random, changes: Stream) -> int:
    found = eventually(
        lambda: processes.postmaster(stack.server.data), trial.RECOVERY_SECONDS, "PostgreSQL runs"
    )
    with contextlib.suppress(psutil.NoSuchProcess):
        _kill(psutil.Process(found.pid))
        trial.sometimes_recovered(stack, chance, changes)
        return 1
    return 0


def _supervisor(stack: Stack, chance: random.Random, changes: Stream) -> int:
    """All that it started must end with it; then everything is started again."""
    assert stack.supervisor is not None
    _kill(psutil.Process(stack.supervisor.pid))
    stack.supervisor.wait()
    started = ("dagster-daemon", "keeper", "grpc")
    eventually(
        lambda: not any(stack.find(word) for word in started),
        trial.RECOVERY_SECONDS,
        "what the supervisor started has ended",
    )
    stack.start(*trial.DAEMON)
    trial.sometimes_recovered(stack, chance, changes)
    return 1


def _receiver(options: Options) -> Result:
    """Senders of signed events, who try again until they are told that it is stored."""
    deliveries = Deliveries()

    def inject(stack: Stack, chance: random.Random, changes: Stream) -> int:
        deliveries.begin(stack)
        deliveries.wait_for_more()
        time.sleep(chance.uniform(0, 0.3))
        for process in stack.find("bg-assets", "receiver"):
            _kill(process)
        return 1

    return trial.under_load(
        "kill -9 receiver",
        options,
        inject,
        programs=(*trial.DAEMON, "receiver"),
        prepare=deliveries.prepare,
        finish=deliveries.end,
        last=deliveries.judged,
    )


FAULTS: dict[str, Fault] = {
    "kill -9 run worker": partial(trial.under_load, "kill -9 run worker", inject=_worker),
    "kill -9 code server": partial(trial.under_load, "kill -9 code server", inject=_code_server),
    "kill -9 fork server": partial(trial.under_load, "kill -9 fork server", inject=_fork_server),
    "kill -9 daemon": partial(trial.under_load, "kill -9 daemon", inject=_daemon),
    "kill -9 receiver": _receiver,
    "kill -9 supervisor": partial(trial.under_load, "kill -9 supervisor", inject=_supervisor),
    "kill -9 PostgreSQL": partial(trial.under_load, "kill -9 PostgreSQL", inject=_postgres),
}
