"""From what a CRM sends, in its shape and signed its way, over HTTP to the group."""

import base64
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from bg_assets.domain.webhooks.secrets import Vendor
from bg_assets.domain.webhooks.vendors import signing
from bg_assets.domain.webhooks.vendors.table import VENDORS, shipped
from bg_assets_tests.domain.webhooks.vendors.bodies import (
    hubspot,
    of_pipedrive,
    of_salesforce,
    pipedrive,
    salesforce,
)
from bg_assets_tests.system import stack as stacks
from bg_assets_tests.system import world
from bg_assets_tests.system.stack import Stack, eventually

pytestmark = [pytest.mark.system, pytest.mark.slow]

PUBLIC = "https://bg.acme.example"
SECRETS: dict[Vendor, str] = {
    "hubspot": "8f2b6d1e-3c4a-4f5b-9a7d-0e1f2a3b4c5d",
    "pipedrive": "bg:a password of pipedrive",
    "salesforce": "a-token-of-salesforce",
}
PERSON = {"hubspot": "123", "pipedrive": "17", "salesforce": "0035g00000ABCdEAAX"}
COMPANY = {"hubspot": "77", "pipedrive": "3", "salesforce": "0015g00000XYZaBAAW"}
CALLED = """
    insert into bg.webhook_identities (source, kind, external_id, our_id)
    values (:source, 'person', :person, :ours), (:source, 'company', :company, :our_company)
"""
TITLE = "Vice President Finance"


@pytest.fixture(scope="module")
def stack(template_home: Path) -> Iterator[Stack]:
    """The database, the daemon and the door, with a source of each vendor."""
    settings = {"BG_SETTLE": "0.3", "BG_REFRESH_INTERVAL": "0", "BG_RECEIVER_URL": PUBLIC}
    with stacks.stack_in(template_home, settings) as made:
        made.start("postgres", "code", "daemon", "receiver")
        for vendor, secret in SECRETS.items():
            done = made.cli("webhook", "add-source", vendor, "--scheme", vendor, "--secret", secret)
            assert done.returncode == 0, done.stderr
        yield made


def post(stack: Stack, vendor: Vendor, body: bytes) -> requests.Response:
    """Send a body as the vendor does."""
    path, headers = f"/webhooks/{vendor}", {"content-type": "application/json"}
    if vendor == "hubspot":
        told, at = shipped(vendor).signature, time.time_ns() // 1_000_000
        key = SECRETS[vendor].encode()
        headers |= signing.signed_headers(told, key, "POST", PUBLIC + path, body, at)
    elif vendor == "pipedrive":
        word = base64.b64encode(SECRETS[vendor].encode()).decode()
        headers["authorization"] = f"Basic {word}"
    else:
        path += f"?token={SECRETS[vendor]}"
        headers["content-type"] = "text/xml; charset=utf-8"
    return requests.post(stack.door + path, data=body, headers=headers, timeout=30)


def body_of(vendor: Vendor, title: str) -> bytes:
    """What the vendor sends of a contact whose title is this one from now on."""
    now = datetime.now(UTC)
    at = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if vendor == "hubspot":
        told: Any = [hubspot(objectId=123, propertyName="jobtitle", propertyValue=title,
                             at=int(now.timestamp() * 1000))]  # fmt: skip
    elif vendor == "pipedrive":
        told = pipedrive(data=of_pipedrive(job_title=title), previous={"job_title": "?"}, at=at)
    else:
        return salesforce(of_salesforce(Title=title, LastModifiedDate=at))
    return json.dumps(told).encode()


@pytest.mark.parametrize("vendor", VENDORS)
def test_what_a_crm_sends_ends_in_the_group(stack: Stack, vendor: Vendor) -> None:
    (company,) = world.grow(stack, f"{vendor}-", 1, seconds=90)
    person = f"{company}-2"
    stack.execute(
        CALLED, source=vendor, person=PERSON[vendor], ours=person, company=COMPANY[vendor],
        our_company=company,
    )  # fmt: skip
    assert post(stack, vendor, body_of(vendor, TITLE)).status_code == 200
    title = "select title from bg.people where id = :id"
    eventually(lambda: stack.value(title, id=person) == TITLE, 20, "the title is known")
    world.settle(stack, [company])
    last = world.log_of(stack, company)[-1]
    assert (last.status, last.reason) == ("completed", "role_change")
    world.assert_groups_as_recomputed(stack, [company])


def test_who_is_erased_in_hubspot_is_gone_from_tables_and_group(stack: Stack) -> None:
    (company,) = world.grow(stack, "erased-", 1, seconds=90)
    person = f"{company}-1"
    stack.execute(
        CALLED, source="hubspot", person="4711", ours=person, company="4712", our_company=company
    )
    body = json.dumps([hubspot("contact.privacyDeletion", objectId=4711)]).encode()
    assert post(stack, "hubspot", body).status_code == 200
    there = "select count(*) from bg.people where id = :id"
    eventually(lambda: stack.value(there, id=person) == 0, 20, "the person is gone")
    world.settle(stack, [company])
    assert world.log_of(stack, company)[-1].diff["finance_system"]["left"] == [person]
    members = "select count(*) from bg.buyer_group_members where person_id = :id"
    assert stack.value(members, id=person) == 0


def test_who_is_at_a_company_that_is_merged_in_hubspot_is_in_the_group_of_the_other(
    stack: Stack,
) -> None:
    loser, survivor = world.grow(stack, "merged-", 2, seconds=90)
    for number, ours in (("8001", loser), ("8002", survivor)):
        stack.execute(
            CALLED, source="hubspot", person=f"{number}1", ours=f"{ours}-1", company=number,
            our_company=ours,
        )  # fmt: skip
    now = int(time.time() * 1000)
    batch = [
        hubspot("company.merge", primaryObjectId=8002, mergedObjectIds=[8001], newObjectId=8002,
                at=now),
        hubspot("company.propertyChange", objectId=8001, propertyName="numberofemployees",
                propertyValue="4000", at=now + 1),
    ]  # fmt: skip
    assert post(stack, "hubspot", json.dumps(batch).encode()).status_code == 200
    groups = "select count(*) from bg.buyer_groups where company_id = :id"
    eventually(lambda: stack.value(groups, id=loser) == 0, 30, "the group of the one has gone")
    world.settle(stack, [survivor])
    people = "select count(*) from bg.people where company_id = :id"
    assert (stack.value(people, id=loser), stack.value(people, id=survivor) > 2) == (0, True)
    heads = "select employee_min from bg.companies where id = :id"
    assert stack.value(heads, id=survivor) == 4000
    world.assert_groups_as_recomputed(stack, [survivor])


def test_an_event_about_somebody_unknown_says_by_a_command_what_is_needed(stack: Stack) -> None:
    sent = hubspot(objectId=999, propertyName="email", propertyValue="nobody@acme.example")
    assert post(stack, "hubspot", json.dumps([sent]).encode()).status_code == 200
    counted = "select count(*) from bg.webhook_events where status = 'dead'"
    eventually(lambda: stack.value(counted) == 1, 20, "the event is dead")
    done = stack.cli("webhook", "dead", "--source", "hubspot")
    assert "contact.propertyChange" in done.stdout
    assert "needed is an import" in done.stdout
    assert "nobody@acme.example" not in done.stdout + done.stderr
