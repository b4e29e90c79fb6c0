"""Dagster's runs go once they are old and nothing that they hold is the last word on anything."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa

from bg_assets import resources, settings
from bg_assets.definitions import defs
from bg_assets.instance import retention
from bg_assets_tests.storage.rows import value

SEEN = dg.AssetKey("seen")
GROUPS = dg.AssetKey("groups")
SEVERAL = dg.DynamicPartitionsDefinition(name="several")


@dg.asset(
    name="groups",
    partitions_def=SEVERAL,
    check_specs=[dg.AssetCheckSpec("looked", asset="groups")],
    config_schema={"fail": dg.Field(bool, default_value=False)},
)
def groups(
    context: dg.AssetExecutionContext,
) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    if context.op_execution_context.op_config["fail"]:
        raise dg.Failure("told to", allow_retries=False)
    print("said by the run")  # noqa: T201
    yield dg.MaterializeResult(metadata={"members": 1})
    yield dg.AssetCheckResult(passed=True, check_name="looked")


@pytest.fixture
def one(
    instance: dg.DagsterInstance, empty_database: str, engine: sa.Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> dg.DagsterInstance:  # fmt: skip
    """The instance, as processes with these variables find its database, without a run."""
    monkeypatch.setenv("BG_DAGSTER_URL", empty_database)
    for run_id in instance.get_run_ids():
        instance.delete_run(run_id)
    instance.wipe_assets([GROUPS, SEEN])
    return instance


def made(instance: dg.DagsterInstance, partition: str, *, fail: bool = False) -> str:
    instance.add_dynamic_partitions("several", [partition])
    done = dg.materialize(
        [groups], partition_key=partition, instance=instance, raise_on_error=False,
        run_config={"ops": {"groups": {"config": {"fail": fail}}}},
    )  # fmt: skip
    return done.run_id


def round_of(
    instance: dg.DagsterInstance, engine: sa.Engine, seconds: float = -60
) -> dict[str, int]:
    """A round of Dagster's kinds; with less than no time to keep, everything is old."""
    config = replace(
        settings.read({}), retention_runs=seconds, retention_changes=None, retention_history=None,
        retention_refreshes=None, retention_events=None, retention_operations=None,
        retention_outbox=None, retention_kpis=None,
    )  # fmt: skip
    done = retention.turn(engine, instance, config, 60, anew=True)
    assert done.held_up == []
    return {one.kept.name: one.removed for one in done.gone}


def test_what_others_have_followed_goes_and_the_last_of_each_partition_stays(
    one: dg.DagsterInstance, engine: sa.Engine, home: Path
) -> None:
    old, other, new = made(one, "acme"), made(one, "bolt"), made(one, "acme")
    printed = home / "dagster" / "storage"
    assert {path.name for path in printed.iterdir()} >= {old, other, new}
    assert round_of(one, engine)["runs"] == 1
    assert set(one.get_run_ids()) == {other, new}
    assert one.all_logs(old) == []
    assert old not in {path.name for path in printed.iterdir()}
    assert one.get_materialized_partitions(GROUPS) == {"acme", "bolt"}
    for partition, run_id in (("acme", new), ("bolt", other)):
        (record,) = one.fetch_materializations(
            dg.AssetRecordsFilter(GROUPS, asset_partitions=[partition]), limit=9
        ).records
        assert record.run_id == run_id
        assert record.asset_materialization is not None
        assert record.asset_materialization.metadata["members"].value == 1
    looked = one.event_log_storage.get_asset_check_execution_history(
        dg.AssetCheckKey(GROUPS, "looked"), limit=9
    )
    assert {each.run_id for each in looked} & {old, other, new} == {other, new}
    last = one.get_latest_materialization_event(GROUPS)
    assert last is not None
    assert last.run_id == new
    assert round_of(one, engine)["runs"] == 0


def test_a_failure_stays_until_a_materialization_has_followed_it(
    one: dg.DagsterInstance, engine: sa.Engine
) -> None:
    first, failed, other = made(one, "acme"), made(one, "acme", fail=True), made(one, "bolt")
    assert round_of(one, engine)["runs"] == 0
    assert set(one.get_run_ids()) == {first, failed, other}
    mended = made(one, "acme")
    assert round_of(one, engine)["runs"] == 2
    assert set(one.get_run_ids()) == {other, mended}


def test_the_last_evaluation_of_a_check_stays_and_older_ones_go_with_their_runs(
    one: dg.DagsterInstance, engine: sa.Engine
) -> None:
    made(one, "acme")
    made(one, "acme")
    last = made(one, "acme")
    # Now nothing but its check holds the run.
    one.wipe_assets([GROUPS])
    assert round_of(one, engine)["runs"] == 2
    assert one.get_run_ids() == [last]


def test_runs_that_are_not_over_or_not_old_stay(one: dg.DagsterInstance, engine: sa.Engine) -> None:
    made(one, "acme")
    made(one, "acme")
    assert round_of(one, engine, seconds=86_400)["runs"] == 0
    waiting = one.create_run_for_job(dg.define_asset_job("j", "*").resolve(
        asset_graph=dg.Definitions([groups]).resolve_asset_graph()))  # fmt: skip
    round_of(one, engine)
    assert waiting.run_id in one.get_run_ids()


def test_what_a_kill_has_left_of_a_run_goes_in_the_next_round(
    one: dg.DagsterInstance, engine: sa.Engine
) -> None:
    half = made(one, "acme")
    last = made(one, "acme")
    one.event_log_storage.delete_events(half)
    assert round_of(one, engine)["runs"] == 1
    assert one.get_run_ids() == [last]


def test_of_what_was_told_without_a_run_the_last_word_stays(
    one: dg.DagsterInstance, engine: sa.Engine
) -> None:
    for number in range(5):
        one.report_runless_asset_event(dg.AssetObservation(SEEN, metadata={"rows": number}))
    for partition in ("acme", "acme", "bolt"):
        one.report_runless_asset_event(dg.AssetMaterialization(GROUPS, partition=partition))
    assert round_of(one, engine)["runless"] == 5
    (record,) = one.fetch_observations(SEEN, limit=9).records
    assert record.asset_observation is not None
    assert record.asset_observation.metadata["rows"].value == 4
    assert one.get_materialized_partitions(GROUPS) == {"acme", "bolt"}


def test_the_schedule_lets_go_of_runs_by_the_instance_that_evaluates_it(
    one: dg.DagsterInstance, database_url: str, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BG_DATABASE_URL", database_url)
    old = made(one, "acme")
    made(one, "acme")
    usual = settings.read()
    monkeypatch.setattr(settings, "read", lambda: replace(usual, retention_runs=-60))
    with dg.build_schedule_context(
        instance=one, resources={"database": resources.Database()}
    ) as context:
        found = defs.resolve_schedule_def("retention").evaluate_tick(context)
    assert str(found.skip_message).endswith("Dagster's finished runs, with their events: 1")
    assert old not in one.get_run_ids()


def test_a_turn_without_an_instance_leaves_runs_alone(
    one: dg.DagsterInstance, engine: sa.Engine
) -> None:
    made(one, "acme")
    made(one, "acme")
    done = retention.turn(engine, None, settings.read({}), 60, anew=True)
    assert "runs" not in {gone.kept.name for gone in done.gone}
    assert len(one.get_run_ids()) == 2
    now = value(engine, "select now() + interval '99 d'")
    assert retention.counts(engine, settings.read({}), now)["runs"] == 2
