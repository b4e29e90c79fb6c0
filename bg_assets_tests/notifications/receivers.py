"""A subscriber's own server, on a thread: it notes what it got, and answers what a test says."""

import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# What it does with a request once it has read it: a status and headers, or None where it has
# written an answer of its own.
Answering = Callable[["Got", BaseHTTPRequestHandler], "Said | None"]


@dataclass(frozen=True, slots=True)
class Got:
    """A request as it came; headers by lower-case name."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    peer: tuple[str, int]


@dataclass(frozen=True, slots=True)
class Said:
    """An answer."""

    status: int = 204
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass
class Receiver:
    """Where it listens and what it got; ``answer`` may be changed while it runs."""

    port: int
    answer: Answering
    got: list[Got] = field(default_factory=list)
    secure: bool = False

    @property
    def url(self) -> str:
        """Its address, by number."""
        return f"{'https' if self.secure else 'http'}://127.0.0.1:{self.port}/in?a=b"


def takes(got: Got, handler: BaseHTTPRequestHandler) -> Said:
    """Take everything."""
    return Said()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever breaks off is no error of ours."""


@contextmanager
def receiving(
    answer: Answering = takes, port: int = 0, tls: ssl.SSLContext | None = None
) -> Iterator[Receiver]:
    """A server until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            got = Got(self.path, headers, body, self.client_address)
            receiver.got.append(got)
            said = receiver.answer(got, self)
            if said is None:
                self.close_connection = True
                return
            self.send_response(said.status)
            for name, value in {"content-length": str(len(said.body)), **said.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(said.body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = _Server(("127.0.0.1", port), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    receiver = Receiver(server.server_address[1], answer, secure=tls is not None)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
