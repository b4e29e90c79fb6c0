"""Many companies at once: batches, each company's own partition, and one that spoils nothing."""

from collections import Counter

import pytest

from bg_assets import partitions
from bg_assets_tests.private import AssetPartitionStatus
from bg_assets_tests.system import world
from bg_assets_tests.system.stack import Stack, eventually

pytestmark = pytest.mark.system

NUMBER = 500


def test_one_update_of_500_scattered_companies_makes_them_all_fresh_in_a_few_runs(
    stack: Stack,
) -> None:
    everybody = world.grow(stack, "scatter-", 2 * NUMBER, seconds=120)
    chosen = everybody[::2]
    stack.execute(
        "update bg.people set title = 'Treasurer' where id = any(:ids)",
        ids=[f"{company}-2" for company in chosen],
    )
    world.settle(stack, everybody, seconds=60)
    refreshed = stack.rows(
        "select company_id, id::text, run_id, attempt from bg.buyer_group_refresh_log "
        "where company_id like 'scatter-%' and reason = 'role_change' and status = 'completed'"
    )
    by_company = {row.company_id: row for row in refreshed}
    assert (len(refreshed), sorted(by_company)) == (NUMBER, chosen)
    assert {row.attempt for row in refreshed} == {1}
    runs = Counter(row.run_id for row in refreshed)
    assert len(runs) <= 3
    for run_id in runs:
        stack.wait_for_run(run_id, "SUCCESS")
    world.assert_groups_as_recomputed(stack, everybody)

    known = stack.instance.get_materialized_partitions(world.GROUPS)
    assert set(everybody) <= known
    assert set(everybody) <= stack.instance.get_materialized_partitions(world.PEOPLE)
    for company in chosen[::25]:
        run_id, metadata = world.shown_by_dagster(stack, world.GROUPS, company)
        assert (run_id, metadata["refresh_id"]) == (
            by_company[company].run_id,
            by_company[company].id,
        )
        assert metadata["because"] == f"direct write: new title, {company}-2 (Treasurer)"
        run = stack.instance.get_run_by_id(run_id)
        assert run is not None
        assert run.tags["bg/for"].endswith(" companies: direct write")
        assert "dagster/partition" not in run.tags
        assert f"| {company}-2 | Treasurer |" in metadata["group"].replace("\\", "")
        assert world.shown_by_dagster(stack, world.PEOPLE, company)[1]["dagster/row_count"] == 7


@pytest.mark.slow
def test_a_company_that_fails_in_its_batch_fails_alone_is_listed_and_healed(stack: Stack) -> None:
    companies = world.grow(stack, "poison-", 8)
    sick = companies[3]
    others = [company for company in companies if company != sick]
    stack.execute(world.POISON.format(company=sick))
    try:
        stack.execute(
            "update bg.people set title = 'Treasurer' where id = any(:ids)",
            ids=[f"{company}-2" for company in companies],
        )
        world.settle(stack, others)
        batches = {world.log_of(stack, company)[-1].run_id for company in others}
        assert len(batches) == 1
        stack.wait_for_run(batches.pop(), "SUCCESS")
        eventually(lambda: world.log_of(stack, sick)[-1].status == "dead", 60, "it is given up")
    finally:
        stack.execute("drop schema poison cascade")
    given_up = world.log_of(stack, sick)[-1]
    assert given_up.attempt == 2
    (alone, *_) = stack.runs_of(sick, "FAILURE")
    assert given_up.error.startswith(f"run {alone} ended as FAILURE: ")
    wait_for_status(stack, sick, AssetPartitionStatus.FAILED)
    wait_for_status(stack, others[0], AssetPartitionStatus.MATERIALIZED)
    assert stack.status()["dead"] == 1
    assert f"dead: {sick} after 2 attempts" in stack.cli("status").stdout
    world.assert_groups_as_recomputed(stack, others)

    assert stack.cli("requeue", sick).returncode == 0
    world.settle(stack, [sick])
    assert world.log_of(stack, sick)[-1].status == "completed"
    wait_for_status(stack, sick, AssetPartitionStatus.MATERIALIZED)
    assert stack.status()["dead"] == 0
    world.assert_groups_as_recomputed(stack, companies)


def wait_for_status(stack: Stack, company: str, wanted: AssetPartitionStatus) -> None:
    """Wait until the company's partition has this colour in the UI: events follow the commit."""

    def found() -> bool:
        status = stack.instance.get_status_by_partition(
            world.GROUPS, [company], partitions.companies
        )
        return status is not None and status[company] is wanted

    eventually(found, 15, f"the partition of {company} is {wanted.value}")
