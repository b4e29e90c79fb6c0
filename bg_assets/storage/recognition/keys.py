"""Keys of companies' names, kept beside the companies so that a name is found by an index."""

import sqlalchemy as sa

from bg_assets.domain.values.names import RULES, company_key
from bg_assets.storage.copying import copy_rows

_AT_ONCE = 5000

# A pass over the companies: once in an import that has names to look for, whoever wrote them.
_OLD = sa.text("""
    select c.id, c.name from bg.canonical_companies as c
        left join bg.company_keys as k on k.company_id = c.id
    where c.workspace = :workspace and c.name is not null
        and (k.company_id is null or k.name <> c.name or k.rules <> :rules)
""")
_FRESH = sa.text("""
    create temporary table fresh_keys on commit drop as
    select company_id, name, key, rules from bg.company_keys limit 0
""")
_KEEP = sa.text("""
    insert into bg.company_keys (company_id, name, key, rules)
    select company_id, name, key, rules from fresh_keys
    on conflict (company_id) do update
        set name = excluded.name, key = excluded.key, rules = excluded.rules
""")


def refresh(conn: sa.Connection, workspace: str) -> None:
    """Make the keys of the companies whose names are new or others since it was last done."""
    conn.execute(_FRESH)
    options = {"yield_per": _AT_ONCE}
    found = conn.execute(_OLD, {"workspace": workspace, "rules": RULES}, execution_options=options)
    for part in found.partitions():
        rows = ((row.id, row.name, company_key(row.name), RULES) for row in part)
        copy_rows(conn, "fresh_keys", ("company_id", "name", "key", "rules"), rows)
    conn.execute(_KEEP)
    conn.execute(sa.text("drop table fresh_keys"))
