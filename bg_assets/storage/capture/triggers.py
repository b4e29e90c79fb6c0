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
from bg_assets.storage.capture import bodies, watch

PEOPLE_COLUMNS = columns.named(columns.PEOPLE)
COMPANY_COLUMNS = columns.named(columns.COMPANIES)

_TYPES = {one.name: one.type for one in (*columns.PEOPLE, *columns.COMPANIES)}


@dataclass(frozen=True, slots=True)
class CapturedTable:
    """A table that others write, by its name in SQL, and the name of its column for each of ours.

    A column may be of another type: it is read as the canonical one.
    """

    table: str
    columns: Mapping[str, str]

    def readers(self) -> dict[str, str]:
        """For each canonical column the SQL that reads it, with ``{row}`` for the row's alias."""
        return {
            name: f"{{row}}.{_quoted(found)}::{_TYPES[name]}"
            for name, found in self.columns.items()
        }


OWN_PEOPLE = CapturedTable("bg.people", {name: name for name in PEOPLE_COLUMNS})
OWN_COMPANIES = CapturedTable("bg.companies", {name: name for name in COMPANY_COLUMNS})


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
    found = conn.execute(
        sa.text("select obj_description(to_regclass('bg.canonical_people'), 'pg_class')")
    ).scalar()
    known = watch.look(conn)
    fits = found == fingerprint and known.remembered and not known.capture_lost
    if not fits:
        if known.capture_lost or (found and not known.remembered and not _works(conn, statements)):
            watch.ask_for_comparison(conn)
        for statement in statements:
            # A per cent sign is the driver's: a column's name may hold one.
            conn.exec_driver_sql(statement.replace("%", "%%"))
        conn.exec_driver_sql(f"comment on view bg.canonical_people is '{fingerprint}'")
    watch.remember(conn, people.table, companies.table)
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
    return [
        _view("bg.canonical_people", people, PEOPLE_COLUMNS),
        _view("bg.canonical_companies", companies, COMPANY_COLUMNS),
        *_triggers(people, bodies.people_functions(people.readers()), "people"),
        *_triggers(companies, bodies.company_functions(companies.readers()), "companies"),
    ]


def _view(name: str, captured: CapturedTable, columns: tuple[str, ...]) -> str:
    readers = captured.readers()
    listed = ", ".join(f"{readers[column].format(row='t')} as {column}" for column in columns)
    return f"create or replace view {name} as select {listed} from {captured.table} as t"


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
            f"create trigger {name} {when} {event} on {captured.table} {transition[event]} "
            f"for each statement execute function bg.{name}()",
        ]
    return statements
