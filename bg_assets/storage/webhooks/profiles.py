"""Writes what events told of companies: profiles, whether they are tracked, and mergers."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from bg_assets.domain.values.columns import COMPANIES
from bg_assets.domain.webhooks.known import COMPANY_COLUMNS, Company, Known, home
from bg_assets.storage import audit

_TYPES = {one.name: one.type for one in COMPANIES} | {"observed_at": "timestamptz"}
_ROWS = "jsonb_to_recordset(cast(:rows as jsonb)) as r(id text, deleted boolean, {})".format(
    ", ".join(f"{name} {_TYPES[name]}" for name in COMPANY_COLUMNS)
)
CREATE = sa.text(f"""
    insert into bg.companies (id, {", ".join(COMPANY_COLUMNS)})
    select id, {", ".join(COMPANY_COLUMNS)} from {_ROWS} order by id
""")
# Served by the primary key; the rows are locked already.
CHANGE = sa.text(f"""
    update bg.companies as c set {", ".join(f"{name} = r.{name}" for name in COMPANY_COLUMNS)},
        deleted_at = case when r.deleted then coalesce(c.deleted_at, now()) end
    from {_ROWS} where c.id = r.id
""")
HEARD = sa.text("""
    insert into bg.webhook_heard (company_id, observed_at, whole_at, told)
    select company_id, observed_at, whole_at, told
    from jsonb_to_recordset(cast(:rows as jsonb))
        as r(company_id text, observed_at timestamptz, whole_at timestamptz, told jsonb)
    order by company_id
    on conflict (company_id) do update set observed_at = excluded.observed_at,
        whole_at = excluded.whole_at, told = excluded.told
""")
_PAIRS = "unnest(cast(:losers as text[]), cast(:survivors as text[])) as m(loser, survivor)"
# In order of id, like all that writes many people. Served by people_by_company, as is the next.
_LOCK = sa.text("""
    select id from bg.people where company_id = any(:losers) order by id for update
""")
_MOVE = sa.text(f"""
    update bg.people as p set company_id = m.survivor from {_PAIRS} where p.company_id = m.loser
""")
# Served by webhook_identities_of_companies.
_CALL = sa.text(f"""
    update bg.webhook_identities as i set our_id = m.survivor
    from {_PAIRS} where i.kind = 'company' and i.our_id = m.loser
""")
# Whom somebody pinned or excluded at the one is so at the other, where nobody decided otherwise.
# Served by one_override_at_a_time.
_OVERRIDES = sa.text(f"""
    with moving as (
        select distinct on (m.survivor, o.product, o.person_id) o.id, m.survivor
        from {_PAIRS} join bg.member_overrides as o
            on o.company_id = m.loser and o.removed_at is null
        where not exists (
            select from bg.member_overrides as k
            where k.company_id = m.survivor and k.product = o.product
                and k.person_id = o.person_id and k.removed_at is null)
        order by m.survivor, o.product, o.person_id, o.id desc
    )
    update bg.member_overrides as o set company_id = moving.survivor
    from moving where o.id = moving.id
""")


def row(company: Company) -> dict[str, Any]:
    """A company for CREATE and CHANGE."""
    return asdict(company)


def heard(known: Known, company_id: str) -> dict[str, Any]:
    """When a company's values were told, for HEARD."""
    seen = known.heard[company_id]
    return {
        "company_id": company_id,
        "observed_at": known.companies[company_id].observed_at,
        "whole_at": seen.whole,
        "told": {name: at.isoformat() for name, at in seen.told.items()},
    }


def write(conn: sa.Connection, known: Known) -> None:
    """Write what folding changed of companies, but for the new ones: these must be there already,
    and so must all people and identities. A fixed number of statements.
    """
    for statement, rows in (
        (CHANGE, [row(known.companies[one]) for one in known.changed_companies]),
        (HEARD, [heard(known, one) for one in known.changed_heard]),
    ):
        if rows:
            conn.execute(statement, {"rows": json.dumps(rows, default=str)})
    if known.joined:
        _join(conn, {loser: home(known, loser) for loser in known.joined})


def _join(conn: sa.Connection, joined: Mapping[str, str]) -> None:
    values = {"losers": list(joined), "survivors": list(joined.values())}
    conn.execute(_LOCK, {"losers": list(joined)})
    for statement in (_MOVE, _CALL, _OVERRIDES):
        conn.execute(statement, values)
    for loser, survivor in joined.items():
        audit.record(conn, "webhook", "company.merged", loser, detail={"into": survivor})
