"""Change capture: the views and triggers over a people and a companies table, made from a mapping.

Everything else reads people and companies through the two views, so that other tables with other
column names can stand behind them. The triggers work on whole statements: many changed people of
one company in one statement become one change.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from bg_assets.storage import capture_sql

PEOPLE_COLUMNS = (
    "id", "company_id", "name", "title", "department", "seniority", "email", "location",
    "manager_id", "start_date", "end_date", "status", "deleted_at", "observed_at", "updated_at",
)  # fmt: skip
COMPANY_COLUMNS = (
    "id", "workspace", "name", "domain", "website", "industry", "employee_min", "employee_max",
    "revenue", "country", "deleted_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Source:
    """A table and, for each canonical column, the name of its column there."""

    table: str
    columns: Mapping[str, str]


OWN_PEOPLE = Source("bg.people", {name: name for name in PEOPLE_COLUMNS})
OWN_COMPANIES = Source("bg.companies", {name: name for name in COMPANY_COLUMNS})


def install(
    conn: sa.Connection, people: Source = OWN_PEOPLE, companies: Source = OWN_COMPANIES
) -> bool:
    """Install views and triggers on the two tables where they differ from what stands there.

    What stands is known by a hash in the comment of schema bg's canonical view. Returns whether
    anything was done. Call it with the migration lock held.
    """
    statements = _statements(people, companies)
    fingerprint = hashlib.sha256("\n".join(statements).encode()).hexdigest()
    found = conn.execute(
        sa.text("select obj_description(to_regclass('bg.canonical_people'), 'pg_class')")
    ).scalar()
    if found == fingerprint:
        return False
    for statement in statements:
        conn.exec_driver_sql(statement)
    conn.exec_driver_sql(f"comment on view bg.canonical_people is '{fingerprint}'")
    return True


def _statements(people: Source, companies: Source) -> list[str]:
    missing = sorted(
        {*PEOPLE_COLUMNS} - {*people.columns} | {*COMPANY_COLUMNS} - {*companies.columns}
    )
    if missing:
        raise ValueError(f"the mapping lacks {', '.join(missing)}")
    return [
        _view("bg.canonical_people", people, PEOPLE_COLUMNS),
        _view("bg.canonical_companies", companies, COMPANY_COLUMNS),
        *_triggers(people, capture_sql.people_functions(people.columns), "people"),
        *_triggers(companies, capture_sql.company_functions(companies.columns), "companies"),
    ]


def _view(name: str, source: Source, columns: tuple[str, ...]) -> str:
    listed = ", ".join(f"{source.columns[column]} as {column}" for column in columns)
    return f"create or replace view {name} as select {listed} from {source.table}"


def _triggers(source: Source, bodies: Mapping[str, str], what: str) -> list[str]:
    """A function and a statement trigger for each of insert, update, delete and truncate."""
    transition = {
        "insert": "referencing new table as new_rows",
        "update": "referencing old table as old_rows new table as new_rows",
        "delete": "referencing old table as old_rows",
        "truncate": "",
    }
    statements = []
    for event, body in bodies.items():
        name = f"capture_{what}_{event}"
        when = "before" if event == "truncate" else "after"
        statements += [
            # As its owner, since a writer of people need not have rights on bg.changes.
            f"create or replace function bg.{name}() returns trigger language plpgsql "
            f"security definer set search_path = pg_catalog, pg_temp as $capture$\n{body}$capture$",
            f"drop trigger if exists {name} on {source.table}",
            f"create trigger {name} {when} {event} on {source.table} {transition[event]} "
            f"for each statement execute function bg.{name}()",
        ]
    return statements
