"""Changes for the groups that another template built, and for companies that lack a product.

Set-based and once only: a company that waits for such a change, or is being refreshed, is left
alone; what that refresh leaves behind is seen by the next look.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cache

import sqlalchemy as sa

# Below everything that happened to people, above backfills.
PRIORITY = -5
MOST = 5000
_LOCK = 0x62675F74  # of its own: two looks at once would ask twice

_TRY_LOCK = sa.text("select pg_try_advisory_xact_lock(:key)")
# Served by refreshes_dead, changes_by_refresh and one_refresh_at_a_time: probes for each company
# that is found, none when nothing is.
_NOT_UNDER_WAY = """
    not exists (
        select from bg.buyer_group_refresh_log as r
        where r.company_id = {company} and r.status in ('requested', 'running') offset 0)
    and not exists (
        select from bg.buyer_group_refresh_log as d
        join bg.changes as w on w.refresh_id = d.id and w.handled_at is null
        where d.company_id = {company} and d.status = 'dead' and w.source = 'template'
            and w.new -> 'templates' ->> {product} = {hash} offset 0)
"""
_INSERT = """
    insert into bg.changes (company_id, kind, source, priority, old, new)
    select company_id, 'resync', 'template', :priority,
        jsonb_build_object('templates', jsonb_object_agg(product, was)),
        jsonb_build_object('templates', jsonb_object_agg(product, hash))
    from found group by company_id order by company_id limit :most
"""
# Two ranges of buyer_groups_by_template, empty while all groups are of the present template. Each
# product has its own: a join with the products would be planned as if a third of all were old.
_OF_ANOTHER = """
    select company_id, product, template_hash as was, cast(:hash_{n} as text) as hash
    from bg.buyer_groups where product = :product_{n} and template_hash {than} :hash_{n}
"""


@cache
def old(products: int) -> sa.TextClause:
    """The statement that asks for old groups of so many products. Who waits: changes_pending."""
    ranges = [
        _OF_ANOTHER.format(n=number, than=than) for number in range(products) for than in ("<", ">")
    ]
    return sa.text(f"""
        with found as (
            select g.company_id, g.product, g.was, g.hash
            from ({" union all ".join(ranges)}) as g
            where not exists (
                select from bg.changes as w
                where w.company_id = g.company_id and w.refresh_id is null
                    and w.source = 'template'
                offset 0)
            and {_NOT_UNDER_WAY.format(company="g.company_id", product="g.product", hash="g.hash")}
        ) {_INSERT}
    """)


# A look at all companies, only while a product is new. Whoever waits for any refresh gets the new
# product by it.
_LACKING = sa.text(f"""
    with found as (
        select c.id as company_id, p.product, null::text as was, p.hash
        from jsonb_to_recordset(cast(:lacking as jsonb))
            as p(product text, hash text, outside jsonb)
        join bg.canonical_companies as c on c.deleted_at is null
            and not p.outside ? coalesce(lower(btrim(c.country)), '')
        where not exists (
            select from bg.buyer_groups as g where g.company_id = c.id and g.product = p.product)
        and not exists (
            select from bg.changes as w
            where w.company_id = c.id and w.refresh_id is null offset 0)
        and {_NOT_UNDER_WAY.format(company="c.id", product="p.product", hash="p.hash")}
    ) {_INSERT}
""")
# Served by one_refresh_at_a_time. What began before the template came may not know of it.
_COMPLETE = sa.text("""
    update bg.templates as t set complete_at = clock_timestamp()
    where t.name = any(:products) and t.complete_at is null and not exists (
        select from bg.buyer_group_refresh_log as r
        where r.status = 'running' and r.started_at < t.loaded_at)
""")
_FORGET = sa.text("delete from bg.templates where name <> all(cast(:products as text[]))")
# Served by buyer_groups_by_template.
_COUNT_OLD = sa.text("""
    select t.name, (
            select count(*) from bg.buyer_groups as g
            where g.product = t.name and g.template_hash < t.hash)
        + (
            select count(*) from bg.buyer_groups as g
            where g.product = t.name and g.template_hash > t.hash) as old
    from bg.templates as t order by t.name
""")


def raise_changes(
    conn: sa.Connection,
    current: Mapping[str, str],
    outside: Mapping[str, Sequence[str]],
    incomplete: Sequence[str],
    most: int = MOST,
) -> int:
    """Ask for the refresh of companies whose groups are not of these templates; returns how many.

    current: the hash of each product's template. outside: the folded spellings of the countries in
    which it is not sold. incomplete: the products that companies may lack altogether. Each of the
    two kinds is bounded by ``most``; the next call goes on.
    """
    if not conn.execute(_TRY_LOCK, {"key": _LOCK}).scalar_one():
        return 0
    conn.execute(_FORGET, {"products": list(current)})
    bounds: dict[str, object] = {"priority": PRIORITY, "most": most}
    asked = dict(bounds)
    for number, (name, digest) in enumerate(sorted(current.items())):
        asked |= {f"product_{number}": name, f"hash_{number}": digest}
    raised = conn.execute(old(len(current)), asked).rowcount if current else 0
    if incomplete:
        lacking = [
            {"product": name, "hash": current[name], "outside": list(outside.get(name, ()))}
            for name in incomplete
        ]
        more = conn.execute(_LACKING, {"lacking": json.dumps(lacking), **bounds}).rowcount
        raised += more
        if more < most:
            conn.execute(_COMPLETE, {"products": list(incomplete)})
    return raised


def count_old(conn: sa.Connection) -> dict[str, int]:
    """How many groups of each product another template built than the one in force."""
    return {row.name: int(row.old) for row in conn.execute(_COUNT_OLD)}
