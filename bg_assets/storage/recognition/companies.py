"""Which company each staged row is of, or is: known by its source, its domain, its name, or new.

The table ``firms`` has a line for whatever the rows tell of companies; what is found stands there.
"""

from collections.abc import Mapping

import sqlalchemy as sa

from bg_assets.domain.webhooks.known import CROWD
from bg_assets.storage.recognition import keys, lookups
from bg_assets.storage.recognition.search import Search

# theirs: the source's own id; maybe: several who have the domain; ours: who it is, and how that is
# known; made: it is new.
_FIRMS = sa.text("""
    create temporary table firms on commit drop as
    select clue, min(line) as line, their_company as theirs, company_domain as domain,
        company_key as key, mail_domain as mail, mail_key,
        (array_agg(company_name order by line))[1] as name,
        null::text as ours, null::text as how, null::text[] as maybe, null::text as problem,
        false as shared, null::text as made_of
    from staged where reason is null and clue is not null
    group by clue, their_company, company_domain, company_key, mail_domain, mail_key
""")
_INDEXED = (
    "create unique index on firms (clue)",
    "create index on firms (ours) where ours is not null",
    "create index on firms (key) where key is not null",
    "analyze firms",
)
# Companies of one file which have a domain in common are told apart by their names.
_SHARED = sa.text("""
    update firms set shared = true where domain in (
        select domain from firms where domain is not null
        group by domain having count(distinct key) > 1)
""")
_BY_IDENTITY = sa.text(f"""
    with w as (
        select clue, cast(:source as text) as source, 'company' as kind, theirs as external_id
        from firms where theirs is not null
    )
    update firms as f set ours = i.our_id, how = 'source'
    from w cross join lateral ({lookups.BY_IDENTITY}) as i
    where f.clue = w.clue
        and exists (select from bg.canonical_companies as c where c.id = i.our_id)
""")
# Unless it was taken over from another source. Served by the primary key of the companies and
# webhook_identities_of_companies.
_BY_OUR_ID = sa.text("""
    update firms as f set ours = f.theirs, how = 'source'
    where f.ours is null and f.theirs is not null
        and exists (select from bg.canonical_companies as c where c.id = f.theirs)
        and not exists (
            select from bg.webhook_identities as i
            where i.our_id = f.theirs and i.kind = 'company' and i.external_id = f.theirs
                and i.source <> :source)
""")
_BY_DOMAIN = sa.text(f"""
    with w as (
        select clue, cast(:workspace as text) as workspace, domain as value
        from firms where ours is null and domain is not null and not shared
    ), found as (
        select w.clue, array_agg(h.id) filter (where not h.deleted) as live,
            array_agg(h.id) filter (where h.deleted) as gone
        from w cross join lateral ({lookups.BY_DOMAIN}) as h group by w.clue
    )
    update firms as f
    set ours = case when cardinality(live) = 1 then live[1] when live is null then gone[1] end,
        how = 'domain', maybe = case when cardinality(live) > 1 then live end
    from found where found.clue = f.clue
""")
# Whom a source calls otherwise, or whom a row of this file with another domain is known to be, the
# name alone does not make this one. Served by company_keys_by_key and
# webhook_identities_of_companies.
_BY_NAME = sa.text("""
    with found as (
        select w.clue, array_agg(h.id) as ids
        from firms as w cross join lateral (
            select c.id from bg.company_keys as k
                join bg.canonical_companies as c on c.id = k.company_id
            where k.key = w.key and k.name = c.name and c.workspace = :workspace
                and (c.deleted_at is not null) = :deleted
            limit :most) as h
        where w.ours is null and w.key is not null and w.key <> ''
            and (w.maybe is null or h.id = any(w.maybe))
            and not (:apart and (w.domain is not null or w.theirs is not null) and exists (
                select from firms as other where other.ours = h.id and other.how <> 'name'))
            and not (w.theirs is not null and exists (
                select from bg.webhook_identities as i
                where i.our_id = h.id and i.kind = 'company' and i.source = :source))
        group by w.clue
    )
    update firms as f
    set ours = case when cardinality(ids) = 1 then ids[1] end, how = 'name',
        maybe = case when cardinality(ids) > 1 then ids end
    from found where found.clue = f.clue
""")
# What the file calls by the same name and tells more of elsewhere.
_AS_ELSEWHERE = sa.text("""
    update firms as f set ours = same.ours, how = 'name'
    from (
        select key, min(ours) as ours from firms where ours is not null and key is not null
        group by key having count(distinct ours) = 1
    ) as same
    where f.ours is null and f.maybe is null and f.domain is null and f.theirs is null
        and f.key = same.key
""")
# An address at a company tells the employer where no name does, or one like the company's or like
# its domain; somebody who moved may keep the old address.
_BY_MAIL = sa.text(f"""
    with w as (
        select clue, cast(:workspace as text) as workspace, mail as value, key, mail_key
        from firms where ours is null and maybe is null and mail is not null
    ), found as (
        select w.clue, array_agg(h.id) as ids from w
            cross join lateral ({lookups.BY_DOMAIN}) as h
            left join bg.company_keys as k on k.company_id = h.id
        where not h.deleted and (w.key is null or w.key = w.mail_key
            or least(length(w.key), length(w.mail_key)) > 2
                and (starts_with(w.key, w.mail_key) or starts_with(w.mail_key, w.key))
            or least(length(w.key), length(k.key)) > 2
                and (starts_with(w.key, k.key) or starts_with(k.key, w.key)))
        group by w.clue
    )
    update firms as f
    set ours = case when cardinality(ids) = 1 then ids[1] end, how = 'domain',
        maybe = case when cardinality(ids) > 1 then ids end
    from found where found.clue = f.clue
""")
# Two of one name, of which each could be the one that is known.
_CONTESTED = sa.text("""
    update firms as f set problem = 'this and line ' || case when f.line = pair.first
        then pair.last else pair.first end || ' could each be the company ' || f.ours
        || ': give them domains or ids of their own', ours = null
    from (
        select ours, min(line) as first, max(line) as last from firms
        where how = 'name' and ours is not null
        group by ours having count(distinct coalesce(theirs, domain)) > 1
    ) as pair
    where f.ours = pair.ours and f.how = 'name'
""")
_ANY_LEFT = sa.text("select exists (select from firms where ours is null)")
_IN_DOUBT = sa.text("""
    update firms set problem = 'the company could be ' || array_to_string(maybe[1:2], ' or ')
        || case when cardinality(maybe) > 2 then ' or others' else '' end
        || ': give it a domain or an id of its own'
    where ours is null and maybe is not null
""")
_GONE = sa.text("""
    update firms set problem = 'the company ' || ours || ' is no longer tracked: import it first'
    where exists (
        select from bg.canonical_companies as c
        where c.id = firms.ours and c.deleted_at is not null offset 0)
""")
# Served by company_keys_by_key.
_OTHERWISE_CALLED = sa.text("""
    update firms as f set problem = 'no company is known by the id ' || f.theirs || ', and "'
        || f.name || '" has another: import companies first, or repeat with --create-companies'
    where f.ours is null and f.maybe is null and f.theirs is not null and f.name is not null
        and f.key <> '' and exists (
            select from bg.company_keys as k
                join bg.canonical_companies as c on c.id = k.company_id
            where k.key = f.key and k.name = c.name and c.workspace = :workspace
                and c.deleted_at is null offset 0)
""")
# Where a row names none, a person who is known stays where they are.
_UNKNOWN = sa.text("""
    update firms set problem = 'no company "' || name || '" is known: import companies first, or '
        || 'repeat with --create-companies'
    where ours is null and problem is null and name is not null and not :create
""")
# One new company for all that tell the same of it; what tells its name alone is of the one that is
# so called, if one is.
_NEW = (
    sa.text("""
        update firms set made_of = case when theirs is not null then 't' || theirs
            when domain is not null and not shared then 'd' || domain else 'n' || key end
        where ours is null and problem is null and name is not null
    """),
    sa.text("""
        update firms as f set made_of = same.made_of
        from (
            select key, min(made_of) as made_of from firms
            where made_of is not null and made_of not like 'n%'
            group by key having count(distinct made_of) = 1
        ) as same
        where f.made_of like 'n%' and f.key = same.key
    """),
    sa.text("""
        update firms as f set ours = new.id, how = 'new'
        from (
            select made_of, coalesce(theirs, gen_random_uuid()::text) as id
            from (select distinct made_of from firms where made_of is not null) as each
                cross join lateral (
                    select case when :keeps_ids and made_of like 't%' and substr(made_of, 2) ~
                        '^[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}$' and made_of not like '%..%'
                        and not exists (
                            select from bg.canonical_companies as c
                            where c.id = substr(each.made_of, 2))
                        then substr(made_of, 2) end as theirs) as kept
        ) as new
        where f.made_of = new.made_of
    """),
)
_COMPANIES = sa.text("""
    update staged as s set id = f.ours, how = f.how, reason = f.problem
    from firms as f where f.clue = s.clue
""")
_OF_PEOPLE = sa.text("""
    update staged as s set company_id = f.ours, reason = f.problem
    from firms as f where f.clue = s.clue
""")
# A domain that a website told fills what is unknown, and changes nothing. Served by the primary
# key.
_KNOWN_DOMAIN = sa.text("""
    update staged as s set domain = coalesce(
        (select c.domain from bg.canonical_companies as c where c.id = s.id), s.domain)
""")
_MAKE = sa.text("""
    insert into bg.companies (id, workspace, name, domain)
    select ours, :workspace, (array_agg(name order by domain is null, line))[1], min(domain)
    from firms
    where how = 'new' and ours in (select company_id from staged where reason is null)
    group by ours order by ours
""")
_RECOGNISE = {
    kind: sa.text(f"""
        insert into bg.webhook_identities as i (kind, source, external_id, our_id)
        select 'company', :source, theirs, min(ours) from firms
        where theirs is not null and ours in (select {column} from staged where reason is null)
        group by theirs order by theirs
        on conflict (source, kind, external_id) do update
        set our_id = excluded.our_id, merged_at = null
        where i.our_id <> excluded.our_id
    """)
    for kind, column in (("companies", "id"), ("people", "company_id"))
}


