"""Sums over all that ever happened, kept in one row and advanced by what is new.

They only grow, whatever is purged or changes its state later: a row counts once, when it is over.
Every process that asks advances them, one at a time, and all tell the same. What happened before
somebody asked for the first time is in none.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

CHORE = "metrics sums"
# Upper bounds of the buckets of times, in seconds: from a change whose group is there at once to
# one that waits out an interval of an hour.
BOUNDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)

# Served by the primary key.
_MAKE = sa.text("""
    insert into bg.chores (name, begun_at) values (:name, clock_timestamp()) on conflict do nothing
""")
_LOCK = sa.text("select name, state from bg.chores where name = :name for update skip locked")
_READ = sa.text("select state from bg.chores where name = :name")
_WRITE = sa.text("""
    update bg.chores set begun_at = clock_timestamp(), state = cast(:state as jsonb)
    where name = :name
""")

Labels = tuple[str, ...]


@dataclass(slots=True)
class Times:
    """How many took up to each of BOUNDS and beyond, not cumulative; and all their seconds."""

    buckets: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    seconds: float = 0.0


@dataclass(slots=True)
class Walk:
    """How far a table was walked through by its ids.

    ``head`` was its highest id at ``head_at``: counted once no transaction of before is open.
    """

    to: int
    head: int
    head_at: datetime


@dataclass(slots=True)
class Sums:
    """``counts`` and ``times`` by name, then by labels. ``since``: when counting began.

    ``ended_to``: refreshes that ended up to then are counted; ``minutes_to``: minutes of objectives
    before it. ``walks``: by table.
    """

    since: datetime
    ended_to: datetime
    walks: dict[str, Walk] = field(default_factory=dict)
    counts: dict[str, dict[Labels, int]] = field(default_factory=dict)
    times: dict[str, dict[Labels, Times]] = field(default_factory=dict)
    minutes_to: datetime | None = None

    def count(self, name: str, labels: Labels, number: int) -> None:
        """Add to a count."""
        of_name = self.counts.setdefault(name, {})
        of_name[labels] = of_name.get(labels, 0) + number

    def time(self, name: str, labels: Labels, bucket: int, number: int, seconds: float) -> None:
        """Add so many that fell into a bucket, and their seconds together."""
        found = self.times.setdefault(name, {}).setdefault(labels, Times())
        found.buckets[bucket] += number
        found.seconds += seconds


def locked(conn: sa.Connection, now: datetime) -> Sums | None:
    """The sums as they stand, kept from others until the transaction ends.

    None where another process is advancing them. The first time they begin at ``now``.
    """
    row = conn.execute(_LOCK, {"name": CHORE}).first()
    if row is None:
        if conn.execute(_MAKE, {"name": CHORE}).rowcount == 0:
            return None
        return Sums(now, now)
    return Sums(now, now) if row.state is None else _from_json(row.state)


def keep(conn: sa.Connection, sums: Sums) -> None:
    """Write sums that this transaction has locked."""
    conn.execute(_WRITE, {"name": CHORE, "state": json.dumps(_to_json(sums))})


def read(conn: sa.Connection) -> Sums | None:
    """The sums as they were written last; None where nobody has begun."""
    state = conn.execute(_READ, {"name": CHORE}).scalar()
    return None if state is None else _from_json(state)


def _to_json(sums: Sums) -> dict[str, Any]:
    return {
        "since": sums.since.isoformat(),
        "ended_to": sums.ended_to.isoformat(),
        "minutes_to": sums.minutes_to and sums.minutes_to.isoformat(),
        "walks": {
            table: [walk.to, walk.head, walk.head_at.isoformat()]
            for table, walk in sums.walks.items()
        },
        "counts": {
            name: [[*labels, number] for labels, number in of_name.items()]
            for name, of_name in sums.counts.items()
        },
        "bounds": list(BOUNDS),
        "times": {
            name: [[*labels, one.buckets, one.seconds] for labels, one in of_name.items()]
            for name, of_name in sums.times.items()
        },
    }


def _from_json(state: dict[str, Any]) -> Sums:
    # Other bounds are those of another version: these begin anew, as after a restart.
    times = state["times"] if state["bounds"] == list(BOUNDS) else {}
    return Sums(
        datetime.fromisoformat(state["since"]),
        datetime.fromisoformat(state["ended_to"]),
        {
            table: Walk(to, head, datetime.fromisoformat(head_at))
            for table, (to, head, head_at) in state["walks"].items()
        },
        {
            name: {tuple(labels): number for *labels, number in rows}
            for name, rows in state["counts"].items()
        },
        {
            name: {tuple(labels): Times(buckets, seconds) for *labels, buckets, seconds in rows}
            for name, rows in times.items()
        },
        # Sums from before there were objectives have none.
        datetime.fromisoformat(state["minutes_to"]) if state.get("minutes_to") else None,
    )


def places(bounds: Sequence[float] = BOUNDS) -> str:
    """The place in ``Times.buckets`` of a column ``seconds``, in SQL: that of the first bound that
    is not below it."""
    negative = ", ".join(str(-bound) for bound in reversed(bounds))
    return f"({len(bounds)} - width_bucket(-seconds, array[{negative}]::float[]))"
