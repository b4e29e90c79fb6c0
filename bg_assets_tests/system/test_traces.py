"""On the running system: a webhook's trace goes through all processes to whoever is told of it."""

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests
import svix

from bg_assets_tests.system import stack as stacks
from bg_assets_tests.system import world
from bg_assets_tests.system.stack import Stack, eventually
from bg_assets_tests.tracing import collector as collectors
from bg_assets_tests.tracing.collector import Collector

pytestmark = [pytest.mark.system, pytest.mark.slow]

NAME = "Wilhelmina Invented"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SENDER = f"00-{TRACE}-00f067aa0ba902b7-01"
# Each span, and the one that it goes on from.
CHAIN = {
    "receive webhook": None,
    "apply events": "receive webhook",
    "wait": "receive webhook",
    "ask for run": "wait",
    "run": "ask for run",
    "company_people": "run",
    "buyer_groups": "run",
    "commit groups": "buyer_groups",
    "send message": "commit groups",
}


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    """The collector of all processes."""
    with collectors.listening() as made:
        yield made


@pytest.fixture(scope="module")
def stack(template_home: Path, collector: Collector) -> Iterator[Stack]:
    """The database, the daemon and the webhook door, whose variables ask for traces."""
    variables = {
        "BG_SETTLE": "0.3",
        "BG_REFRESH_INTERVAL": "0",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_BSP_SCHEDULE_DELAY": "200",
    }
    with stacks.stack_in(template_home, variables) as made:
        made.start("postgres", "code", "daemon", "receiver", "notifications")
        yield made


def send(stack: Stack, company: str) -> None:
    """One signed event, that the CFO has left, from within the sender's trace."""
    done = stack.cli("webhook", "add-source", "crm", "--scheme", "standard", "--json")
    secret = json.loads(done.stdout)["secret"]
    at, message = datetime.now(UTC), str(uuid.uuid4())
    told = {
        "id": message,
        "type": "person.left",
        "timestamp": at.isoformat(),
        "person": {"id": f"{company}-1", "name": NAME},
        "company": {"id": company, "name": f"Company {company}"},
    }
    body = json.dumps(told)
    headers = {
        "webhook-id": message,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": svix.Webhook(secret).sign(message, at, body),
        "content-type": "application/json",
        "traceparent": SENDER,
    }
    answer = requests.post(f"{stack.door}/webhooks/crm", body, headers=headers, timeout=10)
    assert answer.status_code == 202, answer.text


def test_one_trace_goes_from_the_door_over_tick_and_run_to_the_commit_and_the_outbox(
    stack: Stack, collector: Collector
) -> None:
    (company,) = world.grow(stack, "traced-", 1, seconds=90)
    hook = f"{collector.url}/hook"
    done = stack.cli("subscriptions", "add", hook, "--private", "--insecure")
    assert done.returncode == 0, done.stderr
    send(stack, company)
    eventually(lambda: len(world.log_of(stack, company)) == 2, 30, "a refresh is asked for")
    world.settle(stack, [company])
    eventually(
        lambda: {one.name for one in collector.of_trace(TRACE)} >= set(CHAIN), 15, "all spans came"
    )
    spans = {one.name: one for one in collector.of_trace(TRACE)}
    assert spans["receive webhook"].parent_id == SENDER[36:52]
    for name, parent in CHAIN.items():
        if parent is not None:
            assert spans[name].parent_id == spans[parent].span_id, name
    door, tick, run = (spans[name].pid for name in ("receive webhook", "wait", "run"))
    sender = spans["send message"].pid
    assert len({door, tick, run, sender}) == 4
    # Who is told goes on from there.
    assert [one["traceparent"] for one in collector.others] == [spans["send message"].traceparent]
    assert tick == stack.code_server().pid
    assert {spans[name].pid for name in ("run", "company_people", "commit groups")} == {run}
    refresh = world.log_of(stack, company)[-1]
    assert spans["commit groups"].attributes["bg.refresh_id"] == refresh.id
    assert spans["run"].attributes == {"bg.run_id": refresh.run_id}
    noted = "select trace_id from bg.buyer_group_refresh_log where id = cast(:id as uuid)"
    assert stack.value(noted, id=refresh.id) == spans["ask for run"].traceparent
    sent = b"".join(collector.raw)
    for word in (NAME, "Invented", "Some One", "CFO"):
        assert word.encode() not in sent


def test_a_collector_that_hangs_or_refuses_delays_no_group_and_is_told_of_once(
    stack: Stack, collector: Collector
) -> None:
    (company,) = world.grow(stack, "unseen-", 1, seconds=90)
    collector.answering.clear()
    for title in ("Treasurer", "Head of Finance"):
        world.retitle(stack, f"{company}-2", title)
        world.settle(stack, [company], seconds=15)
    collector.status = 500
    collector.answering.set()
    world.retitle(stack, f"{company}-2", "Controller")
    world.settle(stack, [company], seconds=15)
    world.assert_groups_as_recomputed(stack, [company])
    log = stack.home / "logs" / "code.log"
    eventually(lambda: "spans_lost" in log.read_text(), 20, "the log says so")
    assert log.read_text().count("spans_lost") == 1
    # A run that is over does not wait for it.
    eventually(lambda: not stack.workers(), 10, "no process of a run is left")
