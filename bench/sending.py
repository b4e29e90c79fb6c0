"""Senders of signed webhooks over kept connections, run as a process: what bench/receiver sends.

`python -m bench.sending PORT SECRET BYTES CONNECTIONS SECONDS RATE` prints what came of it as JSON.
RATE 0 means as fast as the answers come; else so many a second, in step with the clock, each timed
from when it was due.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import math
import sys
import time
import uuid
from dataclasses import dataclass, field

import uvloop

_WARM_SECONDS = 1.0
SHARES = (0.5, 0.95, 0.99)


@dataclass
class Tally:
    """What all senders share: the event they send, the clock, and what came back."""

    body: bytes
    key: bytes
    rate: float
    begins: float
    ends: float
    prefix: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    sent: int = 0
    times: list[float] = field(default_factory=list)
    failed: int = 0

    def request(self) -> bytes:
        """The next request, signed."""
        self.sent += 1
        name, now = f"{self.prefix}-{self.sent}", int(time.time())
        digest = hmac.digest(self.key, f"{name}.{now}.".encode() + self.body, hashlib.sha256)
        head = (
            "POST /webhooks/bench HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(self.body)}\r\n"
            f"webhook-id: {name}\r\nwebhook-timestamp: {now}\r\n"
            f"webhook-signature: v1,{base64.b64encode(digest).decode()}\r\n\r\n"
        )
        return head.encode() + self.body


class Sender(asyncio.Protocol):
    """One connection: the next event goes out when the last is answered and one is due."""

    def __init__(self, tally: Tally, done: asyncio.Event) -> None:
        self._tally = tally
        self._done = done
        self._loop = asyncio.get_running_loop()
        self._due = 0.0
        self._got = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport
        self._next()

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, end, rest = self._got.partition(b"\r\n\r\n")
        if not end:
            return
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n", 1)[0])
        if len(rest) < length:
            return
        now = time.perf_counter()
        if not head.startswith(b"HTTP/1.1 202"):
            self._tally.failed += 1
        elif self._due >= self._tally.begins:
            self._tally.times.append(now - self._due)
        self._got = b""
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        self._done.set()

    def _next(self) -> None:
        now = time.perf_counter()
        due = now
        if self._tally.rate:
            due = self._tally.begins - _WARM_SECONDS + self._tally.sent / self._tally.rate
        if max(due, now) >= self._tally.ends:
            self._transport.close()
            return
        data, self._due = self._tally.request(), due
        if due > now:
            self._loop.call_later(due - now, self._transport.write, data)
        else:
            self._transport.write(data)


def event(size: int) -> bytes:
    """The body of an event of about this size: many small fields, as they come."""
    document = {
        "id": "bench", "source": "bench", "type": "person.role_change",
        "timestamp": "2026-01-31T09:30:00Z",
        "person": {"id": "p-1", "name": "Ines Holm", "email": "ines.holm@example.com",
                   "oldTitle": "Controller", "newTitle": "Chief Financial Officer"},
        "company": {"id": "c-1", "name": "Example Mills", "domain": "example.com"},
        "changes": {"title": {"old": "Controller", "new": "Chief Financial Officer"}},
    }  # fmt: skip
    extra: dict[str, str] = {}
    while len(json.dumps({**document, "extra": extra})) < size - 60:
        extra[f"field_{len(extra)}"] = "some value of a field that we don't read"
    return json.dumps({**document, "extra": extra}).encode()


def _nearest(ordered: list[float], share: float) -> float:
    """The nearest rank."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


async def send(
    port: int, secret: str, size: int, connections: int, seconds: float, rate: float
) -> dict[str, object]:
    """Send for so many seconds, after one that does not count."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    begins = time.perf_counter() + _WARM_SECONDS
    tally = Tally(event(size), key, rate, begins, begins + seconds)
    cpu = time.process_time()
    loop, done = asyncio.get_running_loop(), [asyncio.Event() for _ in range(connections)]
    for one in done:
        await loop.create_connection(lambda one=one: Sender(tally, one), "127.0.0.1", port)  # type: ignore[misc]
    for one in done:
        await one.wait()
    return {
        "count": len(tally.times),
        "times": {share: _nearest(sorted(tally.times), share) for share in SHARES},
        "failed": tally.failed,
        "cpu": (time.process_time() - cpu) / (seconds + _WARM_SECONDS),
    }


if __name__ == "__main__":
    _port, _secret, _size, _connections, _seconds, _rate = sys.argv[1:]
    _found = uvloop.run(
        send(int(_port), _secret, int(_size), int(_connections), float(_seconds), float(_rate))
    )
    sys.stdout.write(json.dumps(_found))
