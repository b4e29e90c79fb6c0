"""How what is told of people is written into a table of somebody else's, column by column, as SQL.

What can't be written there is kept beside it, as where the table is only read: each such column has
its reason. ``r`` is the row that is told, with columns of ours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import sqlalchemy as sa

from bg_assets.domain.values import habits
from bg_assets.domain.values.columns import PEOPLE
from bg_assets.storage.attach import catalog, reading
from bg_assets.storage.attach.catalog import Column, Table, quoted
from bg_assets.storage.attach.choosing import Choice
from bg_assets.storage.attach.reading import plain

_FIRST = ("firstname", "givenname", "forename")
_LAST = ("lastname", "familyname", "surname")
# When a row was made and written: every program that writes it fills them.
_MADE = ("createdat", "createdon", "insertedat", "datecreated", "created")
_WRITTEN = ("updatedat", "updatedon", "modifiedat", "modifiedon", "lastmodified", "dateupdated")
_OF_OURS = {one.name: one for one in PEOPLE}
_NEVER = ("id", "deleted_at", "observed_at", "updated_at")

_NEEDS = sa.text("""
    select a.attname as name, a.attnotnull as filled,
        a.atthasdef or a.attidentity <> '' as has_default, a.attgenerated <> '' as generated,
        a.attidentity = 'a' as always
    from pg_catalog.pg_attribute as a
    where a.attrelid = :oid and a.attnum > 0 and not a.attisdropped
""")
_RIGHTS = sa.text("""
    select has_table_privilege(:oid, 'insert') as "insert",
        has_table_privilege(:oid, 'update') as "update", current_user as role
""")
# Identities need no right of their own, the sequences of serials do.
_SEQUENCES = sa.text("""
    select s.oid::regclass::text as name
    from pg_catalog.pg_attrdef as d
    join pg_catalog.pg_depend as p on p.objid = d.oid and p.classid = 'pg_attrdef'::regclass
    join pg_catalog.pg_class as s on s.oid = p.refobjid
    where d.adrelid = :oid
        and case when s.relkind = 'S' then not has_sequence_privilege(s.oid, 'usage') end
    order by 1
""")
_LABELS = sa.text("""
    select e.enumlabel from pg_catalog.pg_enum as e
    join pg_catalog.pg_attribute as a on a.atttypid = e.enumtypid
    where a.attrelid = :oid and a.attname = :name order by e.enumsortorder
""")


@dataclass(frozen=True, slots=True)
class Writes:
    """How people are written to an attached table.

    columns: of ours the columns of theirs with the SQL that fills each. gone: of theirs the SQL for
    who is deleted and for who is back. stamps: those that tell when a row was written. insert: of
    theirs the SQL of a new row, None where none can be made; given: whether the table gives the id.
    beside: of ours why it is kept beside, in words; "new people" among them.
    """

    columns: dict[str, dict[str, str]] = field(default_factory=dict)
    gone: dict[str, tuple[str, str]] = field(default_factory=dict)
    stamps: dict[str, str] = field(default_factory=dict)
    insert: dict[str, str] | None = None
    given: bool = False
    beside: dict[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """As it is stored."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Need:
    filled: bool
    has_default: bool
    generated: bool
    always: bool


def missing_rights(conn: sa.Connection, table: Table) -> list[str]:
    """The statements that let our role write the table; an empty list where none is missing."""
    found = conn.execute(_RIGHTS, {"oid": table.oid}).one()
    lacking = [word for word in ("insert", "update") if not getattr(found, word)]
    role = quoted(found.role)
    grants = [f"grant {', '.join(lacking)} on {table.sql} to {role};"] if lacking else []
    sequences = conn.execute(_SEQUENCES, {"oid": table.oid}).scalars()
    return [*grants, *(f"grant usage on sequence {one} to {role};" for one in sequences)]


def chosen(conn: sa.Connection, table: Table, choice: Choice) -> Writes:
    """How each column is written; reads the words that a status has in the table by now."""
    needs = {
        row.name: _Need(row.filled, row.has_default, row.generated, row.always)
        for row in conn.execute(_NEEDS, {"oid": table.oid})
    }
    writes = Writes()
    for name in _OF_OURS:
        if name in _NEVER:
            continue
        found = _column(conn, table, choice, name, needs)
        used = {theirs for filled in writes.columns.values() for theirs in filled}
        if not isinstance(found, str) and used & {*found}:
            found = f"{', '.join(found)} holds something else as well"
        if isinstance(found, str):
            writes.beside[name] = found
        else:
            writes.columns[name] = found
    _put_gone(conn, table, choice, needs, writes)
    for one in table.columns:
        if plain(one.name) in _WRITTEN and one.category == "D" and not needs[one.name].generated:
            writes.stamps[one.name] = _now(one)
    new = _new(table, choice, needs, writes)
    if isinstance(new, str):
        writes.beside["new people"] = new
        return writes
    insert, given = new
    return Writes(
        writes.columns, writes.gone, writes.stamps, insert, given=given, beside=writes.beside
    )


def _column(
    conn: sa.Connection, table: Table, choice: Choice, name: str, needs: Mapping[str, _Need]
) -> dict[str, str] | str:
    """The SQL by column of theirs; why it can't be written where it can't."""
    source = choice.theirs.get(name, ())
    if not source:
        return "no column of the table holds it"
    if any(needs[one.name].generated for one in source):
        return f"{_names(source)} is generated"
    if len(source) > 1:
        return _joined(name, source, needs)
    (one,) = source
    if name == "status":
        return _status(conn, table, one)
    value = _value(name, one)
    if value is None:
        return f"{one.name} is {one.type}, which can't be made of it"
    return {one.name: _filled(value, one, needs)}


