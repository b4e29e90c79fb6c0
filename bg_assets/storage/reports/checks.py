"""What the checks on groups look at, read for a set of companies in one statement."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from bg_assets.storage import probes

# Served by the primary keys of the group tables, company_people, people and companies, and by
# changes_pending. Who is gone by the people table while a change waits is not overlooked but next.
_CHECKED = sa.text(f"""
    select g.company_id, g.product, g.refresh_id::text as refresh_id,
        g.completeness, g.confidence, g.cohesion,
        c.employee_min, c.employee_max,
        m.members, m.people, m.decision_makers, m.pinned, m.leavers,
        exists (
            select from jsonb_array_elements(g.gaps) as gap
            where gap ->> 'role' = 'decision_maker') as names_gap
    from {probes.EACH}
    cross join lateral (
        select * from bg.buyer_groups as g
        where g.company_id = each.company_id order by g.product offset 0) as g
    cross join lateral (
        select employee_min, employee_max from bg.canonical_companies as c
        where c.id = each.company_id offset 0) as c
    cross join lateral (
        select count(*) as members,
            count(distinct m.person_id) as people,
            count(*) filter (where m.role = 'decision_maker') as decision_makers,
            count(*) filter (where m.pinned) as pinned,
            count(*) filter (where not exists (
                select from bg.company_people as k
                where k.company_id = m.company_id and k.person_id = m.person_id offset 0
            ) or (
                not coalesce((
                    select p.deleted_at is null and p.status is distinct from 'left'
                        and coalesce(p.end_date >= g.as_of, true)
                        and coalesce(p.start_date <= g.as_of, true)
                        and p.company_id is not distinct from g.company_id
                    from bg.canonical_people as p where p.id = m.person_id), false)
                and not exists (
                    select from bg.changes as w
                    where w.company_id = g.company_id and w.refresh_id is null offset 0)
            )) as leavers
        from bg.buyer_group_members as m
        where m.company_id = g.company_id and m.product = g.product) as m
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
