"""What is told of people is written into a table of somebody else's, where that is allowed."""

from typing import Any

import pytest
import sqlalchemy as sa

from bg_assets.storage.attach import catalog, choosing, through, writable
from bg_assets_tests.storage import told
from bg_assets_tests.storage.attach import shapes
from bg_assets_tests.storage.attach.shapes import (
    DJANGO,
    PARTITIONED,
    PRISMA,
    RAILS,
    SHAPES,
    Shape,
    as_owner,
)
from bg_assets_tests.storage.attach.telling import person, seen, since_start, tell
from bg_assets_tests.storage.rows import rows, run, value
from bg_assets_tests.storage.told import APPLIED


def attached(engine: sa.Engine, shape: Shape) -> Shape:
    shapes.make(engine, shape)
    shapes.attach_both(engine, shape, to_write=True)
    told.source(engine, "crm", may_create=True)
    return shape


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_a_new_title_is_written_in_the_owners_column_and_captured_once(
    engine: sa.Engine, shape: Shape
) -> None:
    attached(engine, shape)
    column = {"prisma": '"jobTitle"', "django": "job_title", "partitioned": "position"}
    name = column.get(shape.name, "title")
    ada = {"id": shape.ada, "name": "Ada A", "newTitle": "VP Finance"}
    assert tell(engine, "person.role_change", ada, shape) == APPLIED

    assert seen(engine) == [(shape.company, shape.ada, "role_change", "webhook")]
    titles = {row["what"] for row in rows(engine, f"select {name} as what from {shape.people}")}
    assert "VP Finance" in titles
    assert person(engine, shape.ada)["title"] == "VP Finance"
    assert tell(engine, "person.role_change", ada, shape, 5) == APPLIED
    as_owner(engine, shape.retitle)
    assert seen(engine) == [(shape.company, shape.ada, "role_change", "people_table")]
    older = tell(engine, "person.role_change", {**ada, "newTitle": "Boss"}, shape, -60)
    assert older[0] == "ignored"


HIRES = [
    (PRISMA, 'select "fullName" as name, "jobTitle" as title, "companyId" as company from people'),
    (DJANGO, "select full_name as name, job_title as title, company_id::text as company "
     "from app_person"),
    (RAILS, "select concat_ws('|', first_name, last_name) as name, title, "
     "company_id::text as company from app.people"),
]  # fmt: skip


@pytest.mark.parametrize(("shape", "listed"), HIRES, ids=["prisma", "django", "rails"])
def test_a_hire_gets_a_row_with_an_id_of_the_tables_own(
    engine: sa.Engine, shape: Shape, listed: str
) -> None:
    attached(engine, shape)
    new = {"id": "crm-77", "name": "Eva de Boer", "newTitle": "CIO"}
    assert tell(engine, "person.role_change", new, shape) == APPLIED
    ours = value(engine, "select our_id from bg.webhook_identities where external_id = 'crm-77'")
    assert seen(engine) == [(shape.company, ours, "person_joined", "webhook")]
    assert ours != "crm-77"
    assert tell(engine, "person.role_change", {**new, "newTitle": "CTO"}, shape, 1) == APPLIED

    found = [row for row in rows(engine, listed) if "Eva" in row["name"]]
    name = "Eva|de Boer" if shape is RAILS else "Eva de Boer"
    assert found == [{"name": name, "title": "CTO", "company": shape.company}]
    assert person(engine, ours)["name"] == "Eva de Boer"
    assert seen(engine) == [(shape.company, ours, "role_change", "webhook")]


def test_where_the_table_gives_no_id_a_hire_is_kept_beside_it(engine: sa.Engine) -> None:
    attached(engine, PARTITIONED)
    new = {"id": "crm-77", "name": "Eva de Boer", "newTitle": "CIO"}
    assert tell(engine, "person.role_change", new, PARTITIONED) == APPLIED

    assert value(engine, "select count(*) from crm.staff") == 3
    assert person(engine, "crm-77")["title"] == "CIO"


