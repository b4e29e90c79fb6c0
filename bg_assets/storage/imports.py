"""Imports: rows staged by COPY, then put into people or companies by one statement.

Everything of one file happens in one transaction: all or nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from bg_assets.storage.capture import COMPANY_COLUMNS, PEOPLE_COLUMNS
from bg_assets.storage.copying import copy_rows


class TooManyLeavers(Exception):
    """A full snapshot would remove more than half of the people; the message gives the figures."""


@dataclass(frozen=True, slots=True)
class Imported:
    """Rows that were new, that changed, that stood there already, and people who left."""

    inserted: int
    updated: int
    unchanged: int
    left: int = 0


COLUMNS = {
    "companies": tuple(name for name in COMPANY_COLUMNS if name != "deleted_at"),
    "people": tuple(
        name for name in PEOPLE_COLUMNS if name not in {"deleted_at", "observed_at", "updated_at"}
    ),
}

_LATER_LINE = sa.text("""
    delete from staged as s using staged as later
    where later.id = s.id and later.line > s.line
        and not exists (select from staged as last where last.id = s.id and last.line > later.line)
    returning s.line, later.line as later
""")
_NO_COMPANY = sa.text("""
    with gone as (
        delete from staged as s where not exists (
            select from bg.canonical_companies as c
            where c.id = s.company_id and c.deleted_at is null)
        returning s.line, s.id, s.company_id
    ), kept as (insert into protected select id from gone)
    select line, company_id from gone
""")
# People of the companies in the file who are not in it.
_LEAVERS = """
    from bg.people as p
    where p.company_id in (select company_id from staged)
        and p.status = 'active' and p.deleted_at is null
        and not exists (select from staged as s where s.id = p.id)
        and not exists (select from protected as s where s.id = p.id)
"""
_COUNT_LEAVERS = sa.text(f"select count(*) {_LEAVERS}")
_COUNT_STAFF = sa.text("""
    select count(*) from bg.people as p
    where p.company_id in (select company_id from staged)
        and p.status = 'active' and p.deleted_at is null
""")
_LEAVE = sa.text(f"update bg.people set status = 'left' where id in (select p.id {_LEAVERS})")


def stage(
    conn: sa.Connection, kind: str, columns: Sequence[str], rows: Iterable[Sequence[object]]
) -> int:
    """Put rows of ``line`` and the values of ``columns`` aside; returns how many there are."""
    conn.execute(
        sa.text(
            f"create temporary table staged on commit drop as "
            f"select 0::bigint as line, {', '.join(columns)} from bg.{kind} limit 0"
        )
    )
    copy_rows(conn, "staged", ("line", *columns), rows)
    conn.execute(sa.text("create temporary table protected (id text) on commit drop"))
    conn.execute(sa.text("create index on staged (id)"))
    conn.execute(sa.text("analyze staged"))
    return int(conn.execute(sa.text("select count(*) from staged")).scalar_one())


def protect(conn: sa.Connection, ids: Iterable[str]) -> None:
    """People who stand in the file, though their rows are rejected: they have not left."""
    copy_rows(conn, "protected", ("id",), ((one,) for one in ids))


def reject_staged(conn: sa.Connection, kind: str) -> dict[int, str]:
    """Take out what can't go in, seen over the whole file: the reason by line."""
    rejects = {
        row.line: f"the same id comes again in line {row.later}: the last one counts"
        for row in conn.execute(_LATER_LINE)
    }
    if kind == "people":
        for row in conn.execute(_NO_COMPANY):
            rejects[row.line] = f"no company {row.company_id}: import companies first"
    return rejects


def apply(
    conn: sa.Connection,
    kind: str,
    columns: Sequence[str],
    *,
    full_snapshot: bool = False,
    allow_leavers: bool = False,
) -> Imported:
    """Insert and update from what is staged; a row that fits already is not touched.

    Columns that the file lacks keep what they hold. With ``full_snapshot`` the people of the
    staged companies who are not staged are marked as left. Raises TooManyLeavers when these are
    more than half, unless ``allow_leavers``.
    """
    staged = int(conn.execute(sa.text("select count(*) from staged")).scalar_one())
    before = int(conn.execute(_known(kind)).scalar_one())
    left = _leave(conn, allow_leavers) if kind == "people" and full_snapshot else 0
    written = conn.execute(_upsert(kind, columns, full_snapshot)).rowcount
    inserted = staged - before
    return Imported(inserted, written - inserted, staged - written, left)


def _leave(conn: sa.Connection, allow_leavers: bool) -> int:
    leavers = int(conn.execute(_COUNT_LEAVERS).scalar_one())
    staff = int(conn.execute(_COUNT_STAFF).scalar_one())
    if 2 * leavers > staff and not allow_leavers:
        raise TooManyLeavers(
            f"this snapshot would mark {leavers} of {staff} people as left: is the file whole? "
            "If it is, repeat with --allow-leavers"
        )
    return conn.execute(_LEAVE).rowcount


def _known(kind: str) -> sa.TextClause:
    return sa.text(f"select count(*) from staged as s join bg.{kind} as t on t.id = s.id")


def _upsert(kind: str, columns: Sequence[str], full_snapshot: bool) -> sa.TextClause:
    """Ordered by id, so that two imports at once can't lock each other out."""
    values = {name: f"excluded.{name}" for name in columns if name != "id"}
    values["deleted_at"] = "null"
    if kind == "people" and full_snapshot and "status" not in columns:
        values["status"] = "'active'"
    settings = ", ".join(f"{name} = {value}" for name, value in values.items())
    differs = " or ".join(
        f"t.{name} is distinct from {value}" for name, value in values.items()
    )
    listed = ", ".join(columns)
    return sa.text(
        f"insert into bg.{kind} as t ({listed}) select {listed} from staged order by id "
        f"on conflict (id) do update set {settings} where {differs}"
    )
