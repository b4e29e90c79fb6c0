"""Once a minute Dagster is made to show what the tables hold: partitions, and checks of all."""

import dagster as dg
import pytest

from bg_assets.assets import group_checks, judging, runs
from bg_assets.instance import report
from bg_assets.storage import refreshes
from bg_assets.ticks import mirror
from bg_assets_tests.private import BulkActionStatus, PartitionBackfill
from bg_assets_tests.refreshing import World, a_minute_later, failing, history

STARTED = dg.DagsterRunStatus.STARTED


def keys(world: World) -> list[str]:
    return sorted(world.instance.get_dynamic_partitions("companies"))


def add_partitions(world: World, *names: str) -> None:
    world.instance.add_dynamic_partitions("companies", list(names))


def in_progress(world: World, **tags: str) -> None:
    named = {f"dagster/{name}": value for name, value in tags.items()}
    world.instance.add_run(dg.DagsterRun("refresh_buyer_groups", status=STARTED, tags=named))


def test_a_partition_that_is_nobodys_is_removed_within_a_minute(world: World) -> None:
    world.build("acme")
    add_partitions(world, "co-9999")
    lines = mirror.keep(world.instance, world.engine)
    assert lines == ["partitions of companies that nobody tracks, now removed: 1"]
    assert keys(world) == ["acme"]
    add_partitions(world, "co-9999")
    assert mirror.keep(world.instance, world.engine) == []
    a_minute_later(world)
    assert len(mirror.keep(world.instance, world.engine)) == 1
    assert keys(world) == ["acme"]


def test_before_anybody_was_asked_enriched_people_says_so_once(world: World) -> None:
    key = dg.AssetKey("enriched_people")
    mirror.keep(world.instance, world.engine)
    a_minute_later(world)
    mirror.keep(world.instance, world.engine)
    events = world.instance.fetch_materializations(key, limit=10).records
    (said,) = [event.asset_materialization for event in events]
    assert said is not None
    assert "no provider is configured" in str(said.metadata["because"].value)


def test_a_deleted_company_keeps_its_partition_until_its_group_has_gone(world: World) -> None:
    world.build("acme", "bolt")
    world.sql("update bg.companies set deleted_at = now() where id = 'acme'")
    assert mirror.fit_partitions(world.instance, world.engine) == []
    (request,) = world.claim()
    assert mirror.fit_partitions(world.instance, world.engine) == []
    world.run(request)
    assert len(mirror.fit_partitions(world.instance, world.engine)) == 1
    assert keys(world) == ["bolt"]


@pytest.mark.parametrize("left", ["a change", "a refresh under way", "a dead refresh", "a group"])
def test_a_partition_stays_while_anything_of_its_company_is_left(world: World, left: str) -> None:
    add_partitions(world, "gone")
    if left == "a group":
        world.build("gone")
        world.sql("delete from bg.companies")
        world.sql("delete from bg.changes")
    else:
        with world.engine.begin() as conn:
            refreshes.request_by_hand(conn, ["gone"])
    if left in ("a refresh under way", "a dead refresh"):
        world.claim()
        world.sql("update bg.changes set refresh_id = (select id from bg.buyer_group_refresh_log)")
    if left == "a dead refresh":
        world.sql("update bg.buyer_group_refresh_log set status = 'dead', finished_at = now()")
    assert mirror.fit_partitions(world.instance, world.engine) == []
    assert keys(world) == ["gone"]


def test_a_partition_that_a_run_is_for_stays_while_that_is_in_progress(world: World) -> None:
    add_partitions(world, "idle", "busy")
    in_progress(world, partition="busy")
    mirror.fit_partitions(world.instance, world.engine)
    assert keys(world) == ["busy"]


def test_the_partitions_of_a_batch_stay_while_that_is_in_progress(world: World) -> None:
    add_partitions(world, "a", "b", "c")
    world.instance.add_run(
        dg.DagsterRun(
            "refresh_buyer_groups", status=STARTED, run_config=runs.batch_config(["a", "c"]),
            tags=report.DEFER_ASSET_EVENTS,
        )
    )  # fmt: skip
    mirror.fit_partitions(world.instance, world.engine)
    assert keys(world) == ["a", "c"]


def test_nothing_is_removed_under_a_range_that_is_in_progress(world: World) -> None:
    add_partitions(world, "gone")
    in_progress(world, asset_partition_range_start="a", asset_partition_range_end="z")
    assert mirror.fit_partitions(world.instance, world.engine) == []
    assert keys(world) == ["gone"]


