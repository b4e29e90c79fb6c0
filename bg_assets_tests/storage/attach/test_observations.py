"""What is told of people whose table is somebody else's, and only read: kept beside it."""

import random

import pytest
import sqlalchemy as sa

from bg_assets.storage import claims, database
from bg_assets.storage.capture import observed
from bg_assets.storage.webhooks import dead as webhook_dead
from bg_assets_tests.storage import told
from bg_assets_tests.storage.attach import shapes
from bg_assets_tests.storage.attach.shapes import DJANGO, PRISMA, RAILS, SHAPES, Shape, as_owner
from bg_assets_tests.storage.attach.telling import person, seen, since_start, tell
from bg_assets_tests.storage.rows import forget_changes, rows, run, value
from bg_assets_tests.storage.told import APPLIED


@pytest.fixture(params=SHAPES, ids=lambda shape: shape.name)
def shape(request: pytest.FixtureRequest, engine: sa.Engine) -> Shape:
    """A shape, both tables of which are attached, with a source of events that may create."""
    found: Shape = request.param
    return attached(engine, found)


def attached(engine: sa.Engine, shape: Shape) -> Shape:
    shapes.make(engine, shape)
    shapes.attach_both(engine, shape)
    told.source(engine, "crm", may_create=True)
    return shape


def test_what_an_event_tells_counts_until_its_owner_writes_something_else_there(
    engine: sa.Engine, shape: Shape
) -> None:
    before = rows(engine, f"select * from {shape.people}")
    ada = {"id": shape.ada, "name": "Ada A", "newTitle": "VP Finance"}
    assert tell(engine, "person.role_change", ada, shape) == APPLIED
    assert seen(engine) == [(shape.company, shape.ada, "role_change", "webhook")]
    assert person(engine, shape.ada)["title"] == "VP Finance"
    assert rows(engine, f"select * from {shape.people}") == before

    as_owner(engine, shape.retitle)
    assert seen(engine) == [(shape.company, shape.ada, "role_change", "people_table")]
    assert person(engine, shape.ada)["title"] != "VP Finance"
    assert rows(engine, "select * from bg.observations") == []


def test_what_its_owner_writes_elsewhere_in_the_row_leaves_what_was_told(engine: sa.Engine) -> None:
    attached(engine, RAILS)
    tell(engine, "person.role_change", {"id": "1", "newTitle": "VP Finance"}, RAILS)
    seen(engine)
    as_owner(engine, "update app.people set email = 'a2@acme.example' where id = 1")

    assert seen(engine) == [("7", "1", "contact_change", "people_table")]
    found = person(engine, "1")
    assert (found["title"], found["email"]) == ("VP Finance", "a2@acme.example")
    (one,) = rows(engine, "select * from bg.observations")
    assert (one["field"], one["value"], one["theirs"], one["source"]) == (
        "title", "VP Finance", "CFO", "webhook",
    )  # fmt: skip


def test_who_is_reported_as_hired_is_kept_beside_and_counts(engine: sa.Engine) -> None:
    attached(engine, DJANGO)
    new = {"id": "new-1", "name": "N", "newTitle": "CFO"}
    assert tell(engine, "person.role_change", new, DJANGO) == APPLIED
    assert seen(engine) == [("41", "new-1", "person_joined", "webhook")]
    assert person(engine, "new-1")["company_id"] == "41"
    fields = rows(engine, "select field, value, theirs, source from bg.observations order by 1")
    assert [tuple(row.values()) for row in fields] == [
        ("company_id", "41", None, "webhook"), ("name", "N", None, "webhook"),
        ("status", "active", None, "webhook"), ("title", "CFO", None, "webhook"),
    ]  # fmt: skip
    with engine.connect() as conn:
        assert observed.counts(conn) == (0, 1)
    assert tell(engine, "person.left", "new-1", DJANGO, 1) == APPLIED
    assert seen(engine) == [("41", "new-1", "person_left", "webhook")]


def test_the_same_event_again_or_one_that_is_older_changes_nothing(engine: sa.Engine) -> None:
    attached(engine, RAILS)
    as_owner(engine, RAILS.retitle)
    seen(engine)
    told_of = {"id": "1", "name": "Ada A"}
    before = tell(engine, "person.role_change", {**told_of, "newTitle": "VP"}, RAILS, -60)
    assert before == ("ignored", "older than what is known of the person")
    assert rows(engine, "select id from bg.observed_people") == []
    assert tell(engine, "person.role_change", {**told_of, "newTitle": "VP"}, RAILS) == APPLIED
    assert len(seen(engine)) == 1
    same = tell(engine, "person.role_change", {**told_of, "newTitle": "VP"}, RAILS, 5)
    older = tell(engine, "person.role_change", {**told_of, "newTitle": "Boss"}, RAILS, -1)

    assert (same, older[0]) == (APPLIED, "ignored")
    assert seen(engine) == []


