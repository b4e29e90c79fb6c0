"""What the checks on groups look at, read for a set of companies in one statement."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

# Served by the primary keys of the group tables, company_people, people and companies, and by
# changes_pending. Who is gone by the people table while a change waits is not overlooked but next.
_CHECKED = sa.text("""
    select g.company_id, g.product, g.refresh_id::text as refresh_id,
        g.completeness, g.confidence, g.cohesion,
        c.employee_min, c.employee_max,
        count(m.person_id) as members,
        count(distinct m.person_id) as people,
        count(*) filter (where m.role = 'decision_maker') as decision_makers,
        count(*) filter (where m.pinned) as pinned,
        count(m.person_id) filter (where k.person_id is null or (
            (p.id is null or p.deleted_at is not null or p.status = 'left'
                or p.end_date < g.as_of or p.start_date > g.as_of
                or p.company_id is distinct from g.company_id)
            and not exists (
                select from bg.changes as w
                where w.company_id = g.company_id and w.refresh_id is null))) as leavers,
        exists (
            select from jsonb_array_elements(g.gaps) as gap
            where gap ->> 'role' = 'decision_maker') as names_gap
    from bg.buyer_groups as g
    join bg.canonical_companies as c on c.id = g.company_id
    left join bg.buyer_group_members as m
        on m.company_id = g.company_id and m.product = g.product
    left join bg.company_people as k
        on k.company_id = m.company_id and k.person_id = m.person_id
    left join bg.canonical_people as p on p.id = m.person_id
    where g.company_id = any(:companies)
    group by g.company_id, g.product, c.employee_min, c.employee_max
    order by g.company_id, g.product
""")


@dataclass(frozen=True, slots=True)
class Checked:
    """The figures of one stored group that the checks judge.

    people: different ones among the members. leavers: members who are not on the staff.
    names_gap: whether a missing decision maker is named as a gap.
    """

    company_id: str
    product: str
    refresh_id: str
    completeness: float
    confidence: float | None
    cohesion: float | None
    employee_min: int | None
    employee_max: int | None
    members: int
    people: int
    decision_makers: int
    pinned: int
    leavers: int
    names_gap: bool


def read(conn: sa.Connection, companies: Sequence[str]) -> list[Checked]:
    """The groups of these companies as they are stored."""
    rows = conn.execute(_CHECKED, {"companies": list(companies)}).mappings()
    return [Checked(**row) for row in rows]
