"""What PostgreSQL knows of a table that is to be attached: columns, parts, and our rights on it."""

import difflib
import re
from dataclasses import dataclass

import sqlalchemy as sa

_TABLE = "r"
_PARTITIONED = "p"
_KINDS = {
    "v": "a view: no trigger of whole statements sees what is written through it; name its table",
    "m": "a materialized view: name the tables that it is made of",
    "f": "a foreign table: PostgreSQL tells no trigger here what is written there",
    "S": "a sequence",
    "i": "an index",
    "I": "an index",
    "c": "a type",
}
# A name in quotes, in which two are one, or one without.
_PART = re.compile(r'("(?:[^"]|"")*")|([^."]+)')
# The quotes of our functions' bodies, in which these names stand.
_OUR_QUOTES = ("$attached$", "$capture$", "$refuse$")
_NOT_THEIRS = ("bg", "pg_catalog", "information_schema", "pg_toast")

_FIND = sa.text("""
    select c.oid, n.nspname as schema, c.relname as name, c.relkind::text as kind,
        pg_get_userbyid(c.relowner) as owner, c.relpersistence = 't' as temporary,
        c.reltuples::bigint as rows, row_security_active(c.oid) as hidden_rows
    from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.relname = any(array[:name, lower(:name)])
        and (n.nspname = any(array[:schema, lower(:schema)])
            or (cast(:schema as text) is null and pg_table_is_visible(c.oid)))
        and c.relkind in ('r', 'p', 'v', 'm', 'f')
    order by c.relname <> :name, n.nspname <> coalesce(:schema, n.nspname) limit 1
""")
_NAMES = sa.text("""
    select n.nspname || '.' || c.relname
    from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and not c.relispartition and n.nspname <> all(:not_theirs)
        and n.nspname not like 'pg\\_%' order by 1 limit 5000
""")
_COLUMNS = sa.text("""
    select a.attname as name, a.attnum as number, format_type(a.atttypid, a.atttypmod) as type,
        y.typcategory::text as category, coalesce(b.typname, y.typname) as base
    from pg_catalog.pg_attribute as a
    join pg_catalog.pg_type as y on y.oid = a.atttypid
    left join pg_catalog.pg_type as b on b.oid = nullif(y.typbasetype, 0)
    where a.attrelid = :oid and a.attnum > 0 and not a.attisdropped order by a.attnum
""")
_KEY = sa.text("""
    select a.attname from pg_catalog.pg_index as i
    join pg_catalog.pg_attribute as a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
    where i.indrelid = :oid and i.indisprimary and i.indnatts = 1
""")
# All below it, tables that inherit in the old way too.
_PARTS = sa.text("""
    with recursive below as (
        select inhrelid as oid from pg_catalog.pg_inherits where inhparent = :oid
        union select i.inhrelid from pg_catalog.pg_inherits as i
            join below as b on b.oid = i.inhparent
    )
    select c.oid, n.nspname as schema, c.relname as name, c.relkind::text as kind
    from below join pg_catalog.pg_class as c using (oid)
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    order by n.nspname, c.relname
""")
_RIGHTS = sa.text("""
    select current_user as role, has_schema_privilege(n.oid, 'usage') as usage,
        has_table_privilege(c.oid, 'select') as "select",
        has_table_privilege(c.oid, 'trigger') as "trigger"
    from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.oid = :oid
""")


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its number stays when it is renamed; category and base are pg_type's."""

    name: str
    number: int
    type: str
    category: str
    base: str


@dataclass(frozen=True, slots=True)
class Part:
    """A table below another one: a partition, or one that inherits."""

    oid: int
    schema: str
    name: str
    kind: str

    @property
    def sql(self) -> str:
        """Its name in SQL."""
        return f"{quoted(self.schema)}.{quoted(self.name)}"


@dataclass(frozen=True, slots=True)
class Table:
    """A table of somebody else's. key: its primary key, where that is one column; rows: estimated,
    below 0 where nobody has counted."""

    oid: int
    schema: str
    name: str
    owner: str
    partitioned: bool
    rows: int
    hidden_rows: bool
    columns: tuple[Column, ...]
    key: str | None
    parts: tuple[Part, ...]

    @property
    def sql(self) -> str:
        """Its name in SQL."""
        return f"{quoted(self.schema)}.{quoted(self.name)}"


class CannotAttach(Exception):
    """The table can't be attached as it was said; ``lines`` say why and what to type."""

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def quoted(name: str) -> str:
    """An identifier as SQL takes it; in quotes only where it needs them."""
    plain = name.isidentifier() and name.isascii() and name == name.lower()
    return name if plain and name not in _WORDS else '"' + name.replace('"', '""') + '"'


