"""A server that plays People Data Labs: answers of its shape about invented people, and all faults.

No test of its own and no pytest: whatever wants a provider that misbehaves can start it, by hand
with `python -m bg_assets_tests.providers.fake_pdl --play hang`. Other processes ask `GET /counts`,
and say `POST /plays` with {"next": [...], "always": ...}.
"""

import argparse
import gzip
import json
import random
import socket
import ssl
import threading
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from bg_assets_tests.providers.invented import (
    COMPANIES,
    PEOPLE,
    company,
    enriched,
    searched,
    shown,
)
from bg_assets_tests.providers.plays import ERRORS, Play, error, headers

KEY = "fake-key-0123456789abcdef"
HUGE = 100 << 20
# So long a hanging or dripping answer goes on where nobody ends it.
_LONGEST = 120.0
_PIECE = b" " * (1 << 16)


@dataclass(frozen=True, slots=True)
class Call:
    """A call that came: what was asked, with which key, and how many records were billed."""

    method: str
    path: str
    asked: Mapping[str, Any]
    key: str | None
    play: Play
    billed: int


@dataclass(slots=True)
class FakePdl:
    """The running server. ``plays``: what is done with the next calls, then ``always``."""

    port: int
    always: Play = Play.WELL
    plays: deque[Play] = field(default_factory=deque)
    people: Sequence[Mapping[str, Any]] = PEOPLE
    companies: Sequence[Mapping[str, Any]] = COMPANIES
    elsewhere: str = "http://127.0.0.1:9"
    calls: list[Call] = field(default_factory=list)
    scheme: str = "http"
    ending: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    @property
    def billed(self) -> int:
        """Records billed so far, those of answers that were broken on the way too."""
        with self.lock:
            return sum(call.billed for call in self.calls)

    def counts(self) -> dict[str, Any]:
        """Calls and billed records so far, and calls by what was done with them."""
        with self.lock:
            plays = Counter(call.play.value for call in self.calls)
            billed = sum(call.billed for call in self.calls)
            return {"calls": len(self.calls), "billed": billed, "plays": dict(plays)}

    def play(self, *plays: Play) -> None:
        """What is done with the next calls, one each."""
        with self.lock:
            self.plays.extend(plays)

    def next_play(self) -> Play:
        """What is done with the call that comes now."""
        with self.lock:
            return self.plays.popleft() if self.plays else self.always

    def note(self, call: Call) -> None:
        """Remember a call."""
        with self.lock:
            self.calls.append(call)


