"""When Dagster says that nothing is refreshed any more."""

import dagster as dg
import pytest

from bg_assets.assets import freshness
from bg_assets.definitions import defs
from bg_assets_tests.private import freshness_state
from bg_assets_tests.refreshing import World

DAY = 86400.0


@pytest.mark.parametrize("asset", ["company_people", "buyer_groups"])
def test_an_asset_of_many_companies_is_as_fresh_as_the_latest_of_them(
    world: World, monkeypatch: pytest.MonkeyPatch, asset: str
) -> None:
    key = dg.AssetKey(asset)
    assert freshness_state(world.instance, defs, key, monkeypatch) == "UNKNOWN"
    world.build("acme")
    for later, said in (
        (0.0, "PASS"),
        (1.9, "PASS"),
        (2.1, "WARN"),
        (13.9, "WARN"),
        (14.1, "FAIL"),
    ):
        assert freshness_state(world.instance, defs, key, monkeypatch, later * DAY) == said


def test_where_nothing_is_refreshed_without_news_a_quiet_time_is_no_fault(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert freshness.policy() is not None
    monkeypatch.setenv("BG_REFRESH_WITHOUT_NEWS", "0")
    assert freshness.policy() is None
    monkeypatch.setenv("BG_REFRESH_WITHOUT_NEWS", "many")
    assert freshness.policy() is None
