"""Watches what statements read: each is explained, with what it really did, before it is done."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

# A look at all of these would cost more with every year that passes.
GROWING = {
    "companies", "people", "changes", "buyer_group_refresh_log", "company_people", "buyer_groups",
    "buyer_group_members", "buyer_group_history", "webhook_events", "webhook_identities",
    "next_refreshes", "writes",
    "pipeline_operations", "enrichment_due", "enrichments",
    "kpi_values", "refresh_attempts", "outbox", "deliveries",
}  # fmt: skip
_EXPLAINABLE = ("select", "insert", "update", "delete", "with")


@dataclass(frozen=True, slots=True)
class Read:
    """What one statement read: rows looked at in all, pages touched, and the whole plan."""

    statement: str
    rows: int
    pages: int
    scanned: tuple[str, ...]
    plan: dict[str, Any]


@contextmanager
def watched(conn: sa.Connection | sa.Engine) -> Iterator[list[Read]]:
    """Note what each statement of the block reads, on a connection or on all of an engine."""
    reads: list[Read] = []

    def explain(at: sa.Connection, _: Any, statement: str, parameters: Any, *rest: object) -> None:
        if not statement.lstrip().lower().startswith(_EXPLAINABLE):
            return
        driver = at.connection.driver_connection
        assert driver is not None
        # The statement's own cursor may be one of the server's, which takes one statement.
        with driver.cursor() as cursor:
            cursor.execute("savepoint explained")
            cursor.execute(f"explain (analyze, buffers, format json) {statement}", parameters)
            ((found,),) = cursor.fetchall()
            cursor.execute("rollback to savepoint explained")
        plan = found[0]["Plan"]
        nodes = list(_nodes(plan))
        reads.append(
            Read(
                statement=" ".join(statement.split()),
                rows=round(sum(map(_rows, nodes))),
                pages=plan["Shared Hit Blocks"] + plan["Shared Read Blocks"],
                scanned=tuple(
                    node["Relation Name"]
                    for node in nodes
                    if node["Node Type"] == "Seq Scan" and node["Relation Name"] in GROWING
                ),
                plan=plan,
            )
        )

    sa.event.listen(conn, "before_cursor_execute", explain)
    try:
        yield reads
    finally:
        sa.event.remove(conn, "before_cursor_execute", explain)


def check(reads: list[Read], *, rows: int, pages: int) -> None:
    """Each statement read within these bounds, and scanned no table that grows."""
    assert reads
    beyond = [
        f"{read.rows} rows, {read.pages} pages, scanned {read.scanned}: {read.statement}"
        for read in reads
        if read.scanned or read.rows > rows or read.pages > pages
    ]
    assert not beyond, "\n".join(beyond)


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", []):
        yield from _nodes(inner)


def _rows(node: dict[str, Any]) -> float:
    """Rows that a node gave out, or looked at and threw away."""
    each = node["Actual Rows"] + sum(
        node.get(f"Rows Removed by {what}", 0)
        for what in ("Filter", "Join Filter", "Index Recheck")
    )
    return float(each * node["Actual Loops"])