def test_who_left_by_an_event_is_back_once_their_owner_moves_them(
    engine: sa.Engine,
) -> None:
    attached(engine, DJANGO)
    tell(engine, "person.left", {"id": "1", "name": "Ada A"}, DJANGO)
    assert seen(engine) == [("41", "1", "person_left", "webhook")]
    as_owner(engine, "update app_person set company_id = 42 where id = 1")

    assert seen(engine) == [("42", "1", "company_change", "people_table")]
    assert person(engine, "1")["status"] == "active"


def test_who_moves_in_the_owners_table_keeps_nothing_that_was_told_of_the_old_job(
    engine: sa.Engine,
) -> None:
    attached(engine, PRISMA)
    tell(engine, "person.role_change", {"id": PRISMA.ada, "newTitle": "VP Finance"}, PRISMA)
    as_owner(engine, """update people set "companyId" = 'clq2' where "fullName" = 'Ada A'""")
    assert person(engine, PRISMA.ada)["title"] == "CFO"


def test_a_row_that_its_owner_deletes_is_gone_and_back_with_what_was_told(
    engine: sa.Engine,
) -> None:
    attached(engine, RAILS)
    tell(engine, "person.role_change", {"id": "1", "newTitle": "VP"}, RAILS)
    seen(engine)
    as_owner(engine, "delete from app.people where id = 1")
    assert seen(engine) == [("7", "1", "person_left", "people_table")]
    assert person(engine, "1")["deleted_at"] is not None
    as_owner(engine, "insert into app.people (id, company_id, first_name, last_name, title, email) "
             "values (1, 7, 'Ada', 'A', 'CFO', 'ada@acme.example')")  # fmt: skip
    assert seen(engine) == [("7", "1", "person_joined", "people_table")]
    assert (person(engine, "1")["title"], person(engine, "1")["deleted_at"]) == ("VP", None)


def test_who_is_deleted_in_the_owners_table_is_let_go_of_after_a_day(engine: sa.Engine) -> None:
    attached(engine, RAILS)
    tell(engine, "person.role_change", {"id": "1", "newTitle": "VP"}, RAILS)
    as_owner(engine, "delete from app.people where id = 1")
    with engine.begin() as conn:
        assert observed.let_go(conn) == 0
    run(engine, "update bg.observed_people set gone_at = now() - interval '25 hours'")
    forget_changes(engine)
    with engine.begin() as conn:
        assert observed.let_go(conn) == 1

    assert value(engine, "select count(*) from bg.observed_people") == 0
    assert seen(engine) == []


def test_a_table_that_is_emptied_and_filled_anew_keeps_what_was_told(engine: sa.Engine) -> None:
    attached(engine, RAILS)
    tell(engine, "person.role_change", {"id": "1", "newTitle": "VP"}, RAILS)
    seen(engine)
    with engine.begin() as conn:
        conn.exec_driver_sql("create temp table kept on commit drop as select * from app.people")
        conn.exec_driver_sql("truncate app.people")
        conn.exec_driver_sql("insert into app.people select * from kept")

    kinds = {(one[1], one[2]) for one in seen(engine)}
    assert ("1", "person_joined") in kinds
    assert person(engine, "1")["title"] == "VP"
    assert person(engine, "2")["title"] == "Controller"


def test_deleting_what_was_told_by_hand_is_a_change_back_to_the_owners_row(
    engine: sa.Engine,
) -> None:
    attached(engine, RAILS)
    tell(engine, "person.left", {"id": "1", "name": "Ada A"}, RAILS)
    seen(engine)
    run(engine, "delete from bg.observed_people where id = '1'")

    assert seen(engine) == [("7", "1", "person_joined", "people_table")]
    assert person(engine, "1")["status"] == "active"


def test_detached_nothing_that_was_told_counts_and_attached_again_it_does(
    engine: sa.Engine,
) -> None:
    attached(engine, RAILS)
    for one in ("1", "2"):
        tell(engine, "person.role_change", {"id": one, "newTitle": "VP"}, RAILS)
    shapes.detach(engine, "people")
    assert rows(engine, "select id from bg.canonical_people") == []
    as_owner(engine, "update app.people set title = 'Treasurer' where id = 2")
    shapes.attach(engine, "people", RAILS.people)
    database.catch_up(engine)

    titles = [person(engine, one)["title"] for one in ("1", "2", "3")]
    assert titles == ["VP", "Treasurer", "CEO"]


