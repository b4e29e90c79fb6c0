"""How far each run is that refreshes companies just now."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from bg_assets.storage import dueness

# Served by one_refresh_at_a_time; what is done by refreshes_by_batch, and where a run was started
# by hand by refreshes_by_request: what was asked for since its own refreshes were.
_RUNNING = sa.text(f"""
    with going as (
        select r.run_id, count(*) as open, min(r.started_at) as since,
            (array_agg(r.batch_id) filter (where r.batch_id is not null))[1] as batch_id,
            min(r.requested_at) as requested_at
        from bg.buyer_group_refresh_log as r
        where {dueness.UNDER_WAY} and r.status = 'running'
        group by r.run_id
    )
    select g.run_id, g.since, d.done, g.open + d.done as companies
    from going as g
    cross join lateral (
        select case when g.batch_id is not null then (
            select count(*) from bg.buyer_group_refresh_log as o
            where o.batch_id = g.batch_id and o.status = 'completed')
        else (
            select count(*) from bg.buyer_group_refresh_log as o
            where o.requested_at >= g.requested_at and o.run_id = g.run_id
                and o.status = 'completed')
        end as done
    ) as d
    order by g.since, g.run_id
""")


@dataclass(frozen=True, slots=True)
class Going:
    """A run that refreshes companies: how many are done, of how many, and since when it does."""

    run_id: str
    done: int
    companies: int
    since: datetime


def read(conn: sa.Connection) -> list[Going]:
    """All runs that hold refreshes, the oldest first."""
    return [Going(**row) for row in conn.execute(_RUNNING).mappings()]
