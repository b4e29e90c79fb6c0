"""What people do in the Dagster UI: backfills, runs by hand, runs again."""

from collections.abc import Callable

import dagster as dg
import pytest
import requests

from bg_assets.assets.group_checks import RULES
from bg_assets_tests.system import graphql, world
from bg_assets_tests.system.stack import Stack, eventually, kill

pytestmark = pytest.mark.system


@pytest.fixture(scope="module", autouse=True)
def _ui(stack: Stack) -> None:
    graphql.wait_for_ui(stack)


@pytest.fixture(scope="module")
def scattered(stack: Stack) -> tuple[str, list[str]]:
    """A backfill of three partitions with others between them, and the three."""
    chosen = world.grow(stack, "backfill-", 5, seconds=90)[::2]
    return graphql.backfill(stack, chosen), chosen


def test_a_backfill_of_three_scattered_partitions_refreshes_each_with_its_own_metadata(
    stack: Stack, scattered: tuple[str, list[str]]
) -> None:
    _, chosen = scattered
    for company in chosen:
        refresh = eventually(
            lambda company=company: world.log_of(stack, company)[1:],  # type: ignore[misc]
            60,
            f"{company} is refreshed",
        )[0]
        stack.wait_for_run(refresh.run_id, "SUCCESS")
        run_id, metadata = world.shown_by_dagster(stack, world.GROUPS, company)
        assert (run_id, metadata["refresh_id"]) == (refresh.run_id, refresh.id)
        assert metadata["because"] == "asked for by hand"
        assert f"{company}-1" in metadata["group"]
    for company in ("backfill-0002", "backfill-0004"):
        assert len(world.log_of(stack, company)) == 1


def test_the_ui_that_up_opens_is_guarded(stack: Stack) -> None:
    graphql.wait_for_ui(stack)
    foreign = {"Host": "evil.example"}
    url = f"http://127.0.0.1:{stack.port}/graphql"
    assert requests.get(url, headers=foreign, timeout=30).status_code == 403
    mutation = {"query": "mutation { wipeAssets(assetPartitionRanges: []) { __typename } }"}
    assert requests.get(url, params=mutation, timeout=30).status_code == 405


def test_a_run_by_hand_adopts_a_refresh_whose_own_run_is_still_queued(stack: Stack) -> None:
    (company,) = world.grow(stack, "adopted-", 1)
    with world.runs_queue_up(stack, "busy-for-adoption-") as let_one_go:
        world.retitle(stack, f"{company}-2", "Treasurer")
        queued = eventually(lambda: stack.runs_of(company, "QUEUED"), 20, "its run is queued")[0]
        by_hand = graphql.materialize(stack, company, **{"dagster/priority": "1000"})
        let_one_go()
        stack.wait_for_run(by_hand, "SUCCESS")
    stack.wait_for_run(queued, "SUCCESS")
    _, refresh = world.log_of(stack, company)
    assert (refresh.status, refresh.run_id) == ("completed", by_hand)
    assert refresh.reason == "role_change"
    world.assert_groups_as_recomputed(stack, [company])


def test_the_checks_are_there_after_whatever_run_and_about_all_groups(stack: Stack) -> None:
    companies = world.grow(stack, "checked-", 6)
    (batch,) = {world.log_of(stack, company)[0].run_id for company in companies}
    stack.wait_for_run(batch, "SUCCESS")
    _assert_checked(stack, batch)
    world.retitle(stack, f"{companies[0]}-2", "Treasurer")
    world.settle(stack, companies[:1])
    single = world.log_of(stack, companies[0])[-1].run_id
    stack.wait_for_run(single, "SUCCESS")
    _assert_checked(stack, single)
    # Nobody is told of it, and the runs are for other companies.
    stack.execute("delete from bg.company_people where company_id = :id", id=companies[5])
    # Others have left more groups than are judged anew in a minute, the oldest verdicts first.
    stack.execute(
        "update bg.group_verdicts set judged_at = judged_at - interval '1 day' "
        "where company_id = :id",
        id=companies[5],
    )
    _as_minutes_pass(stack, lambda: not _no_leavers(stack), "the tick finds who has no staff")
    by_hand = graphql.materialize(stack, companies[1])
    stack.wait_for_run(by_hand, "SUCCESS")
    _assert_checked(stack, by_hand)
    assert not _no_leavers(stack)
    stack.wait_for_run(graphql.materialize(stack, companies[5]), "SUCCESS")
    _as_minutes_pass(stack, lambda: _no_leavers(stack), "all is well again")


