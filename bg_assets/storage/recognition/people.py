"""Which person each staged row is: known by the source, an e-mail, company and name, or new."""

import sqlalchemy as sa

from bg_assets.domain.enrichment.names import is_another
from bg_assets.domain.values.names import person_key
from bg_assets.domain.webhooks.known import CROWD
from bg_assets.storage import erased
from bg_assets.storage.copying import copy_rows
from bg_assets.storage.recognition import lookups
from bg_assets.storage.recognition.search import Search

_AT_ONCE = 5000

_OPEN = "s.id is null and s.reason is null"
_INDEXED = (
    "create unique index on staged (line)",
    "create index on staged (id) where id is not null",
    "create index on staged (their_id) where their_id is not null",
    "analyze staged",
)
_BY_IDENTITY = sa.text(f"""
    with w as (
        select line, cast(:source as text) as source, 'person' as kind, their_id as external_id
        from staged as s where {_OPEN} and their_id is not null
    )
    update staged as s set id = i.our_id, how = 'source'
    from w cross join lateral ({lookups.BY_IDENTITY}) as i
    where s.line = w.line and exists (select from bg.canonical_people as p where p.id = i.our_id)
""")
# Unless it was taken over from another source. Served by the primary key of the people and
# webhook_identities_by_ours.
_BY_OUR_ID = sa.text(f"""
    update staged as s set id = s.their_id, how = 'source'
    where {_OPEN} and s.their_id is not null
        and exists (select from bg.canonical_people as p where p.id = s.their_id)
        and not exists (
            select from bg.webhook_identities as i
            where i.our_id = s.their_id and i.kind = 'person' and i.external_id = s.their_id
                and i.source <> :source)
""")
# The address of a team or of an office is nobody's.
_SHARED = (
    "create temporary table shared_emails on commit drop as "
    "select lower(email) as email from staged where email is not null "
    "group by lower(email) having count(distinct name_key) > 1",
    "create unique index on shared_emails (email)",
    "analyze shared_emails",
)
_IS_SHARED = "exists (select from shared_emails as e where e.email = lower(s.email))"
_NOBODY = sa.text(f"""
    update staged as s
    set reason = 'has no id, no e-mail address of its own and no name by which to know the person'
    where {_OPEN} and their_id is null and name_key is null and (email is null or {_IS_SHARED})
""")
_BY_EMAIL = sa.text(f"""
    with w as (
        select line, cast(:workspace as text) as workspace, email as value
        from staged as s where {_OPEN} and email is not null and not {_IS_SHARED}
    ), found as (
        select w.line, array_agg(h.id) as ids
        from w cross join lateral ({lookups.BY_EMAIL}) as h group by w.line
    )
    update staged as s
    set id = case when cardinality(ids) = 1 then ids[1] end, how = 'e-mail',
        maybe = case when cardinality(ids) > 1 then ids end
    from found where found.line = s.line
""")
# Served by the primary key of the people.
_OTHERWISE_CALLED = sa.text("""
    select s.line, s.name, p.name as known
    from staged as s cross join lateral (
        select name from bg.canonical_people as p where p.id = s.id offset 0) as p
    where s.how = 'e-mail' and s.id is not null and lower(s.name) <> lower(p.name)
""")
_OTHERS = sa.text("create temporary table others (line bigint) on commit drop")
_NOT_THESE = sa.text("""
    update staged as s set id = null, how = null from others as o where o.line = s.line
""")