def test_who_is_deleted_is_marked_by_the_owners_column_and_back_by_it(engine: sa.Engine) -> None:
    attached(engine, DJANGO)
    active = "select is_active from app_person where id = 1"
    run(engine, "insert into bg.webhook_identities (kind, source, external_id, our_id) "
        "values ('person', 'crm', '1', '1')")  # fmt: skip
    assert tell(engine, "person.deleted", {"id": "1"}, DJANGO) == APPLIED
    assert value(engine, active) is False
    assert seen(engine) == [("41", "1", "person_left", "webhook")]
    assert tell(engine, "person.restored", {"id": "1"}, DJANGO, 1) == APPLIED
    assert value(engine, active) is True
    assert seen(engine) == [("41", "1", "person_joined", "webhook")]


def test_who_left_is_said_by_the_tables_own_word_or_kept_beside_where_it_has_none(
    engine: sa.Engine,
) -> None:
    shapes.make(engine, PARTITIONED)
    run(engine, "insert into crm.staff values (9, 'a1', 'Old', 'CFO', 'Former')")
    shapes.attach_both(engine, PARTITIONED, to_write=True)
    told.source(engine, "crm", may_create=True)
    assert tell(engine, "person.left", {"id": "1", "name": "Ada A"}, PARTITIONED) == APPLIED
    said = value(engine, "select employment_status from crm.staff where person_id = 1")
    assert said == "Former"
    assert seen(engine) == [("a1", "1", "person_left", "webhook")]


def test_of_a_table_without_a_word_for_it_who_left_is_kept_beside(engine: sa.Engine) -> None:
    attached(engine, RAILS)
    before = rows(engine, "select * from app.people order by id")
    assert tell(engine, "person.left", {"id": "1", "name": "Ada A"}, RAILS) == APPLIED

    assert seen(engine) == [("7", "1", "person_left", "webhook")]
    assert rows(engine, "select * from app.people order by id") == before


def test_what_the_owner_refuses_is_a_dead_letter_of_its_own_and_the_others_are_written(
    engine: sa.Engine,
) -> None:
    shapes.make(engine, DJANGO)
    run(engine, "alter table app_person add constraint no_boss check (job_title <> 'Boss')")
    shapes.attach_both(engine, DJANGO, to_write=True)
    told.source(engine, "crm", may_create=True)
    company = {"id": "41", "name": "Acme"}
    ids = [
        told.event(
            engine, "person.role_change", {"id": one, "newTitle": title}, company, seconds=told_at
        )
        for one, title, told_at in (
            ("1", "Boss", since_start(1)),
            ("2", "Treasurer", since_start(2)),
        )
    ]
    told.apply(engine)

    assert told.became(engine, ids[0]) == (
        "dead", "the database refused it: check violation (no_boss)",
    )  # fmt: skip
    assert told.became(engine, ids[1]) == APPLIED
    titles = rows(engine, "select job_title from app_person order by id")
    assert [row["job_title"] for row in titles] == ["CFO", "Treasurer", "CEO"]
    assert rows(engine, "select id from bg.observed_people") == [{"id": "2"}]


LIMITS = [
    ("alter table app.people alter column title type varchar(12)",
     "a text is longer than a column of app.people takes: 12 characters at most"),
    ("create domain short as text check (length(value) < 13); "
     "alter table app.people alter column title type short", "check violation (short_check)"),
    ("alter table app.people add column rank integer not null default 1; create function "
     "app.unranked() returns trigger language plpgsql as $$ begin new.rank := null; return new; "
     "end $$; create trigger unranked before update on app.people for each row "
     "execute function app.unranked()", "not null violation (rank)"),
]  # fmt: skip


@pytest.mark.parametrize(("limit", "said"), LIMITS, ids=["length", "domain", "not null"])
def test_a_refusal_of_the_table_names_what_it_is_about(
    engine: sa.Engine, limit: str, said: str
) -> None:
    shapes.make(engine, RAILS)
    run(engine, limit)
    shapes.attach_both(engine, RAILS, to_write=True)
    told.source(engine, "crm", may_create=True)
    new = {"id": "1", "newTitle": "Vice President of Finance"}
    told_of = tell(engine, "person.role_change", new, RAILS)
    assert told_of == ("dead", f"the database refused it: {said}")


