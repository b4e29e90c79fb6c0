"""What the first step tells of the companies of its run."""

from bg_assets.storage import claims, refreshes
from bg_assets_tests.refreshing import World, log


def left_alone(world: World, run_id: str) -> list[str]:
    return [one for one in log(world, run_id) if "left alone" in one]


def test_the_log_counts_whom_another_run_refreshes_and_is_silent_where_there_is_nobody(
    world: World,
) -> None:
    world.build("acme", "bolt")
    both = {
        "dagster/asset_partition_range_start": "acme", "dagster/asset_partition_range_end": "bolt",
    }  # fmt: skip
    assert left_alone(world, world.execute(None, both).run_id) == []
    world.sql("update bg.people set title = 'Treasurer' where id = 'acme-fd'")
    (request,) = world.claim()
    with world.engine.begin() as conn:
        mine = (request.refresh_id or "", request.attempt)
        refreshes.take(conn, "another", claims.database_now(conn), refresh=mine)
    (told,) = left_alone(world, world.execute(None, both).run_id)
    assert told.startswith("1 of 2 companies left alone: another run is refreshing them")
