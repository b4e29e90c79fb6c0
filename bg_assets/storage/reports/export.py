"""All groups for other systems, some hundred companies at a time: the one way out with names."""

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from bg_assets.storage.reports.shown import IN_ORDER

_CHUNK = 500

# Served by the primary key of companies.
_COMPANIES = sa.text("""
    select id from bg.canonical_companies
    where deleted_at is null and id > :after
        and (cast(:workspace as text) is null or workspace = :workspace)
        and (cast(:ids as text[]) is null or id = any(:ids))
    order by id limit :most
""")
_WORKSPACES = sa.text("""
    select distinct workspace from bg.canonical_companies where deleted_at is null order by 1
""")
# Served by the primary keys.
_GROUPS = sa.text("""
    select c.workspace, g.company_id, c.name as company_name, c.domain as company_domain,
        g.product, g.as_of, g.template_hash, g.completeness, g.confidence, g.cohesion,
        g.cohesion_reason, g.coverage, g.gaps
    from bg.buyer_groups as g
    join bg.canonical_companies as c on c.id = g.company_id
    where g.company_id = any(:companies)
        and (cast(:product as text) is null or g.product = :product)
    order by g.company_id, g.product
""")
_MEMBERS = sa.text(f"""
    select m.company_id, m.product, m.person_id, p.name, p.email, k.title, k.department,
        k.function, k.level, m.role, m.confidence, m.influence, m.pinned, m.reasons
    from bg.buyer_group_members as m
    left join bg.company_people as k
        on k.company_id = m.company_id and k.person_id = m.person_id
    left join bg.canonical_people as p on p.id = m.person_id
    where m.company_id = any(:companies)
        and (cast(:product as text) is null or m.product = :product)
    order by m.company_id, m.product, {IN_ORDER}
""")


def groups(
    conn: sa.Connection,
    *,
    product: str | None = None,
    workspace: str | None = None,
    companies: Sequence[str] | None = None,
) -> Iterator[dict[str, Any]]:
    """Every group of the companies that are tracked, ordered by company and product.

    A group has the columns of _GROUPS and its ``members``, each with the columns of _MEMBERS, by
    role, influence and id. Call it in a REPEATABLE READ transaction: it reads in several steps.
    """
    after = ""
    ids = list(companies) if companies is not None else None
    while True:
        asked = {"after": after, "workspace": workspace, "ids": ids, "most": _CHUNK}
        chunk = list(conn.execute(_COMPANIES, asked).scalars())
        if not chunk:
            return
        yield from _of(conn, chunk, product)
        after = chunk[-1]


def workspaces(conn: sa.Connection) -> list[str]:
    """The workspaces that companies are in."""
    return list(conn.execute(_WORKSPACES).scalars())


def _of(
    conn: sa.Connection, companies: Sequence[str], product: str | None
) -> Iterator[dict[str, Any]]:
    asked = {"companies": list(companies), "product": product}
    members: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in conn.execute(_MEMBERS, asked).mappings():
        values = dict(row)
        members.setdefault((values.pop("company_id"), values.pop("product")), []).append(values)
    for row in conn.execute(_GROUPS, asked).mappings():
        yield {**row, "members": members.get((row["company_id"], row["product"]), [])}
