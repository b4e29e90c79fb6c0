"""Who is meant: a person by id, and ids of companies and people that are spelt nearly alike."""

import difflib
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa

# Served by the primary key of people.
_FIND = sa.text("""
    select id as person_id, company_id, title, department, start_date, end_date, status,
        deleted_at is not null as deleted
    from bg.canonical_people where id = :person_id
""")
# Served by people_by_company.
_PEOPLE_CONTAINING = sa.text("""
    select id from bg.canonical_people
    where company_id = :company_id and deleted_at is null
        and (strpos(lower(id), :part) > 0 or strpos(lower(name), :part) > 0)
    order by length(id), id limit 5
""")
_PEOPLE = sa.text("""
    select id from bg.canonical_people
    where company_id = :company_id and deleted_at is null order by id limit 20000
""")

_COMPANIES_CONTAINING = sa.text("""
    select id from bg.canonical_companies
    where deleted_at is null
        and (strpos(lower(id), :part) > 0 or strpos(lower(name), :part) > 0)
    order by length(id), id limit 5
""")
# Served by the primary key.
_NAME = sa.text("select name from bg.canonical_companies where id = :company_id")
_COMPANIES_ALIKE = sa.text("""
    select id from bg.canonical_companies
    where deleted_at is null and length(id) between :length - 2 and :length + 2
    order by lower(left(id, 2)) <> :start, lower(right(id, 2)) <> :end, id
    limit 20000
""")


@dataclass(frozen=True, slots=True)
class FoundPerson:
    """A row of people, gone or not; unknown is None. It holds no name."""

    person_id: str
    company_id: str | None
    title: str | None
    department: str | None
    start_date: date | None
    end_date: date | None
    status: str | None
    deleted: bool


def find_person(conn: sa.Connection, person_id: str) -> FoundPerson | None:
    """The person of this id, wherever they work; None where there is none."""
    row = conn.execute(_FIND, {"person_id": _clean(person_id)}).mappings().first()
    return FoundPerson(**row) if row else None


def near_people(conn: sa.Connection, company_id: str, wanted: str) -> list[str]:
    """Up to five ids of the company's people whose id or name holds the text, or is spelt alike."""
    part = _clean(wanted).lower()
    company = {"company_id": company_id}
    found = (
        list(conn.execute(_PEOPLE_CONTAINING, {**company, "part": part}).scalars()) if part else []
    )
    if found:
        return found
    known = {one.lower(): one for one in conn.execute(_PEOPLE, company).scalars()}
    return [known[one] for one in difflib.get_close_matches(part, known, n=5, cutoff=0.6)]


def no_company(conn: sa.Connection, company_id: str) -> str:
    """The sentence for an id that no tracked company has, with those that may have been meant."""
    near = [_called(conn, one, company_id) for one in near_companies(conn, company_id)]
    hint = f"; did you mean {', '.join(near)}?" if near else ""
    return f"no company {company_id}{hint}"


def _called(conn: sa.Connection, company_id: str, wanted: str) -> str:
    """The id; with the company's name, where it is this that was meant."""
    part = _clean(wanted).lower()
    name = conn.execute(_NAME, {"company_id": company_id}).scalar() or ""
    by_name = part in name.lower() and part not in company_id.lower()
    return f"{company_id} ({name})" if by_name else company_id


def near_companies(conn: sa.Connection, wanted: str) -> list[str]:
    """Up to five ids that somebody may have meant: holding the text, or spelt nearly so."""
    part = _clean(wanted).lower()
    containing = list(conn.execute(_COMPANIES_CONTAINING, {"part": part}).scalars()) if part else []
    if containing:
        return containing
    ends = {"start": part[:2], "end": part[-2:], "length": len(part)}
    candidates = {one.lower(): one for one in conn.execute(_COMPANIES_ALIKE, ends).scalars()}
    close = difflib.get_close_matches(part, candidates, n=5, cutoff=0.6)
    return [candidates[one] for one in close]


def _clean(text: str) -> str:
    return text.replace("\0", "")
