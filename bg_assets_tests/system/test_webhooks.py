"""From a signed event at the webhook door to the group, on the running system."""

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import svix

from bg_assets_tests.system import stack as stacks
from bg_assets_tests.system import world
from bg_assets_tests.system.stack import Stack, eventually

pytestmark = pytest.mark.system

# BG_REFRESH_INTERVAL has its default, an hour.
SETTINGS = {"BG_SETTLE": "0.3"}
EVENT = "select status, status_reason from bg.webhook_events where event_id = :id"
PENDING = "select count(*) from bg.changes where company_id = :id and handled_at is null"
NAME = "Wilhelmina Invented"


@pytest.fixture(scope="module")
def stack(template_home: Path) -> Iterator[Stack]:
    """The database, the daemon and the webhook door with a source in each scheme."""
    with stacks.stack_in(template_home, SETTINGS) as made:
        made.start("postgres", "code", "daemon", "receiver")
        for scheme in ("standard", "plain"):
            done = made.cli("webhook", "add-source", scheme, "--scheme", scheme)
            assert done.returncode == 0, done.stderr
        yield made


def event(kind: str, person: str, company: str, **more: Any) -> dict[str, Any]:
    """An event that happens now."""
    return {
        "id": str(uuid.uuid4()),
        "type": kind,
        "timestamp": datetime.now(UTC).isoformat(),
        "person": {"id": person, "name": NAME, **more.pop("of_person", {})},
        "company": {"id": company, "name": f"Company {company}"},
        **more,
    }


def send(stack: Stack, source: str, *events: dict[str, Any]) -> None:
    """Send events with `bg-assets webhook send`; each must be taken."""
    path = stack.home / "events.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in events))
    done = stack.cli("webhook", "send", str(path), "--source", source)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == "".join(f"{one['id']} 202 accepted\n" for one in events)


def applied(stack: Stack, one: dict[str, Any]) -> None:
    """Wait until the event is in the tables of people and companies."""
    eventually(lambda: _status(stack, one) != "pending", 15, "the event is applied")
    assert _status(stack, one) == "applied"


def _status(stack: Stack, one: dict[str, Any]) -> str:
    (row,) = stack.rows(EVENT, id=one["id"])
    return str(row.status)


def title_of(stack: Stack, person: str) -> Any:
    """The title that a person has."""
    return stack.value("select title from bg.people where id = :id", id=person)


@pytest.mark.parametrize("scheme", ["standard", "plain"])
def test_a_signed_event_ends_in_a_refreshed_group(stack: Stack, scheme: str) -> None:
    companies = world.grow(stack, f"signed-{scheme}-", 2, seconds=90)
    told, _ = companies
    title = {"newTitle": "Vice President Finance"}
    one = event("person.role_change", f"{told}-2", told, of_person=title)
    send(stack, scheme, one)
    applied(stack, one)
    world.settle(stack, companies)
    assert title_of(stack, f"{told}-2") == "Vice President Finance"
    assert [len(world.log_of(stack, company)) for company in companies] == [2, 1]
    last = world.log_of(stack, told)[-1]
    assert (last.status, last.reason, last.triggered_by) == ("completed", "role_change", "change")
    sources = "select distinct source from bg.changes where refresh_id = cast(:id as uuid)"
    assert stack.value(sources, id=last.id) == "webhook"
    # By its id a log leads from the event to its company, and so to the refresh.
    lines = map(json.loads, (stack.home / "logs" / "code.log").read_text().splitlines())
    (settled,) = [line for line in lines if line.get("id") == one["id"]]
    assert [settled[name] for name in ("event", "source", "outcome", "company")] == [
        "event_settled", scheme, "applied", told,
    ]  # fmt: skip
    world.assert_groups_as_recomputed(stack, companies)


def test_a_company_change_refreshes_both_companies(stack: Stack) -> None:
    companies = world.grow(stack, "moved-", 3)
    origin, target, _ = companies
    was = {"oldCompany": {"id": origin, "name": f"Company {origin}"}}
    now = {**was, "newTitle": "CFO"}
    one = event("person.company_change", f"{origin}-1", target, of_person=now)
    send(stack, "standard", one)
    applied(stack, one)
    world.settle(stack, companies)
    assert [len(world.log_of(stack, company)) for company in companies] == [2, 2, 1]
    left, joined = (world.log_of(stack, company)[-1] for company in (origin, target))
    assert left.diff["finance_system"]["left"] == [f"{origin}-1"]
    assert f"{origin}-1" in joined.diff["finance_system"]["joined"]
    world.assert_groups_as_recomputed(stack, companies)


