"""What a tick asks Dagster for: runs that are named by what they are for."""

from bg_assets import sensors
from bg_assets.assets import runs
from bg_assets.storage import claims


def test_a_request_for_one_company_names_its_refresh_and_its_true_reasons() -> None:
    asked = sensors.run_request(
        claims.Request(
            "id:2", ("c1",), 30, {"new titles": 1}, refresh_id="id", attempt=2,
            purpose="Acme Ltd: new title",
        )
    )  # fmt: skip
    assert asked.run_key == "id:2"
    assert asked.partition_key == "c1"
    assert asked.tags["dagster/priority"] == "30"
    assert asked.tags["bg/for"] == "Acme Ltd: new title"
    assert asked.tags["bg/reasons"] == "new titles"
    assert (asked.tags["bg/refresh_id"], asked.tags["bg/attempt"]) == ("id", "2")
    assert "dagster/defer_asset_events" not in asked.tags


def test_a_request_for_a_batch_names_the_batch_and_defers_events() -> None:
    causes = {f"cause {n}": n for n in range(1, 13)}
    asked = sensors.run_request(claims.Request("b", ("c1", "c9"), 0, causes, batch_id="b"))
    assert asked.run_key == asked.tags["bg/batch_id"] == "b"
    assert asked.tags["dagster/defer_asset_events"] == "true"
    assert asked.tags["bg/companies"] == "2"
    assert asked.tags["bg/reasons"].startswith("cause 1 (1 company); cause 2 (2 companies); ")
    assert asked.tags["bg/reasons"].endswith("cause 10 (10 companies); and 2 more")
    # Dagster would show it as a run of this one company.
    assert asked.partition_key is None
    assert asked.run_config == runs.batch_config(["c1", "c9"])
