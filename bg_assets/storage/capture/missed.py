"""What changed while capture was lost: companies compared with what their last refresh has seen.

A change is raised only where they differ, a portion of companies at a time.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC

import sqlalchemy as sa

from bg_assets.domain.titles.verdict import classify
from bg_assets.domain.values.columns import COMPANIES, PEOPLE, named
from bg_assets.storage import claims, dueness
from bg_assets.storage.capture import attached, observed
from bg_assets.storage.capture.bodies import CANONICAL, employed
from bg_assets.storage.priorities import OF_KIND

MOST = 1000
# A change of a company names so many people at most.
MOST_NAMED = 200
_FOUND = """'{"found": "by comparison"}'::jsonb"""
# What company_people and company_profiles hold of what stands in people and in companies.
_PERSON = named(one for one in PEOPLE if one.kept)
_COMPANY = named(one for one in COMPANIES if one.kept)


def _of(row: str, *names: str) -> str:
    return ", ".join(f"{row}.{name}" for name in names)


_STATE = sa.text("select compared_to from bg.capture_watch where to_compare for update")
_ANYTHING = sa.text("select to_compare and lost = '{}' from bg.capture_watch")
_COMPARED = sa.text("""
    update bg.capture_watch set to_compare = :more, compared_to = :compared_to
""")
# Served by the primary keys.
_PORTION = sa.text("""
    select max(id) as last, count(*) as companies from (
        (select id from bg.canonical_companies
        where deleted_at is null and id > :after order by id limit :most)
        union
        (select company_id from bg.company_profiles
        where company_id > :after order by company_id limit :most)
        order by 1 limit :most
    ) as portion
""")


def _among(column: str) -> str:
    """Whether a company is one of those meant: a null, as the driver writes it, means all."""
    return f"""{column} > :after and {column} <= :last
            and (cast(:only as text[]) is null or {column} = any(cast(:only as text[])))"""


def _due(company: str) -> str:
    """Not, where they are to be left out: a change waits for it, or a refresh is under way.

    Served by changes_pending and one_refresh_at_a_time.
    """
    return f"""not (:skip_waiting and (
            exists (
                select from bg.changes as w
                where w.company_id = {company} and w.refresh_id is null offset 0)
            or {dueness.under_way(company)}))"""


_COMPANIES = sa.text(f"""
    insert into bg.changes (company_id, kind, source, new, priority)
    select coalesce(c.id, k.company_id),
        case when c.id is null then 'company_deleted' else 'company_profile_change' end,
        'company_table', {_FOUND},
        case when c.id is null then {OF_KIND["company_deleted"]}
            else {OF_KIND["company_profile_change"]} end
    from (
        select * from bg.canonical_companies where deleted_at is null and {_among("id")}
    ) as c
    full join (
        select * from bg.company_profiles where {_among("company_id")}
    ) as k on k.company_id = c.id
    where ({_of("c", "id", *_COMPANY)}) is distinct from ({_of("k", "company_id", *_COMPANY)})
        and {_due("coalesce(c.id, k.company_id)")}
    order by 1
    returning company_id
""")


def _written(there: str, kept: str) -> str:
    """Whether their owner wrote somebody: a column that an attached table has no more differs by
    no write of theirs."""
    differs = (
        f"('{name}' = any(cast(:read as text[])) and {there}.{name} is distinct from {kept}.{name})"
        for name in _PERSON
    )
    return " or ".join(differs)


# Served by people_by_company and the primary keys. Who is on the staff and was not taken into
# company_people may be somebody whose title says that this is over: that is for titles to tell.
_PEOPLE = sa.text(f"""
    with there as (
        select p.company_id, p.id as person_id, {_of("p", *_PERSON)},
            p.email is not null as has_email
        from bg.canonical_people as p
        where {_among("p.company_id")}
            and {employed("p", CANONICAL, ":today")}
    ), kept as (
        select * from bg.company_people where {_among("company_id")}
    ), differing as (
        select coalesce(t.company_id, k.company_id) as company_id,
            coalesce(t.person_id, k.person_id) as person_id, t.title, t.department,
            k.person_id is null as is_new, t.person_id is null as is_gone,
            k.person_id is not null and (t.person_id is null or {_written("t", "k")}) as is_written
        from there as t
        full join kept as k on k.company_id = t.company_id and k.person_id = t.person_id
        where ({_of("t", "person_id", *_PERSON, "has_email")})
            is distinct from ({_of("k", "person_id", *_PERSON, "has_email")})
    )
    select d.company_id, bool_or(not d.is_new) as differs,
        array_agg(d.person_id order by d.person_id) filter (where d.is_gone and exists (
            select from bg.buyer_group_members as m
            where m.company_id = d.company_id and m.person_id = d.person_id offset 0)) as leavers,
        jsonb_agg(distinct jsonb_build_array(d.title, d.department)) filter (where d.is_new)
            as titles,
        coalesce(jsonb_agg(d.person_id) filter (where d.is_written), '[]') as written
    from differing as d
    where exists (
        select from bg.canonical_companies as c
        where c.id = d.company_id and c.deleted_at is null offset 0)
        and {_due("d.company_id")}
    group by d.company_id order by d.company_id
