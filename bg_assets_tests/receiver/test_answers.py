"""Every answer of the door, from a real server over real connections."""

import base64
import json
import time
from typing import Any

import pytest
import sqlalchemy as sa

from bg_assets.storage.webhooks import events
from bg_assets_tests.receiver.doors import (
    PLAIN,
    STANDARD,
    Door,
    ask,
    event,
    plain_signed,
    signed,
)


def test_a_new_event_gets_202_and_is_stored_encrypted(door: Door) -> None:
    sent = event(id="evt-a")
    answer = door.deliver(sent)
    assert (answer.status, answer.document) == (
        202,
        {"id": "evt-a", "status": "pending", "duplicate": False},
    )
    (row,) = door.rows()
    assert (row.source, row.event_id, row.type) == ("crm", "evt-a", "person.role_change")
    assert (row.company_ref, row.person_ref, row.status) == ("c-1", "p-1", "pending")
    assert row.occurred_at.isoformat() == "2026-01-31T09:30:00+00:00"
    assert row.applied_at is None
    assert b"Holm" not in bytes(row.payload)
    assert json.loads(door.keys.decrypt(bytes(row.payload))) == sent


def test_a_large_event_is_packed_before_it_is_encrypted(door: Door) -> None:
    sent = event(note="some words, " * 2000)
    assert door.deliver(sent).status == 202
    (row,) = door.rows()
    content = door.keys.decrypt(bytes(row.payload))
    assert len(content) < 5000
    assert json.loads(events.unpacked(content)) == sent


def test_a_duplicate_gets_200_with_the_status_of_the_first(door: Door) -> None:
    sent = event(id="evt-a")
    assert door.deliver(sent).status == 202
    answer = door.deliver(sent)
    assert (answer.status, answer.document) == (
        200,
        {"id": "evt-a", "status": "pending", "duplicate": True},
    )
    with door.engine.begin() as conn:
        conn.execute(sa.text("update bg.webhook_events set status = 'applied', applied_at = now()"))
    assert door.deliver(sent).document["status"] == "applied"
    assert len(door.rows()) == 1


def test_an_unknown_type_is_stored_as_ignored_with_its_reason(door: Door) -> None:
    answer = door.deliver({"id": "x", "type": "deal.won"})
    assert (answer.status, answer.document["status"]) == (202, "ignored")
    (row,) = door.rows()
    assert (row.status, row.status_reason) == ("ignored", "unknown type")
    assert row.applied_at is not None


def test_the_path_person_change_takes_the_source_from_the_body(door: Door) -> None:
    path = "/webhooks/person-change"
    assert door.deliver(event(source="crm"), path=path).status == 202
    assert [row.source for row in door.rows()] == ["crm"]
    answer = door.deliver(event(), path=path)
    assert (answer.status, answer.document["field"]) == (400, "source")
    answer = door.deliver(event(source=["crm"]), path=path)
    assert (answer.status, answer.document["field"]) == (400, "source")
    assert door.deliver(event(source="nobody"), path=path).status == 401
    assert door.deliver([], path=path).document["field"] == "body"


def test_a_body_that_names_another_source_than_the_path_is_refused(door: Door) -> None:
    answer = door.deliver(event(source="hr"))
    assert (answer.status, answer.document["field"]) == (400, "source")
    assert door.deliver(event(source="crm")).status == 202


def _nested(depth: int) -> bytes:
    return b'{"a":' * depth + b"1" + b"}" * depth


@pytest.mark.parametrize(
    ("field", "body"),
    [
        ("body", b""),
        ("body", b"{"),
        ("body", b"null"),
        ("body", b"[]"),
        ("body", b'"text"'),
        ("body", b"\xff\xfe"),
        ("type", b"\xef\xbb\xbf{}"),
        ("body", b'{"type": "\xed\xa0\x80"}'),
        ("body", b'{"type": NaN}'),
        ("body", b'{"type": "deal.won", "value": -Infinity}'),
        ("body", b'{"type": "deal.won", "value": 1e999}'),
        ("body", b'{"type": "deal.won", "type": "deal.won"}'),
        ("body", b'{"type": "deal.won", "value": "\\u0000"}'),
        ("body", b'{"type": "deal.won", "value": "\\ud800"}'),
        ("body", b'{"type": "deal.won", "\\udfff": 1}'),
        ("body", b'{"type": "deal.won", "value": ' + b"9" * 5000 + b"}"),
        ("body", b'{"type": "deal.won", "value": [' + b"[" * 50_000 + b"]" * 50_000 + b"]}"),
        ("type", _nested(90)),
        ("body", _nested(40_000)),
        ("body", b'{"type": "a\nb"}'),
        ("type", b'{"type": "a\\nb"}'),
        ("type", b'{"type": 5}'),
        ("type", b'{"type": ""}'),
    ],
    ids=lambda one: repr(one[:40]),
)
def test_a_signed_body_that_is_no_event_gets_400_with_its_field(
    door: Door, field: str, body: bytes
) -> None:
    answer = door.deliver(body)
    assert (answer.status, answer.document["field"]) == (400, field)
    assert door.rows() == []


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"timestamp": "yesterday"}, "timestamp"),
        ({"type": "person.left\n"}, "type"),
        ({"timestamp": None}, "timestamp"),
        ({"company": None}, "company"),
        ({"person": {"id": "p", "name": []}}, "person.name"),
        # Halves of characters and NULs are refused before the fields are looked at.
        ({"person": {"id": "p", "name": "\ud800"}}, "body"),
        ({"person": {"id": "p", "name": "a\0b"}}, "body"),
        ({"person": {"id": [2], "name": "a"}}, "person.id"),
        (
            {"person": {"id": "p", "name": "a", "newTitle": "x", "new_title": "y"}},
            "person.newTitle",
        ),
        ({"changes": {"title": {"new": 1}}}, "changes.title.new"),
    ],
)
def test_a_malformed_event_is_refused_by_its_field(
    door: Door, changed: dict[str, Any], field: str
) -> None:
    answer = door.deliver(event(**changed))
    assert (answer.status, answer.document["field"]) == (400, field)


