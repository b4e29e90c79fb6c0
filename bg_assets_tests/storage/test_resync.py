"""Which companies a changed, new or removed product asks for, and that it asks once."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from bg_assets.storage import claims, refreshes, resync, templates
from bg_assets_tests.storage import steps
from bg_assets_tests.storage.rows import at, company, insert, rows, run, value

REFRESH = "00000000-0000-4000-8000-000000000001"
NOW = {"finance": "m"}


def group(engine: sa.Engine, company_id: str, product: str, digest: str) -> None:
    insert(
        engine, "bg.buyer_groups", company_id=company_id, product=product, refresh_id=REFRESH,
        template_hash=digest, as_of="2026-01-01", completeness=1, cohesion_reason="few", coverage=1,
    )  # fmt: skip


@pytest.fixture
def world(engine: sa.Engine) -> sa.Engine:
    """Five companies: groups of an older, a newer and the present template, and none; one gone."""
    for name in ("a", "b", "c", "d", "e"):
        company(engine, name)
    run(engine, "update bg.companies set deleted_at = now() where id = 'e'")
    run(engine, "delete from bg.changes")
    insert(
        engine, "bg.buyer_group_refresh_log", id=REFRESH, company_id="z", status="completed",
        reason="x", triggered_by="x", finished_at="2026-01-01",
    )  # fmt: skip
    for name, digest in (("a", "b"), ("b", "z"), ("c", "m")):
        group(engine, name, "finance", digest)
    return engine


def ask(
    engine: sa.Engine,
    current: dict[str, str] = NOW,
    *,
    incomplete: Sequence[str] = (),
    outside: Sequence[str] = (),
    most: int = 100,
) -> int:
    with engine.begin() as conn:
        templates.write(conn, [(name, digest, "text") for name, digest in current.items()])
        return resync.raise_changes(
            conn, current, dict.fromkeys(incomplete, outside), incomplete, most
        )


def asked(engine: sa.Engine) -> list[str]:
    found = rows(engine, "select company_id from bg.changes where source = 'template' order by id")
    return [row["company_id"] for row in found]


def test_exactly_the_groups_of_another_template_are_asked_for_and_only_once(
    world: sa.Engine,
) -> None:
    assert ask(world) == 2
    assert asked(world) == ["a", "b"]
    assert ask(world) == 0
    (row, _) = rows(world, "select kind, priority, old, new from bg.changes order by id")
    assert row == {
        "kind": "resync",
        "priority": -5,
        "old": {"templates": {"finance": "b"}},
        "new": {"templates": {"finance": "m"}},
    }


def test_a_company_with_two_old_groups_is_asked_for_once(world: sa.Engine) -> None:
    group(world, "a", "hr", "old")
    assert ask(world, {"finance": "m", "hr": "new"}) == 2
    told = value(world, "select new from bg.changes where company_id = 'a'")
    assert told == {"templates": {"finance": "m", "hr": "new"}}


def test_portions_are_bounded_and_the_next_look_goes_on(world: sa.Engine) -> None:
    assert [ask(world, most=1) for _ in range(3)] == [1, 1, 0]


def test_a_look_that_found_the_end_begins_anew(world: sa.Engine) -> None:
    assert [ask(world, most=1) for _ in range(3)] == [1, 1, 0]
    run(world, "delete from bg.changes where company_id = 'a'")
    assert [ask(world, most=1) for _ in range(3)] == [1, 0, 0]
    run(world, "delete from bg.changes")
    assert ask(world, {"finance": "n"}, most=2) == 2
    assert ask(world, {"finance": "n"}, most=2) == 1


def test_a_company_that_waits_for_something_else_is_asked_for_too(world: sa.Engine) -> None:
    insert(world, "bg.changes", company_id="a", kind="role_change", source="people_table")
    assert ask(world) == 2


@pytest.mark.parametrize("status", ["requested", "running"])
def test_a_company_that_is_being_refreshed_is_looked_at_when_that_is_over(
    world: sa.Engine, status: str
) -> None:
    insert(
        world, "bg.buyer_group_refresh_log", company_id="a", status=status, reason="x",
        triggered_by="x", run_id="r", started_at=at(0),
    )  # fmt: skip
    assert ask(world) == 1
    run(
        world,
        "update bg.buyer_group_refresh_log set status = 'failed', finished_at = now() "
        "where company_id = 'a'",
    )
    assert ask(world) == 1
    assert asked(world) == ["b", "a"]


def test_a_company_that_died_of_this_template_is_asked_for_by_the_next_one_only(
    world: sa.Engine,
) -> None:
    ask(world)
    with world.begin() as conn:
        policy = claims.Policy(settle=0, refresh_interval=0, claim_limit=100)
        now = claims.database_now(conn)
        claims.claim(conn, policy, "s", now)
        (*_,) = claims.ask(conn, policy, "s", now)
        held = refreshes.take(conn, "run", now, companies=["a", "b"])
        pairs = [(one.refresh_id, one.attempt) for one in held]
        refreshes.release(conn, pairs, "gone", now, 1)
        run(conn, "update bg.changes set refresh_id = r.id from bg.buyer_group_refresh_log as r "
            "where r.company_id = changes.company_id and r.status = 'dead'")  # fmt: skip
    assert ask(world) == 0
    assert ask(world, {"finance": "n"}) == 3


def test_a_new_product_is_asked_for_where_it_lacks(world: sa.Engine) -> None:
    both = NOW | {"hr": "h"}
    assert ask(world, both, incomplete=["hr"]) == 4
    assert sorted(asked(world)) == ["a", "b", "c", "d"]
    assert ask(world, both, incomplete=["hr"]) == 0


def test_who_waits_anyway_gets_a_new_product_by_that(world: sa.Engine) -> None:
    insert(world, "bg.changes", company_id="d", kind="resync", source="company_table")
    assert ask(world, {"hr": "h"}, incomplete=["hr"]) == 3


def test_who_waits_out_an_interval_does_not_wait_for_a_new_product(world: sa.Engine) -> None:
    insert(world, "bg.changes", company_id="d", kind="role_change", source="people_table")
    insert(
        world, "bg.buyer_group_refresh_log", company_id="d", status="completed", reason="x",
        triggered_by="x", finished_at="2026-01-01", starts_interval=True,
    )  # fmt: skip
    assert ask(world, {"hr": "h"}, incomplete=["hr"]) == 4
    assert ask(world, {"hr": "h"}, incomplete=["hr"]) == 0


@pytest.mark.parametrize(("status", "starts"), [("completed", False), ("failed", True)])
def test_who_waits_out_no_interval_is_not_asked_twice(
    world: sa.Engine, status: str, *, starts: bool
) -> None:
    insert(world, "bg.changes", company_id="d", kind="role_change", source="people_table")
    insert(
        world, "bg.buyer_group_refresh_log", company_id="d", status=status, reason="x",
        triggered_by="x", finished_at="2026-01-01", starts_interval=starts,
    )  # fmt: skip
    assert ask(world, {"hr": "h"}, incomplete=["hr"]) == 3


def test_four_new_products_defer_nobody_of_hundreds_that_were_refreshed_just_now(
    engine: sa.Engine,
) -> None:
    """A third of them have changes that wait; their interval ends when it would have."""
    run(engine, "insert into bg.companies (id, name) "
        "select 'c' || g, 'Company ' || g from generate_series(1, 300) as g")  # fmt: skip
    run(engine, "delete from bg.changes")
    run(
        engine,
        """
        insert into bg.buyer_group_refresh_log
            (company_id, status, reason, triggered_by, finished_at, starts_interval)
        select id, 'completed', 'role_change', 'change', now(), true from bg.companies""",
    )
    run(
        engine,
        """
        insert into bg.changes (company_id, kind, source)
        select 'c' || g, 'role_change', 'people_table' from generate_series(1, 300, 3) as g""",
    )
    four = {"a": "1", "b": "2", "c": "3", "d": "4"}
    assert ask(engine, four, incomplete=list(four), most=1000) == 300

    policy = claims.Policy(settle=0, refresh_interval=3600, claim_limit=1000)
    with engine.begin() as conn:
        now = claims.database_now(conn)
        assert claims.claim(conn, policy, "s", now) == 300
        requests = claims.ask(conn, policy, "s", now)
    for number, request in enumerate(requests):
        steps.complete(engine, f"run-{number}", steps.take(engine, f"run-{number}", request))
    assert value(engine, "select count(*) from bg.buyer_group_refresh_log where starts_interval "
                 "and run_id is not null") == 0  # fmt: skip
    run(engine, "update bg.buyer_group_refresh_log set finished_at = now() - interval '2 hours' "
        "where run_id is null")  # fmt: skip
    run(engine, "insert into bg.changes (company_id, kind, source) "
        "values ('c1', 'role_change', 'people_table')")  # fmt: skip
    with engine.begin() as conn:
        assert claims.claim(conn, policy, "s", claims.database_now(conn)) == 1


def test_a_product_is_not_asked_for_where_it_is_not_sold(world: sa.Engine) -> None:
    run(world, "update bg.companies set country = case id when 'a' then ' France' "
        "when 'b' then 'DE' when 'c' then 'Narnia' end")  # fmt: skip
    run(world, "delete from bg.changes")
    with world.begin() as conn:
        assert resync.countries(conn) == [" France", "DE", "Narnia"]
    assert ask(world, {"hr": "h"}, incomplete=["hr"], outside=[" France"]) == 3
    assert sorted(asked(world)) == ["b", "c", "d"]


def test_a_product_is_complete_once_nobody_lacks_it_and_no_older_run_goes_on(
    world: sa.Engine,
) -> None:
    def complete() -> bool:
        with world.begin() as conn:
            return templates.read(conn)["finance"].complete_at is not None

    insert(
        world, "bg.buyer_group_refresh_log", company_id="c", status="running", reason="x",
        triggered_by="x", run_id="r", started_at=at(0),
    )  # fmt: skip
    with world.begin() as conn:
        templates.write(conn, [("finance", "m", "text")])
    ask(world, incomplete=["finance"], most=1)
    assert not complete()
    ask(world, incomplete=["finance"])
    assert not complete()
    run(
        world,
        "update bg.buyer_group_refresh_log set status = 'completed', finished_at = now() "
        "where status = 'running'",
    )
    insert(
        world, "bg.buyer_group_refresh_log", company_id="b", status="running", reason="x",
        triggered_by="x", run_id="r", started_at=datetime.now(UTC) + timedelta(minutes=1),
    )  # fmt: skip
    ask(world, incomplete=["finance"])
    assert complete()
    since = value(world, "select complete_at from bg.templates")
    ask(world, incomplete=["finance"])
    assert value(world, "select complete_at from bg.templates") == since
    with world.begin() as conn:
        templates.write(conn, [("finance", "m", "text")])
    assert complete()
    with world.begin() as conn:
        templates.write(conn, [("finance", "n", "other text")])
    assert not complete()


def test_a_full_portion_may_not_be_all_and_leaves_a_product_incomplete(world: sa.Engine) -> None:
    def complete() -> bool:
        with world.begin() as conn:
            return templates.read(conn)["hr"].complete_at is not None

    assert ask(world, {"hr": "h"}, incomplete=["hr"], most=4) == 4
    assert not complete()
    assert ask(world, {"hr": "h"}, incomplete=["hr"], most=4) == 0
    assert complete()


def test_a_removed_product_is_forgotten_so_that_it_can_come_back(world: sa.Engine) -> None:
    with world.begin() as conn:
        templates.write(conn, [("finance", "m", "text"), ("hr", "h", "text")])
    ask(world)
    with world.begin() as conn:
        assert list(templates.read(conn)) == ["finance"]


def test_two_that_look_at_once_ask_once(world: sa.Engine) -> None:
    with world.begin() as first:
        assert resync.raise_changes(first, NOW, {}, []) == 2
        assert ask(world) == 0
    assert len(asked(world)) == 2


def test_old_groups_are_counted(world: sa.Engine) -> None:
    with world.begin() as conn:
        templates.write(conn, [("finance", "m", "text"), ("hr", "h", "text")])
        assert resync.count_old(conn) == {"finance": 2, "hr": 0}


def test_mistakes_keep_the_time_since_when_they_are_there(engine: sa.Engine) -> None:
    with engine.begin() as conn:
        templates.write_mistakes(conn, ["a", "b"])
        before = templates.read_mistakes(conn)
    with engine.begin() as conn:
        templates.write_mistakes(conn, ["b", "c"])
        after = templates.read_mistakes(conn)
        assert list(after) == ["b", "c"]
        assert after["b"] == before["b"] < after["c"]
        templates.write_mistakes(conn, [])
        assert templates.read_mistakes(conn) == {}
