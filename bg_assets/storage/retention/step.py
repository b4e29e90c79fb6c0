"""A step of letting go: one short transaction that looks at some thousand rows."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

# Rows that a step looks at: some 20 to 50 ms, for which it holds locks of rows nobody writes.
ROWS = 2000


@dataclass(frozen=True, slots=True)
class Step:
    """How many rows went, where the next step goes on as JSON has it, whether there is one."""

    removed: int
    after: str | int | None
    more: bool


def walked(conn: sa.Connection, statement: sa.TextClause, until: datetime, after: object) -> Step:
    """A step of a walk along an index, by a statement that gives removed, last, seen and young.

    It ends with a page of which nothing can go yet, since what follows is younger still, or with
    the last page.
    """
    values: dict[str, Any] = {"until": until, "after": after, "most": ROWS}
    row = conn.execute(statement, values).one()
    return Step(int(row.removed), row.last, row.seen >= ROWS and not row.young)


def taken(conn: sa.Connection, statement: sa.TextClause, until: datetime) -> Step:
    """A step by a statement that removes the oldest that may go, some at most."""
    removed = conn.execute(statement, {"until": until, "most": ROWS}).rowcount
    return Step(removed, None, removed > 0)
