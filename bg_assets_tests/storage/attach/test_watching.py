"""Attached tables whose owners do as they like: partitions, tables made anew, rights taken away."""

import pytest
import sqlalchemy as sa

from bg_assets.storage import database
from bg_assets.storage.attach import upkeep
from bg_assets.storage.capture import watch
from bg_assets_tests.storage.attach import shapes
from bg_assets_tests.storage.attach.shapes import (
    DJANGO,
    PARTITIONED,
    PRISMA,
    RAILS,
    as_owner,
)
from bg_assets_tests.storage.rows import forget_changes, rows, run, value

SEEN = "select company_id, person_id, kind from bg.changes order by id"


def seen(engine: sa.Engine) -> list[tuple[str, str | None, str]]:
    found = [(row["company_id"], row["person_id"], row["kind"]) for row in rows(engine, SEEN)]
    forget_changes(engine)
    return found


def problems(engine: sa.Engine) -> list[str]:
    with engine.begin() as conn:
        return watch.problems(conn)


def look_after(engine: sa.Engine) -> list[str]:
    with engine.begin() as conn:
        return upkeep.look_after(conn)


def to_compare(engine: sa.Engine) -> bool:
    return bool(value(engine, "select to_compare from bg.capture_watch"))


@pytest.fixture
def parts(engine: sa.Engine) -> sa.Engine:
    shapes.make(engine, PARTITIONED)
    shapes.attach_both(engine, PARTITIONED)
    run(engine, "update bg.capture_watch set to_compare = false")
    return engine


@pytest.fixture
def django(engine: sa.Engine) -> sa.Engine:
    shapes.make(engine, DJANGO)
    shapes.attach_both(engine, DJANGO)
    run(engine, "update bg.capture_watch set to_compare = false")
    return engine


def test_what_is_written_to_a_partition_itself_is_seen_at_any_depth(parts: sa.Engine) -> None:
    as_owner(parts, "update crm.staff_a set position = 'Treasurer' where person_id = 2")
    assert seen(parts) == [("a1", "2", "role_change")]
    leaf = value(parts, "select tableoid::regclass::text from crm.staff where person_id = 3")
    as_owner(parts, f"update {leaf} set position = 'Owner'")
    assert seen(parts) == [("b1", "3", "role_change")]


def test_who_moves_to_a_company_in_another_partition_is_seen_by_both(parts: sa.Engine) -> None:
    as_owner(parts, "update crm.staff set org = 'b1' where person_id = 2")

    assert sorted(seen(parts)) == [("a1", "2", "company_change"), ("b1", "2", "company_change")]


def test_truncate_of_one_partition_tells_of_its_people_alone(parts: sa.Engine) -> None:
    as_owner(parts, "truncate crm.staff_a")

    assert seen(parts) == [("a1", None, "resync")]


def test_a_partition_that_is_attached_later_is_captured_and_what_it_brought_is_compared(
    parts: sa.Engine,
) -> None:
    assert look_after(parts) == []
    as_owner(parts, "create table crm.staff_c (like crm.staff)",
             "insert into crm.staff_c values (9, 'c1', 'Gil G', 'CFO')",
             "insert into crm.orgs values ('c1', 'Corp')",
             "alter table crm.staff attach partition crm.staff_c for values in ('c1')")  # fmt: skip
    forget_changes(parts)
    (line,) = look_after(parts)
    assert line.startswith("changes of crm.staff are captured again")
    assert look_after(parts) == []
    assert database.catch_up(parts) == 3
    assert ("c1", None, "resync") in seen(parts)
    as_owner(parts, "update crm.staff_c set position = 'Treasurer'")
    assert seen(parts) == [("c1", "9", "role_change")]


def test_a_partition_that_is_taken_out_tells_of_nobody_any_more(parts: sa.Engine) -> None:
    as_owner(parts, "alter table crm.staff detach partition crm.staff_a")
    assert look_after(parts)
    as_owner(parts, "update crm.staff_a set position = 'x'", "update crm.staff set position = 'y'")

    assert [company for company, _, _ in seen(parts)] == ["b1"]
    assert problems(parts) == []


def test_a_table_that_others_make_anew_is_captured_again(django: sa.Engine) -> None:
    as_owner(django, """
        alter table app_person rename to app_person_old;
        create table app_person (like app_person_old including all);
        insert into app_person select * from app_person_old;
        drop table app_person_old""")  # fmt: skip
    assert problems(django)
    assert look_after(django)

    assert problems(django) == []
    assert to_compare(django)
    as_owner(django, DJANGO.retitle)
    assert seen(django) == [("41", "1", "role_change")]


def test_another_table_takes_the_place_of_one_that_is_attached(django: sa.Engine) -> None:
    as_owner(django, "create table staff (id text primary key, company_id integer, title text)")
    shapes.attach(django, "people", "staff")
    as_owner(django, DJANGO.retitle, "insert into staff values ('s1', 41, 'CFO')")

    assert seen(django) == [("41", "s1", "person_joined")]
    assert problems(django) == []
    assert shapes.detach(django, "people") == "public.staff"


