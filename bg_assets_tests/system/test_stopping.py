"""SIGTERM while runs are under way: what ends in time stands, what does not is pending; no rest."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bg_assets_tests.system import stack as stacks
from bg_assets_tests.system import world
from bg_assets_tests.system.stack import Stack, eventually, up

pytestmark = [pytest.mark.system, pytest.mark.slow]

SETTINGS = {"BG_REFRESH_INTERVAL": "0", "BG_SETTLE": "0.2", "BG_MAX_ATTEMPTS": "1"}
START_SECONDS = 120
# What a service manager gives before it kills.
LONGEST = 30


@pytest.fixture
def stack(template_home: Path) -> Iterator[Stack]:
    """A home on which nothing runs but the database, for this test's own connections."""
    with stacks.stack_in(template_home, SETTINGS) as made:
        yield made


def test_a_run_that_ends_in_time_stands_and_one_that_does_not_is_tried_again(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    process = up(stack)
    (company,) = world.grow(stack, "stop-", 1, seconds=START_SECONDS)
    with world.writes_blocked(stack):
        world.retitle(stack, f"{company}-2", "Chief Accountant")
        eventually(lambda: world.blocked_runs(stack), 30, "a run is about to write")
        process.send_signal(signal.SIGTERM)
        eventually(lambda: not stack.find("dagster-daemon"), LONGEST, "the daemon has ended")
    assert process.wait(LONGEST) == 0
    assert stack.processes() == []
    _, second = world.log_of(stack, company)
    assert (second.status, second.attempt) == ("completed", 1)

    again = up(stack)
    with world.writes_blocked(stack):
        world.retitle(stack, f"{company}-2", "Finance Director")
        eventually(lambda: world.blocked_runs(stack), 30, "a run is about to write")
        began = time.monotonic()
        again.send_signal(signal.SIGTERM)
        assert again.wait(LONGEST) == 0
        took = time.monotonic() - began
        assert stack.processes() == []
    said = (stack.home / "up.log").read_text()
    assert "1 of the runs still work: waiting for them, " in said
    assert "interrupted, to be tried again at the next start: 1" in said

    # Its one attempt is not used up: nobody but who stopped everything is to blame.
    last = up(stack)
    world.settle(stack, [company], START_SECONDS)
    assert [row.status for row in world.log_of(stack, company)] == ["completed"] * 3
    world.assert_groups_as_recomputed(stack, [company])
    began = time.monotonic()
    last.send_signal(signal.SIGTERM)
    assert last.wait(LONGEST) == 0
    with capsys.disabled():
        print(  # noqa: T201
            f"\n  stopped with a run that hangs in {took:.1f} s, idle in "
            f"{time.monotonic() - began:.1f} s"
        )