def test_what_was_told_of_one_table_is_not_of_another_that_is_attached_then(
    engine: sa.Engine,
) -> None:
    attached(engine, RAILS)
    tell(engine, "person.role_change", {"id": "1", "newTitle": "VP"}, RAILS)
    run(engine, "create table app.others as select * from app.people")
    run(engine, "alter table app.others add primary key (id)")
    shapes.attach(engine, "people", "app.others")

    assert person(engine, "1")["title"] == "CFO"
    assert rows(engine, "select id from bg.observed_people") == []


def test_somebody_who_is_in_the_owners_table_is_erased_there_first(engine: sa.Engine) -> None:
    attached(engine, RAILS)
    tell(engine, "person.role_change", {"id": "1", "newTitle": "VP"}, RAILS)
    tell(engine, "person.role_change", {"id": "new-1", "name": "N", "newTitle": "CFO"}, RAILS)
    status, reason = tell(engine, "person.erased", {"id": "1", "name": "Ada A"}, RAILS)
    assert (status, tell(engine, "person.erased", "new-1", RAILS)) == ("dead", APPLIED)
    assert "delete the row there" in (reason or "")
    as_owner(engine, "delete from app.people where id = 1")
    with engine.begin() as conn:
        webhook_dead.replay(conn, None, None, claims.database_now(conn), "tester")
    told.apply(engine)

    assert rows(engine, "select id from bg.observed_people") == []
    again = tell(engine, "person.role_change", {"id": "1", "name": "A", "newTitle": "VP"}, RAILS, 9)
    assert again == ("dead", "the person was erased here")
    assert rows(engine, "select id from bg.observed_people") == []


def test_both_tables_of_people_have_the_same_columns(engine: sa.Engine) -> None:
    columns = """
        select column_name, data_type from information_schema.columns
        where table_schema = 'bg' and table_name = :table
            and column_name <> all(array['theirs', 'gone_at', 'told']) order by ordinal_position
    """
    ours, beside = (rows(engine, columns, table=one) for one in ("people", "observed_people"))
    assert ours == beside


def test_what_its_owner_commits_while_somebody_is_told_of_is_found_a_moment_later(
    engine: sa.Engine,
) -> None:
    """Their trigger saw no row of ours yet, and our copy was made of the row as it was before."""
    attached(engine, RAILS)
    with engine.connect() as owner, owner.begin():
        owner.exec_driver_sql("update app.people set email = 'new@acme.example' where id = 1")
        tell(engine, "person.role_change", {"id": "1", "newTitle": "VP"}, RAILS, 60)
        with engine.begin() as conn:
            assert observed.settle(conn) == 0
        with engine.begin() as conn:
            assert observed.settle(conn) == 0
    assert person(engine, "1")["email"] == "ada@acme.example"
    for _ in range(2):
        with engine.begin() as conn:
            observed.settle(conn)

    found = person(engine, "1")
    assert (found["title"], found["email"]) == ("VP", "new@acme.example")
    assert value(engine, "select count(*) from bg.observed_unsettled") == 0


def test_the_owner_waits_for_nobody_who_tells_of_the_same_person(engine: sa.Engine) -> None:
    attached(engine, RAILS)
    tell(engine, "person.role_change", {"id": "1", "newTitle": "VP"}, RAILS)
    with engine.connect() as ours, ours.begin():
        ours.exec_driver_sql("select id from bg.observed_people for update")
        with engine.begin() as owner:
            owner.exec_driver_sql("set local lock_timeout = '2s'")
            owner.exec_driver_sql("update app.people set title = 'CEO' where id = 1")
    for _ in range(2):
        with engine.begin() as conn:
            observed.settle(conn)

    assert person(engine, "1")["title"] == "CEO"


def test_what_the_owner_is_writing_is_neither_waited_for_nor_overwritten_by_what_was_before(
    engine: sa.Engine,
) -> None:
    attached(engine, RAILS)
    tell(engine, "person.role_change", {"id": "1", "newTitle": "VP"}, RAILS)
    with engine.begin() as conn:
        observed.settle(conn)
    with engine.connect() as owner, owner.begin():
        owner.exec_driver_sql("update app.people set email = 'new@acme.example' where id = 1")
        # As if it had been noted by somebody who is done by now.
        with engine.begin() as conn:
            conn.exec_driver_sql("update bg.observed_unsettled set after_xid = '3'")
        with engine.begin() as conn:
            conn.exec_driver_sql("set local lock_timeout = '2s'")
            assert observed.settle(conn) == 0
    for _ in range(2):
        with engine.begin() as conn:
            observed.settle(conn)

    assert person(engine, "1")["email"] == "new@acme.example"
    assert value(engine, "select count(*) from bg.observed_unsettled") == 0


