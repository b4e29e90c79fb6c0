"""A collector of spans: OTLP over HTTP on this machine, which keeps what it is sent."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class Received:
    """A span as it came."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    links: tuple[tuple[str, str], ...]
    attributes: dict[str, Any]
    failed: bool
    start: int
    end: int
    service: str
    pid: int

    @property
    def traceparent(self) -> str:
        """Its place."""
        return f"00-{self.trace_id}-{self.span_id}-01"


@dataclass
class Collector:
    """What came; ``status`` is what it answers, and ``answering`` whether it does so at all."""

    url: str = ""
    spans: list[Received] = field(default_factory=list)
    requests: int = 0
    status: int = 200
    answering: threading.Event = field(default_factory=threading.Event)
    raw: list[bytes] = field(default_factory=list)
    # What came elsewhere than the path of spans, by its headers.
    others: list[dict[str, str]] = field(default_factory=list)

    def named(self, name: str) -> list[Received]:
        """The spans of this name."""
        return [one for one in list(self.spans) if one.name == name]

    def of_trace(self, trace_id: str) -> list[Received]:
        """The spans of a trace."""
        return [one for one in list(self.spans) if one.trace_id == trace_id]

    def take(self, body: bytes) -> None:
        """Keep the spans of a request."""
        self.raw.append(body)
        for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            resource = _values(of_resource.resource.attributes)
            for of_scope in of_resource.scope_spans:
                self.spans += [_received(one, resource) for one in of_scope.spans]


def _received(one: Any, resource: dict[str, Any]) -> Received:
    return Received(
        one.name,
        one.trace_id.hex(),
        one.span_id.hex(),
        one.parent_span_id.hex(),
        tuple((link.trace_id.hex(), link.span_id.hex()) for link in one.links),
        _values(one.attributes),
        one.status.code == 2,
        one.start_time_unix_nano,
        one.end_time_unix_nano,
        resource["service.name"],
        resource["process.pid"],
    )


def _values(attributes: Any) -> dict[str, Any]:
    return {one.key: _value(one.value) for one in attributes}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(one) for one in value.array_value.values]
    return getattr(value, kind)


@contextmanager
def listening() -> Iterator[Collector]:
    """A collector that answers on a free port until the block ends."""
    made = Collector()
    made.answering.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            made.requests += 1
            made.answering.wait()
            if self.path != "/v1/traces":
                made.others.append({name.lower(): text for name, text in self.headers.items()})
            if made.status == 200 and self.path == "/v1/traces":
                made.take(body)
            self.send_response(made.status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield made
    finally:
        made.answering.set()
        server.shutdown()
        thread.join()
        server.server_close()
