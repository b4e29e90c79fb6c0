"""One call in an asset body serves a single company, a range and a deferred batch."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest

from bg_assets.instance import report
from bg_assets_tests.instance import code

KEYS = [f"c{number}" for number in range(6)]


@pytest.fixture
def companies(instance: dg.DagsterInstance) -> Iterator[list[str]]:
    instance.add_dynamic_partitions("companies", KEYS)
    yield KEYS
    instance.wipe_assets([dg.AssetKey("people"), dg.AssetKey("groups")])


def execute(instance: dg.DagsterInstance, **arguments: Any) -> dg.ExecuteInProcessResult:
    job = code.defs.resolve_job_def("refresh")
    result = job.execute_in_process(instance=instance, **arguments)
    assert result.success
    return result


def materialized(instance: dg.DagsterInstance, asset: str) -> dict[str, dg.AssetMaterialization]:
    """Each partition's latest materialization."""
    records = instance.fetch_materializations(dg.AssetKey(asset), limit=100).records
    found = [record.asset_materialization for record in reversed(records)]
    return {event.partition: event for event in found if event and event.partition}


def shown(event: dg.AssetMaterialization) -> dict[str, Any]:
    return {name: value.value for name, value in event.metadata.items()}


def versions(event: dg.AssetMaterialization) -> set[str]:
    """The names of the tags by which Dagster tells what is stale."""
    return {name for name in event.tags or {} if name.startswith("dagster/")}


def test_a_single_company(instance: dg.DagsterInstance, companies: list[str]) -> None:
    execute(instance, partition_key="c1")
    events = materialized(instance, "people")
    assert {key: shown(event) for key, event in events.items()} == {
        "c1": {"people": 2, "key": "c1"}
    }


def test_each_company_of_a_range_has_its_own(
    instance: dg.DagsterInstance, companies: list[str]
) -> None:
    bounds = {
        "dagster/asset_partition_range_start": "c1",
        "dagster/asset_partition_range_end": "c4",
    }
    execute(instance, tags=bounds)
    for asset in ("people", "groups"):
        events = materialized(instance, asset)
        assert {key: shown(event)["key"] for key, event in events.items()} == {
            key: key for key in KEYS[1:5]
        }


def test_a_deferred_batch_of_any_companies_looks_like_an_ordinary_run_of_each(
    instance: dg.DagsterInstance, companies: list[str]
) -> None:
    execute(instance, partition_key="c1")
    ordinary = {asset: materialized(instance, asset)["c1"] for asset in ("people", "groups")}
    batch = ["c0", "c2", "c5"]
    tags = {**report.DEFER_ASSET_EVENTS, "companies": " ".join(batch)}
    execute(instance, partition_key="c0", tags=tags)
    for asset in ("people", "groups"):
        events = materialized(instance, asset)
        assert sorted(events) == ["c0", "c1", "c2", "c5"]
        assert {key: shown(events[key])["key"] for key in batch} == {key: key for key in batch}
        assert all(versions(events[key]) == versions(ordinary[asset]) for key in batch)
    code_version = (materialized(instance, "groups")["c5"].tags or {})["dagster/code_version"]
    assert code_version == "7"


def test_a_company_that_a_batch_does_not_report_keeps_what_it_had(
    instance: dg.DagsterInstance, companies: list[str]
) -> None:
    execute(instance, partition_key="c3")
    execute(instance, partition_key="c3", tags={**report.DEFER_ASSET_EVENTS, "companies": "c4"})
    records = instance.fetch_materializations(
        dg.AssetRecordsFilter(dg.AssetKey("people"), asset_partitions=["c3"]), limit=10
    ).records
    assert len(records) == 1


def test_what_is_told_again_without_a_run_stands_for_each_company_without_versions(
    instance: dg.DagsterInstance, companies: list[str]
) -> None:
    execute(instance, partition_key="c1")
    execute(instance, partition_key="c3")
    told = {f"c{number}": {"people": number} for number in range(1, 3)}
    report.tell_again(instance, dg.AssetKey("people"), told)
    events = materialized(instance, "people")
    assert {key: shown(event) for key, event in events.items()} == {
        "c1": {"people": 1}, "c2": {"people": 2}, "c3": {"people": 2, "key": "c3"},
    }  # fmt: skip
    assert versions(events["c3"])
    assert versions(events["c1"]) == versions(events["c2"]) == set()
    assert set(materialized(instance, "groups")) == {"c1", "c3"}