def test_who_was_known_to_us_alone_is_one_with_the_row_that_their_owner_adds(
    engine: sa.Engine,
) -> None:
    attached(engine, RAILS)
    hired = {"id": "crm-9", "name": "Eva L", "newTitle": "CIO", "email": "Eva@acme.example"}
    other = {"id": "crm-8", "name": "Eva L", "newTitle": "CIO"}
    for one in (hired, other):
        assert tell(engine, "person.role_change", one, RAILS) == APPLIED
    seen(engine)
    as_owner(engine, "insert into app.people (id, company_id, first_name, title, email) "
             "values (50, 7, 'Eva', 'CTO', 'eva@acme.example')")  # fmt: skip

    kinds = {(one[1], one[2]) for one in seen(engine)}
    assert kinds == {("50", "person_joined"), ("crm-9", "person_left")}
    ids = [row["id"] for row in rows(engine, "select id from bg.canonical_people order by id")]
    assert ids == ["1", "2", "3", "50", "crm-8"]
    later = tell(engine, "person.role_change", {**hired, "newTitle": "CEO"}, RAILS, 60)
    assert (later, person(engine, "50")["title"]) == (APPLIED, "CEO")


def test_events_wait_while_the_table_can_not_be_read(engine: sa.Engine) -> None:
    attached(engine, RAILS)
    tell(engine, "person.role_change", {"id": "1", "newTitle": "VP"}, RAILS)
    as_owner(engine, "alter table app.people rename column title to what")
    waiting = tell(engine, "person.role_change", {"id": "2", "newTitle": "VP"}, RAILS)
    with engine.begin() as conn:
        assert observed.settle(conn) == 0
    as_owner(engine, "alter table app.people rename column what to title")
    told.apply(engine)

    assert waiting == ("pending", None)
    assert [person(engine, one)["title"] for one in ("1", "2")] == ["VP", "VP"]


def test_two_who_a_source_says_are_one_become_the_owners_and_never_the_other_way(
    engine: sa.Engine,
) -> None:
    attached(engine, RAILS)
    hired = {"id": "crm-9", "name": "Eva L", "newTitle": "CIO"}
    assert tell(engine, "person.role_change", hired, RAILS) == APPLIED
    into_ours = told.one(
        engine, "person.merged", {"id": "1", "name": "A"}, into="crm-9",
        seconds=since_start(1),
    )  # fmt: skip
    into_theirs = told.one(
        engine, "person.merged", {"id": "crm-9", "name": "A"}, into="1",
        seconds=since_start(2),
    )  # fmt: skip

    assert (into_ours[0], into_theirs) == ("dead", APPLIED)
    ids = [row["id"] for row in rows(engine, "select id from bg.canonical_people order by id")]
    assert ids == ["1", "2", "3"]
    leads_to = "select our_id from bg.webhook_identities where external_id = 'crm-9'"
    assert value(engine, leads_to) == "1"


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_whoever_wrote_a_cell_last_is_right_about_it(engine: sa.Engine, seed: int) -> None:
    """The owner by another value than their row had, an event by telling it."""
    attached(engine, RAILS)
    chance = random.Random(seed)
    theirs = {"title": "CFO", "email": "ada@acme.example"}
    shown = dict(theirs)
    for turn in range(25):
        name = chance.choice(["title", "email"])
        new = chance.choice(["Head", "Chief", "Boss"])
        new = new if name == "title" else f"{new.lower()}@acme.example"
        if chance.random() < 0.5:
            as_owner(engine, f"update app.people set {name} = '{new}' where id = 1")
            shown[name] = new if theirs[name] != new else shown[name]
            theirs[name] = new
        else:
            changes = {name: {"new": new}}
            company = {"id": "7", "name": "Acme"}
            done = told.one(
                engine, "person.role_change", {"id": "1", "name": "Ada A"}, company,
                seconds=since_start(turn / 1000), changes=changes,
            )  # fmt: skip
            shown[name] = new if done == APPLIED else shown[name]
        found = person(engine, "1")
        assert {one: found[one] for one in shown} == shown, (turn, name, new)
