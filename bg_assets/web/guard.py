"""The guard as ASGI sees it: it answers what the rules refuse, and hands on the rest unchanged."""

from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bg_assets.web.rules import LONGEST_BODY, Headers, Refused, Rules


class TooLong(Exception):
    """A body is longer than any of the UI's."""


class Guard:
    """An ASGI application that lets another one see only what the rules let pass."""

    def __init__(self, app: ASGIApp, rules: Rules) -> None:
        self._app = app
        self._rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._request(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        method, path = scope["method"], scope["path"]
        refusal = self._rules.refuse(method, path, scope["query_string"], Headers(scope["headers"]))
        if refusal is None and method == "POST":
            try:
                body = await _read(receive)
            except TooLong:
                refusal = Refused(413, f"a body may have {LONGEST_BODY} bytes")
            else:
                refusal = self._rules.refuse_body(path, body)
                receive = _again(body, receive)
        if refusal is not None:
            answer = PlainTextResponse(refusal.reason + "\n", refusal.status)
            await answer(scope, receive, _unframed(send))
            return
        await self._app(scope, receive, _unframed(send))

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._rules.refuse_socket(Headers(scope["headers"])):
            await receive()
            # Before it is accepted this answers 403.
            await send({"type": "websocket.close", "code": 1008})
            return
        await self._app(scope, receive, send)


async def _read(receive: Receive) -> bytes:
    """The whole body, or what came of it before the client went away. Raises TooLong."""
    parts: list[bytes] = []
    length, more = 0, True
    while more:
        message = await receive()
        part = message.get("body", b"")
        length += len(part)
        if length > LONGEST_BODY:
            raise TooLong
        parts.append(part)
        more = message.get("more_body", False)
    return b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    """Receive the body that was read already, then whatever comes."""
    given = False

    async def from_start() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return from_start


def _unframed(send: Send) -> Send:
    """No page of another site may show the UI in a frame, for somebody to click in unknowingly."""

    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.setdefault("X-Frame-Options", "SAMEORIGIN")
            headers.setdefault("X-Content-Type-Options", "nosniff")
        await send(message)

    return with_headers
