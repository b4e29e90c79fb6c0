"""A company that fails in its run: told by its id and the kind of error, and let go."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from bg_assets.assets import failures, runs
from bg_assets.assets.failures import RefreshFailed
from bg_assets_tests.refreshing import World, log


def test_where_nothing_else_is_in_the_run_it_fails_with_the_reason_and_keeps_its_refresh(
    world: World, poison: Callable[[str], None]
) -> None:
    world.add("bad")
    poison("bad-fd")
    taken = runs.take(world.engine, runs.Purpose("r1", ("bad",)))
    said: list[str] = []
    context: Any = SimpleNamespace(log=SimpleNamespace(error=said.append))
    why = taken.failed["bad"]
    with pytest.raises(RefreshFailed, match=f"^bad: {why}$"):
        failures.release(context, world.engine, taken.held, taken.failed)
    assert said == [f"bad could not be refreshed: {why}"]
    assert world.status("bad") == ["running"]


def test_who_fails_beside_others_in_a_run_of_the_last_step_alone_is_let_go(
    world: World, poison: Callable[[str], None]
) -> None:
    world.build("acme", "bad")
    poison("bad-fd")
    both = {
        "dagster/asset_partition_range_start": "acme", "dagster/asset_partition_range_end": "bad",
    }  # fmt: skip
    run_id = world.execute(None, both, only="buyer_groups").run_id
    assert world.status("acme") == ["completed", "completed"]
    assert world.status("bad") == ["completed", "requested"]
    (told,) = (one for one in log(world, run_id) if one.startswith("bad "))
    assert told.startswith("bad failed and is tried again, by itself in the end: ValueError at ")
