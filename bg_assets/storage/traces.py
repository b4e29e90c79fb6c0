"""What of traces is in the tables: the traceparents of changes, and those of refreshes.

A writer names the place in a trace that it writes from by ``bg.trace_id``, which may hold any text;
what is no traceparent belongs to no trace.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from bg_assets.storage import dueness
from bg_assets.tracing.context import LENGTH, MOST_LINKS

# Enough to tell a traceparent from an id of any other kind; who reads it looks closely.
_IS_ONE = f"(char_length(c.trace_id) = {LENGTH} and c.trace_id like '00-%')"
_MOST_NAMED = 10

# Served by changes_pending.
_WAITING = sa.text(f"""
    select c.company_id, min(c.occurred_at) as first_at, count(*) as changes,
        (array_agg(distinct c.kind))[1:{_MOST_NAMED}] as kinds,
        (array_agg(distinct left(c.source, 60)))[1:{_MOST_NAMED}] as writers,
        coalesce((array_agg(c.trace_id order by c.occurred_at, c.id)
            filter (where {_IS_ONE}))[1:{MOST_LINKS}], '{{}}') as traces
    from bg.changes as c
    where c.company_id = any(:companies) and {dueness.PENDING}
    group by c.company_id
""")
# Served by one_refresh_at_a_time; the rows are locked already.
_NOTE = sa.text("""
    update bg.buyer_group_refresh_log set trace_id = cast(:by_key as jsonb) ->> run_key
    where status = 'requested' and run_id is null and run_key = any(:keys)
""")
# Served by changes_by_refresh.
_TAKEN = sa.text(f"""
    select distinct on (c.trace_id) c.trace_id as trace, c.refresh_id::text as refresh_id,
        c.company_id, c.occurred_at
    from bg.changes as c
    where c.refresh_id = any(cast(:ids as uuid[])) and c.handled_at is null and {_IS_ONE}
    order by c.trace_id, c.occurred_at limit {2 * MOST_LINKS}
""")


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits of a company: since when, and the places in traces where it was written."""

    first_at: datetime
    changes: int
    kinds: list[str]
    writers: list[str]
    traces: list[str]


@dataclass(frozen=True, slots=True)
class Taken:
    """A place in a trace from which a refresh comes, and the first change written there."""

    trace: str
    refresh_id: str
    company_id: str
    occurred_at: datetime


def waiting(conn: sa.Connection, companies: Sequence[str]) -> dict[str, Waiting]:
    """What waits of these companies and no refresh has taken yet, by company."""
    rows = conn.execute(_WAITING, {"companies": list(companies)}).mappings()
    return {
        row["company_id"]: Waiting(**{name: row[name] for name in Waiting.__slots__})
        for row in rows
    }


def note(conn: sa.Connection, by_run_key: Mapping[str, str]) -> None:
    """Note the traceparents of runs just asked for with their refreshes."""
    if by_run_key:
        parameters = {"by_key": json.dumps(dict(by_run_key)), "keys": list(by_run_key)}
        conn.execute(_NOTE, parameters)


def taken(conn: sa.Connection, refresh_ids: Sequence[str]) -> list[Taken]:
    """From where these refreshes come, as far as that is traced and not handled yet; bounded."""
    rows = conn.execute(_TAKEN, {"ids": list(refresh_ids)}).mappings()
    return [Taken(**row) for row in rows]
