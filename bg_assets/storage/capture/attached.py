"""Which tables of somebody else's stand in for people and companies, and whether they still fit.

Nothing in their database depends on us: our functions hold their columns' names as texts, so that
their owner may drop or rename what they like. It is here that we notice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

# Begins each line about what can't be read as long as it stands.
UNREADABLE = "attached table "
# What our own table answers with to who writes there meanwhile.
REFUSED = "BG001"
# And what is said where an attached table that may be written takes no write.
UNWRITTEN = "BG002"
# Classes of errors that come of columns: gone, of another type, not to be read; their values.
_OF_COLUMNS = ("42", "22")

# A schema that is about to be migrated has no column for how they are written yet.
_READ = sa.text("""
    select kind, on_table, schema, table_oid, mapping, gone, readers, columns, attached_by,
        attached_at, nullif(to_jsonb(a) -> 'writes', 'null') as writes
    from bg.attached_tables as a order by kind
""")
_TABLE = sa.text("select on_table from bg.attached_tables where kind = :kind")
_TABLES = sa.text("select kind, on_table from bg.attached_tables")
_THERE = sa.text("select to_regclass('bg.attached_tables') is not null")
_PARTS = sa.text("""
    with recursive below as (
        select inhrelid as oid from pg_catalog.pg_inherits where inhparent = to_regclass(:table)
        union select i.inhrelid from pg_catalog.pg_inherits as i
            join below as b on b.oid = i.inhparent
    )
    select quote_ident(n.nspname) || '.' || quote_ident(c.relname)
    from below join pg_catalog.pg_class as c using (oid)
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') order by 1
""")
# The table as it is now, and where it went if it was renamed. No to_regclass: that fails in a
# schema that may not be used.
_NOW = sa.text("""
    with named as (
        select c.oid, quote_ident(n.nspname) || '.' || quote_ident(c.relname) as name,
            n.oid as schema, quote_ident(n.nspname) as schema_name
        from pg_catalog.pg_class as c
        join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
        where n.nspname = :schema or c.oid = :oid
    )
    select t.oid is not null as there, t.oid, s.name as renamed, current_user as role,
        t.schema_name,
        coalesce(has_schema_privilege(t.schema, 'usage'), false) as open,
        coalesce(has_table_privilege(t.oid, 'select'), false) as readable,
        coalesce(row_security_active(t.oid), false) as hidden_rows
    from (select 1) as one
    left join named as t on t.name = :table
    left join named as s on s.oid = :oid and s.name <> :table
""")
_CLOSED = sa.text("""
    select w.on_table from bg.capture_triggers as w
    join pg_catalog.pg_namespace as n on starts_with(w.on_table, quote_ident(n.nspname) || '.')
    where not has_schema_privilege(n.oid, 'usage')
""")
_COLUMNS = sa.text("""
    select attname as name, attnum as number, format_type(atttypid, atttypmod) as type
    from pg_catalog.pg_attribute
    where attrelid = :oid and attnum > 0 and not attisdropped
""")
_FAILURES = sa.text("""
    select on_table, event, code, first_at from bg.capture_failures order by first_at, on_table
""")


@dataclass(frozen=True, slots=True)
class Attached:
    """A table that is attached, as it was understood then.

    mapping: of ours the names of theirs; gone: those of theirs that tell who counts no more;
    readers: of ours its SQL; columns: of theirs, number and type. writes: how what is told is
    written there (attach/writable.py); None: it is only read.
    """

    kind: str
    on_table: str
    schema: str
    table_oid: int
    mapping: Mapping[str, Sequence[str]]
    gone: Sequence[str]
    readers: Mapping[str, str]
    columns: Mapping[str, Any]
    attached_by: str
    attached_at: datetime
    writes: Mapping[str, Any] | None = None


def read(conn: sa.Connection) -> dict[str, Attached]:
    """The tables that are attached, by what they stand in for: people, companies."""
    if not conn.execute(_THERE).scalar():
        return {}
    return {row.kind: Attached(**row._mapping) for row in conn.execute(_READ)}


def table_of(conn: sa.Connection, kind: str) -> str:
    """The table in which people or companies stand, by its name in SQL."""
    return str(conn.execute(_TABLE, {"kind": kind}).scalar() or f"bg.{kind}")


def refusal(conn: sa.Connection, kind: str) -> str | None:
    """Why nothing of ours writes there, in words; None where it may: our own table is in force."""
    table = conn.execute(_TABLE, {"kind": kind}).scalar()
    return None if table is None else refusal_of(kind, str(table))


def refusals(conn: sa.Connection) -> dict[str, str]:
    """The same of all that is attached, by kind."""
    return {row.kind: refusal_of(row.kind, row.on_table) for row in conn.execute(_TABLES)}


def refusal_of(kind: str, table: str) -> str:
    """That people or companies are somebody else's, and what to do."""
    todo = f"write there, or `bg-assets detach {kind}`"
    return f"{kind} are read from {table}, which is attached: {todo}"


