"""Events about people of attached tables, told now, and what is seen of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from bg_assets_tests.storage import told
from bg_assets_tests.storage.attach.shapes import Shape
from bg_assets_tests.storage.rows import START, forget_changes, rows

SEEN = "select company_id, person_id, kind, source from bg.changes order by id"


def since_start(seconds: float = 0) -> float:
    """So many seconds from now, as events are told: in seconds from START."""
    return (datetime.now(UTC) + timedelta(seconds=seconds) - START).total_seconds()


def tell(engine: sa.Engine, kind: str, person: Any, shape: Shape, seconds: float = 0) -> Any:
    company = {"id": shape.company, "name": "Acme"}
    return told.one(engine, kind, person, company, seconds=since_start(seconds))


def seen(engine: sa.Engine) -> list[tuple[str, str | None, str, str]]:
    found = [tuple(row.values()) for row in rows(engine, SEEN)]
    forget_changes(engine)
    return found


def person(engine: sa.Engine, person_id: str) -> dict[str, Any]:
    (found,) = rows(engine, "select * from bg.canonical_people where id = :id", id=person_id)
    return found