@pytest.mark.parametrize("name", ["", "x" * 257, "tab\tinside", "caf\xe9\x85"])
def test_an_odd_id_in_the_header_is_a_4xx(door: Door, name: str) -> None:
    body, headers = signed(event(), message=name or "m")
    answer = door.send(body, {**headers, "webhook-id": name})
    assert answer.status in (400, 401)
    assert answer.document["title"]


def test_unknown_sources_and_wrong_signatures_get_the_same_answer(door: Door) -> None:
    body, headers = signed(event())
    assert door.send(body, headers).status == 202
    unknown = door.send(body, headers, "/webhooks/nobody")
    wrong = door.send(body + b" ", headers)
    old = door.send(*signed(event(), at=time.time() - 310))
    none = door.send(body, {})
    assert [one.status for one in (unknown, wrong, old, none)] == [401] * 4
    assert unknown.body == wrong.body == old.body == none.body


def test_a_source_without_a_valid_secret_is_refused(door: Door) -> None:
    body, headers = signed(event())
    with door.engine.begin() as conn:
        conn.execute(sa.text("update bg.webhook_secrets set revoked_at = now()"))
    # Revocation counts within a second.
    time.sleep(1)
    assert door.send(body, headers).status == 401
    assert door.rows() == []


def test_a_secret_counts_until_its_end_and_a_new_one_at_once(door: Door) -> None:
    with door.engine.begin() as conn:
        conn.execute(
            sa.text("update bg.webhook_secrets set expires_at = now() + interval '1 second'")
        )
    fresh = "whsec_" + base64.b64encode(b"another key, of thirty-two bytes").decode()
    with door.engine.begin() as conn:
        token = door.keys.encrypt(fresh.encode())
        conn.execute(
            sa.text("insert into bg.webhook_secrets (source_id, secret) values ('crm', :token)"),
            {"token": token},
        )
    assert door.send(*signed(event(), fresh)).status == 202
    time.sleep(2)
    assert door.send(*signed(event(), STANDARD)).status == 401
    assert door.send(*signed(event(), fresh)).status == 202


def test_a_new_source_counts_at_once(door: Door) -> None:
    body, headers = plain_signed(event(), PLAIN)
    assert door.send(body, headers, "/webhooks/new").status == 401
    door.add("new", "plain")
    assert door.send(body, headers, "/webhooks/new").status == 202


def test_a_source_may_send_from_its_networks_only(door: Door) -> None:
    door.add("far", allow=("10.0.0.0/8", "2001:db8::/32"))
    door.add("near", allow=("127.0.0.0/8",))
    answer = door.deliver(path="/webhooks/far")
    assert (answer.status, answer.document["title"]) == (403, "Forbidden")
    assert door.deliver(path="/webhooks/near").status == 202
    # Nobody is trusted to tell where a request comes from, unless he is named.
    body, headers = signed(event())
    answer = door.send(body, {**headers, "x-forwarded-for": "10.1.2.3"}, "/webhooks/far")
    assert answer.status == 403
    answer = door.deliver(event(source="far"), path="/webhooks/person-change")
    assert answer.status == 403


