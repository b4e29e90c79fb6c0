"""Writes what is told of people into an attached table, where its owner allowed that.

The owner's triggers and constraints see these writes as anybody's, and so do ours, by which what is
kept beside the table follows: one change of each value, named by who told it. What the table has no
place for is kept beside it.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from bg_assets.domain.values.columns import PEOPLE
from bg_assets.storage.attach.catalog import quoted
from bg_assets.storage.capture import attached, beside, observed

_TYPES = {one.name: one.type for one in PEOPLE}
_MAY = sa.text("""
    select has_table_privilege(to_regclass(:table), 'insert')
        and has_table_privilege(to_regclass(:table), 'update')
""")
_UNWRITTEN = (
    "the attached table left the row as it was: a trigger or a rule of its own takes no such write"
)


@dataclass(frozen=True, slots=True)
class Through:
    """An attached table that may be written: its name, how its columns are read and filled."""

    table: str
    readers: Mapping[str, str]
    columns: Mapping[str, Mapping[str, str]]
    gone: Mapping[str, Sequence[str]]
    stamps: Mapping[str, str]
    insert: Mapping[str, str] | None

    def reads(self, name: str) -> str:
        """The SQL that reads a column of ours from the row ``t``."""
        return f"({self.readers[name]})::{_TYPES[name]}".format(row="t")


def read(conn: sa.Connection) -> Through | None:
    """The table through which people are written; None where they are kept beside, or are ours.

    Where the right to write was taken away they are kept beside as well: `doctor` says so.
    """
    one = attached.read(conn).get("people")
    if (
        one is None
        or one.writes is None
        or not conn.execute(_MAY, {"table": one.on_table}).scalar()
    ):
        return None
    parts = {name: one.writes[name] for name in ("columns", "gone", "stamps", "insert")}
    return Through(one.on_table, one.readers, **parts)


def problems(conn: sa.Connection) -> list[str]:
    """What keeps us from writing to a table that was to be written, a line each."""
    one = attached.read(conn).get("people")
    if one is None or one.writes is None or read(conn) is not None:
        return []
    role = conn.exec_driver_sql("select current_user").scalar_one()
    grant = f"grant insert, update on {one.on_table} to {quoted(str(role))};"
    return [
        f"{one.on_table} may not be written any more, and what is told of its people is kept "
        f"beside it: {grant}"
    ]


def lock(conn: sa.Connection, ids: Collection[str], *, wait: bool = False) -> set[str]:
    """Those of these people who stand in the table and whom somebody else writes just now.

    The others are locked, before what is kept beside them is: their owner's statements take both in
    this order. Nobody is waited for, unless with ``wait``.
    """
    found = read(conn)
    if found is None or not ids:
        return set()
    one = found.reads("id")
    rows = f"select {one} as id from {found.table} as t where {one} = any(%(ids)s)"
    asked = {"ids": sorted(ids)}
    there = _run(conn, rows, asked).scalars().all()
    how = "" if wait else "skip locked"
    free = _run(conn, f"{rows} order by 1 for update {how}", asked).scalars().all()
    return {*there} - {*free}


def create(conn: sa.Connection, found: Through, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Insert new people, a statement each; returns the ids that the table gave, in their order.

    Raises the database's errors, and one of its own where a trigger took no row.
    """
    assert found.insert is not None
    names = ", ".join(map(quoted, found.insert))
    statement = (
        f"insert into {found.table} as t ({names}) select {', '.join(found.insert.values())} "
        f"from {_told(_columns_of(rows))} returning {found.reads('id')}"
    )
    ids = []
    for row in rows:
        given = _run(conn, statement, {"rows": _json([row])}).scalar()
        if given is None:
            _refuse(conn)
        ids.append(str(given))
    return ids