def test_an_event_for_a_company_refreshed_a_minute_ago_is_in_people_at_once_and_never_lost(
    stack: Stack,
) -> None:
    (company,) = companies = world.grow(stack, "deferred-", 1)
    world.retitle(stack, f"{company}-7", "Financial Controller")
    world.settle(stack, companies)
    first = world.log_of(stack, company)[-1]
    assert first.not_before == first.finished_at + timedelta(hours=1)

    one = event("person.role_change", f"{company}-2", company, of_person={"newTitle": "Treasurer"})
    send(stack, "plain", one)
    applied(stack, one)
    assert title_of(stack, f"{company}-2") == "Treasurer"
    assert stack.value(PENDING, id=company) == 1
    status = stack.status()
    assert status["deferred"] == 1
    assert (status["webhooks"]["pending"], status["webhooks"]["dead"]) == (0, 0)
    assert world.log_of(stack, company)[-1].id == first.id

    assert stack.cli("refresh", company).returncode == 0
    world.settle(stack, companies)
    last = world.log_of(stack, company)[-1]
    assert last.requested_at < first.not_before
    taken = "select source from bg.changes where refresh_id = cast(:id as uuid) order by source"
    assert [row.source for row in stack.rows(taken, id=last.id)] == ["manual", "webhook"]
    shown = stack.rows(
        "select title from bg.company_people where person_id = :id", id=f"{company}-2"
    )
    assert [row.title for row in shown] == ["Treasurer"]
    world.assert_groups_as_recomputed(stack, companies)


def test_what_the_reference_library_signs_is_taken_and_one_of_its_ids_counts_once(
    stack: Stack,
) -> None:
    (company,) = world.grow(stack, "reference-", 1)
    made = stack.cli("webhook", "rotate", "standard", "--json")
    secret = json.loads(made.stdout)["secret"]
    one = event("person.left", f"{company}-7", company)
    body, at = json.dumps(one), datetime.now(UTC)
    headers = {
        "webhook-id": one["id"],
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": svix.Webhook(secret).sign(one["id"], at, body),
        "content-type": "application/json",
    }
    url = f"{stack.door}/webhooks/standard"

    def post() -> "requests.Response":
        return requests.post(url, data=body, headers=headers, timeout=10)

    # The new secret counts at once.
    first = post()
    assert (first.status_code, first.json()["duplicate"]) == (202, False)
    again = post()
    assert (again.status_code, again.json()["duplicate"]) == (200, True)
    applied(stack, one)
    found = stack.value("select status from bg.people where id = :id", id=f"{company}-7")
    assert found == "left"


def test_an_event_of_nobody_is_dead_until_he_is_there_and_it_is_replayed(stack: Stack) -> None:
    (company,) = world.grow(stack, "replayed-", 1)
    person = f"{company}-new"
    one = event("person.role_change", person, company, of_person={"newTitle": "CFO"})
    send(stack, "plain", one)
    eventually(lambda: _status(stack, one) == "dead", 15, "the event is dead")
    listed = json.loads(stack.cli("webhook", "dead", "--json").stdout)["events"]
    assert [(found["id"], found["person"]) for found in listed] == [(one["id"], person)]
    assert NAME not in str(listed)
    stack.execute(
        "insert into bg.people (id, company_id, title, observed_at) "
        "values (:id, :company, 'Cook', now() - interval '1 hour')",
        id=person,
        company=company,
    )
    assert stack.cli("webhook", "replay", one["id"]).returncode == 0
    applied(stack, one)
    assert title_of(stack, person) == "CFO"


def test_keys_rotate_while_everything_runs(stack: Stack) -> None:
    (company,) = world.grow(stack, "keys-", 1)
    assert stack.cli("keys", "rotate").returncode == 0
    title = {"newTitle": "Head of Finance"}
    one = event("person.role_change", f"{company}-3", company, of_person=title)
    send(stack, "plain", one)
    assert stack.cli("keys", "rotate").returncode == 0
    applied(stack, one)
    assert title_of(stack, f"{company}-3") == "Head of Finance"


def test_no_name_and_no_secret_is_in_any_log(stack: Stack) -> None:
    secret = json.loads(stack.cli("webhook", "rotate", "plain", "--json").stdout)["secret"]
    (company,) = world.grow(stack, "logs-", 1)
    send(stack, "plain", event("person.left", f"{company}-3", company))
    world.settle(stack, [company])
    keys = (stack.home / "keys").read_text().split("\n")[1:-1]
    assert len(keys) == 2
    logs = [*(stack.home / "logs").glob("*.log"), stack.server.log]
    for path in [*logs, *(stack.home / "dagster" / "runs").glob("*.log")]:
        text = path.read_text(errors="replace")
        for word in (NAME, secret, *keys):
            assert word not in text, path.name
