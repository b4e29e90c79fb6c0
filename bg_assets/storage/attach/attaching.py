"""A table of somebody else's takes the place of people or companies, and gives it back.

Both are one transaction, at whose end the owner's table is locked for a moment to get its triggers.
What differs from the groups that stand is found by comparison after it, in portions, and goes on
by itself where this process ends.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from bg_assets.domain.values.columns import COMPANIES, PEOPLE, named
from bg_assets.storage import audit, erased, locks
from bg_assets.storage.attach import reading, writable
from bg_assets.storage.attach.catalog import CannotAttach, Table, missing_rights, quoted
from bg_assets.storage.attach.choosing import Choice
from bg_assets.storage.attach.writable import Writes
from bg_assets.storage.capture import attached, observed, triggers, watch
from bg_assets.storage.locks import Lock

ATTACHED, DETACHED = "attach", "detach"
# Of a table of more rows a look-up without an index would be a look at all of them, each time.
MOST_WITHOUT_INDEX = 20_000
# Whoever holds the table for longer is not waited for: those behind us would wait as well.
_LOCK_TIMEOUT = "5s"
ROWS_SHOWN = 5

# By when it was attached events are judged: a mapping that is mended makes none of them old.
_KEEP = sa.text("""
    insert into bg.attached_tables as a
        (kind, on_table, schema, table_oid, mapping, gone, readers, columns, attached_by, writes)
    values (:kind, :on_table, :schema, :oid, cast(:mapping as jsonb), :gone,
        cast(:readers as jsonb), cast(:columns as jsonb), :actor,
        cast(:writes as jsonb))
    on conflict (kind) do update set
        on_table = excluded.on_table, schema = excluded.schema, table_oid = excluded.table_oid,
        mapping = excluded.mapping, gone = excluded.gone, readers = excluded.readers,
        columns = excluded.columns, attached_by = excluded.attached_by, writes = excluded.writes,
        attached_at = case when :again then a.attached_at else clock_timestamp() end
