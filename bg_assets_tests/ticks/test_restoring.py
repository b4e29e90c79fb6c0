"""What Dagster was told comes back after it has lost it, and is not told twice otherwise."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest

from bg_assets.storage import staff
from bg_assets.ticks import mirror, restoring
from bg_assets_tests.refreshing import World, a_minute_later, history

ASSETS = ("company_people", "buyer_groups")


@pytest.fixture
def fresh() -> Iterator[dg.DagsterInstance]:
    """Dagster after it has lost all that it was told."""
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def look(world: World) -> list[str]:
    return restoring.look_after(world.instance, world.engine)


def shown(world: World, asset: str, company: str) -> list[dict[str, Any]]:
    """The metadata of a partition's materializations, latest first."""
    wanted = dg.AssetRecordsFilter(dg.AssetKey(asset), asset_partitions=[company])
    records = world.instance.fetch_materializations(wanted, limit=10).records
    return [
        {name: value.value for name, value in one.asset_materialization.metadata.items()}
        for one in records
        if one.asset_materialization
    ]


def long_ago(world: World) -> None:
    world.sql("update bg.buyer_groups set updated_at = updated_at - interval '6 minutes'")


def test_all_comes_back_in_a_new_database_of_dagsters_without_recomputing(
    world: World, fresh: dg.DagsterInstance
) -> None:
    world.build("acme", "bolt")
    world.add("hollow", staff=False)
    for request in world.claim():
        world.run(request)
    before = {
        (asset, one): shown(world, asset, one)[0] for asset in ASSETS for one in ("acme", "hollow")
    }
    log = world.sql("select * from bg.buyer_group_refresh_log order by id")
    assert look(world) == []
    world.instance = fresh
    a_minute_later(world)
    lines = mirror.keep(world.instance, world.engine)
    assert lines == [
        "tracked companies that got their partition: 3",
        "Dagster has lost its last materializations: they are told again",
        "the last materializations of 3 companies are told again",
    ]
    a_minute_later(world)
    mirror.keep(world.instance, world.engine)
    # The second time though nothing has changed: what was told before the loss is lost too.
    assert [one.metadata["groups"].value for one in history(world)] == [3, 3]
    for (asset, company), was in before.items():
        (now,) = shown(world, asset, company)
        assert now.pop("told_again") is True
        assert now.pop("because") == restoring.BECAUSE
        for name in ("because", "fails", "lag_seconds"):
            was.pop(name, None)
        assert now == was
    assert world.sql("select * from bg.buyer_group_refresh_log order by id") == log
    assert "Zebulon" not in str([shown(world, asset, "acme") for asset in ASSETS])


def test_it_is_told_again_once_and_what_runs_told_is_not(
    world: World, fresh: dg.DagsterInstance
) -> None:
    world.build("acme")
    long_ago(world)
    for _ in range(3):
        assert look(world) == []
        a_minute_later(world)
    assert len(shown(world, "buyer_groups", "acme")) == 1
    world.instance = fresh
    assert len(look(world)) == 2
    for _ in range(3):
        a_minute_later(world)
        assert look(world) == []
    assert len(shown(world, "buyer_groups", "acme")) == 1


def test_it_is_looked_for_once_a_minute(world: World, fresh: dg.DagsterInstance) -> None:
    world.build("acme")
    look(world)
    world.instance = fresh
    assert look(world) == []
    a_minute_later(world)
    assert len(look(world)) == 2


def test_a_wiped_asset_comes_back(world: World) -> None:
    world.build("acme")
    look(world)
    world.instance.wipe_assets([dg.AssetKey("buyer_groups")])
    a_minute_later(world)
    assert len(look(world)) == 2
    assert shown(world, "buyer_groups", "acme")[0]["members"] == 6


def test_a_database_that_holds_other_events_by_the_same_ids_is_not_taken_for_the_same(
    world: World, fresh: dg.DagsterInstance
) -> None:
    world.build("acme", "bolt")
    look(world)
    world.instance = fresh
    world.instance.add_dynamic_partitions("companies", ["acme", "bolt"])
    for _ in range(3):
        world.execute("acme")
    a_minute_later(world)
    assert len(look(world)) == 2
    assert len(shown(world, "buyer_groups", "bolt")) == 1


def test_where_nothing_is_remembered_only_an_old_group_that_dagster_does_not_know_is_a_loss(
    world: World, fresh: dg.DagsterInstance
) -> None:
    told = world.instance
    world.build("acme")
    world.instance = fresh
    # Its run may be about to tell.
    assert look(world) == []
    long_ago(world)
    world.instance = told
    a_minute_later(world)
    assert look(world) == []
    world.sql("delete from bg.chores")
    world.instance = fresh
    assert len(look(world)) == 2


def test_many_companies_are_told_again_in_portions_within_seconds(
    world: World, fresh: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restoring, "AT_ONCE", 2)
    world.build("a", "b", "c", "d")
    look(world)
    world.instance = fresh
    a_minute_later(world)
    assert look(world) == ["Dagster has lost its last materializations: they are told again"]
    assert look(world) == []
    for lines in ([], ["the last materializations of 4 companies are told again"]):
        world.sql("update bg.chores set begun_at = begun_at - interval '3 seconds'")
        assert look(world) == lines
    assert [len(shown(world, "buyer_groups", one)) for one in "abcd"] == [1, 1, 1, 1]


def test_the_checks_are_told_anew_when_the_loss_is_found_and_when_all_else_is_told(
    world: World, fresh: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the two they may have been told, and look older than the materializations then."""
    monkeypatch.setattr(restoring, "AT_ONCE", 1)
    world.build("acme")
    mirror.keep(world.instance, world.engine)
    world.instance = fresh
    told = []
    for _ in range(4):
        a_minute_later(world)
        mirror.tell_checks(world.instance, world.engine)
        told.append(len(history(world)))
        look(world)
    assert told == [0, 1, 2, 2]


def test_a_company_that_is_refreshed_meanwhile_does_not_look_older_than_it_is(
    world: World, fresh: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.build("acme", "bolt")
    look(world)
    world.instance = fresh
    world.instance.add_dynamic_partitions("companies", ["acme", "bolt"])
    a_minute_later(world)
    real, meanwhile = staff.read_staff, ["acme"]

    def read_staff(*arguments: Any) -> Any:
        found = real(*arguments)
        if meanwhile:
            world.sql("update bg.people set status = 'left' where id = 'acme-cfo'")
            world.execute(meanwhile.pop())
        return found

    monkeypatch.setattr(staff, "read_staff", read_staff)
    look(world)
    assert "acme-cfo" not in world.members("acme")
    assert [shown(world, asset, "acme")[0]["dagster/row_count"] for asset in ASSETS] == [5, 5]
    assert len(shown(world, "buyer_groups", "bolt")) == 1


def test_companies_that_are_gone_or_were_never_built_are_not_told_of(
    world: World, fresh: dg.DagsterInstance
) -> None:
    world.build("acme", "gone")
    look(world)
    world.sql("update bg.companies set deleted_at = now() where id = 'gone'")
    world.add("new")
    world.instance = fresh
    a_minute_later(world)
    assert look(world)[-1] == "the last materializations of 1 company are told again"
    assert shown(world, "buyer_groups", "new") == shown(world, "buyer_groups", "gone") == []
