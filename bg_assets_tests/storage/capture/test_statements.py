"""Change capture under whole statements: many rows, other commands, other writers, other tables."""

import time
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from bg_assets.storage.capture import triggers
from bg_assets.storage.capture.bodies import MANY_AT_ALL, MANY_OF_ONE_COMPANY
from bg_assets.storage.copying import copy_rows
from bg_assets_tests.storage.rows import company, forget_changes, group, insert, rows, run, value

KINDS = "select kind, count(*) as n from bg.changes group by kind order by kind"
PEOPLE = "insert into bg.people (id, company_id, title) "


def kinds(engine: sa.Engine) -> dict[str, int]:
    return {row["kind"]: row["n"] for row in rows(engine, KINDS)}


def test_many_people_of_one_company_in_one_statement_are_one_change(engine: sa.Engine) -> None:
    run(engine, f"{PEOPLE} select 'p' || g, 'acme', 'x' from generate_series(1, 500) as g")
    inserted = rows(engine, "select company_id, kind, priority, new from bg.changes")
    group(engine, "acme", {"p1": "decision_maker", "p2": "champion"})
    forget_changes(engine)
    run(engine, "update bg.people set status = 'left' where id <> 'p3'")

    assert inserted == [
        {"company_id": "acme", "kind": "resync", "priority": 0, "new": {"people": 500}}
    ]
    assert kinds(engine) == {"person_left": 2, "resync": 1}
    assert value(engine, "select bool_and(is_departure) from bg.changes where kind <> 'resync'")


def test_up_to_the_limit_each_person_is_a_change_of_their_own(engine: sa.Engine) -> None:
    run(
        engine,
        f"{PEOPLE} select 'a' || g, 'acme', 'x' from generate_series(1, :most) as g "
        "union all select 'b' || g, 'bolt', 'x' from generate_series(1, :most + 1) as g",
        most=MANY_OF_ONE_COMPANY,
    )

    assert kinds(engine) == {"person_joined": MANY_OF_ONE_COMPANY, "resync": 1}


def test_an_import_makes_no_more_changes_than_companies(engine: sa.Engine) -> None:
    run(
        engine,
        f"{PEOPLE} select 'p' || g, 'c' || g % 1000, 'x' from generate_series(1, 10000) as g",
    )

    assert kinds(engine) == {"resync": 1000}


def test_scattered_single_people_stay_changes_of_their_own(engine: sa.Engine) -> None:
    run(
        engine,
        f"{PEOPLE} select 'p' || g, 'c' || g, 'x' from generate_series(1, :n) as g",
        n=MANY_AT_ALL + 500,
    )

    assert kinds(engine) == {"person_joined": MANY_AT_ALL + 500}


def test_a_large_update_stays_fast_after_small_ones_in_the_same_session(engine: sa.Engine) -> None:
    """PL/pgSQL keeps a plan made for one row; as a loop over both tables it would take minutes."""
    run(engine, f"{PEOPLE} select 'p' || g, 'c' || g % 900, 'x' from generate_series(1, 9000) as g")
    run(engine, "insert into bg.companies (id, name) select 'c' || g, 'Company' "
        "from generate_series(1, 5000) as g")  # fmt: skip
    with engine.begin() as conn:
        for turn in range(8):
            run(conn, "update bg.people set title = :turn where id = 'p1'", turn=str(turn))
            run(conn, "update bg.companies set name = :n where id = 'c1'", n=f"Company {turn}")
        began = time.monotonic()
        run(conn, "update bg.people set title = title || '!'")
        run(conn, "update bg.companies set industry = 'tools'")
    assert time.monotonic() - began < 5


def test_copy_is_caught(engine: sa.Engine) -> None:
    with engine.begin() as conn:
        copy_rows(conn, "bg.people", ["id", "company_id"], [["ann", "acme"], ["bob", "acme"]])

    assert kinds(engine) == {"person_joined": 2}


def test_an_upsert_that_inserts_and_updates_is_caught_on_both_sides(engine: sa.Engine) -> None:
    company(engine, "acme", ["ann", "bob"])
    run(
        engine,
        f"{PEOPLE} values ('ann', 'acme', 'CEO'), ('bob', 'acme', 'CFO'), ('cid', 'acme', 'CIO') "
        "on conflict (id) do update set title = excluded.title",
    )

    assert kinds(engine) == {"person_joined": 1, "role_change": 1}


