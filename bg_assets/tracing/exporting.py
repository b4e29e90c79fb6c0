"""OpenTelemetry's library behind the spans: one provider a process, made after any fork.

A collector that is away or slow delays nobody: spans wait in a bounded queue for a thread of their
own, what does not fit is dropped, and the log says so once until it answers again.
"""

import atexit
import logging
import os
import threading
import traceback
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

from bg_assets import process
from bg_assets.logs import log
from bg_assets.tracing import configured
from bg_assets.tracing.context import Place, derived, parse, places

LOG = log.logger(__name__)
# A process that is told to stop has 2 s, and other things to end.
CLOSE_SECONDS = 0.7
SERVICE = "bg-assets"
# They would tell of every batch that could not be sent, and every span that had no room.
_TALKATIVE = ("opentelemetry.exporter", "opentelemetry.sdk._shared_internal")
_KINDS = {
    "internal": trace.SpanKind.INTERNAL,
    "server": trace.SpanKind.SERVER,
    "client": trace.SpanKind.CLIENT,
    "producer": trace.SpanKind.PRODUCER,
    "consumer": trace.SpanKind.CONSUMER,
}
_chosen: ContextVar[int | None] = ContextVar("trace id", default=None)
_lock = threading.Lock()


class _Ids(RandomIdGenerator):
    """Random ids, but for a trace whose id was chosen."""

    def generate_trace_id(self) -> int:
        return _chosen.get() or super().generate_trace_id()


class Telling(SpanExporter):
    """An exporter that tells once that spans can't be sent, and once that they can again."""

    def __init__(self, inner: SpanExporter, where: str) -> None:
        self._inner = inner
        self._where = where
        self._failing = False
        # Nobody waits for it any more: what it does not send now is no news.
        self.over = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send a batch; a failure is a result and no error."""
        try:
            result = self._inner.export(spans)
        except Exception:
            result = SpanExportResult.FAILURE
        failed = result is not SpanExportResult.SUCCESS
        if failed and not self._failing and not self.over:
            LOG.warning("spans_lost", address=self._where)
        elif self._failing and not failed:
            LOG.info("spans_sent_again", address=self._where)
        self._failing = failed
        return result

    def shutdown(self) -> None:
        """Give up on what is being sent."""
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing waits here."""
        return True


class _Sending:
    """The provider of this process and its tracer."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.provider: TracerProvider | None = None
        self.exporter: Telling | None = None
        self.tracer: trace.Tracer = trace.NoOpTracer()
        try:
            self.exporter = Telling(OTLPSpanExporter(), configured.shown_endpoint())
            self.provider = _provider(self.exporter)
        except Exception as err:
            # A value of a variable that the library does not take must not stop the work.
            said = f"OpenTelemetry refuses its variables: {_told(err)}"
            LOG.warning("traces_off", reason=said)
        else:
            self.tracer = self.provider.get_tracer("bg_assets")


def _provider(exporter: SpanExporter) -> TracerProvider:
    mine = Resource(
        {"service.name": SERVICE, "host.name": process.host(), "process.pid": os.getpid()}
    )
    provider = TracerProvider(
        resource=mine.merge(OTELResourceDetector().detect()),
        id_generator=_Ids(),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(BatchSpanProcessor(exporter))
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return provider


def _told(err: Exception) -> str:
    """The kind of an error, and where the library raised it: its message may hold a secret."""
    at = traceback.extract_tb(err.__traceback__)[-1]
    return f"{type(err).__name__} in {at.name}"


_sending: _Sending | None = None


def _here() -> _Sending:
    """What sends the spans of this process. A thread does not live through a fork, so that a
    forked process makes its own."""
    global _sending
    with _lock:
        if _sending is None or _sending.pid != os.getpid():
            _sending = _Sending()
            atexit.register(close)
        return _sending


def begin(
    name: str,
    parent: str | None,
    seed: str | None,
    links: Iterable[str | None],
    start: datetime | None,
    kind: str,
    attributes: dict[str, Any],
) -> tuple[trace.Span, str | None]:
    """A span and its place; see spans.begin."""
    place = parse(parent)
    context = None if place is None else _within(place)
    chosen = None if seed is None else _chosen.set(derived(seed))
    try:
        made = _here().tracer.start_span(
            name,
            context,
            kind=_KINDS[kind],
            attributes=attributes,
            links=[trace.Link(_context(one)) for one in places(links)],
            start_time=None if start is None else int(start.timestamp() * 1_000_000_000),
        )
    finally:
        if chosen is not None:
            _chosen.reset(chosen)
    return made, _text(made.get_span_context())


@contextmanager
def current(made: trace.Span) -> Iterator[None]:
    """Make a span the current one."""
    token = contexts.attach(trace.set_span_in_context(made))
    try:
        yield
    finally:
        contexts.detach(token)


def here() -> str | None:
    """The place of the current span."""
    return _text(trace.get_current_span().get_span_context())


def fail(made: trace.Span, kind: str) -> None:
    """Mark a span as failed."""
    made.set_attribute("error.type", kind)
    made.set_status(trace.Status(trace.StatusCode.ERROR))


def close() -> None:
    """Send what is left and end the thread; another span would begin anew."""
    global _sending
    with _lock:
        ending, _sending = _sending, None
    if ending is None or ending.pid != os.getpid():
        return
    if ending.provider is None or ending.exporter is None:
        return
    # The library's own end has no bound that could be given.
    thread = threading.Thread(target=ending.provider.shutdown, daemon=True)
    thread.start()
    thread.join(CLOSE_SECONDS)
    ending.exporter.over = True


def _context(place: Place) -> trace.SpanContext:
    return trace.SpanContext(
        int(place.trace_id, 16),
        int(place.span_id, 16),
        is_remote=True,
        trace_flags=trace.TraceFlags(int(place.sampled)),
    )


def _within(place: Place) -> contexts.Context:
    return trace.set_span_in_context(trace.NonRecordingSpan(_context(place)))


def _text(found: trace.SpanContext) -> str | None:
    if not found.is_valid:
        return None
    return str(Place(f"{found.trace_id:032x}", f"{found.span_id:016x}", found.trace_flags.sampled))
