"""What is more urgent than what, and that the least urgent gets its turn under a flood."""

import itertools
from dataclasses import replace

import pytest
import sqlalchemy as sa

from bg_assets.storage import claims, priorities
from bg_assets.storage.claims import Policy
from bg_assets.storage.priorities import OF_KIND
from bg_assets_tests.storage import told
from bg_assets_tests.storage.rows import (
    at,
    change,
    company,
    forget_changes,
    refresh,
    rows,
    run,
    value,
)

POLICY = Policy(settle=0, refresh_interval=3600, claim_limit=10, batch_from=2, batch_size=500)
CAME = "select company_id, priority from bg.changes order by company_id, id"


def written(engine: sa.Engine, statement: str, writer: str = "") -> list[tuple[str, int]]:
    """The company and priority of each change that a statement of this writer leads to."""
    forget_changes(engine)
    with engine.begin() as conn:
        conn.execute(sa.text("select set_config('bg.source', :writer, true)"), {"writer": writer})
        run(conn, statement)
    return [(row["company_id"], row["priority"]) for row in rows(engine, CAME)]


def test_what_hurts_more_to_miss_comes_first() -> None:
    """Who is gone, then who moved, who came or was promoted, then the rest."""
    order = [
        {"person_left", "company_deleted"}, {"company_change"},
        {"person_joined", "promotion", "role_change"},
        {"department_change", "company_profile_change"}, {"contact_change"}, {"resync"},
    ]  # fmt: skip
    levels = [{OF_KIND[kind] for kind in same} for same in order]
    assert all(len(level) == 1 for level in levels)
    values = [level.pop() for level in levels]
    assert values == sorted(set(values), reverse=True)
    assert set().union(*order) == set(OF_KIND)


