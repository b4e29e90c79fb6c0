"""What the plan of a company is made from: itself, the people in question, its groups' gaps."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa

# So many people whose titles can't be read are looked at; of a company three are asked about.
MOST_UNREAD = 50

# All served by primary keys.
_COMPANIES = sa.text("""
    select c.id, c.name, c.domain, c.website, c.country, c.industry, c.workspace, c.employee_min,
        c.employee_max, exists (
            select from bg.company_people as k where k.company_id = c.id offset 0) as staffed,
        exists (
            select from bg.buyer_groups as g
            where g.company_id = c.id and g.product = any(:products) offset 0) as built
    from bg.canonical_companies as c
    where c.id = any(:companies) and c.deleted_at is null
    order by c.id
""")
# Members of the groups of these products, and people whom the rules can't judge by their titles.
# The limit keeps that a probe for each company.
_PEOPLE = sa.text("""
    select w.company_id, w.person_id, w.memberships, k.title, k.function, k.level,
        p.name, p.email, p.location, cast(p.observed_at at time zone 'UTC' as date) as seen
    from unnest(cast(:companies as text[])) as c(id)
    cross join lateral (
        select m.company_id, m.person_id, jsonb_agg(jsonb_build_object(
            'product', m.product, 'role', m.role, 'influence', m.influence,
            'confidence', m.confidence) order by m.product) as memberships
        from bg.buyer_group_members as m
        where m.company_id = c.id and m.product = any(:products)
        group by m.company_id, m.person_id
        union all
        (select k.company_id, k.person_id, '[]'::jsonb
        from bg.company_people as k
        where k.company_id = c.id and (k.function is null or k.level is null)
            and not exists (
                select from bg.buyer_group_members as m
                where m.company_id = k.company_id and m.person_id = k.person_id
                    and m.product = any(:products))
            and not exists (
                select from bg.member_overrides as o
                where o.company_id = k.company_id and o.person_id = k.person_id
                    and o.action = 'exclude' and o.removed_at is null)
        order by k.person_id limit :most)
    ) as w
    join bg.company_people as k on k.company_id = w.company_id and k.person_id = w.person_id
    join bg.canonical_people as p
        on p.id = w.person_id and p.company_id = w.company_id and p.deleted_at is null
            and p.status is distinct from 'left'
    order by w.company_id, w.person_id
""")
_GAPS = sa.text("""
    select g.company_id, gap ->> 'role' as role
    from bg.buyer_groups as g cross join lateral jsonb_array_elements(g.gaps) as gap
    where g.company_id = any(:companies) and g.product = any(:products)
        and gap ->> 'role' is not null
    order by g.company_id, g.product, role
""")
_LATELY = sa.text("""
    select company_id, kind, person_id, provider from bg.enrichments
    where company_id = any(:companies) and expires_at > clock_timestamp()
""")


@dataclass(frozen=True, slots=True)
class Company:
    """A company with what a provider finds it by.

    staffed: whether its last refresh knew anybody there; built: whether it has a group that asks.
    """

    id: str
    name: str
    domain: str | None
    website: str | None
    country: str | None
    industry: str | None
    workspace: str
    employee_min: int | None
    employee_max: int | None
    staffed: bool
    built: bool


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of whom something may be worth asking, with name and address.

    memberships: product, role, influence and confidence of each place in a group.
    """

    company_id: str
    person_id: str
    memberships: list[dict[str, Any]]
    title: str | None
    function: str | None
    level: str | None
    name: str | None
    email: str | None
    location: str | None
    seen: date | None


@dataclass(frozen=True, slots=True)
class Found:
    """What was read, by company: the people, roles that lack somebody, and what was answered."""

    companies: dict[str, Company]
    people: dict[str, list[Person]]
    gaps: dict[str, list[str]]
    lately: dict[str, set[tuple[str, str, str]]]


def read(conn: sa.Connection, companies: Sequence[str], products: Sequence[str]) -> Found:
    """Read all of it for some companies and the products that ask; who is unknown is left out."""
    parameters = {"companies": list(companies), "products": list(products), "most": MOST_UNREAD}
    known = {row.id: Company(**row._mapping) for row in conn.execute(_COMPANIES, parameters)}
    found = Found(known, {}, {}, {})
    for row in conn.execute(_PEOPLE, parameters):
        found.people.setdefault(row.company_id, []).append(Person(**row._mapping))
    for row in conn.execute(_GAPS, parameters):
        found.gaps.setdefault(row.company_id, []).append(row.role)
    for row in conn.execute(_LATELY, parameters):
        one = (row.kind, row.person_id, row.provider)
        found.lately.setdefault(row.company_id, set()).add(one)
    return found
