"""Whatever a vendor signs is stored or refused by a field: nothing is lost or is a fault."""

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from bg_assets.receiver.vendors import Vendors
from bg_assets.storage.webhooks import applying
from bg_assets_tests.domain.webhooks.vendors.bodies import (
    NOON,
    hubspot,
    of_pipedrive,
    of_salesforce,
    pipedrive,
    salesforce,
)
from bg_assets_tests.receiver.crms import PUBLIC, SECRETS, of_hubspot, of_the_others
from bg_assets_tests.receiver.doors import Door, on_a_thread
from bg_assets_tests.storage.rows import company, insert

ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["\x00", "\ud83d", "x" * 300, 10**400, NOON * 1000, -1, "2026-03-02"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=5,
)  # fmt: skip
KINDS = st.sampled_from(
    [f"{of}.{what}" for of in ("contact", "company", "object", "deal")
     for what in ("propertyChange", "deletion", "merge", "associationChange", "creation", "x")]
)  # fmt: skip
HUBSPOT = st.builds(
    lambda kind, more: hubspot(kind) | more,
    KINDS,
    st.dictionaries(
        st.sampled_from(
            ["objectId", "propertyName", "propertyValue", "fromObjectId", "toObjectId", "eventId",
             "mergedObjectIds", "primaryObjectId", "newObjectId", "occurredAt", "objectTypeId",
             "associationType", "associationRemoved", "subscriptionType", "portalId"]
        ),
        ANY | st.sampled_from(["jobtitle", "0-1", "0-2", "CONTACT_TO_COMPANY", True, 5, [6, 7]]),
    ),
)  # fmt: skip


MANY = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture
def door(database_url: str, engine: Engine) -> Iterator[Door]:
    """A receiver with a source of each vendor; what came is applied, and nothing was a fault."""
    with on_a_thread(database_url, engine, crms=Vendors(url=PUBLIC)) as made:
        for vendor, secret in SECRETS.items():
            made.add(vendor, vendor, secret)
        yield made
        applying.apply_pending(engine, made.keys.decrypt)
        assert not made.rows("select 1 from bg.webhook_events where status = 'pending'")
        assert b'kind="fault"' not in made.get("/metrics").body


def test_each_part_of_a_batch_is_stored_or_the_batch_is_refused(door: Door) -> None:
    seen = set()

    @MANY
    @given(batch=st.lists(HUBSPOT | ANY, min_size=1, max_size=6))
    def send(batch: list[Any]) -> None:
        before = len(door.rows())
        answer = of_hubspot(door, json.dumps(batch).encode())
        assert answer.status in (200, 400), answer.body
        seen.add(answer.status)
        told = answer.document
        if answer.status == 400:
            assert told["field"] == "body"
            assert len(door.rows()) == before
            return
        assert told["events"] >= len(batch)
        assert len(door.rows()) == before + told["events"] - told["duplicates"]

    send()
    assert seen == {200, 400}


def test_a_record_with_anything_in_it_is_stored_or_refused(door: Door) -> None:
    @MANY
    @given(
        name=st.sampled_from(["id", "org_id", "emails", "name", "website", "address"]),
        value=ANY,
        entity=st.sampled_from(["person", "organization"]),
        meta=st.dictionaries(st.sampled_from(["id", "timestamp", "x"]), ANY),
    )
    def send(name: str, value: Any, entity: str, meta: dict[str, Any]) -> None:
        sent = pipedrive(data=of_pipedrive(**{name: value}), entity=entity)
        sent["meta"] |= meta
        answer = of_the_others(door, "pipedrive", json.dumps(sent).encode())
        assert answer.status in (200, 400), answer.body

    send()


def test_a_message_that_was_damaged_is_stored_or_refused(door: Door) -> None:
    @MANY
    @given(value=st.text(max_size=20), at=st.integers(0, 2000), cut=st.integers(0, 3))
    def send(value: str, at: int, cut: int) -> None:
        body = salesforce(of_salesforce(Title="CFO"))
        damaged = body[:at] + value.encode("utf-8", "replace") + body[at + cut :]
        assert of_the_others(door, "salesforce", damaged).status in (200, 400)

    send()


def test_a_hundred_properties_out_of_order_and_repeated_end_as_the_last_of_each(
    door: Door,
) -> None:
    company(door.engine, "acme")
    insert(door.engine, "bg.people", id="9123", company_id="acme", observed_at="2026-01-01")
    names = {"jobtitle": "title", "city": "location", "department": "department"}
    sent = [
        hubspot(objectId=9123, propertyName=name, propertyValue=f"{name} {n}", at=NOON + n * 7,
                event_id=5000 + n)
        for n in range(33) for name in names
    ]  # fmt: skip
    batch = [*sent, hubspot(objectId=9123, propertyName="hs_shoe", propertyValue="43")]
    random.Random(7).shuffle(batch)
    assert of_hubspot(door, batch).document == {"events": 100, "duplicates": 0}
    repeated = of_hubspot(door, [*batch[:50], *batch[:50]])
    assert repeated.document == {"events": 100, "duplicates": 100}
    applying.apply_pending(door.engine, door.keys.decrypt)
    (found,) = door.rows("select title, location, department from bg.people where id = '9123'")
    assert tuple(found) == ("jobtitle 32", "city 32", "department 32")
    (named,) = door.rows(
        "select status_reason from bg.webhook_events where person_ref = '9123' "
        "and status = 'ignored' and status_reason like '%hs_shoe%'"
    )
    assert "BG_WEBHOOK_FIELDS" in named[0]