_COLLEAGUES = sa.text("""
    create temporary table colleagues on commit drop as
    select id, company_id, ''::text as key, true as active from bg.people limit 0
""")
# Served by people_by_company.
_OF_COMPANIES = sa.text(f"""
    select p.id, p.company_id, p.name, p.status = 'active' as active
    from (select distinct company_id from staged as s where {_OPEN} and name_key is not null) as c
        cross join lateral (
            select id, company_id, name, status from bg.canonical_people as p
            where p.company_id = c.company_id and p.name is not null and p.deleted_at is null
            offset 0) as p
""")
_COLLEAGUES_INDEXED = (
    "create index on colleagues (company_id, key)",
    "analyze colleagues",
)
# A name alone does not make somebody the one whom a row with another address is known to be, or
# whom the source calls otherwise. Served by webhook_identities_by_ours.
_BY_NAME = sa.text(f"""
    with found as (
        select s.line, array_agg(h.id order by h.id) as ids,
            array_agg(h.id order by h.id) filter (where h.active) as active
        from staged as s cross join lateral (
            select c.id, c.active from colleagues as c
            where c.company_id = s.company_id and c.key = s.name_key
            limit :most) as h
        where {_OPEN} and s.name_key is not null
            and (s.maybe is null or h.id = any(s.maybe))
            and not ((s.email is not null or s.their_id is not null) and exists (
                select from staged as o where o.id = h.id and o.how <> 'name'))
            and not (s.their_id is not null and exists (
                select from bg.webhook_identities as i
                where i.our_id = h.id and i.kind = 'person' and i.source = :source))
        group by s.line
    )
    update staged as s
    set id = case when cardinality(ids) = 1 then ids[1] when cardinality(active) = 1 then active[1]
        end, how = 'name',
        maybe = case when cardinality(ids) > 1 and cardinality(active) is distinct from 1 then ids
            else maybe end
    from found where found.line = s.line
""")
_CONTESTED = sa.text("""
    update staged as s set reason = 'this and line ' || case when s.line = pair.first
        then pair.last else pair.first end || ' could each be the person ' || s.id
    from (
        select id, min(line) as first, max(line) as last from staged
        where how = 'name' and id is not null
        group by id having count(distinct coalesce(their_id, lower(email))) > 1
    ) as pair
    where s.id = pair.id and s.how = 'name'
""")
# Who is elsewhere in the file under the same name and tells more of themselves there.
_AS_ELSEWHERE = sa.text(f"""
    update staged as s set id = same.id, how = 'name'
    from (
        select company_id, name_key, min(id) as id from staged
        where id is not null and reason is null and name_key is not null
        group by company_id, name_key having count(distinct id) = 1
    ) as same
    where {_OPEN} and s.maybe is null and s.email is null and s.their_id is null
        and same.company_id = s.company_id and same.name_key = s.name_key
""")
_IN_DOUBT = sa.text(f"""
    update staged as s set reason = 'could be the person ' || array_to_string(maybe[1:2], ' or ')
        || case when cardinality(maybe) > 2 then ' or others' else '' end
    where {_OPEN} and maybe is not null
""")
# Served by the primary key of the people.
_STAYS = sa.text("""
    update staged as s set company_id = (
        select p.company_id from bg.canonical_people as p where p.id = s.id)
    where s.reason is null and s.company_id is null and s.id is not null
""")
# Served by the primary key of the people.
_KNOWN_EMAIL = sa.text("""
    update staged as s set email = (
        select p.email from bg.canonical_people as p where p.id = s.id)
    where s.reason is null and s.email is null and s.id is not null
""")
_NOWHERE = sa.text("""
    update staged set reason = case
        when their_company is null then 'its company is not known: give its name, domain or id'
        else 'no company ' || their_company || ': import companies first' end
    where reason is null and company_id is null
""")
_NEW = (
    sa.text(f"""
        update staged as s set made_of = case when their_id is not null then 't' || their_id
            when email is not null and not {_IS_SHARED} then 'e' || lower(email)
            when email is not null
                then 's' || lower(email) || ' ' || coalesce(name_key, '') || ' ' || company_id
            else 'n' || name_key || ' ' || company_id end
        where {_OPEN}
    """),
    sa.text("""
        update staged as s set made_of = same.made_of,
            reason = case when same.several then
                'could be the person of line ' || same.first || ' or of line ' || same.last end
        from (
            select company_id, name_key, min(made_of) as made_of, min(line) as first,
                max(line) as last, count(distinct made_of) > 1 as several
            from staged where made_of is not null and made_of not like 'n%' and name_key is not null
            group by company_id, name_key
        ) as same
        where s.made_of like 'n%' and s.company_id = same.company_id
            and s.name_key = same.name_key
    """),
    sa.text("""
        update staged as s set id = new.id, how = 'new'
        from (
            select made_of, coalesce(theirs, gen_random_uuid()::text) as id from (
                select distinct made_of from staged where made_of is not null and reason is null
            ) as each cross join lateral (
                select case when :keeps_ids and made_of like 't%' and not exists (
                        select from bg.canonical_people as p where p.id = substr(each.made_of, 2))
                    then substr(made_of, 2) end as theirs) as kept
        ) as new
        where s.made_of = new.made_of and s.reason is null
    """),
)
# Whoever a rejected row means has not left: the one whom the source calls so, or we do.
_EVEN_REJECTED = sa.text("""
    update staged as s set id = coalesce(
        (select i.our_id from bg.webhook_identities as i
            where i.source = :source and i.kind = 'person' and i.external_id = s.their_id
                and i.our_id <> ''), s.their_id)
    where s.reason is not null and s.id is null and s.their_id is not null
""")
# Their managers are called as they are.
_MANAGERS = sa.text("""
    update staged as s set manager_id = coalesce(
        (select m.id from staged as m
            where m.their_id = s.manager_id and m.their_id is not null and m.reason is null
            limit 1),
        (select i.our_id from bg.webhook_identities as i
            where i.source = :source and i.kind = 'person' and i.external_id = s.manager_id))
    where s.manager_id is not null and s.reason is null
""")
_RECOGNISE = sa.text("""
    insert into bg.webhook_identities as i (kind, source, external_id, our_id)
    select 'person', :source, their_id, min(id) from staged
    where their_id is not null and reason is null
    group by their_id order by their_id
    on conflict (source, kind, external_id) do update
    set our_id = excluded.our_id, merged_at = null
    where i.our_id <> excluded.our_id
""")


