"""What has failed lately: attempts at refreshes."""

from dataclasses import dataclass

import sqlalchemy as sa

# Served by refresh_attempts_by_end and the primary key of the refresh log.
_ATTEMPTS = sa.text("""
    select count(*) as attempts, count(distinct r.company_id) as companies,
        min(r.company_id) as company_id,
        coalesce(array_agg(distinct a.run_id) filter (where a.run_id is not null), '{}') as runs
    from bg.refresh_attempts as a join bg.buyer_group_refresh_log as r on r.id = a.refresh_id
    where a.ended_at > clock_timestamp() - make_interval(secs => :seconds)
""")


@dataclass(frozen=True, slots=True)
class Failures:
    """How many attempts failed, of how many companies, the first of these, and in which runs."""

    attempts: int
    companies: int
    company_id: str | None
    runs: list[str]


def read(conn: sa.Connection, seconds: float) -> Failures:
    """The attempts that failed within so many seconds; what an outage ended is none."""
    return Failures(**conn.execute(_ATTEMPTS, {"seconds": seconds}).mappings().one())
