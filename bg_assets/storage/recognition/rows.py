"""Staged rows find whom they mean, their company first; what is new of them is kept in the end."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from bg_assets.storage.recognition import companies, people, short_ids
from bg_assets.storage.recognition.search import Search

# Names of columns that statements look at, whether the file has them or not.
_LOOKED_AT = ("name", "email", "manager_id")
_ADDED = ("how text", "maybe text[]", "made_of text")
_COUNTED = sa.text("""
    select count(*) filter (where how = 'source') as by_source,
        count(*) filter (where how = 'e-mail') as by_email,
        count(*) filter (where how = 'domain') as by_domain,
        count(*) filter (where how = 'name') as by_name,
        count(*) filter (where how = 'new') as new
    from staged where reason is null
""")
# Of companies that rows of people name: those that are known, and those that are new.
_COMPANIES = sa.text("""
    select count(distinct ours) filter (where how <> 'new') as known,
        count(distinct ours) filter (where how = 'new') as new
    from firms where ours in (select company_id from staged where reason is null)
""")
# Of the first rows alone; an id of the source that is kept is no made one.
_MADE = sa.text("""
    select unnest(array[
        case when s.how = 'new' and s.id is distinct from s.their_id then s.id end,
        case when f.ours is distinct from f.theirs then f.ours end])
    from (select * from staged where reason is null order by line limit 100) as s
        left join firms as f on f.clue = s.clue and f.how = 'new'
    where s.how = 'new' or f.how = 'new'
""")
_ANY_COMPANY = sa.text("select exists (select from bg.canonical_companies)")
_WORKSPACES = sa.text("select distinct workspace from bg.canonical_companies")
_OF_SCHEME = sa.text(
    "select min(id) from bg.webhook_sources where scheme = :scheme having count(*) = 1"
)
_SCHEME = sa.text("select scheme from bg.webhook_sources where id = :source")
_OF_SOURCE = sa.text("select workspace from bg.webhook_sources where id = :source")


@dataclass(frozen=True, slots=True)
class Recognised:
    """Rows by what tells whom they mean; and the companies that rows of people name, if they are.

    by_name: of people company and name.
    """

    by_source: int
    by_email: int
    by_domain: int
    by_name: int
    new: int
    companies_known: int | None = None
    companies_new: int | None = None


def recognise(conn: sa.Connection, search: Search) -> None:
    """Give all staged rows that have no id the one of whom they mean, or a reason.

    Asks with few statements for all rows; each looks into an index for each row. Call it where
    nobody else makes people or companies meanwhile.
    """
    has = set(conn.execute(sa.text("select * from staged limit 0")).keys())
    missing = [f"{name} text" for name in _LOOKED_AT if name not in has]
    for column in (*missing, *_ADDED):
        conn.execute(sa.text(f"alter table staged add column {column}"))
    if search.short_ids:
        short_ids.write_as_known(conn, search)
    companies.recognise(conn, search)
    if search.kind == "people":
        people.recognise(conn, search)
    conn.execute(sa.text("create index if not exists staged_by_id on staged (id)"))
    conn.execute(sa.text("analyze staged"))


def write(conn: sa.Connection, search: Search | None) -> None:
    """Keep the companies that people bring along, and what the source calls everybody."""
    if search is None:
        return
    companies.write(conn, search)
    if search.kind == "people":
        people.write(conn, search)


def counted(conn: sa.Connection, search: Search) -> Recognised:
    """By what the rows that are not rejected were recognised."""
    rows = conn.execute(_COUNTED).one()
    if search.kind == "companies":
        return Recognised(*rows)
    return Recognised(*rows, *conn.execute(_COMPANIES).one())


def without_new_ids(
    conn: sa.Connection, rows: Iterable[dict[str, object]]
) -> Iterator[dict[str, object]]:
    """The rows, with null for ids that were made for them just now: the next try makes others."""
    made = set(conn.execute(_MADE).scalars())
    for row in rows:
        yield {
            name: None if name in ("id", "company_id") and value in made else value
            for name, value in row.items()
        }


def any_company(conn: sa.Connection) -> bool:
    """Whether a company was ever imported."""
    return bool(conn.execute(_ANY_COMPANY).scalar_one())


def source_of_scheme(conn: sa.Connection, scheme: str) -> str | None:
    """The webhook source to which a system sends, if it is the only one of that system."""
    found = conn.execute(_OF_SCHEME, {"scheme": scheme}).scalar()
    return None if found is None else str(found)


def scheme_of(conn: sa.Connection, source: str) -> str | None:
    """The scheme of the webhook source of that name, a revoked one too; None: there is none."""
    found = conn.execute(_SCHEME, {"source": source}).scalar()
    return None if found is None else str(found)


def workspace_of(conn: sa.Connection, source: str | None) -> str | None:
    """The workspace of a webhook source of that name, else the only one; None: there are several.

    A pass over the companies.
    """
    of_source = conn.execute(_OF_SOURCE, {"source": source}).scalar()
    if of_source is not None:
        return str(of_source)
    found = list(conn.execute(_WORKSPACES).scalars())
    return str((found or ["default"])[0]) if len(found) < 2 else None
