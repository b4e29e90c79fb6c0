"""Changes for the groups that another template built, and for companies that lack a product.

Set-based and once only: a company that waits for such a change, or is being refreshed, is left
alone; what that refresh leaves behind is seen by the next look.
"""

import json
from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from bg_assets.domain.causes import EXPERIMENT
from bg_assets.storage import dueness, locks, priorities
from bg_assets.storage.experiments import Arranging, to_arrange
from bg_assets.storage.locks import Lock

MOST = 5000


def _not_under_way(company: str, product: str, digest: str) -> str:
    """No refresh of the company is under way, none for this template is dead or was cancelled.

    Served by refreshes_dead, refreshes_cancelled, changes_by_refresh and one_refresh_at_a_time:
    probes for each company that is found, none when nothing is.
    """
    return f"""
        not {dueness.under_way(company)}
        and not {_set_aside("dead", company, product, digest)}
        and not {_set_aside("cancelled", company, product, digest)}
    """


def _set_aside(status: str, company: str, product: str, digest: str) -> str:
    """One status at a time has an index of its own that nothing else comes near in cost."""
    return f"""exists (
            select from bg.buyer_group_refresh_log as d
            join bg.changes as w on w.refresh_id = d.id and w.handled_at is null
            where d.company_id = {company} and d.status = '{status}' and w.source = 'template'
                and w.new -> 'templates' ->> {product} = {digest} offset 0)"""