def parts(conn: sa.Connection, table: str) -> tuple[str, ...]:
    """The tables below it, at any depth, by their names in SQL: partitions, and who inherits."""
    return tuple(conn.execute(_PARTS, {"table": table}).scalars())


def is_there(conn: sa.Connection, table: str) -> bool:
    """Whether there is such a table now."""
    found = conn.execute(sa.text("select to_regclass(:table) is not null"), {"table": table})
    return bool(found.scalar_one())


def closed(conn: sa.Connection) -> list[str]:
    """The tables that bear triggers of ours in schemas that we may not use any more."""
    return list(conn.execute(_CLOSED).scalars())


def failures(conn: sa.Connection) -> list[str]:
    """What capture could not note of attached tables, a line each."""
    if not conn.execute(_THERE).scalar():
        return []
    return [
        f"changes of {row.on_table} are not noted: at {row.event} its trigger fails with "
        f"{row.code}, first at {row.first_at:%Y-%m-%d %H:%M}: they are found by comparison once "
        "the columns fit again; see `bg-assets attach --help`"
        for row in conn.execute(_FAILURES)
    ]


def misfits(conn: sa.Connection) -> list[str]:
    """What of attached tables is not as it was understood, a line each, with what to do."""
    return [
        f"{UNREADABLE}{one.on_table} {line}"
        for one in read(conn).values()
        for line in _misfits(conn, one)
    ]


def unread(conn: sa.Connection, err: sa.exc.DBAPIError) -> list[str]:
    """What of attached tables made a statement fail, as ``misfits`` tells it; nothing where the
    error is of another kind. The transaction must have been rolled back to before it."""
    code = getattr(err.orig, "pgcode", None) or ""
    return misfits(conn) if code.startswith(_OF_COLUMNS) else []


def _misfits(conn: sa.Connection, one: Attached) -> list[str]:
    asked = {"table": one.on_table, "oid": one.table_oid, "schema": one.schema}
    now = conn.execute(_NOW, asked).one()
    again = f"`bg-assets attach {one.kind} --table"
    if not now.there:
        if now.renamed:
            return [f"is called {now.renamed} now: {again} {now.renamed}`"]
        return [f"is gone: make it again, or `bg-assets detach {one.kind}`"]
    if not now.open:
        return [f"may not be looked at: grant usage on schema {now.schema_name} to {now.role};"]
    if not now.readable:
        return [f"may not be read any more: grant select on {one.on_table} to {now.role};"]
    if now.hidden_rows:
        return [
            f"hides rows from {now.role} by row level security: alter role {now.role} bypassrls;"
        ]
    found = {row.name: row for row in conn.execute(_COLUMNS, {"oid": now.oid})}
    numbers = {row.number: row.name for row in found.values()}
    lines = []
    for name, was in one.columns.items():
        ours = [mine for mine, theirs in one.mapping.items() if name in theirs]
        what = ", ".join(ours) or "who is gone"
        if name in found:
            if _family(found[name].type) != _family(was["type"]):
                said = f"has {found[name].type} in column {name} ({what}), once {was['type']}"
                lines.append(f"{said}: {again} {one.on_table}` reads it anew")
            continue
        # In a table that was made anew the number may be another column's.
        new = numbers.get(was["number"]) if now.oid == one.table_oid else None
        if new is None or new in one.columns:
            todo = f"{again} {one.on_table}`, or detach"
            lines.append(f"has no column {name} ({what}) any more: {todo}")
        else:
            option = f"--map {ours[0]}={new}" if ours else f"--deleted {new}"
            todo = f"{again} {one.on_table} {option}`"
            lines.append(f"has its column {name} ({what}) renamed to {new}: {todo}")
    return lines


def _family(type_name: str) -> str:
    """What lengths and widths make no difference to."""
    name = type_name.partition("(")[0].strip()
    alike = {"smallint": "integer", "bigint": "integer", "character varying": "text"}
    return alike.get(name, name)