""")
_LET_GO = sa.text("delete from bg.attached_tables where kind = :kind returning on_table")
_MENDED = sa.text("delete from bg.capture_failures")
# By what people are looked for all the time, and by what now and then.
_LOOK_UPS = {
    "people": (("id", True), ("company_id", True), ("email", False), ("start_date", False),
               ("end_date", False)),
    "companies": (("id", True), ("domain", False)),
}  # fmt: skip
_LOWER = ("email", "domain")


@dataclass(frozen=True, slots=True)
class Index:
    """An index that a look-up lacks: by which column of ours, and the statement that makes it."""

    column: str
    statement: str
    needed: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """What would be seen through an attached table: counts of rows, and the first of those there.

    there: rows that count; of people at a company, of companies all. gone: marked as such or as
    left. unfit: rows with ids that can't be ours. companies: those of the people that are tracked;
    untracked: those that are not. own: rows of ours that would be out of force. erased: ids of
    people who stand there though a source had them erased here.
    """

    rows: int
    there: int
    gone: int
    unfit: int
    companies: int
    untracked: int
    own: int
    first: tuple[dict[str, Any], ...]
    indexes: tuple[Index, ...]
    erased: tuple[str, ...] = ()


def preview(conn: sa.Connection, table: Table, choice: Choice) -> Preview:
    """What would be seen; reads the whole table and locks nothing.

    Raises CannotAttach where an id that is no key is that of several rows.
    """
    names = named(PEOPLE if choice.kind == "people" else COMPANIES)
    listed = ", ".join(f"({choice.readers[name].format(row='t')}) as {name}" for name in names)
    rows = f"(select {listed} from {table.sql} as t)"
    source = f"{rows} as p"
    left = "deleted_at is not null" + (" or status = 'left'" if choice.kind == "people" else "")
    company = "company_id" if choice.kind == "people" else "id"
    unfit = f"{reading.unfit(choice.kind, choice.theirs).format(row='t')}"
    _refuse_doubles(conn, table, choice, source)
    counts = _one(conn, f"""
        select count(*) as rows, count(*) filter (where {company} is not null and not ({left}))
            as there, count(*) filter (where {left}) as gone,
            (select count(*) from {table.sql} as t where {unfit}) as unfit
        from {source}
    """)  # fmt: skip
    tracked = "exists (select from bg.canonical_companies as c where c.id = w.company_id and " \
        "c.deleted_at is null)"  # fmt: skip
    companies = {"companies": counts["there"], "untracked": 0}
    if choice.kind == "people":
        companies = _one(conn, f"""
            select count(*) filter (where {tracked}) as companies,
                count(*) filter (where not {tracked}) as untracked
            from (select distinct company_id from {source}
                where not ({left}) and company_id is not null) as w
        """)  # fmt: skip
    shown = (
        f"select * from {source} where {company} is not null and not ({left}) limit {ROWS_SHOWN}"
    )
    first = conn.exec_driver_sql(shown.replace("%", "%%")).mappings()
    return Preview(
        **counts,
        own=_own_rows(conn, choice.kind),
        **companies,
        first=tuple(dict(row) for row in first),
        indexes=tuple(_missing_indexes(conn, table, choice, source)),
        erased=tuple(erased.who_stand(conn, rows)) if choice.kind == "people" else (),
    )


def require_rights(conn: sa.Connection, table: Table, *, to_write: bool = False) -> None:
    """Raises CannotAttach, with the statements that grant them, where our role lacks rights."""
    grants = missing_rights(conn, table)
    if to_write:
        grants += writable.missing_rights(conn, table)
    if grants:
        raise CannotAttach(
            f"the role of BG_DATABASE_URL lacks rights on {table.sql}; {table.owner}, who owns it, "
            "can give them:",
            *grants,
        )
    if table.hidden_rows:
        role = quoted(str(conn.exec_driver_sql("select current_user").scalar_one()))
        raise CannotAttach(
            f"row level security of {table.sql} hides rows from {role}: whoever is hidden would "
            "count as gone; a superuser can let it see all:",
            f"alter role {role} bypassrls;",
        )


def require_indexes(table: Table, found: Preview) -> None:
    """Raises CannotAttach where look-ups of a large table would read all of it, each time."""
    needed = [one for one in found.indexes if one.needed]
    if needed and found.rows > MOST_WITHOUT_INDEX:
        raise CannotAttach(
            f"{table.sql} has {found.rows:,} rows and no index by which they are looked up: make "
            "them first, or say --without-indexes:",
            *(one.statement for one in needed),
        )


def planned(table: Table, choice: Choice) -> list[str]:
    """The statements by which the table would be read and its changes noted; nothing is done."""
    captured = triggers.CapturedTable(
        table.sql,
        choice.readers,
        choice.readers,
        (table.sql, *(part.sql for part in table.parts)),
    )
    return triggers.statements_of(choice.kind, captured)


def attach(
    conn: sa.Connection,
    table: Table,
    choice: Choice,
    actor: str,
    writes: Writes | None = None,
) -> None:
    """Put the table in the place of ours, in this transaction. writes: how what is told of people
    is written there; None: it is only read. A table that is attached already stays so since when
    it was.

    All companies are to be compared after it: database.catch_up. Raises LockNotAvailable where
    somebody holds the table.
    """
    columns = {one.name: one for source in choice.theirs.values() for one in source}
    columns |= {one.name: one for one in choice.gone}
    values: dict[str, Any] = {
        "kind": choice.kind,
        "on_table": _plainly(conn, table.oid),
        "schema": table.schema,
        "oid": table.oid,
        "mapping": json.dumps({m: [one.name for one in t] for m, t in choice.theirs.items()}),
        "gone": [one.name for one in choice.gone],
        "readers": json.dumps(choice.readers),
        "columns": json.dumps(
            {name: {"number": one.number, "type": one.type} for name, one in columns.items()}
        ),
        "actor": actor,
        "writes": None if writes is None else json.dumps(writes.document()),
    }
    _begin(conn)
    before = attached.read(conn).get(choice.kind)
    same = before is not None and before.table_oid == table.oid
    if choice.kind == "people":
        observed.belongs_to(conn, values["on_table"], renamed=same)
    # One that was made anew under its name is the same as well.
    again = before is not None and (same or before.on_table == values["on_table"])
    conn.execute(_KEEP, {**values, "again": again})
    _put_in_force(conn)
    audit.record(conn, actor, ATTACHED, choice.kind, detail={"table": values["on_table"]})


def detach(conn: sa.Connection, kind: str, actor: str) -> str | None:
    """Put our own table back in its place; returns what was attached, None where nothing was."""
    _begin(conn)
    was = conn.execute(_LET_GO, {"kind": kind}).scalar()
    if was is None:
        return None
    _put_in_force(conn)
    audit.record(conn, actor, DETACHED, kind, detail={"table": was})
    return str(was)


def _begin(conn: sa.Connection) -> None:
    locks.take(conn, Lock.SCHEMA)
    conn.exec_driver_sql(f"set local lock_timeout = '{_LOCK_TIMEOUT}'")


def _put_in_force(conn: sa.Connection) -> None:
    conn.execute(_MENDED)
    triggers.install(conn, *triggers.in_force(conn))
    watch.ask_for_comparison(conn)


def _refuse_doubles(conn: sa.Connection, table: Table, choice: Choice, source: str) -> None:
    (one,) = choice.theirs["id"]
    if one.name == table.key:
        return
    several = f"select id from {source} where deleted_at is null group by id having count(*) > 1"
    doubled = int(_one(conn, f"select count(*) as ids from ({several}) as d")["ids"])
    if doubled:
        raise CannotAttach(
            f"column {one.name} of {table.sql} has ids that several rows share ({doubled:,}): "
            "--map id=COLUMN takes one that is of each row alone"
        )


def _own_rows(conn: sa.Connection, kind: str) -> int:
    """The rows of our own table that are in force until now."""
    if kind in attached.read(conn):
        return 0
    own = f"select count(*) as rows from bg.{kind} where deleted_at is null"
    return int(_one(conn, own)["rows"])


def _plainly(conn: sa.Connection, oid: int) -> str:
    """The table's name in SQL as PostgreSQL writes it."""
    return str(conn.execute(sa.text("""
        select quote_ident(n.nspname) || '.' || quote_ident(c.relname)
        from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
        where c.oid = :oid
    """), {"oid": oid}).scalar_one())  # fmt: skip


