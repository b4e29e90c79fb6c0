"""A company that poisons its batch; providers that misbehave, and many who ask them at once."""

import contextlib
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from unittest import mock

from bg_assets.domain.products import template
from bg_assets_tests.conftest import temporary_folder
from bg_assets_tests.faults import trial
from bg_assets_tests.faults.trial import Fault, Options, Result
from bg_assets_tests.providers.fake_pdl import KEY, FakePdl, fake_pdl
from bg_assets_tests.providers.plays import Play
from bg_assets_tests.storage.operations import crowd
from bg_assets_tests.storage.operations.crowd import Crowds, Plan
from bg_assets_tests.system import stack as stacks
from bg_assets_tests.system import world
from bg_assets_tests.system.stack import Stack, eventually
from bg_assets_tests.system.stream import Stream

BATCH = 300
_OTHERS_OPEN = "select count(*) from bg.changes where handled_at is null and company_id <> :sick"
_DEAD = """
    select count(*) from bg.buyer_group_refresh_log where company_id = :sick and status = 'dead'
"""
# Nobody whom a server told of in its bad moments may be anywhere.
_OVERWRITTEN = "select count(*) from bg.people where name <> 'Some One' or email is not null"


def _poisoned(options: Options) -> Result:
    """One of 300 companies that change in one statement can't be written, until it can again."""

    def inject(stack: Stack, chance: random.Random, changes: Stream) -> int:
        sick = chance.choice(list(changes.companies))
        stack.execute(world.POISON.format(company=sick))
        stack.execute("update bg.people set title = 'Treasurer' where id like '%-2'")
        stack.execute("update bg.people set title = 'Controller' where id like '%-2'")
        seconds = trial.RECOVERY_SECONDS
        eventually(
            lambda: stack.value(_DEAD, sick=sick), seconds, "the poisoned company is given up"
        )
        eventually(
            lambda: stack.value(_OTHERS_OPEN, sick=sick) < len(changes.companies) / 3,
            seconds,
            "the others are refreshed",
        )
        stack.execute("drop schema poison cascade")
        assert stack.cli("requeue", sick).returncode == 0
        return 1

    return trial.under_load(
        "a poisoned company in 300",
        options,
        inject,
        companies=BATCH,
        variables={"BG_MAX_ATTEMPTS": "2"},
    )


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    folder = temporary_folder(stacks.PREFIX)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _misbehaves(options: Options) -> Result:
    """Each misbehaviour of the provider's server in turn, to questions about living companies."""
    failed: list[str] = []
    todo: list[Play] = []

    def inject(fake: FakePdl, stack: Stack, chance: random.Random, changes: Stream) -> int:
        if not todo:
            todo.extend(Play)
            chance.shuffle(todo)
        play = todo.pop()
        # A breaker that an earlier one has opened would keep this one away.
        stack.execute("delete from bg.provider_health")
        fake.play(*[play] * 9)
        done = subprocess.run(
            [sys.executable, "-c", "from bg_assets.cli.main import main; main()",
             "enrich", chance.choice(list(changes.companies))],
            env={**os.environ, **stack.env},
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )  # fmt: skip
        if done.returncode not in (0, 1) or "Traceback" in done.stderr:
            failed.append(f"{play}: {done.stderr}")
        return 1

    def last(stack: Stack, result: Result) -> Result:
        overwritten = int(stack.value(_OVERWRITTEN))
        note = "; ".join([*failed, result.note]).strip("; ")
        return replace(result, lost=result.lost + overwritten + len(failed), note=note)

    with _folder() as folder, fake_pdl(Play.NOBODY) as fake:
        (folder / "asking.yaml").write_text(_asking(), encoding="utf-8")
        product = {"BG_TEMPLATES": str(folder), "BG_PRODUCTS": "asking"}
        variables = {
            **product,
            "BG_PROVIDERS": "pdl",
            "BG_PDL_URL": fake.url,
            "BG_PDL_KEY": KEY,
            "BG_ENRICH_CAP_DAILY": "1000",
        }
        # This process too recomputes groups, by the same template.
        with mock.patch.dict(os.environ, product):
            return trial.under_load(
                "a provider misbehaves", options, partial(inject, fake),
                variables=variables, last=last,
            )  # fmt: skip


def _asking() -> str:
    """The shipped finance system under another name, with people to be asked about."""
    shipped = Path(template.__file__).with_name("finance_system.yaml").read_text(encoding="utf-8")
    return shipped.replace("name: finance_system", "name: asking") + "\nenrichment: enrich\n"


# What came of one crowd: questions asked, those answered as they must be, calls too many.
Told = tuple[int, int, int]


def _one_key(crowds: Crowds, plan: Plan) -> Told:
    found = crowds.go(replace(plan, same=True, takes=0.2))
    right = sum(bool(one.get("right")) for one in found)
    return len(found), right, crowd.calls(plan) - 1


def _one_cap(crowds: Crowds, plan: Plan) -> Told:
    found = crowds.go(replace(plan, each=4, price="0.1", daily="1.05", takes=0.02))
    right = sum(bool(one.get("right")) or one.get("failure") == "NotChecked" for one in found)
    return len(found), right, max(0, crowd.calls(plan) - 10)


def _one_breaker(crowds: Crowds, plan: Plan) -> Told:
    """Opened by five failures, for all; one probe of sixteen finds that it goes again."""
    down = Path(plan.folder) / "down"
    down.touch()
    plan = replace(plan, takes=0, opens_for=2)
    opened = crowds.go(replace(plan, size=1, each=5))
    kept_out = crowds.go(plan)
    before = crowd.calls(plan)
    down.unlink()
    time.sleep(2.1)
    probed = crowds.go(replace(plan, takes=0.5))
    after = crowd.calls(plan)
    closed = crowds.go(plan)
    right = (
        sum(one.get("failure") == "TemporaryFailure" for one in opened)
        + sum(one.get("failure") == "NotChecked" for one in kept_out)
        + len(probed)
        + sum(bool(one.get("right")) for one in closed)
    )
    # While the probe is out nobody else goes; those who wait for it may go behind it.
    many = (before - 5) + (0 if after > before else 1)
    return len(opened) + len(kept_out) + len(probed) + len(closed), right, many


def _crowd(name: str, tell: Callable[[Crowds, Plan], Told], options: Options) -> Result:
    """Sixteen processes at the same moment, on a database of their own each time."""
    began = time.monotonic()
    asked = right = many = held = 0
    with stacks.stack_in(options.template, {}) as stack, contextlib.closing(Crowds()) as crowds:
        for _ in range(options.rounds):
            stack.execute(
                "truncate bg.pipeline_operations, bg.provider_costs, bg.provider_health, "
                "bg.provider_hits cascade"
            )
            with _folder() as folder:
                told = tell(crowds, Plan(stack.server.url("bg_assets"), str(folder)))
            asked, right, many = asked + told[0], right + told[1], many + told[2]
            held += told[0] == told[1]
    return Result(
        name, 16 * options.rounds, asked, options.rounds, held, many, asked - right,
        time.monotonic() - began, f"{asked} questions, {right} answered as they must be",
    )  # fmt: skip


FAULTS: dict[str, Fault] = {
    "a poisoned company in 300": _poisoned,
    "a provider misbehaves": _misbehaves,
    "16 ask one question": partial(_crowd, "16 ask one question", _one_key),
    "16 at one cap": partial(_crowd, "16 at one cap", _one_cap),
    "16 at one breaker": partial(_crowd, "16 at one breaker", _one_breaker),
}
