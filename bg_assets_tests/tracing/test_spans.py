"""Spans come to the collector as they were told; a collector that is not well delays nobody."""

import ast
import logging
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bg_assets.tracing import context, exporting, spans
from bg_assets_tests.tracing import sending
from bg_assets_tests.tracing.collector import Collector

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


def test_a_span_tells_what_was_done_and_for_how_long(collector: Collector) -> None:
    before = datetime.now(UTC) - timedelta(minutes=5)
    with spans.span("outer", start=before, company_id="acme", companies=1, run_id=None) as outer:
        with spans.span("inner", kinds=["role_change"], kind="consumer") as inner:
            assert spans.here() == inner.traceparent
        outer.tell(written=1)
    spans.close()
    came = {one.name: one for one in collector.spans}
    assert came["outer"].attributes == {"bg.company_id": "acme", "bg.companies": 1, "bg.written": 1}
    assert came["inner"].attributes == {"bg.kinds": ["role_change"]}
    assert (came["inner"].trace_id, came["inner"].parent_id) == (
        came["outer"].trace_id, came["outer"].span_id,
    )  # fmt: skip
    assert came["outer"].traceparent == outer.traceparent
    assert came["outer"].end - came["outer"].start >= 300 * 10**9
    assert (came["outer"].service, came["outer"].pid) == ("bg-assets", os.getpid())


def test_a_span_goes_on_from_a_traceparent_and_links_others(collector: Collector) -> None:
    other = f"00-{'a' * 32}-{'b' * 16}-01"
    spans.begin("next", parent=PARENT, links=[other, "junk", None]).end()
    spans.close()
    (one,) = collector.spans
    assert (one.trace_id, one.parent_id) == (TRACE, "00f067aa0ba902b7")
    assert one.links == (("a" * 32, "b" * 16),)


def test_a_traceparent_that_is_none_begins_a_trace(collector: Collector) -> None:
    spans.begin("first", parent="00-junk").end()
    spans.begin("second", parent=f"00-{'0' * 32}-{'1' * 16}-01", seed="refresh 7").end()
    spans.close()
    first, second = collector.spans
    assert (first.parent_id, second.parent_id) == ("", "")
    assert first.trace_id not in (second.trace_id, "0" * 32)
    assert second.trace_id == f"{context.derived('refresh 7'):032x}"


def test_what_its_sender_does_not_sample_is_not_sent(collector: Collector) -> None:
    with spans.span("quiet", parent=PARENT[:-2] + "00") as quiet:
        # Whoever goes on from it samples neither.
        assert quiet.traceparent is not None
        assert quiet.traceparent.startswith(f"00-{TRACE}-")
        assert quiet.traceparent.endswith("-00")
    spans.close()
    assert collector.spans == []


def test_an_error_marks_a_span_by_its_kind_and_leaves_its_message_here(
    collector: Collector,
) -> None:
    def fail() -> None:
        with spans.span("broken"):
            raise ValueError("Zebulon Quark, zq@example.com")

    with pytest.raises(ValueError, match="Zebulon"):
        fail()
    spans.close()
    (one,) = collector.spans
    assert one.failed
    assert one.attributes == {"error.type": "ValueError"}
    assert b"Zebulon" not in b"".join(collector.raw)


def test_a_service_of_another_name_is_named_so(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "groups-eu")
    spans.begin("one").end()
    spans.close()
    assert [one.service for one in collector.spans] == ["groups-eu"]


def test_a_forked_process_sends_its_own_spans(collector: Collector) -> None:
    spans.begin("parent").end()
    pid = os.fork()
    if pid == 0:
        spans.begin("child").end()
        spans.close()
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    spans.close()
    assert sorted((one.name, one.pid) for one in collector.spans) == [
        ("child", pid), ("parent", os.getpid()),
    ]  # fmt: skip