def _missing_indexes(
    conn: sa.Connection, table: Table, choice: Choice, source: str
) -> Sequence[Index]:
    """The planner is asked, as it would look up one row, with all but indexes taken from it."""
    missing = []
    with conn.begin_nested() as asking:
        conn.exec_driver_sql("set local enable_seqscan = off")
        for column, needed in _LOOK_UPS[choice.kind]:
            if not choice.theirs.get(column):
                continue
            value = f"lower({column}) = 'x'" if column in _LOWER else f"{column} = any('{{x}}')"
            if column.endswith("_date"):
                value = f"{column} = date '2020-01-01'"
            statement = f"explain (format json) select from {source} where {value}"
            plan = conn.exec_driver_sql(statement.replace("%", "%%")).scalar_one()
            if not _served(plan[0]["Plan"]):
                statement = _index(table, choice, column)
                missing.append(Index(column, statement, needed))
        asking.rollback()
    return missing


def _served(plan: dict[str, Any]) -> bool:
    inner = plan.get("Plans", [])
    if plan["Node Type"] == "Seq Scan":
        return False
    if "Scan" in plan["Node Type"] and not inner:
        return "Index Cond" in plan
    return all(map(_served, inner))


def _index(table: Table, choice: Choice, column: str) -> str:
    (one,) = choice.theirs[column]
    reader = choice.readers[column].format(row="t").replace("t.", "", 1)
    plain = column not in _LOWER and (reading.fits_text(one) or one.base == "date")
    key = quoted(one.name) if plain else f"({reader})"
    if column in _LOWER:
        key = f"lower({reader})"
    # PostgreSQL can't make one on a partitioned table while it is written.
    how = "index" if table.partitioned else "index concurrently"
    return f"create {how} on {table.sql} ({key});"


def _one(conn: sa.Connection, statement: str) -> dict[str, Any]:
    return dict(conn.exec_driver_sql(statement.replace("%", "%%")).mappings().one())
