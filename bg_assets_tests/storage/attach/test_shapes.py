"""Tables as Prisma, Django and Rails make them, and a partitioned one: read, and followed."""

import pytest
import sqlalchemy as sa

from bg_assets.storage import database
from bg_assets.storage.capture import attached, watch
from bg_assets_tests.storage.attach import shapes
from bg_assets_tests.storage.attach.shapes import PRISMA, SHAPES, Shape, as_owner
from bg_assets_tests.storage.rows import forget_changes, group, insert, rows, run, value

SEEN = "select company_id, person_id, kind from bg.changes order by kind, person_id"
WHOLE = """
    select c.relname, c.relkind::text, c.relacl::text, c.relowner, c.reloptions::text,
        c.relrowsecurity, array(
            select concat_ws(' ', attname, atttypid, atttypmod, attnotnull, attacl::text)
            from pg_attribute where attrelid = c.oid and attnum > 0 order by attnum) as columns,
        array(select pg_get_constraintdef(oid) from pg_constraint
            where conrelid = c.oid order by oid) as constraints,
        array(select pg_get_indexdef(indexrelid) from pg_index
            where indrelid = c.oid order by indexrelid) as indexes,
        array(select pg_get_triggerdef(oid) from pg_trigger
            where tgrelid = c.oid order by oid) as triggers,
        array(select pg_get_ruledef(oid) from pg_rewrite
            where ev_class = c.oid order by oid) as rules,
        (select count(*) from pg_depend as d where d.refobjid = c.oid
            and d.refclassid = 'pg_class'::regclass and d.deptype = 'n') as dependents
    from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
    where n.nspname in ('public', 'app', 'crm') and c.relkind in ('r', 'p') order by 1
"""


@pytest.fixture(params=SHAPES, ids=lambda shape: shape.name)
def shape(request: pytest.FixtureRequest, engine: sa.Engine) -> Shape:
    """A shape, both tables of which are attached, with no change waiting."""
    found: Shape = request.param
    shapes.make(engine, found)
    shapes.attach_both(engine, found)
    return found


def seen(engine: sa.Engine) -> list[tuple[str, str | None, str]]:
    found = [(row["company_id"], row["person_id"], row["kind"]) for row in rows(engine, SEEN)]
    forget_changes(engine)
    return found


def test_people_and_companies_are_read_through_the_canonical_views(
    engine: sa.Engine, shape: Shape
) -> None:
    people = rows(engine, "select * from bg.canonical_people order by id")
    companies = rows(engine, "select * from bg.canonical_companies order by id")
    ada = next(row for row in people if row["id"] == shape.ada)

    assert (ada["company_id"], ada["name"], ada["title"]) == (shape.company, "Ada A", "CFO")
    assert (ada["status"], ada["deleted_at"]) == ("active", None)
    assert [row["name"] for row in companies] == ["Acme", "Bolt"]
    assert {row["workspace"] for row in companies} == {"default"}


def test_what_its_owner_writes_is_a_change_of_that_company(engine: sa.Engine, shape: Shape) -> None:
    as_owner(engine, shape.retitle)
    assert seen(engine) == [(shape.company, shape.ada, "role_change")]
    as_owner(engine, shape.leave)
    assert seen(engine) == [(shape.company, shape.bob, "person_left")]


def test_upserts_merges_and_copies_are_seen(engine: sa.Engine, shape: Shape) -> None:
    as_owner(engine, shape.upsert)
    upserted = [(company, kind) for company, _, kind in seen(engine)]
    as_owner(engine, shape.merge)
    merged = [(company, kind) for company, _, kind in seen(engine)]
    shapes.copy_as_owner(engine, *shape.copied)
    copied = [(company, kind) for company, _, kind in seen(engine)]

    joined, changed = (shape.company, "person_joined"), (shape.company, "role_change")
    assert upserted == merged == [joined, changed]
    assert copied == [joined, joined]


def test_truncate_is_a_change_for_each_company_and_for_each_member(
    engine: sa.Engine, shape: Shape
) -> None:
    group(engine, shape.company, {shape.ada: "decision_maker"})
    as_owner(engine, f"truncate {shape.people} cascade")

    found = seen(engine)
    other = value(engine, "select max(id) from bg.canonical_companies where name = 'Bolt'")
    assert found == sorted(
        [(shape.company, shape.ada, "person_left"), (shape.company, None, "resync"),
         (other, None, "resync")], key=lambda one: (one[2], one[1] or "", one[0]),
    )  # fmt: skip


def test_a_company_that_is_renamed_or_deleted_is_a_change(engine: sa.Engine, shape: Shape) -> None:
    as_owner(engine, f"update {shape.companies} set name = 'Acme Two' where name = 'Acme'")
    assert seen(engine) == [(shape.company, None, "company_profile_change")]


def test_detach_leaves_the_tables_as_they_were_and_ours_in_force(
    engine: sa.Engine, shape: Shape
) -> None:
    for kind in ("people", "companies"):
        assert shapes.detach(engine, kind)
    before = rows(engine, WHOLE)
    shapes.attach_both(engine, shape)
    assert rows(engine, WHOLE) != before
    for kind in ("people", "companies"):
        shapes.detach(engine, kind)

    assert rows(engine, WHOLE) == before
    assert shapes.detach(engine, "people") is None
    as_owner(engine, shape.retitle)
    insert(engine, "bg.companies", id="own", name="Own")
    insert(engine, "bg.people", id="p1", company_id="own")
    assert seen(engine) == [
        ("own", None, "company_profile_change"), ("own", "p1", "person_joined"),
    ]  # fmt: skip
    assert value(engine, "select count(*) from bg.canonical_people") == 1


def test_its_owner_drops_a_column_and_goes_on_writing(engine: sa.Engine, shape: Shape) -> None:
    as_owner(engine, shape.drop, f"delete from {shape.people} where false")
    as_owner(engine, shape.leave)
    with engine.begin() as conn:
        lines = watch.problems(conn)

    assert any("has no column" in line and "(title)" in line for line in lines), lines
    assert any("are not noted" in line and "42703" in line for line in lines), lines
    assert all(line.startswith((attached.UNREADABLE, "changes of")) for line in lines)


def test_attached_again_all_that_was_missed_is_found(engine: sa.Engine, shape: Shape) -> None:
    forget_changes(engine)
    as_owner(engine, shape.drop, shape.leave)
    shapes.attach(engine, "people", shape.people, {**shape.mapping, "title": "none"})
    with engine.begin() as conn:
        assert watch.problems(conn) == []

    assert database.catch_up(engine) == 2
    assert {company for company, _, _ in seen(engine)} > {shape.company}


def test_our_own_tables_refuse_who_writes_there_meanwhile(engine: sa.Engine) -> None:
    shapes.make(engine, PRISMA)
    shapes.attach_both(engine, PRISMA)
    for statement in (
        "insert into bg.people (id) values ('x')", "update bg.people set title = 'x'",
        "delete from bg.people", "truncate bg.people",
    ):  # fmt: skip
        with pytest.raises(sa.exc.DBAPIError, match=r"people are read from .*, which is attached"):
            run(engine, statement)
