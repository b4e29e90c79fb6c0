"""Refreshes that somebody cancels: they are over, and their changes wait for the next refresh.

Nothing is asked for again by itself: else cancelling would stop nothing. The changes stay with the
refresh, unhandled, as those of a dead one do, and whatever refreshes the company next takes them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from bg_assets.storage import dueness

# Of whose refreshes the changes wait until something new refreshes the company, as a piece of SQL.
# Served by refreshes_dead and refreshes_cancelled.
SET_ASIDE = "(status = 'dead' or status = 'cancelled')"

# Left alone is what is being taken or completed this moment. Served by the primary key.
_CANCEL = sa.text(f"""
    with mine as (
        select r.id from bg.buyer_group_refresh_log as r
        join unnest(cast(:ids as uuid[]), cast(:attempts as integer[])) as a(id, attempt)
            on a.id = r.id and a.attempt = r.attempt
        where {dueness.NAMED_UNDER_WAY}
        order by r.id for update of r skip locked
    )
    update bg.buyer_group_refresh_log as r
    set status = 'cancelled', finished_at = :now, not_before = null, error = :error,
        run_key = null, batch_id = null, sensor = null, asked_at = null
    from mine where r.id = mine.id
    returning r.id::text as id, r.company_id, r.run_id
""")
# What none has taken yet belongs to the refresh that was asked for because of it; what came while
# it ran is news. Served by changes_pending.
_KEEP = sa.text("""
    update bg.changes as c set refresh_id = a.id
    from unnest(cast(:ids as uuid[]), cast(:companies as text[])) as a(id, company_id)
    where c.company_id = a.company_id and c.refresh_id is null
""")
# Served by one_refresh_at_a_time: a look at all that is under way, once.
_OF_COMPANIES = sa.text(f"""
    select id, company_id, attempt, run_id, run_key, of_run
    from (
        select r.id::text as id, r.company_id, r.attempt, r.run_id, r.run_key,
            count(*) over (partition by r.run_id, case when r.run_id is null then r.run_key end)
                as of_run
        from bg.buyer_group_refresh_log as r where {dueness.UNDER_WAY}
    ) as live
    where company_id = any(:companies)
    order by company_id
""")
_OF_RUN = sa.text(f"""
    select r.id::text as id, r.company_id, r.attempt, r.run_id, r.run_key, 1 as of_run
    from bg.buyer_group_refresh_log as r
    where {dueness.UNDER_WAY} and (r.run_id = :run_id or r.run_id is null and r.run_key = :run_key)
    order by r.company_id
""")


@dataclass(frozen=True, slots=True)
class Open:
    """A refresh under way; ``of_run`` is how many its run has under way in all.

    ``run_key`` names the run where none has begun it.
    """

    id: str
    company_id: str
    attempt: int
    run_id: str | None
    run_key: str | None
    of_run: int

    @property
    def run(self) -> tuple[str | None, str | None]:
        """What tells its run from others."""
        return self.run_id, None if self.run_id else self.run_key


def of_companies(conn: sa.Connection, companies: Sequence[str]) -> list[Open]:
    """What is under way for these companies."""
    return _open(conn.execute(_OF_COMPANIES, {"companies": list(companies)}))


def of_run(conn: sa.Connection, run_id: str, run_key: str | None) -> list[Open]:
    """What a run has under way, or was asked for and has not begun."""
    return _open(conn.execute(_OF_RUN, {"run_id": run_id, "run_key": run_key}))


def cancel(
    conn: sa.Connection, refreshes: Iterable[tuple[str, int]], why: str, now: datetime
) -> list[str]:
    """End each (id, attempt) without a further attempt; returns the companies, in order.

    The old group stands, and the changes wait for the next refresh of the company. The run that
    holds a refresh can't complete it any more. Left alone is what is over already, and what is
    being completed this moment.
    """
    pairs = list(refreshes)
    parameters = {
        "ids": [refresh_id for refresh_id, _ in pairs],
        "attempts": [attempt for _, attempt in pairs],
        "error": why,
        "now": now,
    }
    rows = conn.execute(_CANCEL, parameters).all() if pairs else []
    untaken = [row for row in rows if row.run_id is None]
    if untaken:
        conn.execute(
            _KEEP,
            {
                "ids": [row.id for row in untaken],
                "companies": [row.company_id for row in untaken],
            },
        )
    return sorted(row.company_id for row in rows)


def _open(rows: sa.CursorResult[tuple[object, ...]]) -> list[Open]:
    return [Open(**row) for row in rows.mappings()]