def recognise(conn: sa.Connection, search: Search) -> None:
    """Give each staged row the id of its company, or the reason why it has none."""
    places = {"workspace": search.workspace, "most": CROWD}
    of_people = search.kind == "people"
    conn.execute(_FIRMS)
    for index in _INDEXED:
        conn.execute(sa.text(index))
    if not of_people:
        conn.execute(_SHARED)
    conn.execute(lookups.PROBE)
    if search.source is not None:
        conn.execute(_BY_IDENTITY, {"source": search.source})
        conn.execute(_BY_OUR_ID, {"source": search.source})
    conn.execute(_BY_DOMAIN, places)
    if conn.execute(_ANY_LEFT).scalar_one():
        _look_for_names(conn, search, places)
    if of_people:
        conn.execute(_GONE)
    conn.execute(lookups.PROBED)
    conn.execute(lookups.WHOLE)
    conn.execute(_IN_DOUBT)
    if of_people:
        conn.execute(_UNKNOWN, {"create": search.create_companies})
    else:
        conn.execute(_CONTESTED)
    for statement in _NEW[:-1]:
        conn.execute(statement)
    conn.execute(_NEW[-1], {"keeps_ids": search.keeps_ids})
    conn.execute(_OF_PEOPLE if of_people else _COMPANIES)
    conn.execute(lookups.WHOLE_DONE)
    conn.execute(sa.text("analyze firms"))
    if search.fills_domain:
        conn.execute(_KNOWN_DOMAIN)


def _look_for_names(conn: sa.Connection, search: Search, places: Mapping[str, object]) -> None:
    of_people = search.kind == "people"
    conn.execute(lookups.PROBED)
    keys.refresh(conn, search.workspace)
    conn.execute(lookups.PROBE)
    for deleted in (False, True):
        given = {**places, "source": search.source, "apart": not of_people, "deleted": deleted}
        conn.execute(_BY_NAME, given)
    conn.execute(_AS_ELSEWHERE)
    conn.execute(_BY_MAIL, places)
    if of_people and not search.create_companies:
        conn.execute(_OTHERWISE_CALLED, {"workspace": search.workspace})


def write(conn: sa.Connection, search: Search) -> None:
    """Put the companies in that people bring along, and note what their source calls companies."""
    if search.kind == "people":
        conn.execute(_MAKE, {"workspace": search.workspace})
    if search.source is not None:
        conn.execute(_RECOGNISE[search.kind], {"source": search.source})
