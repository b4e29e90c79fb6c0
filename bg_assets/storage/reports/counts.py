"""The counts of `status`: how many companies are in which state, each in one only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bg_assets.storage import dueness

# Served by changes_pending, one_refresh_at_a_time, refreshes_that_defer, refreshes_dead,
# refreshes_cancelled, changes_by_refresh and the primary key of the members.
_COUNTS = sa.text(f"""
    with waiting as (
        select c.company_id, min(c.occurred_at) as first_at, count(*) as changes,
            bool_or({dueness.AT_ONCE}) as at_once
        from bg.changes as c where {dueness.PENDING}
        group by c.company_id
    ), live as (
        select r.id, r.company_id, r.status, r.attempt from bg.buyer_group_refresh_log as r
        where {dueness.UNDER_WAY}
    ), taken as (
        select c.occurred_at from live join bg.changes as c on c.refresh_id = live.id
        where c.handled_at is null
    ), dead as (
        select distinct company_id from bg.buyer_group_refresh_log as d
        where status = 'dead' and not exists (
            select from live where live.company_id = d.company_id)
    ), cancelled as (
        select distinct r.company_id from bg.buyer_group_refresh_log as r
        where r.status = 'cancelled'
            and exists (
                select from bg.changes as c
                where c.refresh_id = r.id and c.handled_at is null offset 0)
            and not exists (select from waiting where waiting.company_id = r.company_id)
            and not exists (select from live where live.company_id = r.company_id)
            and not exists (select from dead where dead.company_id = r.company_id)
    ), idle as (
        select not w.at_once and {dueness.deferred("w.company_id", "now()")} as deferred
        from waiting as w
        where not exists (select from live where live.company_id = w.company_id)
            and not exists (select from dead where dead.company_id = w.company_id)
    )
    select
        (select coalesce(sum(changes), 0) from waiting)
            + (select count(*) from taken)
            + (select count(*) from bg.buyer_group_refresh_log as r
                join bg.changes as c on c.refresh_id = r.id
                where (r.status = 'dead' or r.status = 'cancelled') and c.handled_at is null)
            as changes,
        (select count(*) from idle where not deferred) as companies,
        (select count(*) from idle where deferred) as deferred,
        (select count(*) from live where status = 'requested' and attempt = 1) as requested,
        (select count(*) from live where status = 'running') as running,
        (select count(*) from live where status = 'requested' and attempt > 1) as failed,
        (select count(*) from dead) as dead,
        (select count(*) from cancelled) as cancelled,
        (select extract(epoch from clock_timestamp() - least(
                (select min(first_at) from waiting), (select min(occurred_at) from taken)))::float)
            as oldest_pending_seconds
""")

# Served by changes_pending, one_refresh_at_a_time and refreshes_dead.
_PROGRESS = sa.text(f"""
    select count(*) filter (where under_way) as under_way,
        count(*) filter (where dead and not under_way) as dead
    from (
        select exists (
                select from bg.changes as c
                where c.company_id = a.id and {dueness.PENDING} and {dueness.BY_HAND})
            or {dueness.under_way("a.id")} as under_way,
            exists (
                select from bg.buyer_group_refresh_log as r
                where r.company_id = a.id and r.status = 'dead') as dead
        from unnest(cast(:companies as text[])) as a(id)
    ) as asked
""")

# Served by one_refresh_at_a_time.
_OUTAGES = sa.text("""
    select count(*) as companies, max(outages) as times, min(not_before) as next_at,
        (array_agg(error order by outages desc, not_before, company_id))[1] as error
    from bg.buyer_group_refresh_log
    where status = 'requested' and outages > 0 and not_before is not null
""")

# Served by refreshes_dead. One may be dead several times.
_DEAD = sa.text("""
    select company_id, attempt, error, not_before from (
        select distinct on (company_id) company_id, attempt - outages as attempt, error,
            not_before, finished_at
        from bg.buyer_group_refresh_log
        where status = 'dead' order by company_id, finished_at desc) as last_of_each
    order by finished_at desc limit :most
""")


@dataclass(frozen=True, slots=True)
class Overview:
    """Companies by state, from ``companies``, the pending, to ``cancelled``; each in one.

    ``changes`` counts what no group reflects yet; ``failed`` companies wait for another attempt;
    ``oldest_pending_seconds`` is the age of the oldest change that a refresh will still see to,
    None where there is none.
    """

    changes: int
    companies: int
    deferred: int
    requested: int
    running: int
    failed: int
    dead: int
    cancelled: int
    oldest_pending_seconds: float | None


def read_overview(conn: sa.Connection, refresh_interval: float) -> Overview:
    """Count; costs in proportion to what is pending, not to the number of companies."""
    row = conn.execute(_COUNTS, {"refresh_interval": refresh_interval}).mappings().one()
    values = dict(row)
    seconds = values.pop("oldest_pending_seconds")
    return Overview(
        **{name: int(value) for name, value in values.items()}, oldest_pending_seconds=seconds
    )


def read_progress(conn: sa.Connection, companies: Sequence[str]) -> tuple[int, int]:
    """Of companies asked for by hand: how many are not done yet, and how many are dead."""
    row = conn.execute(_PROGRESS, {"companies": list(companies)}).one()
    return int(row.under_way), int(row.dead)


@dataclass(frozen=True, slots=True)
class Outages:
    """What waits because the infrastructure was away: how many companies, how often, why.

    ``next_at`` is when the first of them is tried again.
    """

    companies: int
    times: int
    next_at: datetime
    error: str


def read_outages(conn: sa.Connection) -> Outages | None:
    """The companies whose last attempt an outage ended; None where there are none."""
    row = conn.execute(_OUTAGES).mappings().one()
    return Outages(**row) if row["companies"] else None


def read_dead(conn: sa.Connection, most: int = 20) -> list[dict[str, Any]]:
    """The dead refreshes, one a company, newest first: company_id, attempt, error, not_before.

    ``attempt`` leaves out those that an outage ended; a change that comes waits until not_before.
    """
    return [dict(row) for row in conn.execute(_DEAD, {"most": most}).mappings()]
