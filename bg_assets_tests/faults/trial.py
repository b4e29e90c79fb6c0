"""One trial: the real system under a stream of changes, a fault again and again, and what it did.

No test is here: a trial counts what a test would assert, so that all of a table is printed.
"""

import contextlib
import random
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bg_assets_tests.system import stack as stacks
from bg_assets_tests.system import stream, world
from bg_assets_tests.system.stack import Stack
from bg_assets_tests.system.stream import Stream

SETTINGS = {"BG_REFRESH_INTERVAL": "0", "BG_SETTLE": "0.2", "BG_MAX_ATTEMPTS": "10"}
DAEMON = ("postgres", "code", "daemon")
COMPANIES = 30
# Survives whatever is killed, as what is acknowledged must; a power cut is not among the faults.
SERVER = {"fsync": "off", "full_page_writes": "off"}
# A start of everything, on a machine that is busy with other things.
RECOVERY_SECONDS = 180.0
# One that was given up, or tried again by `requeue`, is made good by a later one that took its
# changes along.
_NOT_COMPLETED = """
    select count(*) from bg.buyer_group_refresh_log as r
    where company_id = any(:ids) and status <> 'completed'
        and not (status in ('dead', 'failed') and exists (
            select from bg.buyer_group_refresh_log as later
            where later.company_id = r.company_id and later.status = 'completed'
                and later.requested_at > r.requested_at))
"""


@dataclass(frozen=True, slots=True)
class Options:
    """How often each fault is injected, the seed of all chance, and a home to copy."""

    rounds: int
    seed: int
    template: Path

    def chance(self, name: str) -> random.Random:
        """The chance of one trial, the same for the same seed and fault."""
        return random.Random(f"{self.seed} {name}")


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a fault: nothing may be lost or done twice at once, and all groups are right.

    ``lost`` counts changes that no group reflects, refreshes that did not complete, and whatever
    else was acknowledged and is not there.
    """

    fault: str
    injected: int
    written: int
    companies: int
    right: int
    twice: int
    lost: int
    seconds: float = 0.0
    note: str = ""

    @property
    def held(self) -> bool:
        """Whether the promises held, and there was something to hold them against."""
        kept = self.right == self.companies and self.twice == 0 and self.lost == 0
        return kept and self.injected > 0 and self.written > 0


class Unfit(Exception):
    """The fault can't be injected on this machine; the message says why."""


Fault = Callable[[Options], Result]
# Injects the fault once, or as often as it can at a time; returns how many times.
Inject = Callable[[Stack, random.Random, Stream], int]


def under_load(
    name: str,
    options: Options,
    inject: Inject,
    *,
    variables: Mapping[str, str] | None = None,
    programs: Sequence[str] = DAEMON,
    companies: int = COMPANIES,
    pause: float = 2.0,
    disk: Path | None = None,
    prepare: Callable[[Stack], None] | None = None,
    finish: Callable[[Stack], None] | None = None,
    last: Callable[[Stack, Result], Result] | None = None,
) -> Result:
    """Start the programs, let changes stream, inject the fault in rounds, and count what held.

    ``pause`` is the longest time between two, in seconds.
    ``prepare`` comes before anything runs, ``finish`` when no more is injected, ``last`` may look
    at the system before it ends.
    """
    began, chance = time.monotonic(), options.chance(name)
    env = {**SETTINGS, **(variables or {})}
    with stacks.stack_in(options.template, env, disk, SERVER) as stack, _told(stack):
        stream.watch(stack)
        if prepare is not None:
            prepare(stack)
        stack.start(*programs)
        chosen = world.grow(stack, "fault-", companies, seconds=RECOVERY_SECONDS)
        injected = 0
        with stream.streaming(stack, chosen, options.seed) as changes:
            while injected < options.rounds:
                time.sleep(chance.uniform(0, pause))
                injected += inject(stack, chance, changes)
        if finish is not None:
            finish(stack)
        found = judged(name, stack, chosen, injected, changes.written)
        if last is not None:
            found = last(stack, found)
    return replace(found, seconds=time.monotonic() - began)


@contextlib.contextmanager
def _told(stack: Stack) -> Iterator[None]:
    """Print the ends of the system's logs where the block fails."""
    try:
        yield
    except Exception:
        for name, text in stack.logs():
            sys.stderr.write(f"--- {name}\n{text}\n")
        raise


def judged(
    name: str,
    stack: Stack,
    companies: Sequence[str],
    injected: int,
    written: int,
    seconds: float = RECOVERY_SECONDS,
) -> Result:
    """Wait until all is settled, or the time is over, and count."""
    ids, note = list(companies), ""
    try:
        world.settle(stack, ids, seconds)
    except AssertionError as err:
        note = str(err)
    lost = stream.unhandled(stack, ids) + int(stack.value(_NOT_COMPLETED, ids=ids))
    twice = len(stream.overlapping(stack, ids)) + len(stream.runs_that_went_on(stack, ids))
    wrong = world.companies_with_wrong_groups(stack, ids)
    try:
        world.assert_history_leads_to_members(stack, ids)
    except AssertionError:
        note = f"{note}; the history does not lead to the members".strip("; ")
        lost += 1
    return Result(name, injected, written, len(ids), len(ids) - len(wrong), twice, lost, 0.0, note)


def sometimes_recovered(stack: Stack, chance: random.Random, changes: Stream) -> None:
    """Half the time wait until changes lead to groups again; else the next blow falls before."""
    if chance.random() < 0.5:
        changes.recovered(stream.now(), RECOVERY_SECONDS)
