"""Runs for companies that there are not, or for none: one sentence, and nothing green."""

from typing import Any

import dagster as dg
import pytest

from bg_assets.storage import claims
from bg_assets_tests.refreshing import World, metadata

ASSETS = ("company_people", "buyer_groups")


def failures(world: World, result: dg.ExecuteInProcessResult) -> list[str]:
    """What the steps that failed say of it."""
    found = []
    ends = {dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.STEP_UP_FOR_RETRY}
    for entry in world.instance.all_logs(result.run_id, of_type=ends):
        assert entry.dagster_event is not None
        data: Any = entry.dagster_event.event_specific_data
        assert entry.dagster_event.event_type is dg.DagsterEventType.STEP_FAILURE
        found.append(data.user_failure_data.description if data.user_failure_data else "")
    return found


def shown(world: World, result: dg.ExecuteInProcessResult | str) -> dict[str, list[str]]:
    """The partitions with an event of the run, by asset."""
    return {asset: sorted(metadata(world, result, asset)) for asset in ASSETS}


@pytest.mark.parametrize("only", [None, *ASSETS])
def test_a_run_without_a_partition_ends_with_a_sentence_that_says_what_to_do(
    world: World, only: str | None
) -> None:
    result = world.execute(None, ok=False, only=only)
    (said,) = failures(world, result)
    assert said.startswith("This run names no company: launch it again with a partition")
    assert "`bg-assets refresh COMPANY`" in said


@pytest.mark.parametrize("only", [None, *ASSETS])
def test_a_run_for_an_unknown_company_says_whom_you_may_have_meant_and_shows_nothing(
    world: World, only: str | None
) -> None:
    world.build("co-0999")
    world.instance.add_dynamic_partitions("companies", ["co-9999"])
    result = world.execute("co-9999", ok=False, only=only)
    assert failures(world, result) == ["no company co-9999; did you mean co-0999?"]
    assert shown(world, result) == {asset: [] for asset in ASSETS}
    assert world.status("co-9999") == []


def test_a_company_that_is_gone_for_good_is_unknown_and_one_that_still_has_a_group_is_not(
    world: World,
) -> None:
    world.build("acme")
    world.sql("update bg.companies set deleted_at = now()")
    result = world.execute("acme")
    assert shown(world, result) == {asset: ["acme"] for asset in ASSETS}
    assert world.members("acme") == {}
    late = world.execute("acme", ok=False)
    assert failures(world, late) == ["no company acme"]
    assert shown(world, late) == {asset: [] for asset in ASSETS}


def test_a_deleted_company_without_a_group_is_known_while_that_change_waits(world: World) -> None:
    world.add("acme")
    world.sql("update bg.companies set deleted_at = now()")
    world.execute("acme")
    assert world.pending() == 0


def test_a_range_leaves_out_who_is_unknown_and_shows_the_others(world: World) -> None:
    world.build("c1", "c3")
    world.instance.add_dynamic_partitions("companies", ["c5", "c4"])
    tags = {
        "dagster/asset_partition_range_start": "c1",
        "dagster/asset_partition_range_end": "c4",
    }
    result = world.execute(None, tags)
    assert shown(world, result) == {asset: ["c1", "c3"] for asset in ASSETS}
    assert metadata(world, result)["c1"]["members"] == 6
    said = [entry.user_message for entry in world.instance.all_logs(result.run_id)]
    assert said.count("no company c5; no company c4") == 2
    assert world.status("c5") == world.status("c4") == []


def test_a_range_of_unknown_companies_names_some_and_counts_the_rest(world: World) -> None:
    world.instance.add_dynamic_partitions("companies", [f"c{number}" for number in range(8)])
    tags = {
        "dagster/asset_partition_range_start": "c0",
        "dagster/asset_partition_range_end": "c7",
    }
    (said,) = failures(world, world.execute(None, tags, ok=False))
    assert said == "; ".join(f"no company c{n}" for n in range(5)) + (
        "; and 3 more that are not known"
    )


@pytest.mark.parametrize("batch_from", [2, 5])
def test_a_queued_run_whose_companies_have_gone_meanwhile_ends_well(
    world: World, batch_from: int
) -> None:
    world.add("acme", "bolt")
    policy = claims.Policy(settle=0, refresh_interval=3600, claim_limit=100, batch_from=batch_from)
    queued = world.claim(policy)
    world.sql("update bg.companies set deleted_at = now()")
    for company in ("acme", "bolt"):
        world.execute(company)
    assert world.pending() == 0
    for request in queued:
        world.run(request)


def test_a_batch_that_runs_again_leaves_out_who_has_gone(world: World) -> None:
    world.add("acme", "bolt")
    policy = claims.Policy(settle=0, refresh_interval=3600, claim_limit=100, batch_from=2)
    (request,) = world.claim(policy)
    first = world.run(request)
    world.sql("update bg.companies set deleted_at = now() where id = 'bolt'")
    (gone,) = world.claim()
    world.run(gone)
    again = world.again(first.run_id)
    assert shown(world, again) == {asset: ["acme"] for asset in ASSETS}


def test_a_batch_that_runs_again_is_for_all_it_was_made_for(world: World) -> None:
    world.add("acme", "bolt")
    policy = claims.Policy(settle=0, refresh_interval=3600, claim_limit=100, batch_from=2)
    (request,) = world.claim(policy)
    first = world.run(request)
    # As it is with one that failed in its batch and is in another by now.
    world.sql("update bg.buyer_group_refresh_log set batch_id = null where company_id = 'bolt'")
    again = world.again(first.run_id)
    assert shown(world, again) == {asset: ["acme", "bolt"] for asset in ASSETS}
