"""What the door tells of itself: how to send an event, and its OpenAPI document."""

import json
from typing import Any

from bg_assets.domain.webhooks import schema
from bg_assets.domain.webhooks.events import TYPES
from bg_assets.domain.webhooks.fields import LONGEST_EVENT_ID
from bg_assets.domain.webhooks.secrets import SOURCE
from bg_assets.domain.webhooks.signatures import WINDOW
from bg_assets.domain.webhooks.vendors.table import VENDORS, shipped
from bg_assets.receiver.limits import Limits

EXAMPLE = {
    "id": "evt_2041",
    "source": "acme-crm",
    "type": "person.role_change",
    "timestamp": "2026-01-31T09:30:00Z",
    "person": {
        "id": "p-17",
        "name": "Ines Holm",
        "email": "ines.holm@example.com",
        "oldTitle": "Finance Director",
        "newTitle": "Chief Financial Officer",
    },
    "company": {"id": "c-3", "name": "Example Mills", "domain": "example.com"},
    "changes": {"department": {"old": "Finance", "new": "Executive"}},
}
_SIGNED = {
    "standard": {
        "headers": ["webhook-id", "webhook-timestamp", "webhook-signature"],
        "id": "the header webhook-id, which is signed",
        "signature": "v1, and the base64 of HMAC-SHA256 over id.timestamp.body",
        "timestamp": "seconds since 1970",
        "key": "the bytes whose base64 follows whsec_ in the secret",
        "see": "https://www.standardwebhooks.com",
    },
    "plain": {
        "headers": ["x-timestamp", "x-signature"],
        "id": "the id in the body, which is signed; a header webhook-id must equal it",
        "signature": "lowercase hex of HMAC-SHA256 over timestamp.body",
        "timestamp": "milliseconds since 1970",
        "key": "the UTF-8 bytes of the secret as it was shown",
    },
}
_TIME = (
    "when it happened: what lies ahead of its arrival counts as of its arrival, and more than a "
    "day ahead is refused"
)
_REFUSALS = {
    "400": "Malformed; `field` names what is wrong",
    "401": "No such source, or its signature or time is not right",
    "403": "The source may not send from this network",
    "408": "The request came too slowly",
    "413": "The body is too large",
    "415": "The content is not JSON in UTF-8",
    "429": "The source sends too fast; see Retry-After",
    "431": "The head of the request is too large",
    "503": "The event can't be stored now, or too many are connected; see Retry-After",
}


def of_the_path(limits: Limits) -> str:
    """What GET of a webhook path answers, whether there is such a source or not."""
    return _json(
        {
            "events": list(TYPES),
            "unknown_events": "are stored as ignored and answered with 202",
            "signatures": {**_SIGNED, "window_seconds": WINDOW},
            "vendors": {
                table.vendor: {
                    "shown_by": table.signature.kind,
                    "events": list(dict.fromkeys(row.type for row in table.rows)),
                }
                for table in map(shipped, VENDORS)
            },
            "limits": {
                "body_bytes": limits.body_bytes,
                "head_bytes": limits.head_bytes,
                "headers": limits.headers,
                "body_seconds": limits.body_seconds,
                "event_id_characters": LONGEST_EVENT_ID,
                "connections": limits.connections,
                "connections_of_one_address": limits.connections_of_one,
            },
            "timestamp": _TIME,
            "answers": {
                "202": "stored: {id, status, duplicate: false}",
                "200": "was there already: {id, status, duplicate: true}, and differs: true where "
                "its body was another one, which stays",
                **_REFUSALS,
            },
            "example": EXAMPLE,
            "openapi": "/openapi.json",
        }
    )


