"""The bill: what calls of a provider came to on each day (UTC), and answers from the cache."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

import sqlalchemy as sa

from bg_assets.domain.enrichment.admission import Spent

_PARTS = 16

# Served by the primary key.
_ADD = sa.text("""
    insert into bg.provider_costs as c (
        provider, day, kind, found, not_found, failed, lost, cost, uncertain)
    values (:provider, :day, :kind, :found, :not_found, :failed, :lost, :cost, :uncertain)
    on conflict (provider, day, kind) do update set
        found = c.found + excluded.found, not_found = c.not_found + excluded.not_found,
        failed = c.failed + excluded.failed, lost = c.lost + excluded.lost,
        cost = c.cost + excluded.cost, uncertain = c.uncertain + excluded.uncertain
""")
_HIT = sa.text("""
    insert into bg.provider_hits as h (provider, day, kind, part, hits)
    values (:provider, :day, :kind, :part, 1)
    on conflict (provider, day, kind, part) do update set hits = h.hits + 1
""")
# Served by the primary key (three rows a day) and by pipeline_operations_running.
_SPENT = sa.text("""
    with paid as (
        select day, cost + uncertain as amount from bg.provider_costs
        where provider = :provider and day >= :month
        union all
        select reserved_on, reserved from bg.pipeline_operations
        where provider = :provider and status = 'running' and reserved_on >= :month
    )
    select coalesce(sum(amount) filter (where day = :day), 0) as today,
        coalesce(sum(amount), 0) as month
    from paid
""")


@dataclass(frozen=True, slots=True)
class Entry:
    """One call that is over: what came of it, and what it cost in US dollars.

    ``uncertain`` is what it may have cost where nobody knows.
    """

    found: int = 0
    not_found: int = 0
    failed: int = 0
    lost: int = 0
    cost: Decimal = Decimal(0)
    uncertain: Decimal = Decimal(0)


def day_of(moment: datetime) -> date:
    """The day that a call is billed to, in UTC wherever we are."""
    return moment.astimezone(UTC).date()


def add(conn: sa.Connection, provider: str, kind: str, day: date, entry: Entry) -> None:
    """Put a call on the bill of the day it was made."""
    values = {name: getattr(entry, name) for name in Entry.__slots__}
    conn.execute(_ADD, {"provider": provider, "kind": kind, "day": day, **values})


def count_hit(conn: sa.Connection, provider: str, kind: str, day: date, operation: int) -> None:
    """Count an answer from the cache."""
    values = {"provider": provider, "kind": kind, "day": day, "part": operation % _PARTS}
    conn.execute(_HIT, values)


def spent(conn: sa.Connection, provider: str, now: datetime) -> Spent:
    """What the provider has cost today and this month, with all that is reserved."""
    day = day_of(now)
    values = {"provider": provider, "day": day, "month": day.replace(day=1)}
    row = conn.execute(_SPENT, values).one()
    return Spent(row.today, row.month)
