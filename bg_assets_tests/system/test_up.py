"""`bg-assets up` itself: kill -9 of everything, a second start, and Ctrl-C."""

import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from bg_assets_tests.system import stack as stacks
from bg_assets_tests.system import stream, world
from bg_assets_tests.system.stack import Stack, eventually, up

pytestmark = pytest.mark.system

SETTINGS = {"BG_REFRESH_INTERVAL": "0", "BG_SETTLE": "0.2", "BG_MAX_ATTEMPTS": "10"}
START_SECONDS = 120


@pytest.fixture
def stack(template_home: Path) -> Iterator[Stack]:
    """A home on which nothing runs but the database, for this test's own connections."""
    with stacks.stack_in(template_home, SETTINGS) as made:
        yield made


@pytest.mark.slow
def test_up_survives_a_kill_of_everything_and_leaves_nothing_after_ctrl_c(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    first = up(stack)
    second = stack.cli("up")
    assert (second.returncode, "running already" in second.stderr) == (2, True)
    companies = world.grow(stack, "up-", 20, seconds=START_SECONDS)
    stream.watch(stack)
    with stream.streaming(stack, companies, seed=1) as changes:
        eventually(lambda: changes.written > 30, 30, "the stream flows")
        at = stream.now()
        stack.kill_all()
        first.wait()
        again = up(stack)
        changes.recovered(at, START_SECONDS)
    stream.assert_nothing_lost_and_nothing_twice(stack, companies, START_SECONDS)
    with capsys.disabled():
        print(f"\n  up killed and started again: {changes.figures(at)}")  # noqa: T201
    again.send_signal(signal.SIGINT)
    assert again.wait(timeout=60) == 0
    # This test still holds a lease on the database, which goes on for it.
    assert stack.processes() == []
    assert stack.value("select 1") == 1


@pytest.mark.slow
def test_when_only_up_is_killed_the_kernel_ends_the_rest(stack: Stack) -> None:
    process = up(stack)
    process.kill()
    process.wait()
    eventually(lambda: not stack.processes(), 60, "what up started has ended with it")


@pytest.mark.parametrize("variable", ["BG_WEB_PORT", "BG_RECEIVER_PORT", "BG_METRICS_PORT"])
def test_a_busy_port_is_an_error_that_names_the_variable(stack: Stack, variable: str) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", int(stack.env[variable])))
        busy.listen()
        done = stack.cli("up")
    assert done.returncode == 2
    assert done.stderr.strip().endswith(f"set {variable} to a free port")
    assert stack.processes() == []


@pytest.mark.slow
def test_up_opens_the_webhook_door(stack: Stack) -> None:
    process = up(stack)
    assert requests.get(f"{stack.door}/readyz", timeout=10).status_code == 200
    assert stack.status()["urls"]["receiver"] == f"{stack.door}/webhooks"
    assert f"webhooks {stack.door}/webhooks/SOURCE\n" in (stack.home / "up.log").read_text()
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 0


@pytest.mark.slow
def test_up_without_usable_keys_runs_all_but_the_door_and_says_why(stack: Stack) -> None:
    (stack.home / "keys").write_text("not a key\n")
    (stack.home / "keys").chmod(0o600)
    process = up(stack)
    said = (stack.home / "up.log").read_text()
    assert f"webhooks closed: {stack.home / 'keys'} does not hold keys" in said
    assert set(stack.status()["urls"]) - {"metrics"} == {"ui"}
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 0