""")
_RAISE = sa.text(f"""
    insert into bg.changes (company_id, person_id, kind, source, new, priority, is_departure)
    select company_id, null, 'resync', 'people_table',
        {_FOUND} || jsonb_strip_nulls(jsonb_build_object('written', written)),
        {OF_KIND["resync"]}, false
    from unnest(cast(:companies as text[]), cast(:written as jsonb[])) as c(company_id, written)
    union all
    select company_id, person_id, 'person_left', 'people_table', {_FOUND},
        {OF_KIND["person_left"]}, true
    from unnest(cast(:left_companies as text[]), cast(:left_people as text[]))
        as l(company_id, person_id)
""")


@dataclass(frozen=True, slots=True)
class Compared:
    """Which companies differ; how many were looked at, up to which, and whether there are more."""

    differing: tuple[str, ...]
    last: str
    number: int
    more: bool


def raise_changes(conn: sa.Connection, most: int = MOST) -> int | None:
    """Raise changes where the next companies differ, and note how far it came.

    Returns for how many; None where there is nothing to do: capture was not lost, all is compared,
    or it does not stand again yet, so that more would be missed behind what is compared.
    """
    if not conn.execute(_ANYTHING).scalar() or attached.misfits(conn):
        return None
    after = conn.execute(_STATE).scalar()
    if after is None:
        return None
    if not after:
        observed.follow_all(conn)
    compared = compare(conn, after, most)
    upto = compared.last if compared.more else ""
    conn.execute(_COMPARED, {"more": compared.more, "compared_to": upto})
    return len(compared.differing)


def compare(
    conn: sa.Connection,
    after: str,
    most: int,
    *,
    only: Sequence[str] | None = None,
    skip_waiting: bool = False,
) -> Compared:
    """Compare the next companies behind ``after``, and raise changes where they differ.

    ``only``: the companies that are meant, of which as many are compared at once as ``most`` says.
    ``skip_waiting``: raise none for whom a change waits already or a refresh is under way.
    """
    if only is None:
        portion = conn.execute(_PORTION, {"after": after, "most": most}).one()
        last, number = portion.last, int(portion.companies)
        within: dict[str, object] = {"after": after, "last": last, "only": None}
    else:
        some = sorted(one for one in set(only) if one > after)[:most]
        last, number = (some[-1] if some else after), len(some)
        within = {"after": after, "last": last, "only": some}
    if not number:
        return Compared((), after, 0, more=False)
    within["skip_waiting"] = skip_waiting
    # People first: a departure does not wait, and must not be left out since the company waits.
    companies = _people(conn, within)
    companies |= {*conn.execute(_COMPANIES, within).scalars()}
    return Compared(tuple(sorted(companies)), last, number, more=number == most)


def _people(conn: sa.Connection, within: dict[str, object]) -> set[str]:
    today = claims.database_now(conn).astimezone(UTC).date()
    people = attached.read(conn).get("people")
    read = list(people.mapping if people else _PERSON)
    rows = conn.execute(_PEOPLE, {**within, "today": today, "read": read}).all()
    differing = [row for row in rows if row.differs or _new_staff(row.titles)]
    companies = [row.company_id for row in differing]
    left = [(row.company_id, person_id) for row in rows for person_id in row.leavers or ()]
    conn.execute(
        _RAISE,
        {
            "companies": companies,
            "written": [json.dumps(_few(row.written)) for row in differing],
            "left_companies": [company_id for company_id, _ in left],
            "left_people": [person_id for _, person_id in left],
        },
    )
    return set(companies)


def _few(people: list[str]) -> list[str] | None:
    """Who was written; None, which means anybody, where they are many."""
    return people if len(people) <= MOST_NAMED else None


def _new_staff(titles: Iterable[Sequence[str | None]]) -> bool:
    return any(not classify(title, department).left for title, department in titles)
