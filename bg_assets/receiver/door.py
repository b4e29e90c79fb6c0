"""The webhook path: body, source, network, signature, rate, event, commit, answer."""

import asyncio
import logging
import math
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import NoReturn

from starlette.types import Receive, Scope, Send

from bg_assets.domain.values.unfit import Unfit
from bg_assets.domain.webhooks import signatures
from bg_assets.domain.webhooks.events import TYPES, Event, parse_body, read_event
from bg_assets.domain.webhooks.fields import LONGEST_EVENT_ID
from bg_assets.domain.webhooks.secrets import Scheme
from bg_assets.logs.log import trace_of
from bg_assets.receiver import traces, vendors
from bg_assets.receiver.answers import Answer, Gone, Refused, stored
from bg_assets.receiver.bodies import Intake, discard, read_head, require_json
from bg_assets.receiver.leases import Leases
from bg_assets.receiver.limits import Limits
from bg_assets.receiver.link import LOG, Unavailable
from bg_assets.receiver.meter import Meter
from bg_assets.receiver.networks import Address, Network, allowed, client_address
from bg_assets.receiver.sources import Known, Sources
from bg_assets.receiver.vendors import Vendors
from bg_assets.receiver.writer import Arrival, Stored, Unstorable, Writer
from bg_assets.storage.webhooks.sources import Source

# The path that takes the source from the body.
BY_BODY = "person-change"
UNKNOWN_TYPE = "unknown type"
_KNOWN = frozenset(TYPES)
_LONGEST_WAIT = 3600
# Another secret would not help against these.
_OF_TIME = frozenset({"bad-time", "too-old", "too-new"})
_UNSIGNED = (
    "no secret of a source of this name made this signature of this body, or its time is more "
    "than 300 s off: GET this path tells how to sign"
)


@dataclass(slots=True)
class _Visit:
    """How far a request has come: the source it is for, and whether its body is read.

    ``trace`` is the traceparent that its sender names, if any; of no request that is refused.
    """

    source: str
    is_read: bool = False
    trace: str | None = None
    began: datetime = field(default_factory=lambda: datetime.now(UTC))


