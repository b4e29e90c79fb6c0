"""The people of a company locked, read and written: in our own table, or beside an attached one."""

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass, replace

import sqlalchemy as sa

from bg_assets.domain.enrichment.observing import Row
from bg_assets.storage.attach import through
from bg_assets.storage.attach.through import Through
from bg_assets.storage.capture import observed

# Served by primary keys, as is all that names ids. The order is that of all who write many people.
_LOCK = {
    table: sa.text(f"select id from {table} where id = any(:ids) order by id for update")
    for table in observed.TABLES
}
# In a statement of its own, so that it sees what stood there when the lock was had.
_ROWS = sa.text("""
    select id, company_id, name, title, department, email, location, start_date, end_date, status,
        deleted_at is not null as deleted, observed_at
    from bg.canonical_people where id = any(:ids)
""")
_COLUMNS = {
    "company_id": "text", "name": "text", "title": "text", "department": "text", "email": "text",
    "location": "text", "start_date": "date", "end_date": "date", "status": "text",
    "observed_at": "timestamptz",
}  # fmt: skip
_TOLD_ROWS = "jsonb_to_recordset(cast(:rows as jsonb)) as r(id text, {})".format(
    ", ".join(f"{name} {kind}" for name, kind in _COLUMNS.items())
)
_CHANGE = {
    table: sa.text(f"""
        update {table} as p set {", ".join(f"{name} = r.{name}" for name in _COLUMNS)}
        from {_TOLD_ROWS} where p.id = r.id
    """)
    for table in observed.TABLES
}
_CREATE = {
    table: sa.text(f"""
        insert into {table} (id, {", ".join(_COLUMNS)})
        select id, {", ".join(_COLUMNS)} from {_TOLD_ROWS} order by id
    """)
    for table in observed.TABLES
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where they are written: the table of ours, and the attached one where that may be written.

    theirs: who stands in an attached table.
    """

    table: str
    through: Through | None
    theirs: set[str]


def locked(conn: sa.Connection, ids: Collection[str]) -> tuple[Place, dict[str, Row]]:
    """Where these people are written, and as they are now; nobody else writes them until the
    transaction ends."""
    table = observed.table(conn)
    beside = table == observed.BESIDE
    if beside:
        through.lock(conn, ids, wait=True)
        observed.take(conn, ids)
    conn.execute(_LOCK[table], {"ids": sorted(ids)})
    rows = conn.execute(_ROWS, {"ids": sorted(ids)}).mappings()
    known = {row["id"]: Row(**row) for row in rows}
    if not beside:
        return Place(table, None, set()), known
    at = observed.written_at(conn, {one.id: one.company_id for one in known.values()})
    return Place(table, through.read(conn), observed.theirs(conn, known)), {
        one.id: replace(one, observed_at=one.observed_at or at[one.id]) for one in known.values()
    }


def change(conn: sa.Connection, place: Place, row: Row) -> None:
    """Somebody is as the row says from now on."""
    if place.through is not None and row.id in place.theirs:
        through.change(conn, place.through, [asdict(row)])
        through.keep_beside(conn, place.through, [asdict(row)])
    else:
        conn.execute(_CHANGE[place.table], {"rows": _json(row)})


def create(conn: sa.Connection, place: Place, row: Row) -> Row:
    """Somebody new, as they are from now on: an attached table may give another id."""
    if place.through is not None:
        given = through.take_new(conn, place.through, [asdict(row)])
        if given:
            place.theirs.update(given.values())
            return replace(row, id=given[row.id])
    conn.execute(_CREATE[place.table], {"rows": _json(row)})
    return row


def _json(row: Row) -> str:
    return json.dumps([asdict(row)], default=str)
