"""Reading a request's head and body within the limits; what is beyond is refused unread."""

import asyncio
import time
from collections.abc import Mapping
from http import HTTPStatus

from starlette.types import Message, Receive, Scope

from bg_assets.receiver.answers import Gone, Refused
from bg_assets.receiver.limits import Limits

# Of these one value counts; a second one would leave open which.
_SINGLE = frozenset(
    {
        b"content-type", b"content-encoding", b"content-length", b"webhook-id",
        b"webhook-timestamp", b"webhook-signature", b"svix-id", b"svix-timestamp",
        b"svix-signature", b"x-timestamp", b"x-signature", b"host", b"authorization",
        b"x-hubspot-signature-v3", b"x-hubspot-request-timestamp", b"x-hubspot-signature",
    }
)  # fmt: skip
_FORWARDED = b"x-forwarded-for"


def read_head(scope: Scope) -> tuple[dict[str, str], list[str]]:
    """The headers that count, and the values of X-Forwarded-For in their order.

    Raises Refused where one comes twice.
    """
    headers: dict[str, str] = {}
    forwarded: list[str] = []
    for name, value in scope["headers"]:
        if name in _SINGLE:
            key = name.decode("ascii")
            if key in headers:
                raise Refused(
                    HTTPStatus.BAD_REQUEST, "malformed", "the header comes twice", field=key
                )
            headers[key] = value.decode("latin-1")
        elif name == _FORWARDED:
            forwarded.append(value.decode("latin-1"))
    return headers, forwarded


def require_json(headers: Mapping[str, str]) -> None:
    """Raises Refused unless the content is JSON in UTF-8, or says nothing of itself."""
    kind, *parameters = headers.get("content-type", "").lower().split(";")
    kind = kind.strip()
    is_json = kind in ("", "application/json") or (
        kind.startswith("application/") and kind.endswith("+json")
    )
    for parameter in parameters:
        name, _, value = parameter.strip().partition("=")
        is_json = is_json and (name != "charset" or value.strip('"') in ("utf-8", "utf8"))
    if not is_json:
        detail = "send application/json in UTF-8"
        raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "content-type", detail)
    if headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        detail = "send the body as it is, without a content-encoding"
        raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "content-type", detail)


class Intake:
    """How many bytes of bodies are in memory, over all requests."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._held = 0

    async def read(self, headers: Mapping[str, str], receive: Receive) -> bytes:
        """The body, whose bytes are held until ``release``; the protocol ends what is slow.

        Raises Refused, Gone.
        """
        said = headers.get("content-length", "")
        if said.isdecimal() and (len(said) > 15 or int(said) > self._limits.body_bytes):
            raise self._too_large()
        return await self._read(receive)

    def release(self, body: bytes) -> None:
        """The body is in memory no longer."""
        self._held -= len(body)

    async def _read(self, receive: Receive) -> bytes:
        message = _present(await receive())
        body: bytes = message["body"]
        if not message["more_body"]:
            self._hold(body, len(body))
            return body
        pieces = bytearray(body)
        held = 0
        try:
            while True:
                self._hold(body, len(pieces))
                held += len(body)
                if not message["more_body"]:
                    return bytes(pieces)
                message = _present(await receive())
                body = message["body"]
                pieces += body
        except BaseException:
            self._held -= held
            raise

    def _hold(self, piece: bytes, size: int) -> None:
        if size > self._limits.body_bytes:
            raise self._too_large()
        if self._held + len(piece) > self._limits.in_hand_bytes:
            detail = "too much is in hand"
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "busy", detail, retry_after=1)
        self._held += len(piece)

    def _too_large(self) -> Refused:
        detail = f"a body has at most {self._limits.body_bytes:,} bytes"
        return Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-large", detail)


async def discard(receive: Receive, limits: Limits) -> None:
    """Take what a refused client still sends, for a while, so that it gets to read its answer."""
    left = limits.linger_bytes
    until = time.monotonic() + limits.linger_seconds
    try:
        async with asyncio.timeout(limits.linger_seconds):
            more = True
            while more and left > 0 and time.monotonic() < until:
                message = _present(await receive())
                left -= len(message["body"])
                more = message["more_body"]
    except (Gone, TimeoutError):
        return


def _present(message: Message) -> Message:
    if message["type"] != "http.request":
        raise Gone
    return message