class Door:
    """Answers POST on the webhook paths. ``draining`` makes it refuse what is new."""

    def __init__(
        self,
        limits: Limits,
        trusted: Sequence[Network],
        sources: Sources,
        leases: Leases,
        writer: Writer,
        meter: Meter,
        crms: Vendors | None = None,
    ) -> None:
        self._limits = limits
        self._trusted = trusted
        self._sources = sources
        self._leases = leases
        self._writer = writer
        self._meter = meter
        self._crms = crms or Vendors()
        self._intake = Intake(limits)
        self.in_hand = 0
        self.draining = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; a refusal made before the body was read ends the connection."""
        began = time.perf_counter()
        visit = _Visit(scope["path_params"]["source"], trace=traces.parent_of(scope))
        self.in_hand += 1
        self._meter.received()
        try:
            answer = await self._answer(scope, receive, visit)
        except Gone:
            self._meter.refused("gone", None)
            return
        finally:
            self.in_hand -= 1
        self._meter.took(time.perf_counter() - began)
        if visit.is_read:
            await answer.send(send, close=self.draining)
            return
        await answer.send(send, close=True, more=True)
        await discard(receive, self._limits)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _answer(self, scope: Scope, receive: Receive, visit: _Visit) -> Answer:
        try:
            return await self._taken(scope, receive, visit)
        except Refused as err:
            refusal = err
        except Unavailable:
            detail = "the event can't be stored just now: send it again later"
            refusal = Refused(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", detail, retry_after=2)
        except Gone:
            raise
        except Exception as err:
            # Its message may quote the event.
            at = traceback.extract_tb(err.__traceback__)[-1]
            LOG.error("webhook_fault", error=type(err).__name__, at=f"{at.name}:{at.lineno}")
            detail = "the receiver has a fault, which is in its log"
            refusal = Refused(HTTPStatus.INTERNAL_SERVER_ERROR, "fault", detail)
        known = self._sources.peek(visit.source)
        source = visit.source if known else None
        self._meter.refused(refusal.kind, source)
        LOG.info("webhook_refused", kind=refusal.kind, source=source, status=int(refusal.status))
        return refusal.answer()

    async def _taken(self, scope: Scope, receive: Receive, visit: _Visit) -> Answer:
        headers, address = self._admit(scope)
        by_body = visit.source == BY_BODY
        await self._require_content(visit.source, headers)
        if not by_body:
            await self._require_network(visit.source, address)
        body = await self._intake.read(headers, receive)
        visit.is_read = True
        try:
            document: object = None
            if by_body:
                # Only to find the secrets: nothing of it is believed before it is verified.
                document = _document(body)
                visit.source = _named(document) or _fail("source", "is required on this path")
                await self._require_network(visit.source, address)
            known = await self._verified(visit.source, scope, headers, body)
            # The source may have become known, or another, by the verification.
            _require_allowed(known, address)
            await self._require_rate(known)
            crm = self._crms.of(known.source.scheme)
            if crm is not None:
                arrivals = vendors.arrivals(crm, known.source.id, body)
                return vendors.answer(crm, await self._all_stored(arrivals, visit))
            if not by_body:
                document = _document(body)
            arrival = _arrival(known.source, document, headers, body)
            outcome = await self._stored(arrival, visit)
            return stored(
                arrival.event_id,
                outcome.status,
                duplicate=outcome.duplicate,
                differs=outcome.differs,
            )
        finally:
            self._intake.release(body)

    def _admit(self, scope: Scope) -> tuple[dict[str, str], Address | None]:
        if self.draining or self.in_hand > self._limits.in_hand:
            kind = "stopping" if self.draining else "busy"
            detail = "the receiver stops" if self.draining else "too many requests are in hand"
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, kind, detail, retry_after=1)
        headers, forwarded = read_head(scope)
        peer = scope["client"]
        return headers, client_address(peer[0] if peer else None, forwarded, self._trusted)

    async def _require_content(self, source: str, headers: dict[str, str]) -> None:
        """Raises Refused unless the content is JSON, or XML where the vendor sends that."""
        try:
            require_json(headers)
        except Refused:
            if not vendors.is_xml(headers):
                raise
            # A source counts as soon as it is there.
            await self._sources.reread()
            known = await self._sources.find(source)
            crm = None if known is None else self._crms.of(known.source.scheme)
            if crm is None or crm.body != "soap":
                raise
            vendors.require_content(crm, headers)

    async def _require_network(self, source: str, address: Address | None) -> None:
        """Raises Refused where there is such a source and it may not send from this address."""
        known = await self._sources.find(source)
        if known is None or allowed(address, known.networks):
            return
        await self._sources.reread()
        known = await self._sources.find(source)
        if known is not None:
            _require_allowed(known, address)

    async def _require_rate(self, known: Known) -> None:
        seconds = await self._leases.take(known.source)
        if seconds:
            detail = f"the source may send {known.source.per_second:g} events a second"
            wait = min(max(1, math.ceil(seconds)), _LONGEST_WAIT)
            raise Refused(HTTPStatus.TOO_MANY_REQUESTS, "rate", detail, retry_after=wait)

    async def _all_stored(self, arrivals: Sequence[Arrival], visit: _Visit) -> list[Stored]:
        """Each event of a request, in one commit or more; none is answered before all are there."""
        storing = (self._stored(arrival, visit) for arrival in arrivals)
        outcomes = await asyncio.gather(*storing, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        return [one for one in outcomes if isinstance(one, Stored)]

    async def _stored(self, arrival: Arrival, visit: _Visit) -> Stored:
        with traces.coming_in(arrival, visit.trace, visit.began) as span:
            if span.traceparent is not None:
                arrival = replace(arrival, trace=span.traceparent)
            try:
                outcome = await self._writer.store(arrival)
            except Unstorable:
                _fail("body", "can't be stored")
            span.tell(status=outcome.status, duplicate=outcome.duplicate)
        self._meter.stored(duplicate=outcome.duplicate)
        if not (outcome.duplicate or LOG.isEnabledFor(logging.DEBUG)):
            return outcome
        ids = {
            "source": arrival.source, "id": arrival.event_id,
            "trace": trace_of(arrival.trace or ""),
        }  # fmt: skip
        if outcome.differs:
            self._meter.differing(arrival.source)
            LOG.warning("webhook_differs", **ids)
        elif outcome.duplicate:
            LOG.info("webhook_duplicate", **ids)
        else:
            LOG.debug("webhook_accepted", type=arrival.type, **ids)
        return outcome

    async def _verified(
        self, name: str, scope: Scope, headers: dict[str, str], body: bytes
    ) -> Known:
        """The source, which made the signature. Raises Refused.

        Before a no the sources are read again, so that a secret counts as soon as it is there.
        """
        known = await self._sources.find(name)
        verdict = self._judge(known, scope, headers, body)
        if not verdict.accepted and verdict.kind not in _OF_TIME:
            await self._sources.reread()
            known = await self._sources.find(name)
            verdict = self._judge(known, scope, headers, body)
        if known is None or not verdict.accepted:
            raise Refused(HTTPStatus.UNAUTHORIZED, verdict.kind, _UNSIGNED)
        return known

    def _judge(
        self, known: Known | None, scope: Scope, headers: dict[str, str], body: bytes
    ) -> signatures.Verdict:
        if known is None:
            return signatures.Verdict("unknown-source")
        now = time.time()
        keys = known.valid_keys(now)
        crm = self._crms.of(known.source.scheme)
        if crm is not None:
            return self._crms.judged(crm, scope, headers, body, keys, now)
        return signatures.verify(known.source.scheme, headers, body, keys, now)


def _require_allowed(known: Known, address: Address | None) -> None:
    if not allowed(address, known.networks):
        detail = "the source may not send from this address"
        raise Refused(HTTPStatus.FORBIDDEN, "network", detail)


def _document(body: bytes) -> object:
    document = parse_body(body)
    if isinstance(document, Unfit):
        _fail(document.field, document.reason)
    return document


def _named(document: object) -> str | None:
    """The source that a body names; None where it names none."""
    if not isinstance(document, dict):
        _fail("body", "takes an object")
    named = document.get("source")
    if named is not None and not isinstance(named, str):
        _fail("source", "takes text")
    return named or None


def _arrival(source: Source, document: object, headers: dict[str, str], body: bytes) -> Arrival:
    """The event of a verified request. Raises Refused with the field that is wrong."""
    if (_named(document) or source.id) != source.id:
        _fail("source", "names another source than the path")
    event = read_event(document, datetime.now(UTC))
    if isinstance(event, Unfit):
        _fail(event.field, event.reason)
    person = event.person
    return Arrival(
        source.id,
        _event_id(source.scheme, event, headers),
        event.type,
        event.company.id,
        person.id if person else None,
        event.occurred_at.isoformat(),
        None if event.type in _KNOWN else UNKNOWN_TYPE,
        body,
    )


def _event_id(scheme: Scheme, event: Event, headers: dict[str, str]) -> str:
    """The id that was signed: in the plain scheme the body's, in the other the header's."""
    if scheme == "plain":
        told = headers.get("webhook-id")
        if not event.event_id:
            _fail("id", "is required: in the plain scheme it is the body's that is signed")
        if told is not None and not _is(told, event.event_id):
            _fail("webhook-id", "is another id than the one in the signed body")
        return event.event_id
    message_id = signatures.message_id(headers)
    if len(message_id) > LONGEST_EVENT_ID or not message_id.isprintable():
        _fail("id", f"takes 1 to {LONGEST_EVENT_ID} printable characters")
    return message_id


def _is(header: str, text: str) -> bool:
    """Whether a header says this text, sent as UTF-8 or as latin-1."""
    return header == text or header.encode("latin-1") == text.encode()


def _fail(field: str, detail: str) -> NoReturn:
    raise Refused(HTTPStatus.BAD_REQUEST, "malformed", detail, field=field)
