"""Which companies have something that Dagster was told as made, and by which refresh."""

from collections.abc import Sequence

import sqlalchemy as sa

# Served by the primary key of companies and refreshes_by_company.
_COMPANIES = sa.text("""
    select c.id from bg.canonical_companies as c
    where c.deleted_at is null and c.id > :after and exists (
        select from bg.buyer_group_refresh_log as r
        where r.company_id = c.id and r.status = 'completed' offset 0)
    order by c.id limit :most
""")
# A look at all groups, until one is found, while Dagster has not been told of any.
_LONG_AGO = sa.text("""
    select exists (
        select from bg.buyer_groups where updated_at < clock_timestamp() - interval '5 minutes')
""")
# Served by refreshes_by_company.
_REFRESHES = sa.text("""
    select company_id, max(finished_at)::text as last from bg.buyer_group_refresh_log
    where company_id = any(:companies) and status = 'completed'
    group by company_id
""")


def companies(conn: sa.Connection, after: str, most: int) -> list[str]:
    """The next tracked companies that were refreshed at least once, in order of their ids."""
    return list(conn.execute(_COMPANIES, {"after": after, "most": most}).scalars())


def any_long_ago(conn: sa.Connection) -> bool:
    """Whether there is a group of which Dagster must have been told: older than five minutes."""
    return bool(conn.execute(_LONG_AGO).scalar())


def refreshes(conn: sa.Connection, wanted: Sequence[str]) -> dict[str, str]:
    """When each company was refreshed last, to tell whether it was again."""
    rows = conn.execute(_REFRESHES, {"companies": list(wanted)})
    return {row.company_id: row.last for row in rows}
