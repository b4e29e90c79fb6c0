"""Companies and their people as the rules see them: read from the views, kept as company_people."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import sqlalchemy as sa

from bg_assets.domain.groups.group import Company, Override, StaffMember
from bg_assets.domain.titles import languages
from bg_assets.domain.titles import verdict as titles
from bg_assets.domain.values import departments
from bg_assets.storage import probes, standing_verdicts
from bg_assets.storage.copying import Encoded, copy_rows, encoded
from bg_assets.storage.standing_verdicts import Standing, kept

_COMPANIES = sa.text("""
    select id, workspace, employee_min, employee_max, country, industry, name
    from bg.canonical_companies where id = any(:companies) and deleted_at is null
""")

# Served by the primary key.
_READING = sa.text("""
    select id, name, country from bg.canonical_companies
    where id = any(:companies) and deleted_at is null
""")

# Served by people_by_company.
_PEOPLE = sa.text(f"""
    select company_id, p.* from {probes.EACH} cross join lateral (
        select id as person_id, title, department, location, manager_id, start_date,
            end_date, status, email is not null as has_email, seniority,
            cast(observed_at at time zone 'UTC' as date) as seen
        from bg.canonical_people
        where company_id = each.company_id and deleted_at is null
            and status is distinct from 'left'
        order by id offset 0) as p
""")

# Served by people_by_company, and the primary key.
_COUNTS = {
    table: sa.text(f"""
        select company_id, people from {probes.EACH} cross join lateral (
            select count(*) as people from bg.{table} where company_id = each.company_id) as n
        where people > 0
    """)
    for table in ("canonical_people", "company_people")
}

# When somebody was last seen is no part of company_people: a writer that sees the same again
# changes nothing there. Served by the primary keys; as a join it became a look at all people.
# Lists come as they are written: most are alike, and none is parsed twice.
_STAFF = sa.text(f"""
    select company_id, k.* from {probes.EACH} cross join lateral (
        select person_id, title, department, location, manager_id, start_date, has_email,
            seniority, lexicon_version, function, level, confidence,
            cast(evidence as text) as evidence,
            cast(nullif(function_alternatives, '[]') as text) as function_alternatives,
            cast(nullif(level_alternatives, '[]') as text) as level_alternatives,
            has_left, by_department, (
                select cast(p.observed_at at time zone 'UTC' as date)
                from bg.canonical_people as p where p.id = person_id) as seen
        from bg.company_people where company_id = each.company_id
        order by person_id offset 0) as k
""")

_OVERRIDES = sa.text("""
    select company_id, product, person_id, action, role
    from bg.member_overrides where company_id = any(:companies) and removed_at is null
    order by company_id, product, person_id
""")

# Served by the primary keys.
_PROFILES = sa.text("""
    with live as (
        select id, workspace, employee_min, employee_max, country, industry, name
        from bg.canonical_companies where id = any(:companies) and deleted_at is null
    ), gone as (
        delete from bg.company_profiles
        where company_id = any(:companies) and company_id not in (select id from live)
    )
    insert into bg.company_profiles as k
        (company_id, workspace, employee_min, employee_max, country, industry, name)
    select * from live order by id
    on conflict (company_id) do update set
        workspace = excluded.workspace, employee_min = excluded.employee_min,
        employee_max = excluded.employee_max, country = excluded.country,
        industry = excluded.industry, name = excluded.name
    where (k.*) is distinct from (excluded.*)
""")

_COLUMNS = (
    "company_id", "person_id", "title", "department", "location", "manager_id", "start_date",
    "has_email", "function", "level", "confidence", "evidence", "function_alternatives",
    "level_alternatives", "has_left", "by_department", "lexicon_version", "seniority",
)  # fmt: skip
_STAGE = sa.text("""
    create temporary table staged_people (like bg.company_people including defaults)
    on commit drop
""")
# Served by the primary key.
_REMOVE = sa.text("""
    delete from bg.company_people as k
    using unnest(cast(:companies as text[]), cast(:people as text[])) as g(company_id, person_id)
    where k.company_id = g.company_id and k.person_id = g.person_id
""")
_SET = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS[2:])
_UPSERT = sa.text(f"""
    insert into bg.company_people as k ({", ".join(_COLUMNS)})
    select {", ".join(_COLUMNS)} from staged_people
    order by company_id, person_id
    on conflict (company_id, person_id) do update set {_SET}
