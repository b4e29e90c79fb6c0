"""Companies whose refresh somebody cancelled, and whose changes wait for the next one."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from bg_assets.storage import dueness

# The last of each company of those that `status` counts as cancelled (reports/counts.py). Served by
# refreshes_cancelled; refreshes_dead, one_refresh_at_a_time, changes_by_refresh and changes_pending
# are a probe for each of them.
_LIST = sa.text(f"""
    select k.company_id, k.refresh_id, k.run_id, k.cancelled_at, k.why, (
            select count(*) from bg.buyer_group_refresh_log as o
            join bg.changes as c on c.refresh_id = o.id and c.handled_at is null
            where o.company_id = k.company_id and o.status = 'cancelled') as changes
    from (
        select distinct on (r.company_id) r.company_id, r.id::text as refresh_id, r.run_id,
            r.finished_at as cancelled_at, r.error as why
        from bg.buyer_group_refresh_log as r
        where r.status = 'cancelled'
            and exists (
                select from bg.changes as c
                where c.refresh_id = r.id and c.handled_at is null offset 0)
        order by r.company_id, r.finished_at desc
    ) as k
    where not {dueness.under_way("k.company_id")}
        and not exists (
            select from bg.changes as c
            where c.company_id = k.company_id and {dueness.PENDING} offset 0)
        and not exists (
            select from bg.buyer_group_refresh_log as d
            where d.company_id = k.company_id and d.status = 'dead' offset 0)
    order by k.cancelled_at desc, k.company_id limit :most
""")


@dataclass(frozen=True, slots=True)
class CancelledRefresh:
    """The last cancelled refresh of a company: by what (``why``), and how many changes wait."""

    company_id: str
    refresh_id: str
    run_id: str | None
    cancelled_at: datetime
    why: str | None
    changes: int


def read(conn: sa.Connection, most: int) -> list[CancelledRefresh]:
    """One a company, the last that was cancelled first."""
    return [CancelledRefresh(**row) for row in conn.execute(_LIST, {"most": most}).mappings()]
