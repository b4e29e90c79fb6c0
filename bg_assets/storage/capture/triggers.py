"""Change capture: the views and triggers over a people and a companies table, made from a mapping.

Everything else reads people and companies through the two views, so that other tables with other
column names can stand behind them. The triggers work on whole statements: many changed people of
one company in one statement become one change.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from bg_assets.domain.values import columns
from bg_assets.storage.capture import attached, beside, bodies, by_size, watch

PEOPLE_COLUMNS = columns.named(columns.PEOPLE)
COMPANY_COLUMNS = columns.named(columns.COMPANIES)

_TYPES = {one.name: one.type for one in (*columns.PEOPLE, *columns.COMPANIES)}


@dataclass(frozen=True, slots=True)
class CapturedTable:
    """A table that others write, by its name in SQL, and the name of its column for each of ours.

    A column may be of another type: it is read as the canonical one. Of an attached table
    ``expressions`` has for each column of ours the SQL that reads it, and ``tables`` what bears
    triggers: it itself and its parts, or nothing where it is gone.
    """

    table: str
    columns: Mapping[str, str]
    expressions: Mapping[str, str] | None = None
    tables: tuple[str, ...] = ()

    def readers(self) -> dict[str, str]:
        """For each canonical column the SQL that reads it, with ``{row}`` for the row's alias."""
        if self.expressions is not None:
            return {name: f"({read})::{_TYPES[name]}" for name, read in self.expressions.items()}
        return {
            name: f"{{row}}.{_quoted(found)}::{_TYPES[name]}"
            for name, found in self.columns.items()
        }


OWN_PEOPLE = CapturedTable("bg.people", {name: name for name in PEOPLE_COLUMNS})
OWN_COMPANIES = CapturedTable("bg.companies", {name: name for name in COMPANY_COLUMNS})
# What is kept beside an attached people table.
_OBSERVED = CapturedTable(beside.TABLE, OWN_PEOPLE.columns)


def in_force(conn: sa.Connection) -> tuple[CapturedTable, CapturedTable]:
    """The people and the companies that are captured: what is attached, else our own."""
    found = attached.read(conn)
    own = {"people": OWN_PEOPLE, "companies": OWN_COMPANIES}
    people, companies = (
        _attached(conn, found[kind]) if kind in found else own[kind] for kind in own
    )
    return people, companies


def _attached(conn: sa.Connection, one: attached.Attached) -> CapturedTable:
    there = attached.is_there(conn, one.on_table)
    tables = (one.on_table, *attached.parts(conn, one.on_table)) if there else ()
    names = PEOPLE_COLUMNS if one.kind == "people" else COMPANY_COLUMNS
    # A column of ours that is younger than the attaching is unknown until it is done again.
    readers = {name: one.readers.get(name, f"null::{_TYPES[name]}") for name in names}
    return CapturedTable(one.on_table, readers, readers, tables)


def install(
    conn: sa.Connection,
    people: CapturedTable = OWN_PEOPLE,
    companies: CapturedTable = OWN_COMPANIES,
) -> bool:
    """Install views and triggers on the two tables where they differ from what stands there.

    For what they were made is known by a hash in the comment of schema bg's canonical view, and
    whether they stand by a look at each. Returns whether anything was done. Call it with the
    migration lock held.
    """
    statements = _statements(people, companies)
    fingerprint = hashlib.sha256("\n".join(statements).encode()).hexdigest()
    comment = conn.execute(
        sa.text("select obj_description(to_regclass('bg.canonical_people'), 'pg_class')")
    ).scalar()
    known = watch.look(conn)
    fits = comment == fingerprint and known.remembered and not known.capture_lost
    if not fits:
        if known.capture_lost or (
            comment and not known.remembered and not _works(conn, statements)
        ):
            watch.ask_for_comparison(conn)
        # Of a table that is not as it was nobody could say anything else than that it is not.
        conn.exec_driver_sql("set local check_function_bodies = off")
        for statement in statements:
            # A per cent sign is the driver's: a column's name may hold one.
            conn.exec_driver_sql(statement.replace("%", "%%"))
        conn.exec_driver_sql(f"comment on view bg.canonical_people is '{fingerprint}'")
    tables = [table for one in (people, companies) for table in (one.tables or (one.table,))]
    if people.expressions is not None:
        tables.append(beside.TABLE)
    watch.remember(conn, tables)
    return not fits


def _works(conn: sa.Connection, statements: Sequence[str]) -> bool:
    """Whether as many triggers are enabled as these make: for what nobody had remembered yet."""
    made = sum(statement.startswith("create trigger") for statement in statements)
    standing = conn.execute(
        sa.text(
            "select count(*) from pg_catalog.pg_trigger as t "
            "join pg_catalog.pg_proc as p on p.oid = t.tgfoid "
            "where p.pronamespace = to_regnamespace('bg') and starts_with(t.tgname, :capturing) "
            "and t.tgenabled in ('O', 'A')"
        ),
        {"capturing": watch.CAPTURING},
    ).scalar_one()
    return bool(standing >= made)