def read(conn: sa.Connection, wanted: str) -> Table:
    """The table that somebody names, with or without its schema. Raises CannotAttach."""
    schema, name = _split(wanted)
    row = conn.execute(_FIND, {"schema": schema, "name": name}).first()
    if row is None:
        raise CannotAttach(_not_found(conn, wanted))
    if row.schema in _NOT_THEIRS:
        raise CannotAttach(f"{row.schema}.{row.name} is a table of this system, not of yours")
    if row.kind not in (_TABLE, _PARTITIONED):
        raise CannotAttach(f"{wanted} is {_KINDS.get(row.kind, 'no table')}")
    if row.temporary:
        raise CannotAttach(f"{wanted} is a temporary table: nobody else sees it")
    asked = {"oid": row.oid}
    columns = tuple(Column(**found._mapping) for found in conn.execute(_COLUMNS, asked))
    for one in (row.schema, row.name, *(column.name for column in columns)):
        if any(sign in one for sign in _OUR_QUOTES):
            raise CannotAttach(f"{wanted} has a name with {' or '.join(_OUR_QUOTES)} in it")
    return Table(
        oid=row.oid,
        schema=row.schema,
        name=row.name,
        owner=row.owner,
        partitioned=row.kind == _PARTITIONED,
        rows=row.rows,
        hidden_rows=row.hidden_rows,
        columns=columns,
        key=conn.execute(_KEY, asked).scalar(),
        parts=tuple(Part(**found._mapping) for found in conn.execute(_PARTS, asked)),
    )


def missing_rights(conn: sa.Connection, table: Table) -> list[str]:
    """The statements that give our role what it lacks on the table; an empty list where none does.

    Reading goes by the table itself, a trigger stands on each of its parts.
    """
    grants: dict[str, None] = {}
    places = [(table.oid, table.schema, table.sql, True)]
    places += [(part.oid, part.schema, part.sql, False) for part in table.parts]
    for oid, schema, name, is_read in places:
        found = conn.execute(_RIGHTS, {"oid": oid}).one()
        role = quoted(found.role)
        if not found.usage:
            grants[f"grant usage on schema {quoted(schema)} to {role};"] = None
        lacking = [
            word
            for word, has in (("select", found.select or not is_read), ("trigger", found.trigger))
            if not has
        ]
        if lacking:
            grants[f"grant {', '.join(lacking)} on {name} to {role};"] = None
    return list(grants)


def _not_found(conn: sa.Connection, wanted: str) -> str:
    known = list(conn.execute(_NAMES, {"not_theirs": list(_NOT_THEIRS)}).scalars())
    by_name = {one.rpartition(".")[2].lower(): one for one in known}
    plain = ".".join(part or "" for part in _split(wanted) if part)
    near = difflib.get_close_matches(plain, known, n=3, cutoff=0.6) or [
        by_name[one]
        for one in difflib.get_close_matches(_split(wanted)[1].lower(), by_name, n=3, cutoff=0.6)
    ]
    hint = f"; did you mean {', '.join(near)}?" if near else ""
    return f"there is no table {wanted} in the database of BG_DATABASE_URL{hint}"


def _split(wanted: str) -> tuple[str | None, str]:
    """Schema and name of ``app.people``, ``people``, ``"My Schema"."People"``."""
    parts = [found[0] or found[1] for found in _PART.findall(wanted.strip())]
    parts = [part[1:-1].replace('""', '"') if part[:1] == '"' else part for part in parts]
    return (parts[-2] if len(parts) > 1 else None), (parts[-1] if parts else "")


# Those of SQL's words that a table or a column is likely to have for a name.
_WORDS = frozenset(
    [
        "all",
        "analyse",
        "analyze",
        "and",
        "any",
        "array",
        "as",
        "asc",
        "both",
        "case",
        "cast",
        "check",
        "collate",
        "column",
        "constraint",
        "create",
        "current_date",
        "current_role",
        "current_time",
        "current_user",
        "default",
        "desc",
        "distinct",
        "do",
        "else",
        "end",
        "except",
        "false",
        "fetch",
        "for",
        "foreign",
        "from",
        "grant",
        "group",
        "having",
        "in",
        "initially",
        "intersect",
        "into",
        "lateral",
        "leading",
        "limit",
        "localtime",
        "not",
        "null",
        "offset",
        "on",
        "only",
        "or",
        "order",
        "placing",
        "primary",
        "references",
        "returning",
        "select",
        "session_user",
        "some",
        "symmetric",
        "table",
        "then",
        "to",
        "trailing",
        "true",
        "union",
        "unique",
        "user",
        "using",
        "variadic",
        "when",
        "where",
        "window",
        "with",
        "authorization",
        "binary",
        "collation",
        "concurrently",
        "cross",
        "current_schema",
        "freeze",
        "full",
        "ilike",
        "inner",
        "is",
        "isnull",
        "join",
        "left",
        "like",
        "natural",
        "notnull",
        "outer",
        "overlaps",
        "right",
        "similar",
        "tablesample",
        "verbose",
    ]
)
