"""A receiver that runs, on a thread or as a process, and what senders do to it."""

import base64
import hashlib
import hmac
import http.client
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bg_assets import settings
from bg_assets.domain.webhooks.secrets import Scheme
from bg_assets.encryption import Keys, new_key
from bg_assets.receiver.app import assemble
from bg_assets.receiver.limits import Limits
from bg_assets.receiver.link import Link
from bg_assets.receiver.networks import networks
from bg_assets.receiver.server import server_for
from bg_assets.receiver.vendors import Vendors
from bg_assets.storage.webhooks import sources
from bg_assets.storage.webhooks.sources import Source

ROOT = Path(__file__).resolve().parents[2]
STANDARD = "whsec_" + base64.b64encode(b"the key of a standard source....").decode()
PLAIN = "the secret of a plain source, as it was shown"
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        """The JSON document, which must be one; of a refusal with title and detail."""
        assert self.headers["content-length"] == str(len(self.body))
        found: dict[str, Any] = json.loads(self.body)
        if self.status >= 400:
            assert self.headers["content-type"] == "application/problem+json"
            assert found["status"] == self.status
            assert found["title"]
            assert found["detail"]
        else:
            assert self.headers["content-type"] == "application/json"
        return found


@dataclass
class Door:
    """Where a receiver listens, and the database behind it."""

    port: int
    engine: sa.Engine
    keys: Keys
    secrets: dict[str, str] = field(default_factory=dict)

    def add(
        self,
        name: str = "crm",
        scheme: Scheme = "standard",
        secret: str | None = None,
        allow: tuple[str, ...] = (),
        per_second: float = 100_000,
        burst: int = 100_000,
    ) -> str:
        """Add a source; returns its secret."""
        made = secret or (STANDARD if scheme == "standard" else PLAIN)
        source = Source(name, scheme, "default", False, allow, per_second, burst)
        with self.engine.begin() as conn:
            sources.add_source(conn, self.keys, source, made, "test")
        self.secrets[name] = made
        return made

    def send(self, body: bytes, headers: Mapping[str, str], path: str = "/webhooks/crm") -> Answer:
        """POST over a connection of its own."""
        return ask(self.port, "POST", path, body, headers)

    def get(self, path: str) -> Answer:
        """GET."""
        return ask(self.port, "GET", path)

    def deliver(self, document: Any = None, **named: Any) -> Answer:
        """Sign an event with the standard scheme and send it; an ordinary one by default."""
        return self.send(*signed(event() if document is None else document), **named)

    def rows(self, statement: str = "select * from bg.webhook_events order by id") -> list[Any]:
        """What is in the table."""
        with self.engine.begin() as conn:
            return list(conn.execute(sa.text(statement)))


def event(**changed: Any) -> dict[str, Any]:
    """An event with an id of its own."""
    return {
        "id": f"evt-{next(_numbers)}",
        "type": "person.role_change",
        "timestamp": "2026-01-31T09:30:00Z",
        "person": {"id": "p-1", "name": "Ines Holm", "newTitle": "CFO"},
        "company": {"id": "c-1", "name": "Example Mills"},
        **changed,
    }


def signed(
    document: Any,
    secret: str = STANDARD,
    message: str | None = None,
    at: float | None = None,
) -> tuple[bytes, dict[str, str]]:
    """The body and the headers of an event in the standard scheme."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    if message is None:
        given = document.get("id") if isinstance(document, dict) else None
        message = given if isinstance(given, str) and given else f"msg-{next(_numbers)}"
    seconds = int(time.time() if at is None else at)
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{message}.{seconds}.".encode() + body, hashlib.sha256).digest()
    return body, {
        "content-type": "application/json",
        "webhook-id": message,
        "webhook-timestamp": str(seconds),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def plain_signed(document: Any, secret: str = PLAIN) -> tuple[bytes, dict[str, str]]:
    """The body and the headers of an event in the plain scheme."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    milliseconds = str(time.time_ns() // 1_000_000)
    content = milliseconds.encode() + b"." + body
    signature = hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()
    return body, {"x-timestamp": milliseconds, "x-signature": signature}


def ask(
    port: int, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """One request over a connection of its own."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        return over(connection, method, path, body, headers)
    finally:
        connection.close()


def over(
    connection: HTTPConnection,
    method: str,
    path: str,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """One request over this connection."""
    connection.request(method, path, body, dict(headers or {}))
    got = connection.getresponse()
    return Answer(got.status, {k.lower(): v for k, v in got.getheaders()}, got.read())


def raw(port: int, data: bytes, *, seconds: float = 20) -> bytes:
    """What comes back for these bytes until the connection ends."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as client:
        try:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        found = b""
        while True:
            try:
                piece = client.recv(65536)
            except ConnectionError:
                return found
            if not piece:
                return found
            found += piece


@contextmanager
def on_a_thread(
    url: str,
    engine: sa.Engine,
    limits: Limits | None = None,
    trusted: tuple[str, ...] = (),
    crms: Vendors | None = None,
) -> Iterator[Door]:
    """A receiver on a thread of this process, on a port of its own."""
    keys = Keys((new_key(),))
    config = settings.read({"BG_DATABASE_URL": url})
    receiver = assemble(Link(config), keys, limits or Limits(), networks(trusted), crms)
    server = server_for(receiver)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            port = listener.getsockname()[1]
            wait_until(lambda: server.started)
            yield Door(port, engine, keys)
        finally:
            server.should_exit = True
            thread.join(30)
            assert not thread.is_alive()


@dataclass
class Process:
    """A receiver as a process of its own."""

    process: "subprocess.Popen[bytes]"
    log: Path

    def stop(self) -> int:
        """End it as a supervisor does; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def kill(self) -> None:
        """Kill it with -9."""
        self.process.kill()
        self.process.wait(30)


_MAIN = """
import sys
from bg_assets import settings
from bg_assets.receiver import server
sys.exit(server.run(settings.read(), share_port=len(sys.argv) > 1))
"""


@contextmanager
def as_a_process(
    url: str,
    port: int,
    key: str,
    folder: Path,
    *,
    share_port: bool = False,
    home: Path | None = None,
    files: int | None = None,
) -> Iterator[Process]:
    """A receiver as a process; waits until it answers, not until the database does.

    ``files`` is how many it may have open.
    """
    log = folder / f"receiver-{next(_numbers)}.log"
    env = {**os.environ, "BG_DATABASE_URL": url, "BG_ENCRYPTION_KEYS": key}
    env |= {"BG_RECEIVER_PORT": str(port), "BG_HOME": str(home or folder / "home")}
    command = [sys.executable, "-c", _MAIN, *(["share"] if share_port else [])]
    if files is not None:
        command = ["sh", "-c", f'ulimit -n {files}; exec "$@"', "sh", *command]
    with log.open("wb") as file:
        process = subprocess.Popen(command, env=env, cwd=ROOT, stdout=file, stderr=file)
    try:
        running = Process(process, log)
        wait_until(lambda: process.poll() is not None or b"receiver_started" in log.read_bytes())
        assert process.poll() is None, log.read_text()
        wait_until(lambda: answers(port))
        yield running
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(30)


def answers(port: int, path: str = "/healthz") -> bool:
    """Whether the path answers with 200 now."""
    try:
        return ask(port, "GET", path).status == 200
    except (OSError, http.client.HTTPException):
        return False


def wait_until(is_so: Any, seconds: float = 30) -> None:
    """Wait until it is, or fail."""
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, "it never came"
        time.sleep(0.01)


def free_port() -> int:
    """A port on which nothing listens just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