@pytest.mark.parametrize(
    ("status", "left"),
    [("REQUESTED", ["gone"]), ("CANCELING", ["gone"]), ("COMPLETED_SUCCESS", [])],
)
def test_nothing_is_removed_under_a_backfill(world: World, status: str, left: list[str]) -> None:
    add_partitions(world, "gone")
    world.instance.add_backfill(
        PartitionBackfill(
            "b", BulkActionStatus(status), from_failure=False, tags={}, backfill_timestamp=0.0,
            asset_selection=[group_checks.ASSET], partition_names=["gone"],
        )
    )  # fmt: skip
    mirror.fit_partitions(world.instance, world.engine)
    assert keys(world) == left


def test_lost_partitions_come_back_and_none_of_a_company_that_is_gone(world: World) -> None:
    world.build("acme", "bolt", "gone")
    world.sql("update bg.companies set deleted_at = now() where id = 'gone'")
    for key in keys(world):
        world.instance.delete_dynamic_partition("companies", key)
    assert mirror.fit_partitions(world.instance, world.engine) == [
        "tracked companies that got their partition: 2"
    ]
    assert keys(world) == ["acme", "bolt"]
    assert mirror.fit_partitions(world.instance, world.engine) == []


def test_partitions_are_added_and_removed_in_portions(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror, "ADDED_AT_ONCE", 2)
    monkeypatch.setattr(mirror, "REMOVED_AT_ONCE", 2)
    world.sql("insert into bg.companies (id, name) select 'c' || n, 'name' "
              "from generate_series(1, 3) as n")  # fmt: skip
    add_partitions(world, "x1", "x2", "x3")
    mirror.fit_partitions(world.instance, world.engine)
    assert keys(world) == ["c1", "c2", "x3"]
    mirror.fit_partitions(world.instance, world.engine)
    assert keys(world) == ["c1", "c2", "c3"]


def test_a_tick_tells_what_became_wrong_without_a_refresh(world: World) -> None:
    world.build("acme", "bolt")
    assert failing(history(world)[0]) == []
    # Unnoticed by anybody: no change waits.
    world.sql("delete from bg.company_people where person_id = 'acme-cfo'")
    before = len(history(world))
    mirror.tell_checks(world.instance, world.engine)
    assert len(history(world)) == before
    a_minute_later(world)
    mirror.tell_checks(world.instance, world.engine)
    now, *past = history(world)
    assert len(past) == before
    assert (now.passed, failing(now), now.metadata["groups"].value) == (False, ["acme"], 2)


def test_a_tick_tells_nothing_where_nothing_has_changed(world: World) -> None:
    world.build("acme")
    a_minute_later(world)
    mirror.tell_checks(world.instance, world.engine)
    before = len(history(world))
    a_minute_later(world)
    mirror.tell_checks(world.instance, world.engine)
    assert len(history(world)) == before


def test_what_could_not_be_told_is_told_by_the_next_tick(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.build("acme")
    world.sql("delete from bg.company_people where person_id = 'acme-cfo'")
    a_minute_later(world)
    with monkeypatch.context() as patched:
        patched.setattr(dg.DagsterInstance, "report_runless_asset_event", _away)
        with pytest.raises(ConnectionError):
            mirror.tell_checks(world.instance, world.engine)
    assert history(world)[0].passed
    a_minute_later(world)
    mirror.tell_checks(world.instance, world.engine)
    assert not history(world)[0].passed


def _away(*_: object) -> None:
    raise ConnectionError


def test_groups_that_no_run_has_judged_are_judged_by_ticks_in_portions(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "NEW_AT_ONCE", 2)
    world.build("a", "b", "c")
    world.sql("delete from bg.group_verdicts")
    seen = []
    for _ in range(2):
        a_minute_later(world)
        mirror.tell_checks(world.instance, world.engine)
        figures = history(world)[0].metadata
        seen.append((figures["groups"].value, figures["waiting"].value))
    assert seen == [(2, 1), (3, 0)]


def test_a_group_that_is_no_more_is_in_no_check(world: World) -> None:
    world.build("acme", "bolt")
    world.sql("delete from bg.buyer_groups where company_id = 'acme'")
    a_minute_later(world)
    mirror.tell_checks(world.instance, world.engine)
    assert history(world)[0].metadata["groups"].value == 1