def test_merge_is_caught(engine: sa.Engine) -> None:
    company(engine, "acme", ["ann", "bob"])
    run(
        engine,
        "merge into bg.people as p using (values ('ann', 'CEO'), ('bob', null), ('cid', 'CIO')) "
        "as s(id, title) on p.id = s.id "
        "when matched and s.title is null then delete "
        "when matched then update set title = s.title "
        "when not matched then insert (id, company_id, title) values (s.id, 'acme', s.title)",
    )

    assert kinds(engine) == {"person_joined": 1, "person_left": 1, "role_change": 1}


def test_a_statement_that_writes_twice_is_caught_twice(engine: sa.Engine) -> None:
    company(engine, "acme", ["ann", "bob"])
    run(
        engine,
        "with gone as (delete from bg.people where id = 'ann' returning company_id), "
        "other as (update bg.people set title = 'CEO' where id = 'bob' returning id) "
        f"{PEOPLE} select 'cid', company_id, 'CIO' from gone, other",
    )

    assert kinds(engine) == {"person_joined": 1, "person_left": 1, "role_change": 1}


def test_what_a_foreign_key_cascades_is_caught(engine: sa.Engine) -> None:
    company(engine, "acme", ["ann", "bob"])
    run(
        engine,
        "alter table bg.people add foreign key (company_id) references bg.companies "
        "on delete cascade on update cascade",
    )
    run(engine, "update bg.companies set id = 'acme2'")
    moved = kinds(engine)
    forget_changes(engine)
    run(engine, "delete from bg.companies")

    assert moved == {"company_change": 4, "company_deleted": 1, "company_profile_change": 1}
    assert kinds(engine) == {"company_deleted": 1, "person_left": 2}


def test_a_truncate_that_cascades_is_caught(engine: sa.Engine) -> None:
    company(engine, "acme", ["ann", "bob"])
    run(engine, "alter table bg.people add foreign key (company_id) references bg.companies")
    run(engine, "truncate bg.companies cascade")

    assert kinds(engine) == {"company_deleted": 1, "resync": 1}


def test_what_is_rolled_back_leaves_no_change(engine: sa.Engine) -> None:
    with engine.connect() as conn:
        run(conn, f"{PEOPLE} values ('ann', 'acme', 'CFO')")
        conn.rollback()

    assert kinds(engine) == {}


def test_a_writer_may_name_itself_for_one_transaction(engine: sa.Engine) -> None:
    with engine.connect() as conn:
        run(conn, "set local bg.source = 'webhook'")
        run(conn, "set local bg.trace_id = 'trace-7'")
        run(conn, f"{PEOPLE} values ('ann', 'acme', 'CFO')")
        run(conn, "insert into bg.companies (id, name) values ('acme', 'Acme')")
        conn.commit()
        run(conn, f"{PEOPLE} values ('bob', 'acme', 'CFO')")
        conn.commit()

    found = rows(engine, "select source, trace_id from bg.changes order by id")
    named = {"source": "webhook", "trace_id": "trace-7"}
    assert found == [named, named, {"source": "people_table", "trace_id": None}]


@pytest.fixture
def writer(engine: sa.Engine) -> Iterator[str]:
    """A role that may write people and do nothing else."""
    name = f"writer_{engine.url.database}"
    run(engine, f"create role {name}")
    run(engine, f"grant usage on schema bg to {name}")
    run(engine, f"grant select, insert, update, delete on bg.people to {name}")
    yield name
    run(engine, f"drop owned by {name} cascade")
    run(engine, f"drop role {name}")


def test_a_writer_needs_no_right_on_the_changes(engine: sa.Engine, writer: str) -> None:
    with engine.begin() as conn:
        run(conn, f"set local role {writer}")
        run(conn, f"{PEOPLE} values ('ann', 'acme', 'CFO')")
        run(conn, "update bg.people set title = 'CEO'")
        run(conn, "delete from bg.people")
        with pytest.raises(sa.exc.ProgrammingError, match="permission denied"), conn.begin_nested():
            run(conn, "delete from bg.changes")

    assert kinds(engine) == {"person_joined": 1, "person_left": 1, "role_change": 1}


