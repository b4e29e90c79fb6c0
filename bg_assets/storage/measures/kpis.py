"""All KPIs measured at once, and their values kept over time."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from bg_assets.domain.kpis.catalogue import KPIS, QUEUE_DEPTH, Judged, Measured
from bg_assets.storage.measures import groups, latency, refreshes, webhooks
from bg_assets.storage.reports import counts

# What is told of a stream is told of this time; a week of refreshes is no measure of now.
WINDOW_SECONDS = 3600.0

# Some rows a day and provider.
_COST = sa.text("""
    select coalesce(sum(cost + uncertain), 0)::float from bg.provider_costs
    where day = (clock_timestamp() at time zone 'UTC')::date
""")
_KEEP = sa.text("""
    insert into bg.kpi_values (name, product, at, value, target, state)
    select name, product, :at, value, target, state
    from jsonb_to_recordset(cast(:values as jsonb))
        as v(name text, product text, value float, target text, state text)
""")
# Served by kpi_values_by_time.
_FORGET = sa.text("""
    delete from bg.kpi_values where at < now() - make_interval(secs => :seconds)
""")
# Served by kpi_values_by_name.
_COURSE = sa.text("""
    select name, at, value from bg.kpi_values
    where name = any(:names) and product is null
        and at > now() - make_interval(secs => :seconds)
    order by at
""")
# Served by kpi_values_by_time: a probe for the last measurement, whose values have one time.
_LATEST = sa.text("""
    select name, product, value, state,
        extract(epoch from clock_timestamp() - at)::float as seconds
    from bg.kpi_values where at = (select max(at) from bg.kpi_values)
    order by name, product nulls first
""")


@dataclass(frozen=True, slots=True)
class Point:
    """A value at a time; None where there was nothing to measure."""

    at: datetime
    value: float | None


@dataclass(frozen=True, slots=True)
class Latest:
    """A value of the last measurement that was kept, what it amounts to, and how long ago it was.

    value: None where there was nothing to measure. product: None for what is no matter of one.
    """

    name: str
    product: str | None
    value: float | None
    state: str
    seconds: float


def measure(
    conn: sa.Connection, refresh_interval: float, seconds: float = WINDOW_SECONDS
) -> list[Measured]:
    """All KPIs as they are now; of what happens, that of the last so many seconds.

    KPIs of products are there for each with groups, and once without any where there is none.
    """
    found = [
        *_queue(conn, refresh_interval),
        *latency.measure(conn, seconds),
        *refreshes.measure(conn, seconds),
        *webhooks.measure(conn, seconds),
        *groups.members(conn),
        *groups.verdicts(conn),
        *groups.gaps(conn),
        *groups.oldest(conn),
        Measured("provider_cost", conn.execute(_COST).scalar_one()),
    ]
    there = {one.name for one in found}
    return found + [Measured(name, None) for name in KPIS if name not in there]


def keep(
    conn: sa.Connection, values: Sequence[Judged], at: datetime, kept_seconds: float | None
) -> None:
    """Keep these values, and let go of those from so long ago; None: of none."""
    rows = [
        {
            "name": one.kpi.name,
            "product": one.product,
            "value": one.value,
            "target": one.target.in_words if one.target else None,
            "state": one.state,
        }
        for one in values
    ]
    conn.execute(_KEEP, {"values": json.dumps(rows), "at": at})
    if kept_seconds is not None:
        conn.execute(_FORGET, {"seconds": kept_seconds})


def course(conn: sa.Connection, names: Sequence[str], seconds: float) -> dict[str, list[Point]]:
    """The kept values of these KPIs of the last so many seconds, the oldest first."""
    found: dict[str, list[Point]] = {name: [] for name in names}
    for row in conn.execute(_COURSE, {"names": list(names), "seconds": seconds}):
        found[row.name].append(Point(row.at, row.value))
    return found


def latest(conn: sa.Connection) -> list[Latest]:
    """The values of the last measurement that was kept; nothing where there was none."""
    return [Latest(**row) for row in conn.execute(_LATEST).mappings()]


def _queue(conn: sa.Connection, refresh_interval: float) -> list[Measured]:
    """Companies that could be refreshed now and that no run has taken."""
    now = counts.read_overview(conn, refresh_interval)
    return [Measured(QUEUE_DEPTH, float(now.companies + now.requested + now.failed))]
