"""How long it takes from a change to the group that reflects it, counted from when it was due."""

import sqlalchemy as sa

from bg_assets.domain.kpis.catalogue import LATENCY_P50, LATENCY_P95, Measured

# Of more refreshes the newest count: a probe of changes and one of the log for each, 0.3 s in all.
MOST = 20_000

# The newest completed refreshes with news, each with ``seconds``: from the first change that it was
# due for to its end. Changes that waited out the interval of the refresh before were due at its
# end; where a departure did not wait for that, it counts. What was asked for without news (resync)
# is nobody's news. Takes :seconds, :most. Served by refreshes_by_end, changes_by_refresh and
# refreshes_that_defer.
TIMES = """
        select e.finished_at, extract(epoch from e.finished_at - case
            when p.waited_until is null or p.waited_until <= n.first_at then n.first_at
            when e.requested_at >= p.waited_until then p.waited_until
            else n.left_at end)::float as seconds
        from (
            select id, company_id, requested_at, finished_at from bg.buyer_group_refresh_log
            where finished_at > now() - make_interval(secs => :seconds)
                and status = 'completed'
            order by finished_at desc limit :most
        ) as e
        cross join lateral (
            select min(c.occurred_at) as first_at,
                min(c.occurred_at) filter (where c.is_departure) as left_at
            from bg.changes as c where c.refresh_id = e.id and c.kind <> 'resync'
            offset 0
        ) as n
        left join lateral (
            select r.not_before as waited_until from bg.buyer_group_refresh_log as r
            where r.company_id = e.company_id and r.status = 'completed' and r.starts_interval
                and r.finished_at < e.finished_at
            order by r.finished_at desc limit 1
        ) as p on true
        where n.first_at is not null
"""
_QUANTILES = sa.text(f"""
    select count(seconds) as number,
        percentile_cont(0.5) within group (order by seconds) as p50,
        percentile_cont(0.95) within group (order by seconds) as p95
    from ({TIMES}) as times
""")


def measure(conn: sa.Connection, seconds: float) -> list[Measured]:
    """The KPIs of latency, over refreshes that ended in the last so many seconds."""
    row = conn.execute(_QUANTILES, {"seconds": seconds, "most": MOST}).mappings().one()
    return [
        Measured(LATENCY_P50, row["p50"], of=row["number"]),
        Measured(LATENCY_P95, row["p95"], of=row["number"]),
    ]