def test_a_body_above_the_limit_is_refused_before_it_is_parsed(door: Door) -> None:
    limit = 256 * 1024
    sent = event()
    size = len(json.dumps({**sent, "note": ""}))
    assert door.deliver({**sent, "note": "x" * (limit - size)}).status == 202
    body, headers = signed({**event(id="another"), "note": "x" * limit})
    answer = door.send(body, headers)
    assert (answer.status, answer.document["title"]) == (413, "Request Entity Too Large")
    assert answer.headers["connection"] == "close"

    def endless() -> Any:
        for _ in range(40):
            yield b"x" * 65536

    answer = ask(door.port, "POST", "/webhooks/crm", endless(), {"content-type": "text/json"})
    assert answer.status == 415
    answer = ask(door.port, "POST", "/webhooks/crm", endless(), {})
    assert answer.status == 413


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/json", 202),
        ("Application/JSON; charset=UTF-8", 202),
        ("application/cloudevents+json", 202),
        ("", 202),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("application/json; charset=latin-1", 415),
        ("application/jsonp", 415),
    ],
)
def test_only_json_in_utf8_is_taken(door: Door, kind: str, status: int) -> None:
    body, headers = signed(event())
    assert door.send(body, {**headers, "content-type": kind}).status == status
    headers.pop("content-type")
    assert door.send(body, headers).status in (200, 202)
    assert door.send(body, {**headers, "content-encoding": "gzip"}).status == 415


def test_a_source_that_sends_too_fast_gets_429_with_retry_after(door: Door) -> None:
    door.add("slow", per_second=0.5, burst=3)
    answers = [door.deliver(path="/webhooks/slow") for _ in range(5)]
    assert [one.status for one in answers] == [202, 202, 202, 429, 429]
    assert answers[-1].document["title"] == "Too Many Requests"
    assert int(answers[-1].headers["retry-after"]) in (1, 2)
    # What was not signed takes nothing.
    door.add("other", per_second=0.5, burst=1)
    assert door.send(b"{}", {}, "/webhooks/other").status == 401
    assert door.deliver(path="/webhooks/other").status == 202


def test_nobody_is_told_to_come_back_later_than_in_an_hour(door: Door) -> None:
    door.add("rare", per_second=0.0001, burst=1)
    answers = [door.deliver(path="/webhooks/rare") for _ in range(2)]
    assert [one.status for one in answers] == [202, 429]
    assert answers[-1].headers["retry-after"] == "3600"


def test_a_webhook_path_tells_how_to_send(door: Door) -> None:
    for path in ("/webhooks/crm", "/webhooks/nobody", "/webhooks/person-change"):
        told = door.get(path).document
        assert "person.left" in told["events"]
        assert set(told["signatures"]) == {"standard", "plain", "window_seconds"}
        assert told["limits"]["body_bytes"] == 262144
        assert told["limits"]["event_id_characters"] == 256
        example = told["example"]
    assert door.deliver({**example, "source": "crm"}).status == 202


def test_probes_metrics_and_the_document_answer(door: Door) -> None:
    assert door.get("/healthz").document == {"status": "ok"}
    assert door.get("/readyz").document == {"status": "ready"}
    assert door.get("/openapi.json").document["openapi"] == "3.1.0"
    sent = event()
    door.deliver(sent)
    door.deliver(sent)
    door.send(b"{}", {})
    text = door.get("/metrics").body.decode()
    assert "bg_webhooks_received_total 3.0" in text
    assert "bg_webhooks_accepted_total 1.0" in text
    assert "bg_webhooks_duplicates_total 1.0" in text
    assert 'bg_webhooks_refused_total{kind="no-signature"} 1.0' in text
    assert "bg_webhooks_seconds_count 3.0" in text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/webhooks", 404),
        ("POST", "/webhooks/crm/", 404),
        ("POST", "/webhooks/", 404),
        ("POST", "/webhooks/a/b", 404),
        ("GET", "/healthz/", 404),
        ("POST", "/healthz", 405),
        ("DELETE", "/webhooks/crm", 405),
        ("OPTIONS", "/webhooks/crm", 405),
    ],
)
def test_other_paths_and_methods_are_problems_and_never_lead_elsewhere(
    door: Door, method: str, path: str, status: int
) -> None:
    answer = ask(door.port, method, path)
    assert (answer.status, answer.document["status"]) == (status, status)
    assert ("allow" in answer.headers) is (status == 405)


def test_refusals_are_counted_in_the_audit_log_without_payloads(door: Door) -> None:
    for _ in range(3):
        door.send(b'{"name": "Ines Holm"}', {})
    door.send(b"{}", {}, "/webhooks/nobody")
    until = time.monotonic() + 20
    while time.monotonic() < until:
        rows = door.rows(
            "select actor, subject, sum(count) as count, detail from bg.audit_log"
            " where action = 'webhook.refused' group by 1, 2, 4 order by subject nulls last"
        )
        if len(rows) == 2:
            break
        time.sleep(0.1)
    assert [tuple(row) for row in rows] == [
        ("receiver", "crm", 3, {"kind": "no-signature"}),
        ("receiver", None, 1, {"kind": "unknown-source"}),
    ]