def test_by_hand_beats_departures_webhooks_tables_templates_backfills_and_silence() -> None:
    of_tables = set(OF_KIND.values()) - {priorities.DEPARTURE}
    bands = [
        {priorities.BY_HAND}, {priorities.DEPARTURE},
        {priorities.OF_WEBHOOK + value // 10 for value in of_tables}, of_tables,
        {priorities.OF_TEMPLATE}, {priorities.BACKFILL}, {priorities.WITHOUT_NEWS},
    ]  # fmt: skip
    assert all(min(above) > max(below) for above, below in itertools.pairwise(bands))
    assert min(of_tables) == 0


def test_each_kind_that_a_change_may_have_has_a_priority(engine: sa.Engine) -> None:
    rule = value(
        engine,
        "select pg_get_constraintdef(oid) from pg_constraint where conname = 'changes_kind_check'",
    )
    assert set(str(rule).split("'")[1::2]) == set(OF_KIND)


@pytest.mark.parametrize("writer", ["", "crm import", "webhook"])
@pytest.mark.parametrize(
    ("statement", "of_table", "of_webhook"),
    [
        ("update bg.people set title = 'CEO'", 30, 44),
        ("update bg.people set department = 'IT'", 20, 43),
        ("update bg.people set email = 'a@example.com'", 10, 42),
        ("update bg.people set status = 'left'", 50, 50),
        ("insert into bg.people (id, company_id) values ('bob', 'acme')", 30, 44),
        ("update bg.companies set country = 'DE'", 20, 43),
        ("update bg.companies set deleted_at = now()", 50, 50),
        ("insert into bg.people (id, company_id) select 'p' || n, 'acme' "
         "from generate_series(1, 30) as n", 0, 41),
    ],
)  # fmt: skip
def test_what_the_door_tells_comes_before_what_tables_tell_and_departures_before_both(
    engine: sa.Engine, statement: str, of_table: int, of_webhook: int, writer: str
) -> None:
    company(engine, "acme", ["ann"])

    expected = of_webhook if writer == "webhook" else of_table
    assert written(engine, statement, writer) == [("acme", expected)]


def test_whom_somebody_leaves_by_a_move_comes_before_whom_they_come_to(engine: sa.Engine) -> None:
    company(engine, "acme", ["ann"])
    company(engine, "bolt", ["bob"])

    moved = "update bg.people set company_id = 'bolt' where id = 'ann'"
    assert written(engine, moved) == [("acme", 50), ("bolt", 40)]
    back = "update bg.people set company_id = 'acme' where id = 'ann'"
    assert written(engine, back, "webhook") == [("acme", 45), ("bolt", 50)]


def test_a_refresh_that_an_event_asks_for_is_the_doors_and_not_a_humans(engine: sa.Engine) -> None:
    company(engine, "acme")
    told.source(engine)
    assert told.one(engine, "company.refresh_requested") == told.APPLIED

    assert rows(engine, "select kind, source, priority from bg.changes") == [
        {"kind": "resync", "source": "webhook", "priority": priorities.OF_WEBHOOK}
    ]


def _flooded(engine: sa.Engine, policy: Policy, arrivals: int, most: int) -> int:
    """Ticks, one a second, until the least urgent company is claimed, while others keep coming."""
    change(engine, "low", 0, kind="resync", source="schedule", priority=priorities.WITHOUT_NEWS)
    for tick in range(1, most + 1):
        insert_many(engine, tick, arrivals)
        with engine.begin() as conn:
            claims.claim(conn, policy, "s", at(tick))
            claims.ask(conn, policy, "s", at(tick))
        found = "select count(*) from bg.buyer_group_refresh_log where company_id = 'low'"
        if value(engine, found):
            return tick
        # What was asked for is done at once: all that is left of a flood is what was not claimed.
        run(engine, "update bg.buyer_group_refresh_log set status = 'completed', "
            "finished_at = :at where status = 'requested'", at=at(tick))  # fmt: skip
        run(engine, "update bg.changes as c set refresh_id = r.id, handled_at = :at "
            "from bg.buyer_group_refresh_log as r where r.company_id = c.company_id "
            "and c.handled_at is null", at=at(tick))  # fmt: skip
    raise AssertionError(f"not claimed in {most} ticks")


def insert_many(engine: sa.Engine, tick: int, number: int) -> None:
    run(engine, "insert into bg.changes (company_id, kind, source, priority, occurred_at) "
        "select 'c' || :tick || '-' || n, 'person_left', 'webhook', 50, :at "
        "from generate_series(1, :number) as n", tick=tick, at=at(tick), number=number)  # fmt: skip


@pytest.mark.parametrize(("limit", "bound"), [(10, 1), (5, 1), (3, 5), (1, 5)])
def test_under_a_flood_the_least_urgent_company_is_claimed_in_a_few_ticks(
    engine: sa.Engine, limit: int, bound: int
) -> None:
    """Twice as many departures a tick as it takes: but for a share for the oldest it never was."""
    insert_many(engine, 0, 20)
    run(engine, "update bg.changes set occurred_at = :at", at=at(1))

    assert _flooded(engine, replace(POLICY, claim_limit=limit), limit * 2, 20) <= bound


def test_where_a_minute_allows_one_company_the_oldest_gets_a_fifth_of_the_turns(
    engine: sa.Engine,
) -> None:
    for number in range(40):
        change(engine, f"high{number:02}", 10, priority=50)
        change(engine, f"low{number:02}", 0, priority=-20)
    policy = replace(POLICY, claim_limit=1)
    with engine.begin() as conn:
        for tick in range(11, 31):
            assert claims.claim(conn, policy, "s", at(tick)) == 1
        found = rows(conn, "select company_id from bg.buyer_group_refresh_log")

    assert sum(row["company_id"].startswith("low") for row in found) == 4


def test_of_more_runs_than_a_tick_asks_for_a_fifth_are_those_that_wait_longest(
    engine: sa.Engine,
) -> None:
    policy = replace(POLICY, batch_size=1)
    for number in range(60):
        refresh(engine, f"high{number:02}", "requested", priority=50, requested_at=at(100))
    for number in range(12):
        refresh(engine, f"low{number:02}", "requested", priority=-20, requested_at=at(number))
    refresh(engine, "again", "requested", priority=50, attempt=3, requested_at=at(0))
    with engine.begin() as conn:
        asked = {one.companies[0] for one in claims.ask(conn, policy, "s", at(200))}

    assert len(asked) == claims.MOST_RUNS
    assert {one for one in asked if not one.startswith("high")} == {
        "again", *(f"low{number:02}" for number in range(9)),
    }  # fmt: skip
