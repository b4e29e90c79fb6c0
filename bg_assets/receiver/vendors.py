"""The webhooks of CRMs at the door: what of a request shows its sender, and the events in it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus

from starlette.types import Scope

from bg_assets.domain.webhooks.fields import UnfitField
from bg_assets.domain.webhooks.secrets import Scheme, Vendor
from bg_assets.domain.webhooks.signatures import Verdict
from bg_assets.domain.webhooks.vendors import signing, soap
from bg_assets.domain.webhooks.vendors.table import Table, tables
from bg_assets.domain.webhooks.vendors.translating import translate
from bg_assets.receiver.answers import Answer, Refused, document, of_bytes
from bg_assets.receiver.writer import Arrival, Stored

_XML = frozenset({"text/xml", "application/xml", "application/soap+xml"})


@dataclass(frozen=True, slots=True)
class Vendors:
    """The tables of the vendors, and where they were told to send to.

    url: scheme, host and what a proxy puts before the path; None: https and the request's host.
    """

    tables: Mapping[Vendor, Table] = field(default_factory=tables)
    url: str | None = None
    _by_scheme: Mapping[str, Table] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_scheme", {**self.tables})

    def of(self, scheme: Scheme) -> Table | None:
        """The table of a scheme; None where it is none of a vendor's."""
        return self._by_scheme.get(scheme)

    def judged(
        self,
        table: Table,
        scope: Scope,
        headers: Mapping[str, str],
        body: bytes,
        keys: Sequence[bytes],
        now: float,
    ) -> Verdict:
        """Whether a request is from this vendor."""
        query = scope.get("query_string", b"")
        path = scope.get("raw_path") or scope["path"].encode()
        target = (path + (b"?" + query if query else b"")).decode("latin-1")
        before = self.url or f"https://{headers.get('host', '')}"
        told = {
            **headers,
            signing.METHOD: scope["method"],
            signing.TARGET: target,
            signing.URL: before.rstrip("/") + target,
        }
        return signing.verify(table.signature, told, body, keys, now)


def is_xml(headers: Mapping[str, str]) -> bool:
    """Whether the content says that it is XML."""
    return headers.get("content-type", "").lower().partition(";")[0].strip() in _XML


def require_content(table: Table, headers: Mapping[str, str]) -> None:
    """Raises Refused unless the content is XML as it is."""
    if not is_xml(headers) or headers.get("content-encoding", "identity").strip() != "identity":
        detail = f"{table.name} sends text/xml, without a content-encoding"
        raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "content-type", detail)


def arrivals(table: Table, source: str, body: bytes) -> list[Arrival]:
    """The events of a verified request. Raises Refused where the vendor sends no such thing."""
    now = datetime.now(UTC)
    try:
        found = translate(table, body, now)
    except UnfitField as err:
        detail = err.unfit.reason
        raise Refused(HTTPStatus.BAD_REQUEST, "malformed", detail, field=err.unfit.field) from None
    return [
        Arrival(
            source,
            one.event_id,
            one.type,
            one.company,
            one.person,
            (one.at or now).isoformat(),
            one.ignored,
            one.body,
        )
        for one in found
    ]


def answer(table: Table, outcomes: Sequence[Stored]) -> Answer:
    """What the vendor wants to hear once all events of a request are stored."""
    if table.body == "soap":
        return of_bytes(soap.acknowledgement(), b"text/xml; charset=utf-8")
    duplicates = sum(one.duplicate for one in outcomes)
    return document(json.dumps({"events": len(outcomes), "duplicates": duplicates}))
