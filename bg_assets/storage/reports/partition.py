"""What a partition shows beside the group: the company's name, the run before, old titles."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa


@dataclass(frozen=True, slots=True)
class Facts:
    """name: None where nobody knows the company. run_before: the Dagster run of the refresh before
    the last one that completed; None where there was none."""

    name: str | None = None
    run_before: str | None = None


# Served by the primary key and refreshes_by_company: a probe for each company.
_FACTS = sa.text("""
    select wanted.id,
        (select c.name from bg.canonical_companies as c where c.id = wanted.id) as name,
        (select r.run_id from bg.buyer_group_refresh_log as r
            where r.company_id = wanted.id and r.status = 'completed'
            order by r.requested_at desc offset 1 limit 1) as run_before
    from unnest(cast(:companies as text[])) as wanted(id)
""")
# Served by the primary key.
_NAMES = sa.text("select id, name from bg.canonical_companies where id = any(:companies)")
_TITLES = sa.text("""
    select id, title from bg.canonical_people where id = any(:people) and title is not null
""")


def read_facts(conn: sa.Connection, companies: Sequence[str]) -> dict[str, Facts]:
    """The facts by company, once its last refresh has completed."""
    rows = conn.execute(_FACTS, {"companies": list(companies)})
    return {row.id: Facts(row.name, row.run_before) for row in rows}


def read_names(conn: sa.Connection, companies: Sequence[str]) -> dict[str, str]:
    """What people call these companies, by id; of one that nobody knows nothing."""
    return {row.id: row.name for row in conn.execute(_NAMES, {"companies": list(companies)})}


def read_titles(conn: sa.Connection, people: Sequence[str]) -> dict[str, str]:
    """The titles of people wherever they are now, by id; of who has none and who is gone none."""
    if not people:
        return {}
    return {row.id: row.title for row in conn.execute(_TITLES, {"people": list(people)})}