# Whether the last experiment of the product moves a group from one of its versions to the other: to
# either while it runs, after its stop to the one that it left in force. Some dozens of rows.
_BY_EXPERIMENT = """
    exists (
        select from bg.experiments as e
        where e.product = g.product and g.was in (e.a_hash, e.b_hash)
            and g.hash in (e.a_hash, e.b_hash)
            and (e.stopped_at is null
                or g.hash = case e.kept when 'b' then e.b_hash else e.a_hash end)
            and not exists (
                select from bg.experiments as later
                where later.product = e.product and later.started_at > e.started_at))
"""
_INSERT = f"""
    insert into bg.changes (company_id, kind, source, priority, old, new)
    select company_id, 'resync', 'template', :priority,
        jsonb_build_object('templates', jsonb_object_agg(product, was)),
        jsonb_build_object('templates', jsonb_object_agg(product, hash))
            || case when bool_and(by_experiment)
                then jsonb_build_object('asked', '{EXPERIMENT}') else '{{}}' end
    from found group by company_id order by company_id limit :most
"""
# Each of the ranges of buyer_groups_by_template is empty while all groups are of the present
# template, or of the two of an experiment, which are their ends. A portion of them is looked at,
# whether asked for already or not: 100,000 old groups that wait for their refresh must not be gone
# through again and again.
_OF_ANOTHER = """
    (select company_id, template_hash from bg.buyer_groups
    where product = :product and {than}
        and (template_hash, company_id) > (:looked_hash, :looked_company)
    order by template_hash, company_id limit :most)
"""
_THAN = (
    "template_hash < :low",
    "template_hash > :low and template_hash < :high",
    "template_hash > :high",
)
_PORTION = sa.text(
    " union all ".join(_OF_ANOTHER.format(than=than) for than in _THAN)
    + " order by template_hash, company_id limit :most"
)
_LOOKED = sa.text("select looked_hash, looked_company from bg.templates where name = :product")
_LOOKED_UP_TO = sa.text("""
    update bg.templates set looked_hash = :looked_hash, looked_company = :looked_company
    where name = :product
""")
# Served by changes_pending: a probe for each company of the portion.
_OLD = sa.text(f"""
    with found as (
        select g.company_id, g.product, g.was, g.hash, {_BY_EXPERIMENT} as by_experiment
        from jsonb_to_recordset(cast(:groups as jsonb))
            as g(company_id text, product text, was text, hash text)
        where not exists (
            select from bg.changes as w
            where w.company_id = g.company_id and w.refresh_id is null and w.source = 'template'
            offset 0)
        and {_not_under_way("g.company_id", "g.product", "g.hash")}
    ) {_INSERT}
""")
# Served by the primary key of the groups.
_OF_COMPANIES = sa.text("""
    select g.company_id, g.product, g.template_hash as was, c.hash
    from jsonb_to_recordset(cast(:current as jsonb)) as c(product text, hash text, divided boolean)
    join bg.buyer_groups as g on g.product = c.product
        and (g.template_hash <> c.hash or c.divided)
    where g.company_id > :after and g.company_id <= :last
        and (cast(:only as text[]) is null or g.company_id = any(cast(:only as text[])))
    order by 1, 2
""")
# A look at all companies, as the one after it, only while a product is new.
_COUNTRIES = sa.text("""
    select distinct country from bg.canonical_companies
    where deleted_at is null and country is not null order by country
""")
# Whoever waits for a refresh gets the new product by it; who may have to wait out an interval is
# asked for too, so as not to wait. The latter is served by refreshes_that_defer.
_LACKING = sa.text(f"""
    with found as (
        select c.id as company_id, p.product, null::text as was, p.hash,
            false as by_experiment
        from jsonb_to_recordset(cast(:lacking as jsonb))
            as p(product text, hash text, outside jsonb)
        join bg.canonical_companies as c on c.deleted_at is null
            and not p.outside ? coalesce(c.country, '')
        where not exists (
            select from bg.buyer_groups as g where g.company_id = c.id and g.product = p.product)
        and not exists (
            select from bg.changes as w
            where w.company_id = c.id and w.refresh_id is null
                and (w.source = 'template' or not exists (
                    select from bg.buyer_group_refresh_log as r
                    where r.company_id = c.id and {dueness.DEFERS}
                    offset 0))
            offset 0)
        and {_not_under_way("c.id", "p.product", "p.hash")}
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
# Served by buyer_groups_by_template. Those of an experiment's other version are none.
_COUNT_OLD = sa.text("""
    select t.name, (
            select count(*) from bg.buyer_groups as g
            where g.product = t.name and g.template_hash < t.hash
                and g.template_hash is distinct from e.b_hash)
        + (
            select count(*) from bg.buyer_groups as g
            where g.product = t.name and g.template_hash > t.hash
                and g.template_hash is distinct from e.b_hash) as old
    from bg.templates as t
    left join bg.experiments as e on e.product = t.name and e.stopped_at is null
    order by t.name
""")


def raise_changes(
    conn: sa.Connection,
    current: Mapping[str, str],
    outside: Mapping[str, Sequence[str]],
    incomplete: Sequence[str],
    most: int = MOST,
    experiments: Sequence[Arranging] = (),
) -> int:
    """Ask for the refresh of companies whose groups are not of these templates; returns how many.

    current: the hash of each product's template. outside: the countries, as ``countries`` gives
    them, in which it is not sold. incomplete: the products that companies may lack altogether. A
    call looks at ``most`` old groups of each product and asks for as many companies that lack one,
    at most; the next one goes on from there. experiments: those that run; of their products the
    template in force is a.
    """
    # Two looks at once would ask twice.
    if not locks.try_to_take(conn, Lock.OLD_GROUPS):
        return 0
    conn.execute(_FORGET, {"products": list(current)})
    divided = {one.product: one for one in experiments}
    old = [
        row
        for name, digest in sorted(current.items())
        for row in _portion(conn, name, digest, most, divided.get(name))
    ]
    for one in experiments:
        old += [] if one.arranged else to_arrange(conn, one, most)
    raised = 0
    if old:
        bounded = {"priority": priorities.OF_TEMPLATE, "most": len(old)}
        raised = conn.execute(_OLD, {"groups": json.dumps(old), **bounded}).rowcount
    if incomplete:
        lacking = [
            {"product": name, "hash": current[name], "outside": list(outside.get(name, ()))}
            for name in incomplete
        ]
        bounded = {"priority": priorities.OF_TEMPLATE, "most": most}
        more = conn.execute(_LACKING, {"lacking": json.dumps(lacking), **bounded}).rowcount
        raised += more
        if more < most:
            conn.execute(_COMPLETE, {"products": list(incomplete)})
    return raised


def raise_within(
    conn: sa.Connection,
    current: Mapping[str, str],
    after: str,
    last: str,
    only: Sequence[str] | None = None,
    experiments: Sequence[Arranging] = (),
) -> int:
    """Ask for what other templates than these built, of the companies between two ids.

    What is asked for already is left alone. Returns for how many companies.
    """
    divided = {one.product: one for one in experiments}
    listed = [
        {"product": name, "hash": digest, "divided": name in divided}
        for name, digest in current.items()
    ]
    within = {
        "current": json.dumps(listed),
        "after": after,
        "last": last,
        "only": None if only is None else list(only),
    }
    found = (dict(row) for row in conn.execute(_OF_COMPANIES, within).mappings())
    wanted = (
        row | _to(row["company_id"], row["hash"], divided.get(row["product"])) for row in found
    )
    old = [row for row in wanted if row["was"] != row["hash"]]
    if not old:
        return 0
    bounded = {"priority": priorities.OF_TEMPLATE, "most": len(old)}
    return conn.execute(_OLD, {"groups": json.dumps(old), **bounded}).rowcount


def _to(company_id: str, digest: str, one: Arranging | None) -> dict[str, str]:
    """The hash that the company's group is to have."""
    return {"hash": one.wanted(company_id) if one else digest}


def _portion(
    conn: sa.Connection, product: str, digest: str, most: int, one: Arranging | None
) -> list[dict[str, str]]:
    """The next groups that another template built, after those of the last look; then from anew."""
    looked = conn.execute(_LOOKED, {"product": product}).mappings().first()
    start = {
        "looked_hash": looked["looked_hash"] if looked else "",
        "looked_company": looked["looked_company"] if looked else "",
    }
    both = (one.a_hash, one.b_hash) if one else (digest,)
    asked = {"product": product, "low": min(both), "high": max(both), "most": most}
    rows = conn.execute(_PORTION, asked | start).all()
    ended = len(rows) < most
    end = {
        "looked_hash": "" if ended else rows[-1].template_hash,
        "looked_company": "" if ended else rows[-1].company_id,
    }
    if end != start:
        conn.execute(_LOOKED_UP_TO, {"product": product, **end})
    return [
        {"company_id": row.company_id, "product": product, "was": row.template_hash}
        | _to(row.company_id, digest, one)
        for row in rows
    ]


def countries(conn: sa.Connection) -> list[str]:
    """Every country that a company has, as it is spelled there."""
    return list(conn.execute(_COUNTRIES).scalars())


def count_old(conn: sa.Connection) -> dict[str, int]:
    """How many groups of each product another template built than the one in force."""
    return {row.name: int(row.old) for row in conn.execute(_COUNT_OLD)}
