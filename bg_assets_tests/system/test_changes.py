"""From a change in people to the groups of just the companies that it concerns."""

import time
from datetime import timedelta

import pytest

from bg_assets_tests.system import world
from bg_assets_tests.system.conftest import INTERVAL
from bg_assets_tests.system.stack import Stack, eventually

pytestmark = pytest.mark.system


def test_a_new_title_refreshes_its_company_and_no_other(stack: Stack) -> None:
    companies = world.grow(stack, "title-", 3, seconds=90)
    world.retitle(stack, "title-0002-2", "Vice President Finance")
    world.settle(stack, companies)
    assert [len(world.log_of(stack, one)) for one in companies] == [1, 2, 1]
    last = world.log_of(stack, "title-0002")[-1]
    assert (last.status, last.reason, last.triggered_by) == ("completed", "role_change", "change")
    world.assert_groups_as_recomputed(stack, companies)


def test_a_move_refreshes_both_companies(stack: Stack) -> None:
    companies = world.grow(stack, "move-", 3)
    stack.execute("update bg.people set company_id = 'move-0002' where id = 'move-0001-1'")
    world.settle(stack, companies)
    assert [len(world.log_of(stack, one)) for one in companies] == [2, 2, 1]
    left, joined = (world.log_of(stack, one)[-1] for one in companies[:2])
    assert left.diff["finance_system"]["left"] == ["move-0001-1"]
    assert "move-0001-1" in joined.diff["finance_system"]["joined"]
    world.assert_groups_as_recomputed(stack, companies)


def test_a_burst_is_one_refresh_and_what_comes_later_one_more_after_the_interval(
    stack: Stack,
) -> None:
    (company,) = world.grow(stack, "burst-", 1)
    began = time.monotonic()
    with stack.engine.connect() as conn:
        # Transactions of their own, but not a round trip for each.
        conn.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql(
            ";".join(
                "begin; update bg.people set title = 'Finance Manager "
                f"{number}' where id = '{company}-{number % 7 + 1}'; commit"
                for number in range(500)
            )
        )
    assert time.monotonic() - began < 1
    world.settle(stack, [company])
    _, first = world.log_of(stack, company)
    taken = "select count(*) from bg.changes where refresh_id = cast(:id as uuid)"
    assert stack.value(taken, id=first.id) == 500

    for title in ("Treasurer", "Group Treasurer"):
        world.retitle(stack, f"{company}-2", title)
    assert stack.status()["deferred"] == 1
    world.settle(stack, [company])
    _, _, second = world.log_of(stack, company)
    assert stack.value(taken, id=second.id) == 2
    waited = second.requested_at - first.finished_at
    assert timedelta(seconds=INTERVAL) <= waited < timedelta(seconds=INTERVAL + 8)
    assert first.not_before == first.finished_at + timedelta(seconds=INTERVAL)
    world.assert_groups_as_recomputed(stack, [company])


def test_a_manual_refresh_and_a_members_departure_wait_for_no_interval(stack: Stack) -> None:
    by_hand, departed, neither = companies = world.grow(stack, "urgent-", 3)
    for company in companies:
        world.retitle(stack, f"{company}-7", "Financial Controller")
    world.settle(stack, companies)
    firsts = [world.log_of(stack, company)[-1] for company in companies]

    for company in companies:
        world.retitle(stack, f"{company}-2", "Financial Director")
    stack.execute("update bg.people set status = 'left' where id = :id", id=f"{departed}-1")
    done = stack.cli("refresh", by_hand)
    assert done.returncode == 0, done.stderr
    world.settle(stack, [by_hand, departed])
    for company, first in zip((by_hand, departed), firsts, strict=False):
        last = world.log_of(stack, company)[-1]
        assert last.requested_at < first.not_before
        pending = "select count(*) from bg.changes where company_id = :id and handled_at is null"
        assert stack.value(pending, id=company) == 0
    assert world.log_of(stack, by_hand)[-1].triggered_by == "manual"
    diff = world.log_of(stack, departed)[-1].diff["finance_system"]
    assert f"{departed}-1" in diff["left"]
    world.settle(stack, [neither])
    assert world.log_of(stack, neither)[-1].requested_at >= firsts[-1].not_before


def test_an_untracked_company_loses_its_group_and_keeps_its_history(stack: Stack) -> None:
    (company,) = world.grow(stack, "untracked-", 1)
    members = stack.value(
        "select count(*) from bg.buyer_group_members where company_id = :id", id=company
    )
    assert members > 0
    assert stack.cli("untrack", company).returncode == 0
    world.settle(stack, [company])
    assert stack.rows("select from bg.buyer_groups where company_id = :id", id=company) == []
    left = stack.rows(
        "select because from bg.buyer_group_history where company_id = :id and event = 'left'",
        id=company,
    )
    assert [row.because for row in left] == ["the company is no longer tracked"] * members
    assert stack.cli("refresh", company).returncode == 2


def test_a_company_deleted_for_good_while_its_run_is_queued_ends_cleanly(stack: Stack) -> None:
    (company,) = world.grow(stack, "deleted-", 1)
    with world.runs_queue_up(stack, "busy-for-deletion-"):
        world.retitle(stack, f"{company}-2", "Treasurer")
        queued = eventually(lambda: stack.runs_of(company, "QUEUED"), 20, "its run is queued")
        with stack.engine.begin() as conn:
            conn.exec_driver_sql("delete from bg.people where company_id = %s", (company,))
            conn.exec_driver_sql("delete from bg.companies where id = %s", (company,))
    world.settle(stack, [company])
    assert stack.rows("select from bg.buyer_groups where company_id = :id", id=company) == []
    assert stack.rows("select from bg.company_people where company_id = :id", id=company) == []
    stack.wait_for_run(queued[0], "SUCCESS")
    refresh = world.log_of(stack, company)[-1]
    assert (refresh.status, refresh.run_id) == ("completed", queued[0])
    assert refresh.diff == {"gone": "the company is no longer tracked"}