def recognise(conn: sa.Connection, search: Search) -> None:
    """Give each staged row the id of its person, or the reason why nobody can be told.

    Their companies are found before.
    """
    _execute(conn, *_INDEXED, *_SHARED)
    conn.execute(_NOBODY)
    conn.execute(lookups.PROBE)
    if search.source is not None:
        if not search.allow_erased:
            erased.refuse_called(conn, search.source)
        conn.execute(_BY_IDENTITY, {"source": search.source})
        conn.execute(_BY_OUR_ID, {"source": search.source})
    conn.execute(_BY_EMAIL, {"workspace": search.workspace, "most": CROWD})
    _leave_out_others(conn)
    _read_colleagues(conn)
    conn.execute(_BY_NAME, {"source": search.source, "most": CROWD})
    conn.execute(_STAYS)
    conn.execute(lookups.PROBED)
    conn.execute(lookups.WHOLE)
    for statement in (_CONTESTED, _AS_ELSEWHERE, _IN_DOUBT, _NOWHERE, *_NEW[:-1]):
        conn.execute(statement)
    conn.execute(_NEW[-1], {"keeps_ids": search.keeps_ids})
    conn.execute(lookups.WHOLE_DONE)
    conn.execute(lookups.PROBE)
    if search.keeps_emails:
        conn.execute(_KNOWN_EMAIL)
    if search.source is not None:
        conn.execute(_MANAGERS, {"source": search.source})
    if search.keeps_ids:
        conn.execute(_EVEN_REJECTED, {"source": search.source})
    conn.execute(lookups.PROBED)


def write(conn: sa.Connection, search: Search) -> None:
    """Note what their source calls the people that are stored."""
    if search.source is not None:
        conn.execute(_RECOGNISE, {"source": search.source})


def _leave_out_others(conn: sa.Connection) -> None:
    """Who has an e-mail of somebody whose name can't be theirs is not that person."""
    conn.execute(_OTHERS)
    found = conn.execute(_OTHERWISE_CALLED, execution_options={"yield_per": _AT_ONCE})
    for part in found.partitions():
        lines = [(row.line,) for row in part if is_another(row.name, row.known)]
        copy_rows(conn, "others", ("line",), lines)
    conn.execute(_NOT_THESE)


def _read_colleagues(conn: sa.Connection) -> None:
    """Whoever works at the companies of the rows that are still open, by the keys of their names.

    As many as work there are read, whatever the number of rows.
    """
    conn.execute(_COLLEAGUES)
    found = conn.execute(_OF_COMPANIES, execution_options={"yield_per": _AT_ONCE})
    for part in found.partitions():
        rows = ((row.id, row.company_id, person_key(row.name), row.active) for row in part)
        copy_rows(conn, "colleagues", ("id", "company_id", "key", "active"), rows)
    _execute(conn, *_COLLEAGUES_INDEXED)


def _execute(conn: sa.Connection, *statements: str) -> None:
    for statement in statements:
        conn.execute(sa.text(statement))