def change(conn: sa.Connection, found: Through, rows: Sequence[Mapping[str, Any]]) -> None:
    """Update people who stand in the table, where what is told is another value than it reads.

    Raises the database's errors, and one of its own where a row was left as it was.
    """
    if not rows:
        return
    told = _columns_of(rows)
    columns = {name: found.columns[name] for name in told if name in found.columns}
    sets = [
        f"{quoted(theirs)} = case when {found.reads(name)} is distinct from r.{name} "
        f"then {value} else t.{quoted(theirs)} end"
        for name, filled in columns.items()
        for theirs, value in filled.items()
    ]
    differs = [f"{found.reads(name)} is distinct from r.{name}" for name in columns]
    if "deleted" in told and found.gone:
        other = f"({found.reads('deleted_at')} is not null) is distinct from r.deleted"
        differs.append(other)
        sets += [
            f"{quoted(theirs)} = case when {other} then case when r.deleted then {gone} "
            f"else {back} end else t.{quoted(theirs)} end"
            for theirs, (gone, back) in found.gone.items()
        ]
    if not differs:
        return
    sets += [f"{quoted(theirs)} = {value}" for theirs, value in found.stamps.items()]
    which = f"{found.reads('id')} = r.id and ({' or '.join(differs)})"
    counts = _run(
        conn,
        f"""with told as materialized (select * from {_told(told)}),
        wanted as (select r.id from told as r join {found.table} as t on {which}),
        done as (update {found.table} as t set {", ".join(sets)} from told as r where {which}
            returning 1)
        select (select count(*) from wanted) as wanted, (select count(*) from done) as done""",
        {"rows": _json(rows)},
    ).one()
    if counts.done < counts.wanted:
        _refuse(conn)


def keep_beside(
    conn: sa.Connection, found: Through | None, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Write what is told of people into their rows beside the table: all of it, or, of those whom
    ``found`` holds, what it has no place for.
    """
    if not rows:
        return
    told = _columns_of(rows)
    written = {} if found is None else found.columns
    names = [name for name in told if name in _TYPES and name not in written and name != "id"]
    sets = [f"{name} = r.{name}" for name in names]
    if "deleted" in told and not (found and found.gone):
        sets.append("deleted_at = case when r.deleted then coalesce(p.deleted_at, now()) end")
    statement = f"update {beside.TABLE} as p set {', '.join(sets)} from {_told(told)} "
    _run(conn, f"{statement} where p.id = r.id", {"rows": _json(rows)})


def take_new(
    conn: sa.Connection, found: Through, rows: Sequence[Mapping[str, Any]]
) -> dict[str, str]:
    """Make new people in the table, and keep beside what it has no place for; returns by the ids
    that they had until now those that the table gave."""
    if not rows or found.insert is None:
        return {}
    given = create(conn, found, rows)
    observed.take(conn, given)
    keep_beside(conn, found, [{**row, "id": one} for row, one in zip(rows, given, strict=True)])
    return {row["id"]: one for row, one in zip(rows, given, strict=True)}


def _columns_of(rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(rows[0])


def _told(names: Sequence[str]) -> str:
    types = {**_TYPES, "deleted": "boolean"}
    listed = ", ".join(f"{name} {types[name]}" for name in names)
    return f"jsonb_to_recordset(cast(%(rows)s as jsonb)) as r({listed})"


def _json(rows: Sequence[Mapping[str, Any]]) -> str:
    return json.dumps(list(rows), default=str)


def _run(conn: sa.Connection, statement: str, parameters: Mapping[str, Any]) -> Any:
    """A statement with names and texts of theirs: its per cent signs are none of the driver's."""
    for name in parameters:
        statement = statement.replace(f"%({name})s", f"\0{name}\0")
    statement = statement.replace("%", "%%")
    for name in parameters:
        statement = statement.replace(f"\0{name}\0", f"%({name})s")
    return conn.exec_driver_sql(statement, dict(parameters))


def _refuse(conn: sa.Connection) -> None:
    conn.exec_driver_sql(
        f"do $$ begin raise exception using errcode = '{attached.UNWRITTEN}', "
        f"message = '{_UNWRITTEN}'; end $$"
    )