def test_a_partition_that_is_nobodys_goes_and_its_run_says_so(stack: Stack) -> None:
    world.grow(stack, "known-", 1)
    stack.instance.add_dynamic_partitions("companies", ["known-9999"])
    run_id = graphql.materialize(stack, "known-9999")
    stack.wait_for_run(run_id, "FAILURE")
    nothing = dg.AssetRecordsFilter(world.GROUPS, asset_partitions=["known-9999"])
    assert not stack.instance.fetch_materializations(nothing, limit=1).records
    _as_minutes_pass(
        stack,
        lambda: "known-9999" not in stack.instance.get_dynamic_partitions("companies"),
        "its partition is removed",
    )


def _as_minutes_pass(stack: Stack, done: Callable[[], bool], what: str) -> None:
    """Let what is done once a minute be due again and again: a backfill may still be in its way."""

    def looked() -> bool:
        stack.execute("update bg.chores set begun_at = begun_at - interval '61 seconds'")
        return done()

    eventually(looked, 90, what)


def _no_leavers(stack: Stack) -> bool:
    return bool(graphql.checks(stack, "buyer_groups")["no_leavers"]["evaluation"]["success"])


def _assert_checked(stack: Stack, run_id: str) -> None:
    """Told by this run, or by a tick after it."""
    found = graphql.checks(stack, "buyer_groups")
    assert set(found) == set(RULES)
    assert {one["runId"] for one in found.values()} <= {run_id, ""}
    assert found["no_leavers"]["status"] in {"SUCCEEDED", "FAILED"}
    assert found["mean_confidence"]["evaluation"]["severity"] == "WARN"


def test_a_batch_runs_again_for_all_its_companies(stack: Stack) -> None:
    companies = world.grow(stack, "again-", 6)
    (first,) = {world.log_of(stack, company)[0].run_id for company in companies}
    stack.wait_for_run(first, "SUCCESS")
    again = graphql.reexecute(stack, first, "ALL_STEPS")
    stack.wait_for_run(again, "SUCCESS")
    for company in companies:
        _, refresh = world.log_of(stack, company)
        assert (refresh.status, refresh.run_id) == ("completed", again)
        run_id, metadata = world.shown_by_dagster(stack, world.GROUPS, company)
        assert (run_id, metadata["refresh_id"]) == (again, refresh.id)
        assert world.shown_by_dagster(stack, world.PEOPLE, company)[0] == again


def test_a_batch_that_failed_runs_again_from_its_failure(stack: Stack) -> None:
    companies = world.grow(stack, "failed-", 6)
    with world.writes_blocked(stack):
        stack.execute(
            "update bg.people set title = 'Treasurer' where id = any(:ids)",
            ids=[f"{company}-2" for company in companies],
        )
        eventually(lambda: world.blocked_runs(stack), 30, "the batch is at its last step")
        (failed,) = {world.log_of(stack, company)[-1].run_id for company in companies}
        kill(stack.workers()[0])
    stack.wait_for_run(failed, "FAILURE", seconds=40)
    world.settle(stack, companies, seconds=60)
    assert {world.log_of(stack, company)[-1].attempt for company in companies} == {2}
    again = graphql.reexecute(stack, failed, "FROM_FAILURE")
    run = stack.wait_for_run(again, "SUCCESS")
    assert run.step_keys_to_execute == ["buyer_groups"]
    for company in companies:
        refresh = world.log_of(stack, company)[-1]
        assert (refresh.status, refresh.run_id) == ("completed", again)
        run_id, metadata = world.shown_by_dagster(stack, world.GROUPS, company)
        assert (run_id, metadata["refresh_id"]) == (again, refresh.id)
    world.assert_groups_as_recomputed(stack, companies)


def test_the_backfill_ends_in_success(stack: Stack, scattered: tuple[str, list[str]]) -> None:
    backfill_id, _ = scattered
    eventually(
        lambda: graphql.backfill_status(stack, backfill_id) == "COMPLETED_SUCCESS",
        60,
        "the backfill is a success",
    )