@contextmanager
def fake_pdl(
    always: Play = Play.WELL, port: int = 0, tls: ssl.SSLContext | None = None
) -> Iterator[FakePdl]:
    """A server on loopback until the block ends, which ends every answer that hangs."""
    server = _Server(("127.0.0.1", port), _Handler)
    server.fake = FakePdl(server.server_address[1], always)
    if tls is not None:
        # Shaking hands is for the thread of the connection.
        server.socket = tls.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
        server.fake.scheme = "https"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.fake
    finally:
        server.fake.ending.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    fake: FakePdl

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what is tried here."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == "/counts":
            self.whole(200, json.dumps(self.server.fake.counts()).encode())
        else:
            self._answer(parts.path, dict(parse_qsl(parts.query)))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.path == "/plays":
            told = json.loads(body)
            self.server.fake.play(*map(Play, told.get("next", ())))
            self.server.fake.always = Play(told.get("always", self.server.fake.always))
            self.whole(200, b"{}")
        else:
            self._answer(urlsplit(self.path).path, json.loads(body))

    def _answer(self, path: str, asked: dict[str, Any]) -> None:
        self.close_connection = True
        fake = self.server.fake
        play = fake.next_play()
        key = self.headers.get("x-api-key")
        code, document, billed = _right(fake, self.command, path, asked, play)
        if key != KEY and play is Play.WELL:
            play, code, document, billed = Play.WRONG_KEY, 401, error(Play.WRONG_KEY), 0
        if play in ERRORS or play in _UNBILLED:
            billed = 0
        fake.note(Call(self.command, path, asked, key, play, billed))
        body = json.dumps(document).encode()
        act = _ACTS.get(play)
        if act is not None:
            act(self, body)
        elif play in ERRORS:
            self.whole(ERRORS[play][0], json.dumps(error(play)).encode(), **headers(play))
        else:
            self.whole(code, body, **{"x-call-credits-spent": str(billed)})

    def whole(self, code: int, body: bytes, **more: str) -> None:
        self.send_response(code)
        known = {"content-type": "application/json", "content-length": str(len(body)), **more}
        for name, value in known.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def head(self, **more: str) -> None:
        self.send_response(200)
        for name, value in {"content-type": "application/json", **more}.items():
            self.send_header(name, value)
        self.end_headers()

    def hang(self, _body: bytes) -> None:
        self.server.fake.ending.wait(_LONGEST)

    def drip(self, body: bytes) -> None:
        self.head(**{"content-length": str(len(body))})
        self._drip(body)

    def drip_headers(self, _body: bytes) -> None:
        self._drip(b"HTTP/1.1 200 OK\r\n" + b"x-slow: 1\r\n" * 1000)

    def _drip(self, data: bytes) -> None:
        for at in range(len(data)):
            if self.server.fake.ending.wait(0.05):
                return
            self.wfile.write(data[at : at + 1])
            self.wfile.flush()

    def cut(self, body: bytes) -> None:
        self.head(**{"content-length": str(len(body))})
        self.wfile.write(body[: len(body) // 2])

    def closed(self, _body: bytes) -> None:
        self.connection.shutdown(socket.SHUT_RDWR)

    def garbage(self, _body: bytes) -> None:
        self.whole(200, random.Random(1).randbytes(5000))

    def html(self, _body: bytes) -> None:
        self.whole(200, b"<html><body>Please log in</body></html>", **{"content-type": "text/html"})

    def not_the_api(self, _body: bytes) -> None:
        self.whole(404, b"<html>no such page</html>", **{"content-type": "text/html"})

    def other_shape(self, body: bytes) -> None:
        document = json.loads(body)
        document["data"] = {**(document.get("data") or {}), "full_name": ["Ada", "Quill"]}
        self.whole(200, json.dumps(document).encode())

    def nan(self, body: bytes) -> None:
        document = {**json.loads(body), "likelihood": float("nan")}
        self.whole(200, json.dumps(document).encode())

    def deep(self, _body: bytes) -> None:
        self.whole(200, b'{"status":200,"data":' + b"[" * 200_000 + b"]" * 200_000 + b"}")

    def twice(self, body: bytes) -> None:
        self.whole(200, body[:-1] + b',"status":200}')

    def wrong_type(self, body: bytes) -> None:
        self.whole(200, body, **{"content-type": "text/plain"})

    def redirect_here(self, _body: bytes) -> None:
        self.whole(302, b"", location=f"{self.server.fake.url}{self.path}")

    def redirect_away(self, _body: bytes) -> None:
        self.whole(307, b"", location=f"{self.server.fake.elsewhere}{self.path}")

    def huge(self, _body: bytes) -> None:
        self.head(**{"content-length": str(HUGE)})
        for _ in range(HUGE // len(_PIECE)):
            self.wfile.write(_PIECE)

    def huge_chunked(self, _body: bytes) -> None:
        self.head(**{"transfer-encoding": "chunked"})
        for _ in range(HUGE // len(_PIECE)):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(_PIECE), _PIECE))
        self.wfile.write(b"0\r\n\r\n")

    def gzip_bomb(self, _body: bytes) -> None:
        self.whole(200, gzip.compress(_PIECE * (HUGE // len(_PIECE)), 1), **_GZIP)


_GZIP = {"content-encoding": "gzip"}
_ACTS = {
    Play.HANG: _Handler.hang,
    Play.DRIP: _Handler.drip,
    Play.DRIP_HEADERS: _Handler.drip_headers,
    Play.CUT: _Handler.cut,
    Play.CLOSED: _Handler.closed,
    Play.GARBAGE: _Handler.garbage,
    Play.HTML: _Handler.html,
    Play.NOT_THE_API: _Handler.not_the_api,
    Play.OTHER_SHAPE: _Handler.other_shape,
    Play.NAN: _Handler.nan,
    Play.DEEP: _Handler.deep,
    Play.TWICE: _Handler.twice,
    Play.WRONG_TYPE: _Handler.wrong_type,
    Play.REDIRECT_HERE: _Handler.redirect_here,
    Play.REDIRECT_AWAY: _Handler.redirect_away,
    Play.HUGE: _Handler.huge,
    Play.HUGE_CHUNKED: _Handler.huge_chunked,
    Play.GZIP_BOMB: _Handler.gzip_bomb,
}
# What never was an answer to the question.
_UNBILLED = frozenset({
    Play.CLOSED, Play.HTML, Play.NOT_THE_API, Play.REDIRECT_HERE, Play.REDIRECT_AWAY, Play.GARBAGE,
})  # fmt: skip


def _right(
    fake: FakePdl, method: str, path: str, asked: Mapping[str, Any], play: Play
) -> tuple[int, dict[str, Any], int]:
    """The code, the document and the records billed where nothing goes wrong."""
    titlecase = str(asked.get("titlecase")).lower() == "true"
    fields = str(asked.get("data_include") or "").split(",")

    def record(found: Mapping[str, Any]) -> dict[str, Any]:
        return shown(found, fields, titlecase, hides=play is Play.PLAN_HIDES)

    if (method, path) == ("GET", "/v5/person/enrich"):
        person = enriched(fake.people, asked, another=play is Play.ANOTHER)
        if person is not None:
            return 200, {"status": 200, "likelihood": 9, "data": record(person)}, 1
    elif (method, path) == ("GET", "/v5/company/enrich"):
        firm = company(fake.companies, asked)
        if firm is not None:
            return 200, {"status": 200, "likelihood": 8, **record(firm)}, 1
    elif (method, path) == ("POST", "/v5/person/search"):
        people = searched(fake.people, asked)
        found = [record(person) for person in people[: int(asked.get("size", 1))]]
        if found:
            return 200, {"status": 200, "data": found, "total": len(people)}, len(found)
    else:
        return 405, error(Play.BAD_METHOD), 0
    return 404, error(Play.NOBODY), 0


def main() -> None:
    """Run until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--play", type=Play, default=Play.WELL, help=", ".join(Play))
    options = parser.parse_args()
    with fake_pdl(options.play, options.port) as fake:
        print(f"BG_PDL_URL={fake.url} BG_PDL_KEY={KEY}", flush=True)  # noqa: T201
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