def test_a_writer_cannot_make_the_trigger_run_functions_of_its_own(
    engine: sa.Engine, writer: str
) -> None:
    run(engine, f"create schema trap authorization {writer}")
    with engine.begin() as conn:
        run(conn, f"set local role {writer}")
        run(conn, "set local search_path = trap, pg_temp, pg_catalog, bg")
        for signature in ("jsonb_strip_nulls(jsonb)", "current_setting(text, boolean)"):
            returns = "jsonb" if "strip" in signature else "text"
            run(
                conn,
                f"create function trap.{signature} returns {returns} language plpgsql as "
                "$$ begin raise exception 'run as %', current_user; end $$",
            )
        run(conn, "create table trap.changes (like bg.people)")
        run(conn, "create temporary table buyer_group_members (company_id text, person_id text)")
        run(conn, f"{PEOPLE} values ('ann', 'acme', 'CFO')")
        run(conn, "update bg.people set title = 'CEO'")

    assert kinds(engine) == {"person_joined": 1, "role_change": 1}


def test_tables_with_other_names_and_types_are_captured_and_read(crm: sa.Engine) -> None:
    run(
        crm,
        "insert into crm.accounts (nr, label, land) values (7, 'Acme', 'AT'), (8, 'Bolt', 'DE')",
    )
    run(crm, "insert into crm.contacts (account, \"Job Title\") values (7, 'CFO')")
    run(crm, "update crm.contacts set \"Job Title\" = 'CEO'")
    run(crm, "update crm.contacts set account = 8, until = '2999-01-01'")
    run(crm, "update crm.accounts set staff_max = 10 where nr = 8")

    found = rows(crm, "select company_id, kind, new from bg.changes order by id")
    assert [(row["company_id"], row["kind"]) for row in found] == [
        ("7", "company_profile_change"),
        ("8", "company_profile_change"),
        ("7", "person_joined"),
        ("7", "role_change"),
        ("7", "company_change"),
        ("8", "company_change"),
        ("8", "company_profile_change"),
    ]
    assert found[-2]["new"] == {"company_id": "8", "end_date": "2999-01-01"}
    assert found[-1]["new"] == {"employee_max": 10}
    (person,) = rows(crm, "select company_id, title, status from bg.canonical_people")
    assert person == {"company_id": "8", "title": "CEO", "status": None}
    (bolt,) = rows(crm, "select id, name from bg.canonical_companies where employee_max = 10")
    assert bolt == {"id": "8", "name": "Bolt"}


def test_deletes_and_truncates_of_such_tables_are_captured(crm: sa.Engine) -> None:
    run(crm, "insert into crm.accounts (nr, label) values (7, 'Acme'), (8, 'Bolt')")
    run(crm, "insert into crm.contacts (account) values (7), (8)")
    forget_changes(crm)
    run(crm, "delete from crm.accounts where nr = 7")
    run(crm, "truncate crm.accounts cascade")

    assert kinds(crm) == {"company_deleted": 2, "person_left": 1, "resync": 1}


def test_the_tables_captured_before_are_let_go(crm: sa.Engine) -> None:
    insert(crm, "bg.people", id="ann", company_id="acme")
    run(crm, "update bg.people set title = 'CEO'")

    assert kinds(crm) == {}
    with crm.begin() as conn:
        assert triggers.install(conn)
    run(crm, "update bg.people set title = 'CFO'")
    assert kinds(crm) == {"role_change": 1}


def test_a_mapping_that_lacks_a_column_is_refused_by_name(engine: sa.Engine) -> None:
    short = {name: name for name in triggers.PEOPLE_COLUMNS if name != "title"}
    with engine.begin() as conn, pytest.raises(ValueError, match="the mapping lacks title"):
        triggers.install(conn, people=triggers.CapturedTable("bg.people", short))


def test_a_second_install_of_the_same_does_nothing(engine: sa.Engine) -> None:
    with engine.begin() as conn:
        assert not triggers.install(conn)