@pytest.mark.parametrize("ill", ["hangs", "answers 500", "is away"])
def test_a_collector_that_is_not_well_delays_nobody_and_is_told_of_once(
    collector: Collector, ill: str, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    monkeypatch.setattr(exporting, "CLOSE_SECONDS", 0.2)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "16")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "8")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.1")
    if ill == "hangs":
        collector.answering.clear()
    elif ill == "answers 500":
        collector.status = 500
    else:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            for _ in range(100):
                spans.begin("one").end()
            assert _eventually(lambda: "spans_lost" in caplog.text)
        began = time.monotonic()
        spans.close()
        took = time.monotonic() - began
    assert took < 5
    told = [one.getMessage() for one in caplog.records]
    assert len(told) == 1
    assert told[0].startswith("spans_lost address=http://127.0.0.1:")
    assert collector.spans == []


def test_a_collector_that_is_back_is_told_of_once(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
    collector.status = 500
    with caplog.at_level(logging.INFO):
        spans.begin("lost").end()
        assert _eventually(lambda: "spans_lost" in caplog.text)
        collector.status = 200
        spans.begin("kept").end()
        assert _eventually(lambda: "sent_again" in caplog.text)
    assert [one.name for one in collector.spans] == ["kept"]
    assert len(caplog.records) == 2


def test_a_variable_that_the_library_refuses_stops_nothing(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "-1")
    with spans.span("one", company_id="acme") as one:
        one.tell(written=1)
        assert spans.here() is None
    assert one.traceparent is None
    (told,) = [record.getMessage() for record in caplog.records]
    assert told.startswith("traces_off reason='OpenTelemetry refuses its variables: ValueError in ")


def test_without_a_variable_nothing_is_loaded_and_all_calls_do_nothing() -> None:
    program = """
import sys
from bg_assets.receiver import server
from bg_assets.ticks import traces
from bg_assets.tracing import spans
spans.prepare()
with spans.span("a", parent="x", links=["y"], companies=1) as span:
    span.tell(written=1)
    assert span.traceparent is None and spans.here() is None
spans.begin("b").end()
spans.close()
print(sorted(name for name in sys.modules if name.startswith("opentelemetry")))
"""
    env = {name: text for name, text in os.environ.items() if not name.startswith("OTEL_")}
    done = subprocess.run(
        [sys.executable, "-c", program], env=env, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr


def test_one_module_alone_imports_the_libraries_and_nobody_imports_it_with_itself() -> None:
    package = Path(spans.__file__).parent.parent
    at_once, library = [], []
    for path in package.rglob("*.py"):
        for node in ast.walk(tree := ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import | ast.ImportFrom):
                named = f"{getattr(node, 'module', '')} {[one.name for one in node.names]}"
                library += [path.stem] if "opentelemetry" in named else []
                at_once += [path.stem] if "exporting" in named and node in tree.body else []
    assert set(library) == {"exporting"}
    assert at_once == []


def test_the_page_of_the_docs_names_every_span_and_no_other() -> None:
    package = Path(spans.__file__).parent.parent
    called = re.compile(r"spans\.(?:begin|span)\(\s*\"([^\"]+)\"")
    found = {name for path in package.rglob("*.py") for name in called.findall(path.read_text())}
    found |= {"company_people", "buyer_groups", "enriched_people"}
    page = (package.parent / "docs" / "operations.md").read_text(encoding="utf-8")
    table = page.split("| span | process |")[1].split("\n\n")[0]
    told = {name for row in table.splitlines()[2:] for name in row.split("|")[1].split("`")[1::2]}
    assert told == found


def test_what_can_not_be_done_is_told_of_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "zipkin")
    sending.forget(monkeypatch)
    for _ in range(3):
        spans.begin("one").end()
    (told,) = [record.getMessage() for record in caplog.records]
    assert told.startswith('traces_off reason="OTEL_TRACES_EXPORTER names ')


def _eventually(done: Callable[[], bool]) -> bool:
    until = time.monotonic() + 20
    while not done() and time.monotonic() < until:
        time.sleep(0.01)
    return done()
