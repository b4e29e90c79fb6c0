"""The tick of enrichment: who is to be asked about becomes one run at a time, and none is lost."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa

from bg_assets import jobs, sensors
from bg_assets.assets.enriched_people import BATCH_TAG
from bg_assets.definitions import defs
from bg_assets.resources import Database
from bg_assets.settings import read
from bg_assets.storage.enrichment import due
from bg_assets.ticks import asking
from bg_assets_tests.enrichment import TEMPLATE
from bg_assets_tests.storage.rows import group, rows, run, value


@pytest.fixture
def instance(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dg.DagsterInstance]:
    """Dagster in memory, where a product asks a provider."""
    (tmp_path / "asking.yaml").write_text(TEMPLATE.format(level="enrich"), encoding="utf-8")
    monkeypatch.setenv("BG_DATABASE_URL", database_url)
    monkeypatch.setenv("BG_TEMPLATES", str(tmp_path))
    monkeypatch.setenv("BG_PRODUCTS", "asking")
    monkeypatch.setenv("BG_PROVIDERS", "bg_assets_tests.enrichment:made")
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def want(engine: sa.Engine, *companies: str) -> None:
    with engine.begin() as conn:
        due.want(conn, companies)


def look(instance: dg.DagsterInstance, engine: sa.Engine) -> asking.Found:
    return asking.look(instance, engine, read())


def submitted(
    instance: dg.DagsterInstance, batch: due.Batch, status: dg.DagsterRunStatus
) -> dg.DagsterRun:
    """The run that the batch was asked for, as far as it has come."""
    return instance.create_run_for_job(
        defs.resolve_job_def("enrich_people"), tags={BATCH_TAG: batch.batch_id}, status=status
    )


def evaluated(instance: dg.DagsterInstance) -> object:
    """What the sensor itself answers."""
    with dg.build_sensor_context(instance=instance, resources={"database": Database()}) as context:
        return sensors.enrichment(context)


def a_minute_later(engine: sa.Engine) -> None:
    run(engine, "update bg.enrichment_due set taken_at = taken_at - interval '61 seconds'")


def test_without_a_provider_nothing_is_looked_at(
    instance: dg.DagsterInstance, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    want(engine, "acme")
    monkeypatch.delenv("BG_PROVIDERS")
    nowhere = sa.create_engine("postgresql+psycopg2://nowhere.invalid/x")
    found = asking.look(instance, nowhere, read())
    assert found.batches == ()
    assert "no provider is configured" in found.said


def test_where_no_template_asks_nothing_is_taken(
    instance: dg.DagsterInstance, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    want(engine, "acme")
    monkeypatch.setenv("BG_PRODUCTS", "finance_system")
    found = look(instance, engine)
    assert found.batches == ()
    assert "no template in use says" in found.said


def test_a_bad_template_is_told(
    instance: dg.DagsterInstance, engine: sa.Engine, tmp_path: Path
) -> None:
    (tmp_path / "asking.yaml").write_text("name: asking", encoding="utf-8")
    assert "asking.yaml" in look(instance, engine).said


def test_all_that_are_due_make_one_batch_and_their_partitions_are_there(
    instance: dg.DagsterInstance, engine: sa.Engine
) -> None:
    want(engine, *(f"c{number:02}" for number in range(60)))
    (batch,) = look(instance, engine).batches
    assert len(batch.companies) == asking.BATCH_SIZE
    assert set(instance.get_dynamic_partitions("companies")) == set(batch.companies)


@pytest.mark.parametrize(
    "status",
    [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING],
)
def test_one_run_is_at_work_at_a_time(
    instance: dg.DagsterInstance, engine: sa.Engine, status: dg.DagsterRunStatus
) -> None:
    want(engine, "acme")
    (batch,) = look(instance, engine).batches
    want(engine, "bolt")
    submitted(instance, batch, status)
    a_minute_later(engine)
    found = look(instance, engine)
    assert (found.batches, found.said) == ((), "1 run at work, or waiting for its turn")


def test_a_run_that_never_came_to_be_is_asked_for_again_by_the_same_key(
    instance: dg.DagsterInstance, engine: sa.Engine
) -> None:
    want(engine, "acme")
    (batch,) = look(instance, engine).batches
    assert look(instance, engine).batches == ()
    a_minute_later(engine)
    (again,) = look(instance, engine).batches
    assert (again.batch_id, again.companies) == (batch.batch_id, ("acme",))
    submitted(instance, batch, dg.DagsterRunStatus.NOT_STARTED)
    assert look(instance, engine).batches == (again,)


@pytest.mark.parametrize(
    "status",
    [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED, dg.DagsterRunStatus.SUCCESS],
)
def test_what_a_run_left_that_is_over_comes_again_later_in_another_batch(
    instance: dg.DagsterInstance, engine: sa.Engine, status: dg.DagsterRunStatus
) -> None:
    want(engine, "acme", "bolt")
    (batch,) = look(instance, engine).batches
    over = submitted(instance, batch, status)
    with engine.begin() as conn:
        due.begin(conn, batch.batch_id, over.run_id)
        due.forget(conn, ["bolt"], over.run_id)
    assert "nothing is due before " in look(instance, engine).said
    assert value(engine, "select error from bg.enrichment_due where company_id = 'acme'") == (
        f"run {over.run_id} ended as {status.value}"
    )
    run(engine, "update bg.enrichment_due set due_at = now() where due_at is not null")
    (again,) = look(instance, engine).batches
    assert again.batch_id != batch.batch_id
    assert again.companies == ("acme",)


def test_companies_from_before_are_spread_once(
    instance: dg.DagsterInstance, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "PORTION", 4)
    for number in range(6):
        group(engine, f"c{number}", {})
    run(engine, "update bg.buyer_groups set product = 'asking'")
    look(instance, engine)
    assert value(engine, "select count(*) from bg.enrichment_due") == 4
    look(instance, engine)
    assert value(engine, "select count(*) from bg.enrichment_due") == 6
    run(engine, "delete from bg.enrichment_due")
    look(instance, engine)
    assert rows(engine, "select * from bg.enrichment_due") == []


def test_the_sensor_asks_for_the_least_urgent_run_of_its_job(
    instance: dg.DagsterInstance, engine: sa.Engine
) -> None:
    want(engine, "acme", "bolt")
    result = evaluated(instance)
    assert isinstance(result, dg.SensorResult)
    (request,) = result.run_requests or ()
    assert request.run_key == request.tags[BATCH_TAG]
    assert int(request.tags["dagster/priority"]) < -100
    assert request.partition_key is None
    assert request.tags["bg/for"] == "2 companies: asking providers"
    assert request.run_config == {
        "ops": {"enriched_people": {"config": {"companies": ["acme", "bolt"]}}}
    }
    assert sensors.enrichment.job_name == jobs.enrich_people.name


def test_the_sensor_says_what_it_looked_at(instance: dg.DagsterInstance, engine: sa.Engine) -> None:
    result = evaluated(instance)
    assert isinstance(result, dg.SkipReason)
    assert result.skip_message == "nothing is due"
