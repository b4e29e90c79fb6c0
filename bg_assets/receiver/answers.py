"""What the door answers: events in JSON, refusals as problem+json (RFC 9457)."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from starlette.types import Send

PROBLEM = "application/problem+json"
Headers = Sequence[tuple[bytes, bytes]]


class Gone(Exception):
    """The client went away: there is nobody to answer."""


class Refused(Exception):
    """A request that is not taken.

    ``kind`` is what is counted; ``source`` is the source where there is one of that name.
    """

    def __init__(
        self,
        status: HTTPStatus,
        kind: str,
        detail: str,
        *,
        field: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(kind)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.field = field
        self.retry_after = retry_after

    def answer(self) -> "Answer":
        """The refusal as the client gets it."""
        return problem(self.status, self.detail, field=self.field, retry_after=self.retry_after)


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole response."""

    status: int
    body: bytes
    headers: Headers

    async def send(self, send: Send, *, close: bool = False, more: bool = False) -> None:
        """Send it all; with ``more`` the response is not ended yet, though complete."""
        headers = [*self.headers, (b"connection", b"close")] if close else list(self.headers)
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": more})

    def raw(self) -> bytes:
        """It as bytes for the wire, the connection ending with it."""
        head = [f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}".encode()]
        head += [name + b": " + value for name, value in self.headers]
        return b"\r\n".join([*head, b"connection: close", b"", self.body])


def stored(event_id: str, status: str, *, duplicate: bool, differs: bool = False) -> Answer:
    """What is in the table now: 202 for a new event, 200 for one that was there.

    ``differs`` is told only of one that was there with another body.
    """
    document = {"id": event_id, "status": status, "duplicate": duplicate}
    if differs:
        document["differs"] = True
    return _answer(200 if duplicate else 202, json.dumps(document), b"application/json")


def document(text: str) -> Answer:
    """A JSON document of ours."""
    return _answer(200, text, b"application/json")


def of_bytes(body: bytes, media_type: bytes) -> Answer:
    """What a sender wants to hear, 200."""
    return _answer(200, body.decode(), media_type)


def problem(
    status: HTTPStatus,
    detail: str,
    *,
    field: str | None = None,
    retry_after: int | None = None,
    allow: str | None = None,
) -> Answer:
    """A refusal in problem+json."""
    content = {"title": status.phrase, "status": int(status), "detail": detail}
    if field is not None:
        content["field"] = field
    extra = []
    if retry_after is not None:
        extra.append((b"retry-after", str(retry_after).encode()))
    if allow is not None:
        extra.append((b"allow", allow.encode("latin-1")))
    return _answer(status, json.dumps(content), PROBLEM.encode(), extra)


def _answer(
    status: int, text: str, media_type: bytes, extra: Sequence[tuple[bytes, bytes]] = ()
) -> Answer:
    body = text.encode()
    length = str(len(body)).encode()
    headers = [(b"content-type", media_type), (b"content-length", length), *extra]
    return Answer(status, body, headers)
