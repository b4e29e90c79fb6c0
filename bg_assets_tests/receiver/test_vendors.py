"""The webhooks of CRMs at the door: in the vendor's shape, over HTTP, into the table."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine

from bg_assets.domain.webhooks.secrets import Vendor
from bg_assets.receiver.vendors import Vendors
from bg_assets.storage.webhooks import applying
from bg_assets_tests.domain.webhooks.vendors.bodies import (
    hubspot,
    of_pipedrive,
    of_salesforce,
    pipedrive,
    salesforce,
)
from bg_assets_tests.receiver.crms import JSON, PUBLIC, SECRETS, XML, of_hubspot, of_the_others
from bg_assets_tests.receiver.doors import Door, on_a_thread, wait_until

TITLE = hubspot(objectId=123, propertyName="jobtitle", propertyValue="CFO")


@pytest.fixture
def door(database_url: str, engine: Engine) -> Iterator[Door]:
    """A receiver behind a proxy, with a source of each vendor, named like it."""
    with on_a_thread(database_url, engine, crms=Vendors(url=PUBLIC)) as made:
        for vendor, secret in SECRETS.items():
            made.add(vendor, vendor, secret)
        yield made


def test_a_batch_of_hubspot_is_stored_event_by_event_and_again_only_once(door: Door) -> None:
    batch = [
        TITLE,
        TITLE | {"propertyName": "hs_shoe", "propertyValue": "secret 43", "eventId": 101},
        hubspot("deal.creation", objectId=5, event_id=102),
        TITLE | {"objectId": [], "eventId": 103},
    ]
    answer = of_hubspot(door, batch)
    assert (answer.status, answer.document) == (200, {"events": 4, "duplicates": 0})
    rows = door.rows()
    assert [(row.type, row.status, row.person_ref) for row in rows] == [
        ("contact.propertyChange", "pending", "123"),
        ("contact.propertyChange", "ignored", "123"),
        ("deal.creation", "ignored", None),
        ("contact.propertyChange", "pending", None),
    ]  # fmt: skip
    again = of_hubspot(door, [{**one, "attemptNumber": 1} for one in batch])
    assert again.document == {"events": 4, "duplicates": 4}
    assert len(door.rows()) == 4
    assert all(b"CFO" not in bytes(row.payload) for row in rows)
    assert json.loads(door.keys.decrypt(bytes(rows[0].payload)))["changes"] == {
        "title": {"new": "CFO"}
    }


@pytest.mark.parametrize(
    "changed",
    [
        {"secret": "8f2b6d1e-3c4a-4f5b-9a7d-0e1f2a3b4c5e"},
        {"url": "https://bg.acme.example/webhooks/hubspot"},
        {"url": f"{PUBLIC}/webhooks/hubspot?x=y"},
        {"late": 302_000},
    ],
)
def test_what_hubspot_did_not_sign_for_this_url_just_now_is_refused(
    door: Door, changed: dict[str, Any]
) -> None:
    assert of_hubspot(door, [TITLE], **changed).status == 401
    assert door.rows() == []


def test_without_a_public_url_the_host_of_the_request_is_what_was_signed(
    database_url: str, engine: Engine
) -> None:
    with on_a_thread(database_url, engine) as plain:
        plain.add("hubspot", "hubspot", SECRETS["hubspot"])
        url = f"https://127.0.0.1:{plain.port}/webhooks/hubspot"
        assert of_hubspot(plain, [TITLE], url=url).status == 200


@pytest.mark.parametrize(
    ("vendor", "body"),
    [
        ("pipedrive", json.dumps(pipedrive(data=of_pipedrive())).encode()),
        ("salesforce", salesforce(of_salesforce())),
    ],
)
def test_the_others_are_taken_by_their_secret_alone(
    door: Door, vendor: Vendor, body: bytes
) -> None:
    for wrong in ("", "x" * 24, SECRETS[vendor] + "x", SECRETS[vendor][:-1]):
        assert of_the_others(door, vendor, body, wrong).status == 401
    assert door.rows() == []
    for duplicates in (0, 1):
        answer = of_the_others(door, vendor, body)
        assert answer.status == 200
        if vendor == "pipedrive":
            assert answer.document == {"events": 1, "duplicates": duplicates}
        else:
            assert answer.headers["content-type"] == "text/xml; charset=utf-8"
            assert b"<Ack>true</Ack>" in answer.body
    assert len(door.rows()) == 1


def test_a_message_of_salesforce_is_acknowledged_once_all_of_it_is_stored(door: Door) -> None:
    many = [of_salesforce(Id=f"0035g0000000{n:03d}AAX") for n in range(100)]
    assert of_the_others(door, "salesforce", salesforce(*many)).status == 200
    assert len({row.event_id for row in door.rows()}) == 100


def test_what_is_sent_to_the_wrong_door_is_refused_and_tells_nobody_why(door: Door) -> None:
    body = json.dumps(pipedrive(data=of_pipedrive())).encode()
    message = salesforce(of_salesforce())
    for path in ("/webhooks/hubspot", "/webhooks/pipedrive", "/webhooks/nobody"):
        # XML is for Salesforce alone.
        assert door.send(message, XML, path).status == 415
        assert door.send(body, JSON, path).status == 401
    assert door.send(body, JSON | {"content-encoding": "gzip"}, "/webhooks/hubspot").status == 415
    packed = XML | {"content-encoding": "gzip"}
    path = f"/webhooks/salesforce?token={SECRETS['salesforce']}"
    assert door.send(message, packed, path).status == 415
    bad = of_the_others(door, "salesforce", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>")
    assert (bad.status, bad.document["field"]) == (400, "body")
    assert of_hubspot(door, b"[7]").status == 400
    assert door.rows() == []


@pytest.mark.parametrize("vendor", SECRETS)
def test_what_a_vendor_sends_is_known_of_the_person_and_leads_to_a_change(
    door: Door, vendor: Vendor
) -> None:
    theirs = {"hubspot": "123", "pipedrive": "17", "salesforce": "0035g00000ABCdEAAX"}[vendor]
    firm = {"hubspot": "77", "pipedrive": "3", "salesforce": "0015g00000XYZaBAAW"}[vendor]
    with door.engine.begin() as conn:
        for statement in (
            "insert into bg.companies (id, name) values ('acme', 'Acme')",
            "insert into bg.people (id, company_id, title, observed_at) "
            "values ('ada', 'acme', 'VP', '2026-01-01T00:00:00Z')",
            "insert into bg.webhook_identities (source, kind, external_id, our_id) values "
            f"('{vendor}', 'person', '{theirs}', 'ada'), ('{vendor}', 'company', '{firm}', 'acme')",
        ):
            conn.execute(sa.text(statement))
    if vendor == "hubspot":
        answer = of_hubspot(door, [TITLE])
    elif vendor == "pipedrive":
        sent = pipedrive(data=of_pipedrive(job_title="CFO"), previous={"job_title": "VP"})
        answer = of_the_others(door, vendor, json.dumps(sent).encode())
    else:
        answer = of_the_others(door, vendor, salesforce(of_salesforce(Title="CFO")))
    assert answer.status == 200
    done = applying.apply_pending(door.engine, door.keys.decrypt)
    assert (done.applied, done.ignored, done.dead) == (1, 0, 0)
    (person,) = door.rows("select title, company_id from bg.people")
    assert person == ("CFO", "acme")
    (change,) = door.rows(
        "select kind, person_id, source from bg.changes "
        "where handled_at is null order by id desc limit 1"
    )
    assert change == ("role_change", "ada", "webhook")


def test_a_revoked_source_of_a_vendor_is_refused(door: Door) -> None:
    door.rows("update bg.webhook_secrets set revoked_at = now() returning id")
    body = json.dumps(pipedrive(data=of_pipedrive())).encode()
    wait_until(lambda: of_the_others(door, "pipedrive", body).status == 401)
    assert of_the_others(door, "pipedrive", body).status == 401
    assert of_hubspot(door, [TITLE]).status == 401


_SIGN = """
const { Signature } = require("@hubspot/api-client");
const [url, clientSecret] = process.argv.slice(1);
const requestBody = require("fs").readFileSync(0, "utf8");
const timestamp = Date.now();
const told = { clientSecret, requestBody, url, timestamp };
const made = Signature.getSignature("POST", "v3", told);
process.stdout.write(JSON.stringify([String(timestamp), made]));
"""


@pytest.mark.slow
def test_what_hubspots_library_for_javascript_signs_is_accepted(door: Door, tmp_path: Path) -> None:
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("node and npm are not installed")
    command = ["npm", "install", "--no-audit", "--no-fund", "--silent", "@hubspot/api-client@^13"]
    try:
        done = subprocess.run(
            [*command, "--prefix", str(tmp_path)], cwd=tmp_path, capture_output=True, timeout=120,
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        pytest.skip("npm's registry does not answer in time")
    if done.returncode:
        pytest.skip("npm could not install the library: is its registry reachable?")
    body = json.dumps([TITLE | {"propertyValue": "Zoë — 株式会社"}], ensure_ascii=False)
    made = subprocess.run(
        ["node", "-e", _SIGN, f"{PUBLIC}/webhooks/hubspot", SECRETS["hubspot"]],
        input=body, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    at, signature = json.loads(made.stdout)
    told = {"x-hubspot-signature-v3": signature, "x-hubspot-request-timestamp": at}
    assert door.send(body.encode(), JSON | told, "/webhooks/hubspot").status == 200
    assert door.send(body.encode() + b" ", JSON | told, "/webhooks/hubspot").status == 401
