"""What the processes of the receiver counted: they add to it, others read the sums.

Rows are by minute and process, so that nobody waits for another. A minute is that of the server's
clock when the counts were carried here, seconds after they were counted; while the database is away
they are kept, and come with the minute in which it is back. Where a connection is lost in the
middle of a commit they may count twice.
"""

import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from bg_assets.storage import chores

# Upper bounds of the buckets of times, in seconds. The table holds counts by their place here.
BOUNDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
MINUTES_KEPT_DAYS = 3
FOLD_SECONDS = 3600.0
_PLACES = len(BOUNDS) + 1
_FOLD = "fold receiver counts"

_NO_BUCKETS = ", ".join(["0"] * _PLACES)
_MERGED = """
        received = c.received + excluded.received, accepted = c.accepted + excluded.accepted,
        duplicates = c.duplicates + excluded.duplicates,
        differing = c.differing + excluded.differing,
        seconds_sum = c.seconds_sum + excluded.seconds_sum,
        refused = coalesce((
            select jsonb_object_agg(kind, number) from (
                select kind, sum(number::bigint) as number from (
                    select * from jsonb_each_text(c.refused)
                    union all
                    select * from jsonb_each_text(excluded.refused)) as each(kind, number)
                group by kind) as added), '{}'),
        seconds_buckets = array(
            select a + b from unnest(c.seconds_buckets, excluded.seconds_buckets)
                with ordinality as both_of(a, b, place)
            order by place)
"""
# Served by the primary key.
_ADD = sa.text(f"""
    insert into bg.receiver_counts as c
        (minute, process, received, accepted, duplicates, differing, refused, seconds_sum,
         seconds_buckets)
    values (date_trunc('minute', clock_timestamp()), :process, :received, :accepted, :duplicates,
        :differing, cast(:refused as jsonb), :seconds_sum, cast(:seconds_buckets as bigint[]))
    on conflict (minute, process) do update set {_MERGED}
""")
_SUM_OF_BUCKETS = ", ".join(f"sum(seconds_buckets[{n}])" for n in range(1, _PLACES + 1))
_SUMS = f"""
        coalesce(sum(received), 0) as received, coalesce(sum(accepted), 0) as accepted,
        coalesce(sum(duplicates), 0) as duplicates, coalesce(sum(differing), 0) as differing,
        coalesce(sum(seconds_sum), 0) as seconds_sum,
        case when count(*) = 0 then array[{_NO_BUCKETS}]::bigint[]
            else array[{_SUM_OF_BUCKETS}]::bigint[] end as seconds_buckets
"""
_REFUSED = """
        coalesce((
            select jsonb_object_agg(kind, number) from (
                select kind, sum(number::bigint) as number
                from counted, jsonb_each_text(refused) as each(kind, number)
                group by kind) as added), '{}') as refused
"""
# Served by the primary key. One statement: whoever reads sees the rows or their sum.
_FOLD_OLD = sa.text(f"""
    with counted as (
        delete from bg.receiver_counts
        where minute > '-infinity'
            and minute < now() - make_interval(days => {MINUTES_KEPT_DAYS})
        returning *
    )
    insert into bg.receiver_counts as c
        (minute, process, received, accepted, duplicates, differing, seconds_sum, seconds_buckets,
         refused)
    select '-infinity', '', {_SUMS}, {_REFUSED} from counted having count(*) > 0
    on conflict (minute, process) do update set {_MERGED}
""")
# Looks at all rows: three days of minutes for each process, 17,000 with four of them.
_ALL = sa.text(f"""
    with counted as (select * from bg.receiver_counts)
    select {_SUMS}, {_REFUSED} from counted
""")
# Served by the primary key.
_SINCE = sa.text(f"""
    with counted as (
        select * from bg.receiver_counts
        where minute > now() - make_interval(secs => :seconds))
    select {_SUMS}, {_REFUSED} from counted
""")


def _empty_buckets() -> list[int]:
    return [0] * _PLACES


@dataclass(slots=True)
class Counts:
    """Counts of one process, or the sums of several.

    ``refused``: requests by kind of refusal. ``seconds_buckets``: answers by the first of BOUNDS
    that they took at most, not cumulative; ``seconds_sum`` of all of them.
    """

    received: int = 0
    accepted: int = 0
    duplicates: int = 0
    differing: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    seconds_sum: float = 0.0
    seconds_buckets: list[int] = field(default_factory=_empty_buckets)

    def took(self, seconds: float) -> None:
        """Count an answer that took so long."""
        self.seconds_sum += seconds
        self.seconds_buckets[bisect_left(BOUNDS, seconds)] += 1

    def add(self, other: "Counts") -> None:
        """Count all that the other has counted, too."""
        self.received += other.received
        self.accepted += other.accepted
        self.duplicates += other.duplicates
        self.differing += other.differing
        self.refused.update(other.refused)
        self.seconds_sum += other.seconds_sum
        self.seconds_buckets = [
            ours + theirs
            for ours, theirs in zip(self.seconds_buckets, other.seconds_buckets, strict=True)
        ]

    @property
    def answered(self) -> int:
        """How many answers were timed."""
        return sum(self.seconds_buckets)

    def __bool__(self) -> bool:
        """Whether anything was counted."""
        return bool(self.received or self.refused or self.answered)


def add(conn: sa.Connection, process: str, counts: Counts) -> None:
    """Add what a process, by a name of its own, has counted since it last did."""
    values = {
        "process": process,
        "received": counts.received,
        "accepted": counts.accepted,
        "duplicates": counts.duplicates,
        "differing": counts.differing,
        "refused": json.dumps(counts.refused),
        "seconds_sum": counts.seconds_sum,
        "seconds_buckets": counts.seconds_buckets,
    }
    conn.execute(_ADD, values)


def fold_if_due(conn: sa.Connection) -> None:
    """Once an hour, whoever comes first: add up what is older than MINUTES_KEPT_DAYS in one row."""
    if chores.begin(conn, _FOLD, FOLD_SECONDS):
        conn.execute(_FOLD_OLD)


def totals(conn: sa.Connection) -> Counts:
    """All that was ever counted, over all processes. These sums only grow."""
    return _counts(conn.execute(_ALL).mappings().one())


def since(conn: sa.Connection, seconds: float) -> Counts:
    """What was counted in the last so many seconds, of the last MINUTES_KEPT_DAYS at most."""
    return _counts(conn.execute(_SINCE, {"seconds": seconds}).mappings().one())


def quantile(buckets: Sequence[int], share: float) -> float | None:
    """The seconds that this share of the answers took at most; None where there were none.

    Within a bucket they are taken as evenly spread. What took longer than the last bound is told as
    that bound.
    """
    wanted = share * sum(buckets)
    if not wanted:
        return None
    passed, lower = 0.0, 0.0
    for upper, number in zip(BOUNDS, buckets, strict=False):
        if passed + number >= wanted and number:
            return lower + (upper - lower) * (wanted - passed) / number
        passed, lower = passed + number, upper
    return BOUNDS[-1]


def _counts(row: Any) -> Counts:
    return Counts(
        received=int(row["received"]),
        accepted=int(row["accepted"]),
        duplicates=int(row["duplicates"]),
        differing=int(row["differing"]),
        refused=Counter({kind: int(number) for kind, number in row["refused"].items()}),
        seconds_sum=float(row["seconds_sum"]),
        seconds_buckets=[int(number) for number in row["seconds_buckets"]],
    )
