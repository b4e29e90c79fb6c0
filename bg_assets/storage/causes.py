"""What leads to a refresh: the changes behind it, by kind and writer, with the file or source."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import sqlalchemy as sa

from bg_assets.domain.causes import NEW_PRODUCT, Cause, kind_in_words, purpose, reasons
from bg_assets.storage import dueness
from bg_assets.storage.claims import Request
from bg_assets.storage.reports import partition

_CLEAN = r"regexp_replace(left({}, 60), '[\x01-\x20\x7f,]+', ' ', 'g')"
# A change as it is called where few look: role_change (import). Writers name themselves, in any
# letters. What somebody asked for tells by which command: resync (manual: pin).
CAUSE = f"""
    kind || ' (' || {_CLEAN.format("source")} || case when kind = 'resync'
        then coalesce(': ' || {_CLEAN.format("new ->> 'asked'")}, '') else '' end || ')'
"""


def counted(owner: str, condition: str) -> str:
    """SQL: the changes ``c`` of a condition as causes, by ``owner``, kind, writer and so on.

    Served by what serves the condition, by writes_by_time and the primary key of the members: a
    probe for each change that an import or an event made, and for each departure.
    """
    return f"""
        select {owner} as owner, c.kind, c.source as writer, w.name, c.is_departure as departure,
            case when c.kind <> 'resync' then null
                when c.source = 'template' and jsonb_strip_nulls(c.old -> 'templates') = '{{}}'
                then '{NEW_PRODUCT}' else c.new ->> 'asked' end as asked,
            case when c.source = 'template' then (
                select string_agg(product, ', ' order by product)
                from jsonb_object_keys(c.new -> 'templates') as product) end as products,
            count(*)::int as changes,
            sum(case when c.person_id is not null then 1 when c.kind = 'resync'
                then coalesce((c.new ->> 'people')::int, 0) else 0 end)::int as people,
            (count(*) filter (where c.is_departure and exists (
                select from bg.buyer_group_members as m
                where m.company_id = c.company_id and m.person_id = c.person_id
                offset 0)))::int as members,
            min(c.person_id) as person_id,
            min(coalesce(c.new ->> 'title', c.old ->> 'title')) as title,
            extract(epoch from clock_timestamp() - min(c.occurred_at))::float as lag_seconds
        from bg.changes as c
        left join lateral (
            select case when latest.ended_at >= c.occurred_at
                then array_to_string(latest.names, ' or ') end as name
            from (
                select names, ended_at from bg.writes
                where c.source in ('import', 'webhook')
                    and writer = c.source and began_at <= c.occurred_at
                order by began_at desc limit 1) as latest
        ) as w on true
        where {condition}
        group by 1, 2, 3, 4, 5, 6, 7
        order by 1, 2, 3, 4, 5, 6, 7
    """


# Served by changes_pending.
_WAITING = sa.text(counted("c.company_id", f"c.company_id = any(:companies) and {dueness.PENDING}"))


def explained(conn: sa.Connection, requests: Sequence[Request]) -> list[Request]:
    """The same with what each run is for, and with the true reasons: for how many of its companies
    each cause waits."""
    if not requests:
        return []
    companies = [company for request in requests for company in request.companies]
    waiting: dict[str, list[Cause]] = {}
    for row in conn.execute(_WAITING, {"companies": companies}).mappings():
        waiting.setdefault(row["owner"], []).append(made(row))
    alone = [request.companies[0] for request in requests if len(request.companies) == 1]
    names = partition.read_names(conn, alone) if alone else {}
    return [_explained(request, waiting, names) for request in requests]


def _explained(
    request: Request, waiting: Mapping[str, Sequence[Cause]], names: Mapping[str, str]
) -> Request:
    causes = {company: waiting[company] for company in request.companies if company in waiting}
    (first, *others) = request.companies
    who: str | int = len(request.companies) if others else names.get(first, first)
    return replace(
        request,
        purpose=purpose(who, causes, list(request.reasons)),
        reasons=reasons(causes)
        or {kind_in_words(kind): number for kind, number in request.reasons.items()},
    )


def made(row: sa.RowMapping) -> Cause:
    """A row of ``counted``."""
    values = {name: row[name] for name in row if name not in ("owner", "lag_seconds")}
    if values["people"] > 1:
        values["person_id"] = None
    return Cause(**values)