def test_who_inherits_in_the_old_way_is_followed_too(engine: sa.Engine) -> None:
    shapes.make(engine, RAILS)
    as_owner(engine, "create table app.managers (level text) inherits (app.people)",
             "insert into app.managers (id, company_id, title) values (50, 7, 'CEO')")  # fmt: skip
    shapes.attach_both(engine, RAILS)
    as_owner(engine, "update app.people set title = 'Owner' where id = 50",
             "update app.managers set title = 'Chair' where id = 50")  # fmt: skip

    assert seen(engine) == [("7", "50", "role_change")] * 2


def test_a_trigger_that_its_owner_disabled_is_told_and_left_alone(django: sa.Engine) -> None:
    as_owner(django, "alter table app_person disable trigger user")

    assert look_after(django) == []
    assert any("capture_people_update on public.app_person is disabled" in line
               for line in problems(django))  # fmt: skip


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("alter table app_person rename column job_title to role_title",
         "has its column job_title (title) renamed to role_title: `bg-assets attach people "
         "--table public.app_person --map title=role_title`"),
        ("alter table app_person rename column is_active to works_here",
         "has its column is_active (who is gone) renamed to works_here: `bg-assets attach people "
         "--table public.app_person --deleted works_here`"),
        ("alter table app_person alter company_id type text using company_id::text",
         "has text in column company_id (company_id), once integer: `bg-assets attach people "
         "--table public.app_person` reads it anew"),
        ("alter table app_person rename to people",
         "is called public.people now: `bg-assets attach people --table public.people`"),
        ("alter table app_person alter job_title type varchar(50)", None),
        ("alter table app_person add column more text", None),
        ("drop table app_person",
         "is gone: make it again, or `bg-assets detach people`"),
    ],
)  # fmt: skip
def test_what_no_longer_fits_is_said_with_the_command_to_type(
    django: sa.Engine, statement: str, said: str | None
) -> None:
    as_owner(django, "alter table app_person drop constraint app_person_company_id_fkey", statement)
    lines = [line for line in problems(django) if line.startswith("attached table")]

    assert lines == ([f"attached table public.app_person {said}"] if said else [])


def test_a_column_that_comes_back_heals_by_itself(django: sa.Engine) -> None:
    as_owner(django, "alter table app_person rename column job_title to x",
             "update app_person set is_active = false where id = 2",
             "alter table app_person rename column x to job_title")  # fmt: skip
    assert any("are not noted" in line for line in problems(django))
    assert look_after(django)

    assert problems(django) == []
    assert to_compare(django)


def test_a_value_that_cannot_be_read_does_not_fail_its_owners_statement(engine: sa.Engine) -> None:
    """What is read raises for no value; a column of another type is the one way left."""
    shapes.make(engine, RAILS)
    shapes.attach_both(engine, RAILS)
    as_owner(engine, "alter table app.people alter discarded_at type text", RAILS.leave)

    assert any("discarded_at" in line for line in problems(engine))


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("revoke usage on schema app from reader", "grant usage on schema app to reader;"),
        ("revoke select on app.people from reader", "grant select on app.people to reader;"),
        ("alter table app.people enable row level security", "alter role reader bypassrls;"),
    ],
)
def test_rights_that_are_taken_away_are_said_as_what_to_grant(
    engine: sa.Engine, statement: str, said: str
) -> None:
    shapes.make(engine, RAILS)
    run(engine, "do $$ begin create role reader; exception when duplicate_object then null; end $$")
    run(engine, "grant usage on schema bg, app to reader")
    run(engine, "grant all on all tables in schema bg to reader")
    run(engine, "grant all on all tables in schema app to reader")
    shapes.attach_both(engine, RAILS)
    as_owner(engine, statement)
    with engine.begin() as conn:
        run(conn, "set local role reader")
        lines = watch.problems(conn)

    assert [line.rpartition(": ")[2] for line in lines if "people" in line] == [said]


def test_migrate_keeps_what_is_attached_and_says_what_is_gone(engine: sa.Engine) -> None:
    shapes.make(engine, PRISMA)
    shapes.attach_both(engine, PRISMA)
    url = engine.url.render_as_string(hide_password=False)
    database.migrate(url)
    assert value(engine, "select count(*) from bg.canonical_people") == 3
    as_owner(engine, "drop table people")
    database.migrate(url)

    assert any("public.people is gone" in line for line in problems(engine))
    assert shapes.detach(engine, "people") == "public.people"
    assert problems(engine) == []


def test_a_column_of_ours_that_came_after_attaching_is_unknown_until_it_is_done_again(
    django: sa.Engine,
) -> None:
    run(django, "update bg.attached_tables set readers = readers - 'department'")
    database.migrate(django.url.render_as_string(hide_password=False))
    assert value(django, "select count(department) from bg.canonical_people") == 0
    shapes.attach(django, "people", DJANGO.people)
    assert value(django, "select count(department) from bg.canonical_people") == 1


def test_a_backup_without_the_table_can_be_put_back_and_detached(engine: sa.Engine) -> None:
    """A dump of schema bg brings the functions, whose table may not be there yet."""
    shapes.make(engine, RAILS)
    shapes.attach_both(engine, RAILS)
    made = value(engine, "select pg_get_functiondef('bg.attached_people'::regproc)")
    as_owner(engine, "drop table app.people")
    with engine.begin() as conn:
        conn.exec_driver_sql("set local check_function_bodies = off")
        conn.exec_driver_sql(made)

    assert shapes.detach(engine, "people") == "app.people"