""")


class Person(NamedTuple):
    """A row of people that is not marked as gone; unknown is None. It holds no name."""

    company_id: str
    person_id: str
    title: str | None
    department: str | None
    location: str | None
    manager_id: str | None
    start_date: date | None
    end_date: date | None
    status: str | None
    has_email: bool
    seniority: str | None = None
    seen: date | None = None


def read_companies(conn: sa.Connection, companies: Sequence[str]) -> dict[str, Company]:
    """The companies by id; one that is deleted or unknown is left out."""
    rows = conn.execute(_COMPANIES, {"companies": list(companies)}).mappings()
    return {row["id"]: Company(**row) for row in rows}


def count_people(
    conn: sa.Connection, companies: Sequence[str], table: str = "canonical_people"
) -> dict[str, int]:
    """How many rows each of the companies has there, by id; of one without rows nothing.

    table: canonical_people, whoever has left too, or company_people. One company is not counted.
    """
    if len(companies) < 2:
        return {}
    rows = conn.execute(_COUNTS[table], {"companies": list(companies)})
    return {row.company_id: row.people for row in rows}


def read_people(conn: sa.Connection, companies: Sequence[str]) -> list[Person]:
    """The people of these companies, but for those deleted or marked as left."""
    rows = conn.execute(_PEOPLE, {"companies": list(companies)})
    return [Person(*row) for row in rows]


def read_staff(conn: sa.Connection, companies: Sequence[str]) -> dict[str, list[StaffMember]]:
    """What company_people holds, by company; each row with a whole verdict of this version.

    A row of another version of the lexicon, or from before verdicts were kept whole, stands until
    its company is refreshed: its title is read anew here, and nowhere else.
    """
    version = titles.version()
    staff: dict[str, list[StaffMember]] = {}
    rows = conn.execute(_STAFF, {"companies": list(companies)}).all()
    anew = any(row.lexicon_version != version for row in rows)
    names, spoken = read_context(conn, companies, rows) if anew else ({}, {})
    for row in rows:
        # By place, which takes a third of the time that names take.
        company_id, person_id, title, department, location, manager_id, start_date, *rest = row
        has_email, seniority, read_by, *told, seen = rest
        if read_by == version:
            verdict = kept(*told)
        else:
            apart = departments.apart(department, names.get(company_id))
            verdict = titles.classify(title, apart, spoken.get(company_id, ()))
        staff.setdefault(company_id, []).append(
            StaffMember(
                person_id, title, department, location, manager_id, verdict, has_email,
                start_date, seen, seniority,
            )
        )  # fmt: skip
    return staff


def read_context(
    conn: sa.Connection, companies: Sequence[str], people: Iterable[Person | sa.Row[Any]]
) -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
    """What bears on how titles are read, by company: its name, and the languages they may be in.

    A company that is deleted or unknown has no name; the languages are those of its country, else
    of the titles of its people.
    """
    by: dict[str, list[str | None]] = {}
    for one in people:
        by.setdefault(one.company_id, []).append(one.title)
    found = conn.execute(_READING, {"companies": list(companies)}).all()
    countries = {row.id: row.country for row in found}
    spoken = {one: languages.of_company(countries.get(one), said) for one, said in by.items()}
    return {row.id: row.name for row in found}, spoken


def read_overrides(
    conn: sa.Connection, companies: Sequence[str]
) -> dict[str, dict[str, list[Override]]]:
    """The pins and exclusions in force, by company and then product."""
    overrides: dict[str, dict[str, list[Override]]] = {}
    for row in conn.execute(_OVERRIDES, {"companies": list(companies)}):
        one = Override(person_id=row.person_id, action=row.action, role=row.role)
        overrides.setdefault(row.company_id, {}).setdefault(row.product, []).append(one)
    return overrides


def write_staff(
    conn: sa.Connection,
    companies: Sequence[str],
    staff: Mapping[str, Collection[StaffMember]],
    standing: Standing | None = None,
) -> None:
    """Make company_people of these companies hold just ``staff``; rows that fit stay untouched.

    Beside them what is known of the companies now: both are what storage/missed.py compares with.
    standing: what the table holds in this transaction, for whoever has read it.
    """
    conn.execute(_PROFILES, {"companies": list(companies)})
    before = standing or standing_verdicts.read(conn, companies)
    gone = before.without(companies, staff)
    if gone:
        conn.execute(
            _REMOVE, {"companies": [one for one, _ in gone], "people": [one for _, one in gone]}
        )
    news = [
        (company_id, member)
        for company_id in companies
        for member in staff.get(company_id, ())
        if not before.holds(company_id, member)
    ]
    if news:
        _write(conn, news)


def _write(conn: sa.Connection, rows: Iterable[tuple[str, StaffMember]]) -> None:
    conn.execute(_STAGE)
    version = titles.version()
    known: dict[int, tuple[titles.TitleVerdict, Encoded]] = {}

    def verdict(member: StaffMember) -> Encoded:
        # Most people share theirs with others, as one and the same value.
        one = member.verdict
        if id(one) not in known:
            known[id(one)] = one, encoded((*_columns(one), version))
        return known[id(one)][1]

    copy_rows(
        conn,
        "staged_people",
        _COLUMNS,
        (
            (
                company_id, member.person_id, member.title, member.department, member.location,
                member.manager_id, member.start_date, member.has_email, verdict(member),
                member.seniority,
            )
            for company_id, member in rows
        ),
    )  # fmt: skip
    conn.execute(_UPSERT)
    conn.execute(sa.text("drop table staged_people"))


def _columns(verdict: titles.TitleVerdict) -> tuple[object, ...]:
    return (
        verdict.function, verdict.level, verdict.confidence, verdict.reasons,
        verdict.function_alternatives, verdict.level_alternatives, verdict.left,
        verdict.by_department,
    )  # fmt: skip