def _statements(people: CapturedTable, companies: CapturedTable) -> list[str]:
    missing = sorted(
        {*PEOPLE_COLUMNS} - {*people.columns} | {*COMPANY_COLUMNS} - {*companies.columns}
    )
    if missing:
        raise ValueError(f"the mapping lacks {', '.join(missing)}")
    return [*statements_of("people", people), *statements_of("companies", companies)]


def statements_of(what: str, captured: CapturedTable) -> list[str]:
    """All that is done for ``people`` or ``companies``, in order."""
    of_people = what == "people"
    attached_ = captured.expressions is not None
    readers = captured.readers()
    functions = (
        bodies.people_functions(readers, attached=attached_)
        if of_people
        else bodies.company_functions(readers)
    )
    if attached_:
        truncate = bodies.part_truncated(what, captured.readers(), captured.table)
        functions = bodies.guarded({**functions, "truncate": truncate})
    elif of_people:
        functions = by_size.people_functions(functions, captured.readers())
    return [
        *_views(what, captured, PEOPLE_COLUMNS if of_people else COMPANY_COLUMNS),
        *_triggers(captured, functions, what),
        *_refusal(what, captured),
        *(_observed(captured) if of_people else ()),
    ]


def _observed(captured: CapturedTable) -> list[str]:
    """The triggers on what is kept beside an attached table; without one nothing is."""
    functions = bodies.observed_functions()
    if captured.expressions is None:
        return [f"drop function if exists bg.capture_observed_{one}() cascade" for one in functions]
    return _triggers(_OBSERVED, functions, "observed")


def _views(what: str, captured: CapturedTable, columns: tuple[str, ...]) -> list[str]:
    """The canonical view. Of an attached table it stands on a function that the planner puts in
    its place: the view itself would keep the owner from changing columns."""
    view, function = f"bg.canonical_{what}", f"bg.attached_{what}()"
    readers = captured.readers()
    listed = ", ".join(f"{readers[column].format(row='t')} as {column}" for column in columns)
    select = f"select {listed} from {captured.table} as t"
    of_people = what == "people"
    drop = f"drop function if exists {function}"
    if captured.expressions is None:
        dropped = beside.dropped() if of_people else []
        return [f"create or replace view {view} as {select}", drop, *dropped]
    typed = [f"{column} {_TYPES[column]}" for column in columns]
    nothing = ", ".join(f"null::{_TYPES[column]} as {column}" for column in columns)
    return [
        f"create or replace view {view} as select {nothing} where false",
        drop,
        f"create function {function} returns table ({', '.join(typed)}) language sql stable "
        f"as $attached${select}$attached$",
        f"create or replace view {view} as {_shown(what, function, columns)}",
        *(beside.functions() if of_people else ()),
    ]


def _shown(what: str, function: str, columns: tuple[str, ...]) -> str:
    """The owner's rows; of those of whom something was told, and of whom only we know, ours."""
    listed = ", ".join(columns)
    if what != "people":
        return f"select {listed} from {function}"
    rows = ", ".join(f"t.{column}" for column in columns)
    return (
        f"select {rows} from {function} as t where {beside.apart('t.id')} "
        f"union all select {listed} from {beside.TABLE}"
    )


def _refusal(what: str, captured: CapturedTable) -> list[str]:
    """Our own table takes nothing while another one stands in for it: nobody would read it."""
    drop = f"drop function if exists bg.refuse_{what}() cascade"
    if captured.expressions is None:
        return [drop]
    said = attached.refusal_of(what, captured.table).replace("'", "''")
    return [
        drop,
        f"create function bg.refuse_{what}() returns trigger language plpgsql as $refuse$ begin "
        f"raise exception using message = '{said}', errcode = '{attached.REFUSED}'; end $refuse$",
        f"create trigger refuse_{what} before insert or update or delete or truncate "
        f"on bg.{what} for each statement execute function bg.refuse_{what}()",
    ]


def _quoted(name: str) -> str:
    """An identifier in quotes; braces are doubled, since the result goes through format."""
    return '"' + name.replace('"', '""').replace("{", "{{").replace("}", "}}") + '"'


def _triggers(captured: CapturedTable, functions: Mapping[str, str], what: str) -> list[str]:
    """A function and a statement trigger for each of insert, update, delete and truncate."""
    transition = {
        "insert": "referencing new table as new_rows",
        "update": "referencing old table as old_rows new table as new_rows",
        "delete": "referencing old table as old_rows",
        "truncate": "",
    }
    statements = []
    for event, body in functions.items():
        name = f"capture_{what}_{event}"
        when = "before" if event == "truncate" else "after"
        statements += [
            # With it go its triggers on a table that was captured before.
            f"drop function if exists bg.{name}() cascade",
            # As its owner, since a writer of people need not have rights on bg.changes.
            f"create function bg.{name}() returns trigger language plpgsql "
            f"security definer set search_path = pg_catalog, pg_temp as $capture$\n{body}$capture$",
        ]
        tables = (captured.table,) if captured.expressions is None else captured.tables
        statements += [
            f"create trigger {name} {when} {event} on {table} {transition[event]} "
            f"for each statement execute function bg.{name}()"
            for table in tables
        ]
    return statements
