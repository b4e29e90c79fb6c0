"""The counts of `status`: how many companies are in which state, each in one only."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

# Served by changes_pending, one_refresh_at_a_time, refreshes_that_defer and refreshes_dead.
_COUNTS = sa.text("""
    with waiting as (
        select company_id, min(occurred_at) as first_at, count(*) as changes,
            bool_or(kind = 'resync' and source = 'manual') as manual
        from bg.changes where handled_at is null and refresh_id is null
        group by company_id
    ), live as (
        select company_id, status, attempt from bg.buyer_group_refresh_log
        where status in ('requested', 'running')
    ), dead as (
        select distinct company_id from bg.buyer_group_refresh_log as d
        where status = 'dead' and not exists (
            select from live where live.company_id = d.company_id)
    ), idle as (
        select w.*, not manual and exists (
                select from bg.buyer_group_refresh_log as r
                where r.company_id = w.company_id and r.status = 'completed' and r.starts_interval
                    and r.finished_at > now() - make_interval(secs => :refresh_interval)
            ) as deferred
        from waiting as w
        where not exists (select from live where live.company_id = w.company_id)
            and not exists (select from dead where dead.company_id = w.company_id)
    )
    select
        (select coalesce(sum(changes), 0) from waiting)
            + (select count(*) from bg.changes as c
                join bg.buyer_group_refresh_log as r on r.id = c.refresh_id
                where c.handled_at is null and r.status in ('requested', 'running', 'dead'))
            as changes,
        (select count(*) from idle where not deferred) as companies,
        (select count(*) from idle where deferred) as deferred,
        (select count(*) from live where status = 'requested' and attempt = 1) as requested,
        (select count(*) from live where status = 'running') as running,
        (select count(*) from live where status = 'requested' and attempt > 1) as failed,
        (select count(*) from dead) as dead,
        (select extract(epoch from now() - min(first_at))::float from waiting)
            as oldest_pending_seconds
""")

_DEAD = sa.text("""
    select company_id, attempt, error, finished_at from bg.buyer_group_refresh_log
    where status = 'dead' order by finished_at desc limit :most
""")


@dataclass(frozen=True, slots=True)
class Overview:
    """Companies by state (pending, deferred, requested, running, failed, dead); each in one.

    ``changes`` counts what no group reflects yet; ``failed`` companies wait for another attempt;
    ``oldest_pending_seconds`` is None where nothing is pending.
    """

    changes: int
    companies: int
    deferred: int
    requested: int
    running: int
    failed: int
    dead: int
    oldest_pending_seconds: float | None


def read_overview(conn: sa.Connection, refresh_interval: float) -> Overview:
    """Count; costs in proportion to what is pending, not to the number of companies."""
    row = conn.execute(_COUNTS, {"refresh_interval": refresh_interval}).mappings().one()
    values = dict(row)
    seconds = values.pop("oldest_pending_seconds")
    return Overview(
        **{name: int(value) for name, value in values.items()}, oldest_pending_seconds=seconds
    )


def read_dead(conn: sa.Connection, most: int = 20) -> list[dict[str, Any]]:
    """The dead refreshes, newest first: company_id, attempt, error, finished_at."""
    return [dict(row) for row in conn.execute(_DEAD, {"most": most}).mappings()]
