"""Two machines on one PostgreSQL, of which one fails, under changes and webhooks to both doors."""

import itertools
import random
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from bg_assets import encryption
from bg_assets.encryption import Keys
from bg_assets_tests.receiver.doors import Door, event
from bg_assets_tests.system import machines, stream, world
from bg_assets_tests.system import stack as stacks
from bg_assets_tests.system.machines import Machine
from bg_assets_tests.system.stack import Stack, eventually, free_port

pytestmark = [pytest.mark.system, pytest.mark.slow]

SETTINGS = {"BG_REFRESH_INTERVAL": "0", "BG_SETTLE": "0.2", "BG_MAX_ATTEMPTS": "20"}
COMPANIES = 16
START_SECONDS = 150
# With the plain launcher a run takes some seconds to start, one after another on a busy machine.
RECOVERY_SECONDS = 240
EVENTS = "select count(*) from bg.webhook_events where status = :status"
_RUNS = "select distinct run_id from witness.refreshes where status = 'running'"


@pytest.fixture
def stack(template_home: Path) -> Iterator[Stack]:
    """The home of the database that both machines share."""
    with stacks.stack_in(template_home, SETTINGS) as made:
        yield made


@contextmanager
def _events(stack: Stack, doors: list[int], keys: str, companies: list[str]) -> Iterator[list[str]]:
    """Signed events to the doors in turn while the block runs; gives the ids that were accepted."""
    accepted: list[str] = []
    over = threading.Event()
    Door(doors[0], stack.engine, Keys((keys,))).add()

    def send() -> None:
        choose = random.Random(3)
        for port in itertools.cycle(doors):
            if over.wait(0.3):
                return
            company = choose.choice(companies)
            title = choose.choice(["Treasurer", "CFO", "Head of IT", "Controller"])
            one = event(
                company={"id": company, "name": "Example Mills"},
                person={"id": f"{company}-2", "name": "Ines Holm", "newTitle": title},
                timestamp=stream.now().isoformat(),
            )
            # The machine of the door may be the one that failed.
            try:
                answer = Door(port, stack.engine, Keys((keys,))).deliver(one)
            except OSError:
                continue
            if answer.status == 202:
                accepted.append(one["id"])

    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield accepted
    finally:
        over.set()
        sender.join()


def _try(stack: Stack, both: list[Machine], keys: str, victims: list[Machine]) -> str:
    """Kill the victims in turn under load; returns what was seen."""
    doors = [int(machine.env["BG_RECEIVER_PORT"]) for machine in both]
    with ExitStack() as stop:
        for machine in both:
            stop.callback(machine.kill)
            machine.start()
        companies = world.grow(stack, "two-", COMPANIES, seconds=START_SECONDS)
        stream.watch(stack)
        with (
            _events(stack, doors, keys, companies) as accepted,
            stream.streaming(stack, companies, seed=5) as changes,
        ):
            for victim in victims:
                time.sleep(6)
                victim.kill()
                time.sleep(2)
                at = stream.now()
                victim.start()
                changes.recovered(at, RECOVERY_SECONDS)
        eventually(
            lambda: not stack.value(EVENTS, status="pending"),
            RECOVERY_SECONDS,
            "events are applied",
        )
        stream.assert_nothing_lost_and_nothing_twice(stack, companies, RECOVERY_SECONDS)
        stored = {row.event_id for row in stack.rows("select event_id from bg.webhook_events")}
        assert set(accepted) <= stored
        assert len(accepted) > 10
        hosts = {row.run_id for row in stack.rows(_RUNS)}
        return f"{changes.written} writes, {len(accepted)} events, {len(hosts)} runs"


def test_workers_on_another_machine_with_the_plain_queue_and_launcher(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = encryption.new_key()
    brain, workers = machines.brain_and_workers(stack, keys)
    seen = _try(stack, [brain, workers], keys, [workers, brain])
    with capsys.disabled():
        print(f"\n  each machine killed once: {seen}")  # noqa: T201


def test_two_whole_machines_each_with_a_daemon_by_mistake(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    instance, keys = machines.instance("dagster.yaml"), encryption.new_key()
    both = []
    for name in ("one", "other"):
        code = stack.home.parent / f"{name}.sock"
        both.append(
            machines.make(
                stack, name, instance, keys,
                code=("--socket", str(code)), daemon_of={"socket": str(code)}, port=free_port(),
            )
        )  # fmt: skip
    seen = _try(stack, both, keys, [both[1], both[0]])
    with capsys.disabled():
        print(f"\n  two daemons, each machine killed once: {seen}")  # noqa: T201
