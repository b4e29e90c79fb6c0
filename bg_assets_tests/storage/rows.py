"""Rows that the storage tests put in and look at, as short calls."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from bg_assets.storage import database

# The moment that tests reckon from; seconds are counted from here.
START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    """A moment, in seconds from START."""
    return START + timedelta(seconds=seconds)


def run(target: sa.Engine | sa.Connection, sql: str, **parameters: object) -> Any:
    """Execute a statement, in its own transaction where an engine is given."""
    if isinstance(target, sa.Engine):
        with target.begin() as conn:
            return _execute(conn, sql, parameters)
    return _execute(target, sql, parameters)


def rows(target: sa.Engine | sa.Connection, sql: str, **parameters: object) -> list[dict[str, Any]]:
    """The rows of a query as dictionaries."""
    if isinstance(target, sa.Engine):
        with target.connect() as conn:
            return rows(conn, sql, **parameters)
    return [dict(row) for row in target.execute(sa.text(sql), parameters).mappings()]


def value(target: sa.Engine | sa.Connection, sql: str, **parameters: object) -> Any:
    """The only value of a query."""
    (row,) = rows(target, sql, **parameters)
    (found,) = row.values()
    return found


def insert(target: sa.Engine | sa.Connection, table: str, **values: object) -> None:
    """Insert one row; of people nobody knows when they were seen unless that is given."""
    if table == "bg.people":
        values = {"observed_at": None, **values}
    names = ", ".join(values)
    marks = ", ".join(f":{name}" for name in values)
    run(target, f"insert into {table} ({names}) values ({marks})", **values)


def forget_changes(engine: sa.Engine) -> None:
    """Start from an empty list of changes."""
    run(engine, "delete from bg.changes")


@contextmanager
def locked(engine: sa.Engine, table: str) -> Iterator[None]:
    """Somebody else holds the whole table, for the length of the block."""
    url = engine.url.render_as_string(hide_password=False)
    other = database.make_engine(url, name="somebody's report")
    try:
        with other.begin() as conn:
            conn.exec_driver_sql(f"lock table {table} in access exclusive mode")
            yield
    finally:
        other.dispose()


def company(engine: sa.Engine, company_id: str, people: Sequence[str] = ()) -> None:
    """A company with these people, and no changes to show for it."""
    insert(engine, "bg.companies", id=company_id, name=f"Company {company_id}")
    for person_id in people:
        insert(engine, "bg.people", id=person_id, company_id=company_id, title="CFO")
    forget_changes(engine)


def change(
    engine: sa.Engine | sa.Connection,
    company_id: str,
    seconds: float = 0.0,
    *,
    kind: str = "role_change",
    source: str = "people_table",
    priority: int = 30,
    departure_of: str | None = None,
    person: str | None = None,
) -> None:
    """A pending change that occurred so many seconds from START."""
    insert(
        engine,
        "bg.changes",
        company_id=company_id,
        person_id=departure_of or person,
        kind="person_left" if departure_of else kind,
        source=source,
        priority=priority,
        is_departure=departure_of is not None,
        occurred_at=at(seconds),
    )


def refresh(engine: sa.Engine, company_id: str, status: str, **columns: object) -> str:
    """A row of the refresh log; returns its id."""
    values: dict[str, object] = {
        "reason": "role_change",
        "triggered_by": "change",
        "requested_at": at(0),
        **columns,
    }
    if status == "running":
        values = {"run_id": "run-0", "started_at": at(0), "as_of": at(0).date()} | values
    if status not in {"requested", "running"}:
        values = {"finished_at": at(0)} | values
    names = ", ".join(values)
    marks = ", ".join(f":{name}" for name in values)
    with engine.begin() as conn:
        found = conn.execute(
            sa.text(
                f"insert into bg.buyer_group_refresh_log (company_id, status, {names}) "
                f"values (:company_id, :status, {marks}) returning id::text"
            ),
            {"company_id": company_id, "status": status, **values},
        )
        return str(found.scalar_one())


def group(
    engine: sa.Engine, company_id: str, members: dict[str, str], refresh_id: str | None = None
) -> None:
    """A group for finance_system with these members and their roles."""
    insert(
        engine,
        "bg.buyer_groups",
        company_id=company_id,
        product="finance_system",
        refresh_id=refresh_id or refresh(engine, company_id, "completed"),
        template_hash="t",
        as_of=at(0).date(),
        completeness=1.0,
        confidence=0.9,
        cohesion_reason="too few people",
        coverage=1.0,
        gaps=json.dumps([]),
    )
    for person_id, role in members.items():
        insert(
            engine,
            "bg.buyer_group_members",
            company_id=company_id,
            product="finance_system",
            person_id=person_id,
            role=role,
            confidence=0.9,
            influence=0.5,
        )


def _execute(conn: sa.Connection, sql: str, parameters: dict[str, object]) -> Any:
    return conn.execute(sa.text(sql), parameters).rowcount
