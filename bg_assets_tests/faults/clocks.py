"""Clocks that are set by an hour, two daemons where there should be one, and two machines."""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from unittest import mock

import psutil

from bg_assets import encryption
from bg_assets.embedded import processes
from bg_assets.embedded.users import ServerUser
from bg_assets.local import programs
from bg_assets_tests.faults import trial
from bg_assets_tests.faults.trial import Fault, Options, Result, Unfit
from bg_assets_tests.system import machines, stream, world
from bg_assets_tests.system import stack as stacks
from bg_assets_tests.system.stack import Stack
from bg_assets_tests.system.stream import Stream

_SOURCE = Path(__file__).with_name("clock.c")
HOUR = 3600
# Long enough for some ticks and runs by each clock.
LASTS = 12.0


@dataclass
class Clock:
    """The clock of all processes that are started with ``variables``; this one's stays right."""

    file: Path
    offset: int = 0
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def right(self) -> str:
        """The right time, in SQL, on a server whose clock this is."""
        return f"clock_timestamp() - make_interval(secs => pg_read_file('{self.file}')::int)"

    def set(self, seconds: int) -> None:
        """Set the clock so far from the right one."""
        self.offset = seconds
        fresh = self.file.with_suffix(".new")
        fresh.write_text(f"{seconds:+d}\n")
        fresh.chmod(0o644)
        fresh.replace(self.file)


def _library(folder: Path) -> Path:
    """Compile the library that sets clocks. Raises Unfit where there is no C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise Unfit("there is no C compiler: Debian has one in the package gcc")
    made = folder / "clock.so"
    command: list[str | Path] = [compiler, "-shared", "-fPIC", "-O2", "-o", made, _SOURCE, "-ldl"]
    subprocess.run(command, check=True, capture_output=True)
    made.chmod(0o755)
    return made


@contextlib.contextmanager
def _of(stack: Stack) -> Iterator[Clock]:
    # Where the server's user may read it too.
    clock = Clock(stack.home.parent / "clock")
    clock.set(0)
    clock.variables = {
        "LD_PRELOAD": str(_library(stack.home.parent)),
        "BG_CLOCK_FILE": str(clock.file),
    }
    environment = ServerUser.environment

    def faked(user: ServerUser) -> dict[str, str]:
        return {**environment(user), **clock.variables}

    processes.kill(stack.server.data)
    with mock.patch.object(ServerUser, "environment", faked):
        stack.server.ensure()
    stack.env |= clock.variables
    yield clock


def _stepped(options: Options) -> Result:
    """All clocks, the database's too, go back and forth by an hour, again and again."""
    with contextlib.ExitStack() as stop:
        clocks: list[Clock] = []

        def prepare(stack: Stack) -> None:
            clocks.append(stop.enter_context(_of(stack)))
            stream.watch(stack, clocks[0].right)

        def inject(stack: Stack, chance: random.Random, changes: Stream) -> int:
            (clock,) = clocks
            clock.set(chance.choice([one for one in (-HOUR, 0, HOUR) if one != clock.offset]))
            time.sleep(LASTS)
            return 1

        return trial.under_load(
            "clock set by an hour", options, inject, programs=("code", "daemon"), prepare=prepare
        )


def _two_daemons(options: Options) -> Result:
    """A second daemon beside the supervised one, for a while, ended in turn politely and not."""

    def inject(stack: Stack, chance: random.Random, changes: Stream) -> int:
        workspace = stack.home / "dagster" / "workspace.yaml"
        with (stack.home / "logs" / "second.log").open("ab") as log:
            second = subprocess.Popen(
                [sys.executable, *programs.DAEMON, "run", "-w", workspace],
                env={**os.environ, **stack.env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        time.sleep(chance.uniform(LASTS / 2, 2 * LASTS))
        children = psutil.Process(second.pid).children(recursive=True)
        second.send_signal(chance.choice([signal.SIGKILL, signal.SIGTERM]))
        try:
            second.wait(timeout=60)
        except subprocess.TimeoutExpired:
            second.kill()
            second.wait()
        # Runs that it began may end; nobody else would be left of it.
        psutil.wait_procs(children, timeout=30)
        return 1

    return trial.under_load("two daemons", options, inject)


def _two_machines(options: Options) -> Result:
    """A machine with the daemon and one with the workers, each killed whole in turn."""
    name, began = "two machines", time.monotonic()
    chance = options.chance(name)
    with (
        stacks.stack_in(options.template, trial.SETTINGS, server_options=trial.SERVER) as stack,
        contextlib.ExitStack() as stop,
    ):
        both = machines.brain_and_workers(stack, encryption.new_key())
        for machine in both:
            stop.callback(machine.kill)
            machine.start()
        companies = world.grow(stack, "two-", trial.COMPANIES, seconds=trial.RECOVERY_SECONDS)
        stream.watch(stack)
        with stream.streaming(stack, companies, options.seed) as changes:
            for turn in range(options.rounds):
                time.sleep(chance.uniform(0, LASTS))
                both[turn % 2].kill()
                time.sleep(1)
                both[turn % 2].start()
                changes.recovered(stream.now(), trial.RECOVERY_SECONDS)
        found = trial.judged(name, stack, companies, options.rounds, changes.written)
    return replace(found, seconds=time.monotonic() - began)


FAULTS: dict[str, Fault] = {
    "clock set by an hour": _stepped,
    "two daemons": _two_daemons,
    "two machines": _two_machines,
}
