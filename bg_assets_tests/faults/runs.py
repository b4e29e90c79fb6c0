"""Faults between a tick and its runs: runs that can't begin or are deleted, ticks cut off."""

import contextlib
import os
import random
import subprocess
import sys
from dataclasses import replace
from functools import partial

import dagster as dg
import sqlalchemy as sa

from bg_assets_tests.faults import cut_tick, trial
from bg_assets_tests.faults.trial import Fault, Options, Result
from bg_assets_tests.system.stack import Stack
from bg_assets_tests.system.stream import Stream

# The database itself refuses, one time in four, and counts: a sequence forgets nothing.
_REFUSE = """
    create sequence refusals;
    create function refuse() returns trigger language plpgsql as $$
    begin
        if random() < 0.25 then
            perform nextval('refusals');
            raise exception 'not this time';
        end if;
        return new;
    end $$;
    create trigger refuse before {when} on runs for each row {condition} execute function refuse()
"""
_COUNT = "select case when is_called then last_value else 0 end from refusals"
_RENAMED = """
    update bg.buyer_group_refresh_log set sensor = 'a_former_name'
    where status = 'requested' and sensor <> 'a_former_name'
"""
_ACTIVE = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]


def _refused(name: str, when: str, condition: str, options: Options) -> Result:
    """A stream during which one run in four can't be created, or not be told that it starts."""
    counted = 0

    def dagster(stack: Stack) -> sa.Engine:
        return sa.create_engine(stack.server.url("dagster"), poolclass=sa.NullPool)

    def prepare(stack: Stack) -> None:
        with dagster(stack).begin() as conn:
            conn.exec_driver_sql(_REFUSE.format(when=when, condition=condition))

    def inject(stack: Stack, chance: random.Random, changes: Stream) -> int:
        nonlocal counted
        with dagster(stack).begin() as conn:
            before, counted = counted, int(conn.exec_driver_sql(_COUNT).scalar_one())
        return counted - before

    def finish(stack: Stack) -> None:
        with dagster(stack).begin() as conn:
            conn.exec_driver_sql("drop trigger refuse on runs")

    return trial.under_load(name, options, inject, prepare=prepare, finish=finish)


def _deleted(stack: Stack, chance: random.Random, changes: Stream) -> int:
    """What the UI's button does, to a run that is queued, starting or at work."""
    runs = stack.instance.get_runs(dg.RunsFilter(statuses=_ACTIVE))
    if not runs:
        return 0
    stack.instance.delete_run(chance.choice(list(runs)).run_id)
    return 1


def _renamed(stack: Stack, chance: random.Random, changes: Stream) -> int:
    """What an upgrade leaves behind in which a sensor got another name: nobody's requests."""
    with contextlib.suppress(sa.exc.OperationalError), stack.engine.begin() as conn:
        return int(conn.execute(sa.text(_RENAMED)).rowcount)
    return 0


def _cut(options: Options) -> Result:
    """A process that ticks like a sensor and ends, with no word, between two of its steps."""
    cuts = dict.fromkeys(cut_tick.STEPS, 0)

    def inject(stack: Stack, chance: random.Random, changes: Stream) -> int:
        step = min(cuts, key=lambda one: cuts[one])
        done = subprocess.run(
            [sys.executable, "-m", "bg_assets_tests.faults.cut_tick", step],
            env={**os.environ, **stack.env},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode in (0, cut_tick.CUT), done.stderr
        # 0: nothing was due for as long as a tick waits.
        cut = done.returncode == cut_tick.CUT
        cuts[step] += cut
        return int(cut)

    rounds = max(options.rounds, len(cuts))
    found = trial.under_load("tick cut", replace(options, rounds=rounds), inject, pause=0.2)
    return replace(found, note=f"at each of {len(cuts)} places; {found.note}".rstrip("; "))


FAULTS: dict[str, Fault] = {
    "run creation raises": partial(_refused, "run creation raises", "insert", ""),
    "run submission raises": partial(
        _refused, "run submission raises", "update", "when (new.status = 'STARTING')"
    ),
    "runs deleted": partial(trial.under_load, "runs deleted", inject=_deleted, pause=1.0),
    "a sensor renamed": partial(trial.under_load, "a sensor renamed", inject=_renamed, pause=0.3),
    "tick cut": _cut,
}
