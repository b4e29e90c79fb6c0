"""What wrote to people and companies: imports, rounds of events, and what others wrote directly.

An import holds its lock from before it writes until it commits, and so does a round of events: what
either writes lies between two moments in which no other of its kind writes. By these a change finds
the file or the source it came from, and the rows of changes carry nothing more for it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bg_assets.storage.capture import attached

# After so many days nobody asks any more where a change came from.
KEPT_DAYS = 30
_FORGOTTEN_AT_ONCE = 5000
# Where more changes came at once, the earlier ones are not counted by writer: a second's work.
_MOST_CHANGES = 500_000
# So long a transaction may be under way whose changes have lower numbers than others.
_LATE_SECONDS = 600.0
# So many rows are counted, which takes some milliseconds; of more PostgreSQL's estimate is told.
_COUNTED = 100_000

_RECORD = sa.text("""
    insert into bg.writes (writer, names, asset, counts, began_at)
    values (:writer, :names, :asset, cast(:counts as jsonb), :began_at)
""")
# Served by writes_untold.
_UNTOLD = sa.text("""
    select id, writer, names, asset, counts, ended_at from bg.writes
    where told_at is null and writer = any(:writers)
    order by id limit :most for update skip locked
""")
_TOLD = sa.text("update bg.writes set told_at = clock_timestamp() where id = any(:ids)")
# Served by the primary key: the oldest have the lowest numbers.
_FORGET = sa.text("""
    delete from bg.writes where id = any(array(select id from (
        select id, ended_at from bg.writes where told_at is not null order by id limit :most) as o
    where ended_at < clock_timestamp() - make_interval(days => :days)))
""")
# Served by the primary key.
_NEWEST = sa.text("select coalesce(max(id), 0) from bg.changes")
_BY_WRITER = sa.text("""
    select case when kind in ('company_profile_change', 'company_deleted')
            then 'companies' else 'people' end as asset,
        source, count(*) as changes, max(occurred_at) as last_at
    from bg.changes where id > :settled and id <= :newest
    group by 1, 2
""")
_SIZE = sa.text("""
    select greatest(reltuples, 0)::bigint as estimated, reltuples < :counted as few
    from pg_class where oid = to_regclass(:relation) and has_table_privilege(oid, 'select')
""")
_LAST = sa.text("""
    select max(occurred_at) from (
        select occurred_at from bg.changes order by id desc limit 100) as latest
""")


@dataclass(frozen=True, slots=True)
class Written:
    """An import or a round of events. counts: of an import its rows by what became of them, of a
    round its events by source."""

    id: int
    writer: str
    names: tuple[str, ...]
    asset: str | None
    counts: Mapping[str, int]
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class Direct:
    """What others wrote to one of the tables: changes by writer, and the time of the last."""

    asset: str
    changes: Mapping[str, int]
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Size:
    """The rows of a table; whether they were counted or are PostgreSQL's estimate."""

    rows: int
    counted: bool


def record(
    conn: sa.Connection,
    writer: str,
    names: Sequence[str],
    counts: Mapping[str, int],
    began_at: datetime,
    asset: str | None = None,
) -> None:
    """Note what this transaction wrote, at its end; ``began_at``: after it had its lock."""
    conn.execute(
        _RECORD,
        {
            "writer": writer,
            "names": list(names),
            "asset": asset,
            "counts": json.dumps(counts),
            "began_at": began_at,
        },
    )


def untold(conn: sa.Connection, writers: Sequence[str], most: int) -> list[Written]:
    """What Dagster was not told of yet, oldest first; no other transaction gets the same."""
    rows = conn.execute(_UNTOLD, {"writers": list(writers), "most": most})
    return [Written(**{**row._mapping, "names": tuple(row.names)}) for row in rows]


def told(conn: sa.Connection, written: Sequence[Written]) -> None:
    """Dagster has been told of these."""
    conn.execute(_TOLD, {"ids": [one.id for one in written]})


def forget(conn: sa.Connection) -> int:
    """Delete what is older than KEPT_DAYS, some thousands at a time; returns how many."""
    return conn.execute(_FORGET, {"most": _FORGOTTEN_AT_ONCE, "days": KEPT_DAYS}).rowcount


def direct(
    conn: sa.Connection, state: Mapping[str, Any] | None, own: Sequence[str], now: float
) -> tuple[dict[str, Any], list[Direct]]:
    """What others than ``own`` wrote since the state that an earlier call returned; and the next.

    A transaction may commit changes with lower numbers than those of one that was seen: while
    numbers are missing, for ten minutes at most, all since the first of them is counted again and
    what was counted before taken off. ``now`` is in seconds since 1970. Without a state nothing is
    told: all of history is none.
    """
    newest = int(conn.execute(_NEWEST).scalar_one())
    if state is None or newest < state["newest"]:
        return {"settled": newest, "newest": newest, "since": now, "counts": {}}, []
    if state["settled"] == state["newest"] == newest:
        return dict(state), []
    settled = max(state["settled"], newest - _MOST_CHANGES)
    before = state["counts"] if settled == state["settled"] else {}
    rows = conn.execute(_BY_WRITER, {"settled": settled, "newest": newest}).all()
    counts = {f"{row.asset} {row.source}": int(row.changes) for row in rows}
    found: dict[str, Direct] = {}
    for row in rows:
        new = int(row.changes) - int(before.get(f"{row.asset} {row.source}", 0))
        if new > 0 and row.source not in own:
            earlier = found.get(row.asset)
            changes = {**(earlier.changes if earlier else {}), row.source: new}
            last_at = max(row.last_at, earlier.last_at) if earlier else row.last_at
            found[row.asset] = Direct(row.asset, changes, last_at)
    since = now if state["settled"] == state["newest"] else state["since"]
    whole = sum(counts.values()) == newest - settled or now - since > _LATE_SECONDS
    return (
        {
            "settled": newest if whole else settled,
            "newest": newest,
            "since": since,
            "counts": {} if whole else counts,
        },
        list(found.values()),
    )


def size(conn: sa.Connection, asset: str) -> Size:
    """How many rows ``people`` or ``companies`` has: counted while it is small."""
    table = attached.table_of(conn, asset)
    row = conn.execute(_SIZE, {"relation": table, "counted": _COUNTED}).first()
    if row is None:
        # An attached table that is gone or closed to us, which is for others to tell.
        return Size(0, counted=False)
    if not row.few:
        return Size(int(row.estimated), counted=False)
    # One that was never looked at by the server may be large: counting stops then.
    most = 2 * _COUNTED
    some = sa.text(f"select count(*) from (select from {table} limit :most) as found")
    rows = int(conn.execute(some, {"most": most}).scalar_one())
    return Size(rows, counted=rows < most)


def last_change(conn: sa.Connection) -> datetime | None:
    """When the latest change occurred; None where there never was one."""
    found = conn.execute(_LAST).scalar()
    assert found is None or isinstance(found, datetime)
    return found
