"""Uvicorn's HTTP protocol with limits on the head of a request and on clients that are slow.

Checked against uvicorn 0.54: it builds on the callbacks of HttpToolsProtocol.
"""

import asyncio
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from bg_assets.receiver.answers import problem
from bg_assets.receiver.crowd import Place
from bg_assets.receiver.limits import Limits
from bg_assets.receiver.meter import Meter

_TOO_LARGE = (
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "head-too-large", "the head is too large",
)  # fmt: skip
_SLOW = (HTTPStatus.REQUEST_TIMEOUT, "slow", "the head of the request came too slowly")
_SLOW_BODY = (HTTPStatus.REQUEST_TIMEOUT, "slow", "the body came too slowly")
_NO_HTTP = (HTTPStatus.BAD_REQUEST, "malformed", "this is not HTTP/1.1")

# Requests that may wait behind one that is being answered.
_MOST_AHEAD = 16


class _Enough(Exception):
    """Ends the parsing of what a client has sent."""


def guarded(limits: Limits, meter: Meter) -> "type[Guarded]":
    """The protocol class with these limits, counting what it refuses."""

    class Made(Guarded):
        _limits = limits
        _meter = meter

    return Made


class Guarded(HttpToolsProtocol):
    """The protocol; made by ``guarded``."""

    _limits: Limits
    _meter: Meter

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._timer: asyncio.TimerHandle | None = None
        self._body_timer: asyncio.TimerHandle | None = None
        self._stuck: asyncio.TimerHandle | None = None
        # Whether the head of a request is being waited for or read, and how much came of it.
        self._in_head = True
        self._came = 0
        self._counted = 0
        self._messages = 0
        # Once refused, what comes is passed over until the connection ends.
        self._refused = False
        self._discarded = 0
        # The place that ends with the connection.
        self.place: Place | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._timer, self._body_timer, self._stuck):
            if timer is not None:
                timer.cancel()
        if self.place is not None:
            self.place.leave()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            self._discarded += len(data)
            if self._discarded > self._limits.linger_bytes:
                self.transport.close()
            return
        if self._in_head:
            self._wait_for_head()
        before = self._messages
        super().data_received(data)
        # What came behind the end of a message is not counted: less than one read of the socket.
        self._came = self._came + len(data) if self._messages == before else 0
        if not self._in_head and self._body_timer is None:
            # Most bodies come with their head and need no timer.
            self._body_timer = self.loop.call_later(self._limits.body_seconds, self._on_slow_body)
        if self._in_head and self._came > self._limits.head_bytes and not self._refused:
            self._refuse(_TOO_LARGE)

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """Answer a client that sent a whole request and no more; None ends the connection."""
        if self._refused or self.cycle is None or self.cycle.response_complete:
            return None
        if not self._in_head:
            return None
        self.cycle.keep_alive = False
        return True

    def on_message_begin(self) -> None:
        self._counted = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._counted += len(url)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._counted += len(name) + len(value) + 4
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if self._refused:
            return
        if self._counted > self._limits.head_bytes or len(self.headers) > self._limits.headers:
            self._refuse(_TOO_LARGE)
            return
        if len(self.pipeline) >= _MOST_AHEAD:
            # Uvicorn would parse all that was read before it answers the first.
            self._refused = True
            self._meter.refused("pipelined", None)
            self.transport.abort()
            raise _Enough
        if self.parser.get_http_version() != "1.1":
            # RFC 9110, 10.1.1: such a client would take the 100 for the answer.
            self.expect_100_continue = False
        # May fail for an odd path, and then the head is not done.
        super().on_headers_complete()
        self._in_head = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def on_body(self, body: bytes) -> None:
        if self._refused:
            return
        if self.cycle.response_complete:
            self._discarded += len(body)
            if self._discarded > self._limits.linger_bytes:
                self.transport.close()
        super().on_body(body)

    def on_message_complete(self) -> None:
        if not self._refused:
            super().on_message_complete()
            self._in_head = True
            self._messages += 1
            if self._body_timer is not None:
                self._body_timer.cancel()
                self._body_timer = None

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self._in_head and not self.transport.is_closing():
            # Answered before the body was there, by a path that takes none.
            self.loop.call_later(self._limits.linger_seconds, self._end_body, self.scope)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stuck = self.loop.call_later(self._limits.answer_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None

    def send_400_response(self, msg: str) -> None:
        """What the parser refuses gets a problem like everything else."""
        if not self._refused:
            self._refuse(_NO_HTTP)

    def _wait_for_head(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(self._limits.head_seconds, self._on_slow_head)

    def _on_slow_head(self) -> None:
        self._timer = None
        if self._refused or self.transport.is_closing():
            return
        if self._came:
            self._refuse(_SLOW)
        else:
            self.transport.close()

    def _on_slow_body(self) -> None:
        self._body_timer = None
        if self._refused or self._in_head or self.cycle.response_started:
            # An answer is there: the rest of its body is waited for by other limits.
            return
        # The application sees a client that went away; the answer is ours.
        self.cycle.disconnected = True
        self._refuse(_SLOW_BODY, by_force=True)
        self.cycle.message_event.set()

    def _end_body(self, scope: object) -> None:
        if self.scope is scope and not self._in_head:
            self.transport.close()

    def _refuse(self, why: tuple[HTTPStatus, str, str], *, by_force: bool = False) -> None:
        """Answer by hand and end the connection, though not before the client could read it."""
        status, kind, detail = why
        self._refused = True
        self._meter.refused(kind, None)
        if self.cycle is not None and not self.cycle.response_complete and not by_force:
            # Another answer is on its way, and this one can't come in between.
            self.transport.close()
            return
        self.transport.write(problem(status, detail).raw())
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(self._limits.linger_seconds, self.transport.close)