def openapi(limits: Limits) -> str:
    """The OpenAPI document."""
    return _json(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "The webhook door of bg_assets",
                "version": "1",
                "description": f"Takes signed events of at most {limits.body_bytes} bytes. Sources "
                "of HubSpot, Pipedrive and Salesforce send there what these send by themselves.",
            },
            "paths": {
                "/webhooks/person-change": {"post": _post(by_body=True), "get": _describe()},
                "/webhooks/{source}": {
                    "parameters": [_SOURCE],
                    "post": _post(by_body=False),
                    "get": _describe(),
                },
                "/healthz": {"get": _probe("Whether the process answers")},
                "/readyz": {
                    "get": _probe(
                        "Whether events can be stored: the database answers, its schema fits, "
                        "and all that runs beside does",
                        {"503": _problem("Not ready")},
                    )
                },
                "/metrics": {"get": _plain_get("Metrics for Prometheus", "text/plain", "string")},
                "/openapi.json": {"get": _plain_get("This document", "application/json", "object")},
            },
            "components": {"schemas": _SCHEMAS},
        }
    )


def _post(*, by_body: bool) -> dict[str, Any]:
    event = {"$ref": "#/components/schemas/Event"}
    by_name = {"required": ["source"], "properties": {"source": {"type": "string"}}}
    body = {"allOf": [event, by_name]} if by_body else event
    return {
        "operationId": "sendBySource" if by_body else "send",
        "summary": "Send an event" + (", its source named in the body" if by_body else ""),
        "parameters": [_header(*header) for header in _HEADERS],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": body, "example": EXAMPLE}},
        },
        "responses": {
            "202": _stored("Stored"),
            "200": _stored("Was there already"),
            **{status: _problem(meaning) for status, meaning in _REFUSALS.items()},
        },
    }


def _describe() -> dict[str, Any]:
    return _plain_get("How to send events here", "application/json", "object")


def _probe(summary: str, more: dict[str, Any] | None = None) -> dict[str, Any]:
    got = _plain_get(summary, "application/json", "object")
    got["responses"].update(more or {})
    return got


def _plain_get(summary: str, media_type: str, kind: str) -> dict[str, Any]:
    content = {media_type: {"schema": {"type": kind}}}
    return {"summary": summary, "responses": {"200": {"description": "Yes", "content": content}}}


def _stored(meaning: str) -> dict[str, Any]:
    of_it = {"$ref": "#/components/schemas/Stored"}
    return {"description": meaning, "content": {"application/json": {"schema": of_it}}}


def _problem(meaning: str) -> dict[str, Any]:
    of_it = {"$ref": "#/components/schemas/Problem"}
    response: dict[str, Any] = {
        "description": meaning,
        "content": {"application/problem+json": {"schema": of_it}},
    }
    if "Retry-After" in meaning:
        after = {"schema": {"type": "integer", "minimum": 1}, "description": "In seconds"}
        response["headers"] = {"Retry-After": after}
    return response


def _header(name: str, pattern: str, meaning: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": meaning,
        "schema": {"type": "string", "pattern": pattern},
    }


def _json(document: object) -> str:
    return json.dumps(document, ensure_ascii=False, indent=1)


_HEADERS = (
    (
        "webhook-id",
        f"^[!-~]{{1,{LONGEST_EVENT_ID}}}$",
        "The event's id (standard), or the body's once more (plain)",
    ),
    ("webhook-timestamp", "^[0-9]{1,12}$", "Seconds since 1970 (standard)"),
    ("webhook-signature", "^v1,[A-Za-z0-9+/]{43}=$", "One or more signatures (standard)"),
    ("x-timestamp", "^[0-9]{1,15}$", "Milliseconds since 1970 (plain)"),
    ("x-signature", "^[0-9a-f]{64}$", "The signature (plain)"),
)
_SOURCE = {
    "name": "source",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": f"^{SOURCE.pattern}$"},
}
_SCHEMAS = {
    "Event": schema.event(_TIME),
    "Stored": {
        "type": "object",
        "required": ["id", "status", "duplicate"],
        "properties": {
            "id": {"type": "string"},
            "status": {"enum": ["pending", "applied", "ignored", "dead"]},
            "duplicate": {"type": "boolean"},
            "differs": {"const": True, "description": "It was stored before with another body"},
        },
    },
    "Problem": {
        "type": "object",
        "required": ["title", "status", "detail"],
        "properties": {
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "field": {"type": "string"},
        },
    },
}