TRIGGERS = """
    create function app.tidy() returns trigger language plpgsql as $$ begin
        if new.title = 'never' then return null; end if;
        new.title := upper(new.title); return new; end $$;
    create trigger tidy before insert or update on app.people
        for each row execute function app.tidy();
"""


def test_the_owners_triggers_have_the_last_word(engine: sa.Engine) -> None:
    shapes.make(engine, RAILS)
    run(engine, TRIGGERS)
    shapes.attach_both(engine, RAILS, to_write=True)
    told.source(engine, "crm", may_create=True)
    stamped = value(engine, "select updated_at from app.people where id = 1")
    assert tell(engine, "person.role_change", {"id": "1", "newTitle": "VP"}, RAILS) == APPLIED
    assert tell(engine, "person.role_change", {"id": "1", "newTitle": "vp, Sales"}, RAILS, 1)
    assert person(engine, "1")["title"] == "VP, SALES"
    assert value(engine, "select updated_at from app.people where id = 1") > stamped
    status, reason = tell(engine, "person.role_change", {"id": "2", "newTitle": "never"}, RAILS)

    assert status == "dead"
    assert "the attached table left the row as it was" in (reason or "")
    assert person(engine, "2")["title"] == "Controller"


def test_what_the_table_has_no_column_for_is_kept_beside_it(engine: sa.Engine) -> None:
    attached(engine, RAILS)
    changes = {"seniority": {"new": "VP"}, "title": {"new": "VP Finance"}}
    assert tell_changes(engine, {"id": "1", "name": "Ada A"}, changes) == APPLIED

    assert value(engine, "select title from app.people where id = 1") == "VP Finance"
    (beside,) = rows(engine, "select field, value, theirs from bg.observations")
    assert beside == {"field": "seniority", "value": "VP", "theirs": None}
    assert {one[2:] for one in seen(engine)} == {("role_change", "webhook")}


def tell_changes(engine: sa.Engine, whom: dict[str, Any], changes: dict[str, Any]) -> Any:
    company = {"id": "7", "name": "Acme"}
    return told.one(
        engine, "person.role_change", whom, company, seconds=since_start(0), changes=changes
    )


def test_without_the_right_to_write_it_is_kept_beside_and_said(engine: sa.Engine) -> None:
    attached(engine, RAILS)
    run(engine, "do $$ begin create role bg_reader login; "
        "exception when duplicate_object then null; end $$")  # fmt: skip
    run(engine, "grant usage on schema bg, app to bg_reader")
    run(engine, "grant select on all tables in schema bg, app to bg_reader")
    with engine.begin() as conn:
        conn.exec_driver_sql("set local role bg_reader")
        assert through.read(conn) is None
        (said,) = through.problems(conn)
        assert writable.missing_rights(conn, catalog.read(conn, "app.people")) == [
            "grant insert, update on app.people to bg_reader;",
            "grant usage on sequence app.people_id_seq to bg_reader;",
        ]
    run(engine, "grant insert, update on app.people to bg_reader")
    with engine.begin() as conn:
        conn.exec_driver_sql("set local role bg_reader")
        assert through.read(conn) is not None
        assert through.problems(conn) == []

    assert said.startswith("app.people may not be written any more")


ODD = """
    create table odd (id uuid primary key default gen_random_uuid(), company_id text not null,
        name_a text, name_b text, name_c text, job_title varchar(5), hire_date timestamptz,
        kind integer not null, full_email text generated always as ('x' || id::text) stored)
"""


def test_what_can_not_be_written_is_said_with_the_reason(engine: sa.Engine) -> None:
    run(engine, ODD)
    with engine.connect() as conn:
        table = catalog.read(conn, "odd")
        said = {"name": "name_a+name_b+name_c", "email": "full_email"}
        found = writable.chosen(conn, table, choosing.choose(table, "people", said))

    assert found.insert is None
    assert found.beside["new people"] == "column kind wants a value that nobody tells"
    assert "joined of name_a + name_b + name_c" in found.beside["name"]
    assert found.beside["email"] == "full_email is generated"
    assert found.beside["status"] == "no column of the table holds it"
    assert found.columns["title"] == {"job_title": "r.title"}
    assert found.columns["start_date"] == {
        "hire_date": "(r.start_date::timestamp at time zone 'UTC')"
    }
