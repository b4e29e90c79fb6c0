"""Bodies of events as a sender writes them, and the event that one of them says."""

from datetime import UTC, datetime
from typing import Any

from bg_assets.domain.webhooks.events import Event, read_event

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def body(kind: str = "person.role_change", **fields: object) -> dict[str, Any]:
    """A sound event with these top-level fields instead; None leaves one out."""
    found: dict[str, Any] = {
        "id": "evt-1",
        "source": "crm",
        "type": kind,
        "timestamp": "2026-03-02T11:59:00Z",
        "person": {"id": "u-17", "name": "Ada Vance", "email": "ada@acme.example"},
        "company": {"id": "acme", "name": "Acme", "domain": "acme.example"},
        "changes": {},
    }
    found |= fields
    return {name: value for name, value in found.items() if value is not None}


def person(**fields: object) -> dict[str, Any]:
    return {"id": "u-17", "name": "Ada Vance", **fields}


def sound(document: object) -> Event:
    found = read_event(document, NOW)
    assert isinstance(found, Event), found
    return found
