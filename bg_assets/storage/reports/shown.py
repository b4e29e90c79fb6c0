"""Groups as people see them: what `show` prints and what a partition's metadata holds."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from bg_assets.domain.groups.renewal import Pending
from bg_assets.domain.vocabulary import ROLES
from bg_assets.storage import dueness, probes


@dataclass(frozen=True, slots=True)
class ShownMember:
    """A member with what is known of the person; ``name`` is None unless asked for."""

    person_id: str
    name: str | None
    title: str | None
    department: str | None
    function: str | None
    level: str | None
    role: str
    confidence: float
    influence: float
    pinned: bool
    reasons: list[str]


@dataclass(frozen=True, slots=True)
class ShownGroup:
    """A company's group for one product, and how its last refresh differed from the one before."""

    product: str
    refresh_id: str
    template_hash: str
    as_of: date
    completeness: float
    confidence: float | None
    cohesion: float | None
    cohesion_reason: str | None
    coverage: float
    gaps: list[dict[str, Any]]
    diff: dict[str, list[Any]]
    members: list[ShownMember] = field(default_factory=list)


_GROUPS = sa.text(f"""
    select g.company_id, g.product, g.refresh_id::text as refresh_id, g.template_hash, g.as_of,
        g.completeness, g.confidence, g.cohesion, g.cohesion_reason, g.coverage, g.gaps,
        coalesce(
            (select r.diff -> g.product from bg.buyer_group_refresh_log as r
             where r.id = g.refresh_id),
            '{{"joined": [], "left": [], "role_changed": []}}') as diff
    from {probes.EACH} cross join lateral (
        select * from bg.buyer_groups as g
        where g.company_id = each.company_id order by g.product offset 0) as g
""")

# The order in which the members m of a group are shown and exported.
_QUOTED_ROLES = ", ".join(f"'{role}'" for role in ROLES)
IN_ORDER = f"array_position(array[{_QUOTED_ROLES}], m.role), m.influence desc, m.person_id"


def _members(name: str) -> sa.TextClause:
    return sa.text(f"""
        select m.company_id, m.product, m.person_id, {name} as name, k.title, k.department,
            k.function, k.level, m.role, m.confidence, m.influence, m.pinned, m.reasons
        from {probes.EACH} cross join lateral (
            select * from bg.buyer_group_members as m
            where m.company_id = each.company_id offset 0) as m
        left join lateral (
            select * from bg.company_people as k
            where k.company_id = m.company_id and k.person_id = m.person_id offset 0) as k on true
        order by m.company_id, m.product, {IN_ORDER}
    """)


# A name is read only for a person's own eyes: logs and metadata never get one.
_WITHOUT_NAMES = _members("null")
_WITH_NAMES = _members("(select p.name from bg.canonical_people as p where p.id = m.person_id)")

_COMPANY = sa.text("""
    select id, workspace, name, employee_min, employee_max, deleted_at
    from bg.canonical_companies where id = :company_id
""")

# Served by refreshes_by_company and changes_pending.
_REFRESH = sa.text("""
    select id::text as id, status, attempt - outages as tried, outages, not_before, run_id,
        finished_at, error
    from bg.buyer_group_refresh_log
    where company_id = :company_id order by requested_at desc limit 1
""")
_PENDING = sa.text(f"""
    select (select count(*) from bg.changes as c
            where c.company_id = :company_id and {dueness.PENDING})
        + (select count(*) from bg.buyer_group_refresh_log as r
            join bg.changes as c on c.refresh_id = r.id and c.handled_at is null
            where r.company_id = :company_id and r.status in (
                'requested', 'running', 'dead', 'cancelled'))
""")
# Served by changes_pending and the primary key of the members.
_WAITING = sa.text(f"""
    select {dueness.SETTLED_AT} as settled_at,
        bool_or({dueness.BY_HAND}) as by_hand,
        not bool_or({dueness.AT_ONCE}) as waits
    from bg.changes as c
    where c.company_id = :company_id and {dueness.PENDING}
    having count(*) > 0
""")
# Served by refreshes_that_defer.
_LAST_DEFERRING = sa.text(f"""
    select max(r.finished_at) from bg.buyer_group_refresh_log as r
    where r.company_id = :company_id and {dueness.DEFERS}
""")


def read_shown(
    conn: sa.Connection, companies: Sequence[str], *, names: bool
) -> dict[str, list[ShownGroup]]:
    """The groups by company, members ordered by role, influence and id."""
    members = conn.execute(
        _WITH_NAMES if names else _WITHOUT_NAMES, {"companies": list(companies)}
    ).mappings()
    by_group: dict[tuple[str, str], list[ShownMember]] = {}
    for row in members:
        values = dict(row)
        key = (values.pop("company_id"), values.pop("product"))
        by_group.setdefault(key, []).append(ShownMember(**values))
    shown: dict[str, list[ShownGroup]] = {}
    for row in conn.execute(_GROUPS, {"companies": list(companies)}).mappings():
        values = dict(row)
        company_id = values.pop("company_id")
        group = ShownGroup(**values, members=by_group.get((company_id, row["product"]), []))
        shown.setdefault(company_id, []).append(group)
    return shown


def read_company(conn: sa.Connection, company_id: str) -> dict[str, Any] | None:
    """Id, workspace, name and size of a company, and when it was deleted; None if unknown."""
    row = conn.execute(_COMPANY, {"company_id": company_id}).mappings().first()
    return dict(row) if row else None


def read_last_refresh(conn: sa.Connection, company_id: str) -> dict[str, Any] | None:
    """The company's latest refresh: id, status, tried, outages, not_before, run_id, and its end.

    ``tried`` counts the attempts without those that an outage ended; the end is finished_at, error.
    """
    row = conn.execute(_REFRESH, {"company_id": company_id}).mappings().first()
    return dict(row) if row else None


def last_deferring(conn: sa.Connection, company_id: str) -> datetime | None:
    """When the last refresh ended that starts an interval."""
    found = conn.execute(_LAST_DEFERRING, {"company_id": company_id}).scalar()
    assert found is None or isinstance(found, datetime)
    return found


def read_pending(conn: sa.Connection, company_id: str, settle: float) -> Pending | None:
    """The changes of the company that no refresh has taken; None where there are none.

    ``settle``: for how many seconds a further one is waited for.
    """
    parameters = {
        "company_id": company_id,
        "settle": settle,
        "longest_settle": dueness.LONGEST_SETTLE,
    }
    row = conn.execute(_WAITING, parameters).mappings().first()
    return Pending(**row) if row else None


def count_pending(conn: sa.Connection, company_id: str) -> int:
    """Changes of the company that no group reflects yet."""
    return int(conn.execute(_PENDING, {"company_id": company_id}).scalar_one())
