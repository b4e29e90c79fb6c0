"""Pins and exclusions: a human's word on who is in a group, kept with who gave it and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from bg_assets.storage import audit, locks, refreshes

# Served by one_override_at_a_time, all of them.
_REMOVE = sa.text("""
    update bg.member_overrides set removed_at = clock_timestamp()
    where company_id = :company_id and product = any(:products) and person_id = :person_id
        and removed_at is null
    returning product, action, role
""")
_ADD = sa.text("""
    insert into bg.member_overrides (company_id, product, person_id, action, role, by, reason)
    select :company_id, product, :person_id, :action, :role, :by, :reason
    from unnest(cast(:products as text[])) as product order by product
""")
_PRODUCTS = sa.text("""
    select product from bg.member_overrides
    where company_id = :company_id and person_id = :person_id and removed_at is null
    order by product
""")
_IN_FORCE = sa.text("""
    select product, action, role, by, reason, created_at from bg.member_overrides
    where company_id = :company_id and person_id = :person_id and removed_at is null
""")


@dataclass(frozen=True, slots=True)
class Word:
    """Whom it is about and for which products; who says so and why."""

    company_id: str
    person_id: str
    products: tuple[str, ...]
    by: str
    reason: str


def give(conn: sa.Connection, word: Word, action: str, role: str | None = None) -> None:
    """Pin or exclude somebody, in place of what was said before, and ask for the group anew."""
    of = {"company_id": word.company_id, "person_id": word.person_id}
    products = sorted(word.products)
    locks.take_overrides(conn, word.company_id)
    conn.execute(_REMOVE, {**of, "products": products})
    added = {"products": products, "action": action, "role": role}
    conn.execute(_ADD, {**of, **added, "by": word.by, "reason": word.reason})
    _note(conn, word, action, products, role)


def take_back(conn: sa.Connection, word: Word) -> list[str]:
    """End the pins and exclusions of somebody and ask for the group anew.

    Returns the products that had one; where none had, nothing is done.
    """
    of = {"company_id": word.company_id, "person_id": word.person_id}
    locks.take_overrides(conn, word.company_id)
    removed = conn.execute(_REMOVE, {**of, "products": list(word.products)}).all()
    products = sorted(row.product for row in removed)
    if products:
        _note(conn, word, "unpin", products, None)
    return products


def products_of(conn: sa.Connection, company_id: str, person_id: str) -> list[str]:
    """The products for which something is in force on this person at this company."""
    found = conn.execute(_PRODUCTS, {"company_id": company_id, "person_id": person_id})
    return list(found.scalars())


def in_force(conn: sa.Connection, company_id: str, person_id: str) -> dict[str, dict[str, Any]]:
    """What is in force on this person at this company, by product: action, role, by, reason."""
    found = conn.execute(_IN_FORCE, {"company_id": company_id, "person_id": person_id}).mappings()
    return {row["product"]: dict(row) for row in found}


def _note(
    conn: sa.Connection, word: Word, action: str, products: Sequence[str], role: str | None
) -> None:
    audit.record(
        conn,
        word.by,
        action,
        word.person_id,
        len(products),
        {
            "company_id": word.company_id,
            "products": list(products),
            "role": role,
            "reason": word.reason,
        },
    )
    refreshes.request_by_hand(conn, [word.company_id], asked=action)