def _joined(
    name: str, source: Sequence[Column], needs: Mapping[str, _Need]
) -> dict[str, str] | str:
    """A name in two is its first word and the rest, which read the same when joined again."""
    if name == "name" and len(source) == 2:
        first, last = source
        if plain(first.name) in _FIRST and plain(last.name) in _LAST:
            rest = "nullif(btrim(substr(btrim(r.name), strpos(btrim(r.name) || ' ', ' '))), '')"
            return {
                first.name: _filled("nullif(split_part(btrim(r.name), ' ', 1), '')", first, needs),
                last.name: _filled(rest, last, needs),
            }
    return f"it is joined of {_names(source)}: into which of them what goes can't be told"


def _status(conn: sa.Connection, table: Table, one: Column) -> dict[str, str] | str:
    if one.category == "B":
        return {one.name: "(r.status <> 'left')"}
    words = _words(conn, table, one)
    if words is None:
        return f"{one.name} has no word for who left"
    left, active = (_literal(word) for word in words)
    cast = f"::{one.type}" if one.category == "E" else ""
    return {one.name: f"case when r.status = 'left' then {left} else {active} end{cast}"}


def _words(conn: sa.Connection, table: Table, one: Column) -> tuple[str, str] | None:
    """What the table itself calls who left, and who is there: the most frequent of each."""
    says_left = reading.has_left(one).format(row="t")
    name, rows = quoted(one.name), f"{table.sql} as t"
    statement = (
        f"select {name}::text as word, {says_left} as is_left, count(*) as n from {rows} "
        f"where {name} is not null group by 1, 2 order by 3 desc, 1 limit 1000"
    )
    used = conn.exec_driver_sql(statement.replace("%", "%%")).all()
    by_side = {side: [row.word for row in used if row.is_left is side] for side in (True, False)}
    if one.category == "E":
        labels = conn.execute(_LABELS, {"oid": table.oid, "name": one.name}).scalars().all()
        left = {*habits.words_of("left"), "archived", "deleted"}
        by_side[True] += [label for label in labels if label.strip().lower() in left]
        by_side[False] += [label for label in labels if label.strip().lower() == "active"]
        if not (by_side[True] and by_side[False]):
            return None
    return [*by_side[True], "left"][0], [*by_side[False], "active"][0]


def _put_gone(
    conn: sa.Connection,
    table: Table,
    choice: Choice,
    needs: Mapping[str, _Need],
    writes: Writes,
) -> None:
    """How somebody is marked as deleted, and as back, in all columns that tell it."""
    columns = [*choice.theirs.get("deleted_at", ()), *choice.gone]
    if not columns:
        writes.beside["deleted_at"] = "no column tells who is gone"
    used = {theirs for filled in writes.columns.values() for theirs in filled}
    for one in columns:
        if needs[one.name].generated or one.name in used:
            why = "is generated" if needs[one.name].generated else "tells the status as well"
            writes.beside["deleted_at"] = f"{one.name} {why}"
            writes.gone.clear()
            return
        if one.category == "D":
            writes.gone[one.name] = (_now(one), "null")
        elif one.category in ("B", "N"):
            gone = plain(one.name) not in reading.GONE_WHEN_FALSE
            yes, no = ("true", "false") if one.category == "B" else ("1", "0")
            writes.gone[one.name] = (yes, no) if gone else (no, yes)
        else:
            words = _words(conn, table, one)
            if words is None:
                writes.beside["deleted_at"] = f"{one.name} has no word for who is gone"
                writes.gone.clear()
                return
            cast = f"::{one.type}" if one.category == "E" else ""
            left, active = (f"{_literal(word)}{cast}" for word in words)
            writes.gone[one.name] = (left, active)


def _new(
    table: Table, choice: Choice, needs: Mapping[str, _Need], writes: Writes
) -> tuple[dict[str, str], bool] | str:
    """What fills a new row, and whether the table gives its id; why there can be none."""
    if "company_id" not in writes.columns:
        return "the company of somebody can't be written"
    insert = {name: sql for filled in writes.columns.values() for name, sql in filled.items()}
    insert |= {name: back for name, (_, back) in writes.gone.items() if back != "null"}
    insert |= writes.stamps
    (key,) = choice.theirs["id"]
    given = needs[key.name].has_default
    if not given:
        value = _value("id", key)
        if value is None or key.category == "N":
            return f"{key.name} gets no value by itself"
        insert[key.name] = value
    for one in table.columns:
        need = needs[one.name]
        if one.name in insert or not need.filled or need.has_default or need.generated:
            continue
        if plain(one.name) in _MADE and one.category == "D":
            insert[one.name] = _now(one)
        else:
            return f"column {one.name} wants a value that nobody tells"
    return insert, given


def _value(name: str, one: Column) -> str | None:
    """A value of ours as the column takes it; PostgreSQL itself refuses a text that is too long."""
    form, value = _OF_OURS[name].form, f"r.{name}"
    if form in ("day", "moment"):
        if one.base == "date":
            return value
        if one.base == "timestamp":
            return f"{value}::timestamp"
        return f"({value}::timestamp at time zone 'UTC')" if one.base == "timestamptz" else None
    if one.category == "S":
        return value
    if one.category in ("E", "N") or one.base == "uuid":
        return f"{value}::{one.type}"
    return None


def _filled(value: str, one: Column, needs: Mapping[str, _Need]) -> str:
    """Unknown is null; where the table wants a text it is an empty one, which reads the same."""
    return f"coalesce({value}, '')" if needs[one.name].filled and one.category == "S" else value


def _now(one: Column) -> str:
    return "now()" if one.base == "timestamptz" else "(now() at time zone 'UTC')"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _names(source: Sequence[catalog.Column]) -> str:
    return " + ".join(one.name for one in source)
