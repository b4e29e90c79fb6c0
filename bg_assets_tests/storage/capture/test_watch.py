"""Lost change capture: it is seen, named, set right, and what was missed is found."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from bg_assets.storage import database
from bg_assets.storage.capture import missed, triggers
from bg_assets.storage.capture import watch as capture_watch
from bg_assets_tests.storage import plans
from bg_assets_tests.storage.capture import foreign
from bg_assets_tests.storage.rows import company, forget_changes, rows, run, value

TRIGGERS = {f"capture_{table}_{event}" for table in ("people", "companies")
            for event in ("insert", "update", "delete", "truncate")}  # fmt: skip
EMPTY = "returns trigger language plpgsql as $$ begin return null; end $$"


def lost(engine: sa.Engine) -> list[str]:
    with engine.begin() as conn:
        return [str(one) for one in capture_watch.look(conn).lost]


def watch(engine: sa.Engine) -> list[str]:
    """A look by a tick, whenever the last one was."""
    with engine.begin() as conn:
        return capture_watch.keep_watch(conn, every=0)


def to_compare(engine: sa.Engine) -> bool:
    return bool(value(engine, "select to_compare from bg.capture_watch"))


def migrate(engine: sa.Engine) -> list[str]:
    return database.migrate(engine.url.render_as_string(hide_password=False))


@pytest.fixture
def acme(engine: sa.Engine) -> sa.Engine:
    company(engine, "acme", ["ann"])
    return engine


def test_while_all_stands_nothing_is_lost(acme: sa.Engine) -> None:
    assert lost(acme) == watch(acme) == []
    assert not to_compare(acme)
    assert {row["name"] for row in rows(acme, "select name from bg.capture_triggers")} >= TRIGGERS


@pytest.mark.parametrize("trigger", sorted(TRIGGERS))
def test_each_trigger_that_is_dropped_or_disabled_is_named_with_its_table(
    acme: sa.Engine, trigger: str
) -> None:
    table = f"bg.{trigger.split('_')[1]}"
    run(acme, f"alter table {table} disable trigger {trigger}")
    disabled = lost(acme)
    run(acme, f"drop trigger {trigger} on {table}")

    assert disabled == [f"trigger {trigger} on {table} is disabled"]
    assert lost(acme) == [f"trigger {trigger} on {table} is missing"]
    assert watch(acme) == [
        f"changes are lost: trigger {trigger} on {table} is missing: run `bg-assets migrate`"
    ]


BROKEN = {
    "for replicas only": (
        "alter table bg.people enable replica trigger capture_people_update", "is disabled",
    ),
    "another function": (
        f"create or replace function bg.capture_people_update() {EMPTY}", "runs another function",
    ),
    "not as its owner": (
        "alter function bg.capture_people_update() security invoker", "runs another function",
    ),
    "the search path of the writer": (
        "alter function bg.capture_people_update() reset search_path", "runs another function",
    ),
    "the function dropped": (
        "drop function bg.capture_people_update() cascade", "is missing",
    ),
    "another trigger of the name": (
        "create or replace trigger capture_people_update before update on bg.people "
        "for each statement execute function bg.capture_people_truncate()", "is another one",
    ),
    "a condition": (
        "create or replace trigger capture_people_update after update on bg.people referencing "
        "old table as old_rows new table as new_rows for each statement when (false) "
        "execute function bg.capture_people_update()", "is another one",
    ),
    "without the old rows": (
        "create or replace trigger capture_people_update after update on bg.people referencing "
        "new table as new_rows for each statement execute function bg.capture_people_update()",
        "is another one",
    ),
    "another table of the name": (
        "alter table bg.people rename to people_old; "
        "create table bg.people (like bg.people_old including all)", "is missing",
    ),
    "no table": (
        "drop table bg.people cascade", "is gone with its table",
    ),
}  # fmt: skip


@pytest.mark.parametrize("broken", BROKEN)
def test_whatever_else_keeps_a_trigger_from_its_work_is_seen(acme: sa.Engine, broken: str) -> None:
    statement, said = BROKEN[broken]
    run(acme, statement)

    assert f"trigger capture_people_update on bg.people {said}" in lost(acme)
    assert watch(acme)
    assert to_compare(acme)


def test_a_trigger_that_fires_for_replicas_too_does_its_work(acme: sa.Engine) -> None:
    run(acme, "alter table bg.people enable always trigger capture_people_update")

    assert lost(acme) == []


def test_what_was_disabled_and_enabled_between_two_looks_is_compared_too(acme: sa.Engine) -> None:
    watch(acme)
    with acme.begin() as conn:
        run(conn, "alter table bg.people disable trigger all")
        run(conn, "update bg.people set title = 'CEO'")
        run(conn, "alter table bg.people enable trigger all")

    assert watch(acme) == watch(acme) == []
    assert to_compare(acme)
    run(acme, "update bg.capture_watch set to_compare = false")
    watch(acme)
    assert not to_compare(acme)


def test_a_function_that_was_another_one_between_two_looks_is_compared_too(acme: sa.Engine) -> None:
    watch(acme)
    text = value(acme, "select pg_get_functiondef('bg.capture_people_update()'::regprocedure)")
    with acme.begin() as conn:
        run(conn, f"create or replace function bg.capture_people_update() {EMPTY}")
        run(conn, "update bg.people set title = 'CEO'")
        conn.exec_driver_sql("drop function bg.capture_people_update() cascade")
        conn.exec_driver_sql(text)
        trigger = value(conn, "select trigger_text from bg.capture_triggers "
                        "where name = 'capture_people_update'")  # fmt: skip
        conn.exec_driver_sql(trigger)

    assert watch(acme) == []
    assert to_compare(acme)


def test_what_was_off_while_no_tick_looked_is_compared_by_migrate(acme: sa.Engine) -> None:
    run(acme, "update bg.capture_watch set compared_to = 'zzz'")
    for able in ("disable", "enable"):
        run(acme, f"alter table bg.people {able} trigger touch_updated_at")
    with acme.begin() as conn:
        assert capture_watch.restore(conn) == []

    assert to_compare(acme)
    assert value(acme, "select compared_to from bg.capture_watch") == ""


def test_triggers_of_others_on_the_same_table_are_their_own_affair(acme: sa.Engine) -> None:
    run(acme, f"create function public.theirs() {EMPTY}")
    run(acme, "create trigger theirs after update on bg.people "
        "for each statement execute function public.theirs()")  # fmt: skip
    migrate(acme)
    run(acme, "drop trigger theirs on bg.people")

    assert lost(acme) == []


def test_a_trigger_that_is_only_disabled_is_restored_as_it_was(acme: sa.Engine) -> None:
    run(acme, "alter table bg.people disable trigger touch_updated_at")
    assert watch(acme) == [
        "times of writes are lost: trigger touch_updated_at on bg.people is disabled: run "
        "`bg-assets migrate`"
    ]
    said = migrate(acme)
    with acme.begin() as conn:
        assert capture_watch.keep_watch(conn, every=60) == []

    assert said[0] == "change capture restored: trigger touch_updated_at on bg.people is disabled"
    assert lost(acme) == []


def test_a_tick_looks_only_when_the_last_look_is_old_and_tells_what_that_found(
    acme: sa.Engine,
) -> None:
    watch(acme)
    run(acme, "alter table bg.people disable trigger capture_people_delete")
    with acme.begin() as conn:
        assert capture_watch.keep_watch(conn, every=60) == []
    said = watch(acme)
    run(acme, "alter table bg.people enable trigger capture_people_delete")
    with acme.begin() as conn:
        assert capture_watch.keep_watch(conn, every=60) == said != []
    assert watch(acme) == []
    assert capture_watch.LOOK_EVERY <= 50


def test_migrating_restores_what_is_lost_and_says_what_it_was(acme: sa.Engine) -> None:
    run(acme, "alter table bg.people disable trigger all")
    run(acme, "drop trigger capture_companies_update on bg.companies")
    run(acme, "drop function bg.touch_updated_at(), bg.touch_person() cascade")
    said = migrate(acme)

    assert lost(acme) == []
    assert migrate(acme) == []
    assert "change capture restored: trigger capture_people_insert on bg.people is disabled" in said
    assert (
        "change capture restored: trigger capture_companies_update on bg.companies is missing"
        in said
    )
    forget_changes(acme)
    run(acme, "update bg.people set title = 'CEO', updated_at = '2020-01-01'")
    run(acme, "update bg.companies set industry = 'tools', updated_at = '2020-01-01'")
    assert value(acme, "select count(*) from bg.changes") == 2
    for table in ("people", "companies"):
        assert value(acme, f"select updated_at > now() - interval '1 day' from bg.{table}")


def test_a_function_that_was_replaced_is_restored(acme: sa.Engine) -> None:
    run(acme, f"create or replace function bg.capture_people_update() {EMPTY}")
    migrate(acme)
    forget_changes(acme)
    run(acme, "update bg.people set title = 'CEO'")

    assert value(acme, "select kind from bg.changes") == "role_change"


def test_migrating_an_older_version_whose_triggers_are_off_compares(acme: sa.Engine) -> None:
    """Nobody had remembered what stands."""
    run(acme, "delete from bg.capture_triggers")
    with acme.begin() as conn:
        triggers.install(conn)
    whole = to_compare(acme)
    run(acme, "delete from bg.capture_triggers")
    run(acme, "alter table bg.people disable trigger capture_people_delete")
    with acme.begin() as conn:
        assert triggers.install(conn)

    assert not whole
    assert to_compare(acme)
    assert lost(acme) == []


def test_migrating_an_older_version_whose_triggers_fire_for_replicas_too_compares_nothing(
    acme: sa.Engine,
) -> None:
    run(acme, "delete from bg.capture_triggers")
    run(acme, "alter table bg.people enable always trigger capture_people_delete")
    with acme.begin() as conn:
        assert triggers.install(conn)

    assert not to_compare(acme)


@pytest.fixture
def owned(engine: sa.Engine) -> Iterator[sa.Engine]:
    """A captured table of somebody else's, with columns of other names."""
    name = f"owner_{engine.url.database}"
    with engine.begin() as conn:
        conn.exec_driver_sql(foreign.TABLES)
        foreign.install(conn)
        run(conn, f"create role {name}")
        run(conn, f"grant usage on schema crm to {name}")
        run(conn, f"alter table crm.contacts owner to {name}")
    yield engine
    run(engine, f"drop owned by {name} cascade")
    run(engine, f"drop role {name}")


def test_a_table_of_somebody_elses_is_watched_and_restored(owned: sa.Engine) -> None:
    run(owned, "insert into crm.accounts (nr, label) values (7, 'Acme')")
    forget_changes(owned)
    assert lost(owned) == []
    with owned.begin() as conn:
        run(conn, f"set local role owner_{owned.url.database}")
        run(conn, "alter table crm.contacts disable trigger user")
    said = lost(owned)
    with owned.begin() as conn:
        assert foreign.install(conn)
        assert not foreign.install(conn)

    assert said == sorted(
        f"trigger {name} on crm.contacts is disabled" for name in TRIGGERS if "people" in name
    )
    assert lost(owned) == []
    assert to_compare(owned)
    run(owned, "insert into crm.contacts (full_name) values ('Nobody')")
    run(owned, "update crm.contacts set account = 7")
    assert value(owned, "select kind from bg.changes") == "company_change"


def test_a_look_at_capture_reads_a_few_rows_of_the_catalogue(engine: sa.Engine) -> None:
    with engine.begin() as conn, plans.watched(conn) as reads:
        assert capture_watch.keep_watch(conn, every=0) == []
        assert missed.raise_changes(conn) is None

    plans.check(reads, rows=300, pages=200)
