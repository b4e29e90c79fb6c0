"""The application: the paths of the door, put together."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from bg_assets.encryption import Keys
from bg_assets.logs import setup
from bg_assets.receiver import answers, description, life
from bg_assets.receiver.crowd import Crowd
from bg_assets.receiver.door import Door
from bg_assets.receiver.leases import Leases
from bg_assets.receiver.limits import Limits
from bg_assets.receiver.link import Link
from bg_assets.receiver.meter import FLUSH_SECONDS, Meter
from bg_assets.receiver.networks import Network
from bg_assets.receiver.sources import EVERY_SECONDS, Sources
from bg_assets.receiver.upkeep import Chore, Upkeep
from bg_assets.receiver.vendors import Vendors
from bg_assets.receiver.writer import WATCH_SECONDS, Writer
from bg_assets.storage import database

LEFT_OUT_SECONDS = 60.0
_WEBHOOKS = "/webhooks/"
_METRICS = "text/plain; version=1.0.0; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Receiver:
    """The door and all that it works with, not started: the application starts and stops it."""

    limits: Limits
    link: Link
    sources: Sources
    writer: Writer
    meter: Meter
    door: Door
    crowd: Crowd
    upkeep: Upkeep


def assemble(
    link: Link,
    keys: Keys,
    limits: Limits,
    trusted: tuple[Network, ...] = (),
    crms: Vendors | None = None,
    *,
    most_in_a_commit: int | None = None,
) -> Receiver:
    """Put the parts together. ``trusted`` are the proxies whose X-Forwarded-For counts.

    ``crms``: the vendors whose own webhooks are read, by default as they are shipped.
    """
    sources, meter = Sources(link, keys), Meter(link)
    writer = Writer(
        link,
        keys,
        limits.commit_seconds,
        **({"most": most_in_a_commit} if most_in_a_commit else {}),
    )
    door = Door(limits, trusted, sources, Leases(link), writer, meter, crms)
    chores = (
        Chore("reading the sources", EVERY_SECONDS, sources.reread),
        Chore("writing the audit log", FLUSH_SECONDS, meter.flush),
        Chore("storing events", WATCH_SECONDS, writer.watch),
        Chore("telling what its log has left out", LEFT_OUT_SECONDS, _tell_left_out),
        Chore("telling that it lives", life.EVERY_SECONDS, life.beating(link)),
    )
    crowd = Crowd(limits, trusted)
    return Receiver(limits, link, sources, writer, meter, door, crowd, Upkeep(chores))


def application(receiver: Receiver) -> Starlette:
    """The ASGI application, whose lifespan is that of the receiver's thread and tasks."""
    webhook = _Webhook(receiver.door, answers.document(description.of_the_path(receiver.limits)))
    document = answers.document(description.openapi(receiver.limits))

    async def healthz(request: Request) -> Response:
        return _plain(answers.document('{"status": "ok"}'))

    async def readyz(request: Request) -> Response:
        return _plain(await _readiness(receiver))

    async def metrics(request: Request) -> Response:
        return Response(receiver.meter.exposition(), headers={"content-type": _METRICS})

    async def openapi(request: Request) -> Response:
        return _plain(document)

    routes = [
        Route(_WEBHOOKS + "{source}", webhook),
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/metrics", metrics),
        Route("/openapi.json", openapi),
    ]
    handlers: dict[Any, Any] = {HTTPException: _on_http_exception}
    app = _App(
        receiver.door, routes=routes, exception_handlers=handlers, lifespan=_lifespan(receiver)
    )
    app.router.redirect_slashes = False
    return app


class _App(Starlette):
    """Gives events to the door directly: to find their way would cost as much as to read them."""

    def __init__(self, door: Door, **options: Any) -> None:
        super().__init__(**options)
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST":
            path: str = scope["path"]
            source = path.removeprefix(_WEBHOOKS)
            if source and len(source) < len(path) and "/" not in source:
                scope["path_params"] = {"source": source}
                await self._door(scope, receive, send)
                return
        await super().__call__(scope, receive, send)


class _Webhook:
    """POST goes to the door, GET tells how to."""

    def __init__(self, door: Door, told: answers.Answer) -> None:
        self._door = door
        self._told = told

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "POST":
            await self._door(scope, receive, send)
        elif scope["method"] in ("GET", "HEAD"):
            await self._told.send(send)
        else:
            detail = "POST sends an event, GET tells how"
            refusal = answers.problem(
                HTTPStatus.METHOD_NOT_ALLOWED, detail, allow="GET, HEAD, POST"
            )
            await refusal.send(send)


async def _tell_left_out() -> None:
    setup.tell_left_out()


def _lifespan(receiver: Receiver) -> Any:
    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        receiver.writer.start()
        receiver.upkeep.start()
        try:
            yield
        finally:
            await receiver.upkeep.stop()
            await receiver.writer.stop()
            with contextlib.suppress(Exception):
                await receiver.meter.flush()
            with contextlib.suppress(Exception):
                await life.end(receiver.link)
            await asyncio.to_thread(receiver.link.close)

    return lifespan


async def _readiness(receiver: Receiver) -> answers.Answer:
    """Whether events can be stored, and whether all that runs beside that does."""
    try:
        await receiver.link.run(database.check_schema)
    except Exception:
        # Why is in the log: it names a host and a user, which are nothing to strangers.
        detail = (
            "the database does not answer, or its tables are of another version "
            "(`bg-assets migrate`): the receiver's log says which"
        )
    else:
        failing = receiver.upkeep.failing
        if not failing:
            return answers.document('{"status": "ready"}')
        told = ", ".join(f"{name} fails with {kind}" for name, kind in failing.items())
        detail = f"{told}, and is tried again: the receiver's log may say more"
    return answers.problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, retry_after=2)


async def _on_http_exception(request: Request, err: HTTPException) -> Response:
    status = HTTPStatus(err.status_code)
    detail = {
        HTTPStatus.NOT_FOUND: "there is nothing here: events go to /webhooks/{source}",
        HTTPStatus.METHOD_NOT_ALLOWED: "this path takes GET",
    }.get(status, status.phrase)
    allow = (err.headers or {}).get("Allow")
    return _plain(answers.problem(status, detail, allow=allow))


def _plain(answer: answers.Answer) -> Response:
    headers = {name.decode(): value.decode("latin-1") for name, value in answer.headers}
    return Response(answer.body, answer.status, headers)
