"""An event that comes in leaves a span, in its sender's trace where the request names one."""

import pytest

from bg_assets.tracing import spans
from bg_assets_tests.receiver.doors import Door, event, signed
from bg_assets_tests.tracing import sending
from bg_assets_tests.tracing.collector import Collector

collector = sending.collector
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
STORED = "select trace_id from bg.webhook_events order by id"


def test_an_event_keeps_where_it_came_in(collector: Collector, door: Door) -> None:
    assert door.deliver().status == 202
    spans.close()
    (one,) = collector.spans
    assert (one.name, one.parent_id, one.failed) == ("receive webhook", "", False)
    assert one.attributes == {
        "bg.source": "crm", "bg.event_type": "person.role_change", "bg.status": "pending",
        "bg.duplicate": False,
    }  # fmt: skip
    assert door.rows(STORED) == [(one.traceparent,)]


def test_a_verified_request_goes_on_in_its_sender_s_trace(collector: Collector, door: Door) -> None:
    body, headers = signed(event())
    assert door.send(body, headers | {"traceparent": PARENT}).status == 202
    assert door.send(body, headers | {"traceparent": PARENT}).status == 200
    spans.close()
    first, again = collector.spans
    assert {(one.trace_id, one.parent_id) for one in (first, again)} == {(TRACE, PARENT[36:52])}
    assert (first.attributes["bg.duplicate"], again.attributes["bg.duplicate"]) == (False, True)
    assert door.rows(STORED) == [(first.traceparent,)]


@pytest.mark.parametrize(
    "said",
    ["junk", f"00-{'0' * 32}-00f067aa0ba902b7-01", f"{PARENT}, {PARENT}", "ff" + PARENT[2:], "é"],
)
def test_a_traceparent_that_is_none_begins_a_trace(
    collector: Collector, door: Door, said: str
) -> None:
    body, headers = signed(event())
    assert door.send(body, headers | {"traceparent": said}).status == 202
    spans.close()
    (one,) = collector.spans
    assert one.parent_id == ""
    assert one.trace_id != TRACE


def test_what_is_refused_leaves_no_span(collector: Collector, door: Door) -> None:
    body, headers = signed(event(), secret="whsec_YW5vdGhlciBzZWNyZXQgb2Ygbm9ib2R5")
    assert door.send(body, headers | {"traceparent": PARENT}).status == 401
    assert door.send(b"{}", {}).status == 401
    spans.close()
    assert collector.spans == []


def test_nobody_s_name_or_title_is_in_a_span(collector: Collector, door: Door) -> None:
    # A type that is not known here is anybody's text.
    door.deliver(event(type="Ines Holm"))
    door.deliver()
    spans.close()
    assert len(collector.spans) == 2
    sent = b"".join(collector.raw)
    for word in (b"Ines", b"Holm", b"CFO", b"Example Mills", b"evt-"):
        assert word not in sent


def test_without_traces_an_event_has_none(door: Door) -> None:
    body, headers = signed(event())
    assert door.send(body, headers | {"traceparent": PARENT}).status == 202
    assert door.rows(STORED) == [(None,)]
