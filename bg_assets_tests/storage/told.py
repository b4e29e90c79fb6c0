"""Events of the webhook door as the receiver stores them, and what became of them."""

import itertools
import json
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from alembic import command

from bg_assets.storage import database
from bg_assets.storage.webhooks import applying
from bg_assets.storage.webhooks.applying import Applied
from bg_assets_tests.storage.rows import at, insert, rows, run

APPLIED = ("applied", None)

_NUMBERS = itertools.count(1)


def source(engine: sa.Engine | sa.Connection, name: str = "crm", **columns: object) -> None:
    """A source, which may create nothing unless told."""
    insert(engine, "bg.webhook_sources", **{"id": name, "scheme": "plain", **columns})


def event(
    target: sa.Engine | sa.Connection,
    kind: str,
    person: str | dict[str, Any] | None = None,
    company: str | dict[str, Any] = "acme",
    *,
    seconds: float = 0,
    by: str = "crm",
    payload: bytes | None = None,
    **told: object,
) -> str:
    """A pending event so many seconds from START, its payload in clear; returns its event id.

    A person or a company is what the event says of them, or just their id.
    """
    event_id = f"evt-{next(_NUMBERS)}"
    content = body(event_id, at(seconds), kind, person, company, **told)
    insert(
        target, "bg.webhook_events", source=by, event_id=event_id, type=kind,
        occurred_at=at(seconds), received_at=at(seconds),
        payload=content if payload is None else payload,
    )  # fmt: skip
    return event_id


def body(
    event_id: str,
    moment: datetime,
    kind: str,
    person: str | dict[str, Any] | None = None,
    company: str | dict[str, Any] = "acme",
    **told: object,
) -> bytes:
    """The body of an event."""
    document: dict[str, Any] = {
        "id": event_id,
        "type": kind,
        "timestamp": moment.isoformat(),
        "company": company if isinstance(company, dict) else {"id": company, "name": "Acme"},
        **told,
    }
    if person is not None:
        called = person if isinstance(person, dict) else {"id": person}
        document["person"] = {"name": "Ada Vance", **called}
    return json.dumps(document).encode()


def upgrade(conn: sa.Connection, revision: str) -> None:
    """Bring an empty schema to this revision of ours."""
    config = database._alembic()
    config.attributes["connection"] = conn
    command.upgrade(config, revision)


def known(engine: sa.Engine, statement: str, **parameters: object) -> None:
    """Write people without a word on when they were seen, as if it had been long ago."""
    with engine.begin() as conn:
        conn.execute(sa.text("select set_config('bg.observed', 'told', true)"))
        run(conn, statement, **parameters)


def apply(engine: sa.Engine, limit: int = 5000) -> Applied:
    """One round, over payloads in clear."""
    return applying.apply_pending(engine, bytes, limit)


def one(engine: sa.Engine, *args: Any, **kwargs: Any) -> tuple[str, str | None]:
    """What becomes of this event, told and applied by itself."""
    event_id = event(engine, *args, **kwargs)
    apply(engine)
    return became(engine, event_id)


def became(engine: sa.Engine, event_id: str) -> tuple[str, str | None]:
    """Status and reason of an event."""
    (row,) = rows(
        engine,
        "select status, status_reason from bg.webhook_events where event_id = :id",
        id=event_id,
    )
    return row["status"], row["status_reason"]


def person(engine: sa.Engine, person_id: str) -> dict[str, Any] | None:
    """A person's row as it is now."""
    found = rows(engine, "select * from bg.people where id = :id", id=person_id)
    return found[0] if found else None


def changes(engine: sa.Engine) -> list[tuple[str, str | None, str]]:
    """Company, person and kind of each pending change, all of which must be the door's."""
    found = rows(
        engine,
        "select company_id, person_id, kind, source from bg.changes where handled_at is null "
        "order by company_id, person_id, id",
    )
    assert {row["source"] for row in found} <= {"webhook"}
    return [(row["company_id"], row["person_id"], row["kind"]) for row in found]
