"""What an analyst reads on a company's partition: whose it is, who came and went, where to look."""

from datetime import date
from typing import Any

import dagster as dg
import pytest

from bg_assets.assets import group_metadata
from bg_assets.definitions import defs
from bg_assets.storage.reports.shown import ShownGroup, ShownMember
from bg_assets_tests.private import stale_status
from bg_assets_tests.refreshing import World, metadata


def again(world: World) -> dict[str, Any]:
    """What acme's partition shows after its next refresh."""
    world.sql("update bg.buyer_group_refresh_log set starts_interval = false")
    (request,) = world.claim()
    return metadata(world, world.run(request))["acme"]


def test_who_left_and_who_came_is_told_with_their_titles_and_roles(world: World) -> None:
    world.build("acme")
    world.sql("update bg.people set status = 'left' where id = 'acme-cfo'")
    shown = again(world)
    assert shown["because"] == "direct write: a member left, acme-cfo (Chief Financial Officer)"
    assert shown["diff"]["left"] == ["acme-cfo (Chief Financial Officer)"]
    assert shown["news"] == (
        "acme-cfo (Chief Financial Officer) left; "
        "acme-fd (Finance Director): stakeholder -> decision maker"
    )
    world.sql("update bg.people set status = 'active' where id = 'acme-cfo'")
    shown = again(world)
    assert shown["because"] == "direct write: somebody joined, acme-cfo (Chief Financial Officer)"
    assert shown["news"] == (
        "acme-cfo (Chief Financial Officer) joined as decision maker; "
        "acme-fd (Finance Director): decision maker -> stakeholder"
    )


def test_somebody_who_is_gone_for_good_is_told_by_the_id_alone(world: World) -> None:
    world.build("acme")
    world.sql("delete from bg.people where id = 'acme-cfo'")
    assert again(world)["diff"]["left"] == ["acme-cfo"]


def test_a_refresh_that_changes_nobody_says_so(world: World) -> None:
    world.build("acme")
    world.sql("update bg.people set location = 'Paris' where id = 'acme-ceo'")
    shown = again(world)
    assert (
        shown["because"] == "direct write: new contact details, acme-ceo (Chief Executive Officer)"
    )
    assert shown["news"] == "the same people in the same roles"


def test_a_partition_leads_to_the_run_before_and_to_lineage(world: World) -> None:
    world.add("acme")
    (request,) = world.claim()
    first = world.run(request)
    shown = metadata(world, first)["acme"]
    assert "run_before" not in shown
    assert shown["lineage"] == "/assets/buyer_groups?view=lineage"
    world.sql("update bg.people set title = 'Treasurer' where id = 'acme-cfo'")
    shown = again(world)
    assert shown["run_before"] == first.run_id


def test_both_assets_name_the_company_and_one_that_nobody_knows_has_no_name(world: World) -> None:
    world.add("acme")
    world.sql("update bg.companies set name = 'Acme' || chr(10) || 'Ltd' where id = 'acme'")
    (request,) = world.claim()
    result = world.run(request)
    for asset in ("company_people", "buyer_groups"):
        assert metadata(world, result, asset)["acme"]["company"] == "Acme Ltd"
    world.sql("delete from bg.companies")
    (request,) = world.claim()
    assert request.purpose.startswith("acme: direct write: ")
    result = world.run(request)
    for asset in ("company_people", "buyer_groups"):
        assert "company" not in metadata(world, result, asset)["acme"]


def test_of_much_news_the_first_are_told_and_the_others_counted() -> None:
    member = ShownMember("p", None, "CFO", None, None, None, "champion", 1, 1, False, [])
    joined = [f"p{number}" for number in range(8)]
    changed = {"person_id": "q", "old": {"role": "champion"}, "new": {"role": "blocker"}}
    group = ShownGroup(
        "finance_system", "r", "t", date(2026, 3, 2), 1, 1, None, "few", 1, [],
        {"joined": ["p", *joined], "left": ["x"], "role_changed": [changed]}, [member],
    )  # fmt: skip
    told = group_metadata._differences([group, group], {"x": "A director as such", "q": "CIO"})
    assert group_metadata._diff(told)["role_changed"] == ["q (CIO): potential champion -> blocker"]
    assert group_metadata._news(told) == (
        "x (A director as such) left; p (CFO) joined as potential champion; p0 joined; p1 joined; "
        "p2 joined; and 6 more"
    )


def test_a_batch_is_no_run_of_its_first_company_and_its_steps_run_by_themselves_too(
    world: World,
) -> None:
    world.add("acme", "bolt")
    world.policy = type(world.policy)(
        settle=0, refresh_interval=3600, claim_limit=100, batch_from=2
    )
    (request,) = world.claim()
    assert request.purpose == "2 companies: direct write"
    done = world.run(request)
    run = world.instance.get_run_by_id(done.run_id)
    assert run is not None
    assert "dagster/partition" not in run.tags
    assert sorted(metadata(world, done)) == ["acme", "bolt"]
    ops: Any = run.run_config["ops"]
    config = {"ops": {"buyer_groups": ops["buyer_groups"]}}
    alone = world.execute(None, dict(run.tags), only="buyer_groups", config=config)
    assert metadata(world, alone) == {}


def test_a_batch_is_executed_again_though_its_first_company_has_gone(world: World) -> None:
    world.add("acme", "bolt")
    world.policy = type(world.policy)(
        settle=0, refresh_interval=3600, claim_limit=100, batch_from=2
    )
    (request,) = world.claim()
    done = world.run(request)
    world.sql("delete from bg.companies where id = 'acme'")
    world.sql("delete from bg.people where company_id = 'acme'")
    world.instance.delete_dynamic_partition("companies", "acme")
    shown = metadata(world, world.again(done.run_id))
    assert shown["acme"]["because"] == "the company is no longer tracked"
    assert shown["bolt"]["members"] == 6


@pytest.mark.parametrize("asset", ["company_people", "buyer_groups"])
def test_no_company_is_outdated_because_of_who_wrote_to_the_tables(
    world: World, asset: str
) -> None:
    world.instance.report_runless_asset_event(dg.AssetMaterialization("enriched_people"))
    world.build("acme")
    assert status(world, asset, "acme") == "FRESH"
    for table in ("people", "companies"):
        world.instance.report_runless_asset_event(dg.AssetMaterialization(table))
    assert status(world, asset, "acme") == "FRESH"
    world.execute("acme")
    world.instance.report_runless_asset_event(dg.AssetMaterialization("people"))
    assert status(world, asset, "acme") == "FRESH"
    world.instance.report_runless_asset_event(
        dg.AssetMaterialization("people", tags={"dagster/data_version": "1"})
    )
    assert status(world, "company_people", "acme") == "STALE"


def status(world: World, asset: str, company: str) -> str:
    return stale_status(world.instance, defs, dg.AssetKey(asset), company)
