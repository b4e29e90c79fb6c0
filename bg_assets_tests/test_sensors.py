"""A tick: what is due becomes run requests, and nothing else does."""

import time

import dagster as dg
import pytest
import sqlalchemy as sa

from bg_assets import sensors
from bg_assets.embedded.databases import DatabaseUnreachable
from bg_assets.storage import claims, database


@pytest.fixture
def instance(database_url: str, monkeypatch: pytest.MonkeyPatch) -> dg.DagsterInstance:
    monkeypatch.setenv("BG_DATABASE_URL", database_url)
    monkeypatch.setenv("BG_SETTLE", "0")
    return dg.DagsterInstance.ephemeral()


def _add(engine: sa.Engine, count: int) -> None:
    with engine.begin() as conn:
        conn.execute(
            sa.text(
                "insert into bg.companies (id, name) "
                "select 'c' || n, 'Company ' || n from generate_series(1, :count) as n"
            ),
            {"count": count},
        )


def test_few_due_companies_make_a_run_each_and_their_partitions_are_registered(
    engine: sa.Engine, instance: dg.DagsterInstance
) -> None:
    _add(engine, 3)
    requests, _ = sensors.tick(instance, engine, "people_changes")
    assert [one.companies for one in requests] == [("c1",), ("c2",), ("c3",)]
    assert sorted(instance.get_dynamic_partitions("companies")) == ["c1", "c2", "c3"]


def test_many_due_companies_make_one_batch(engine: sa.Engine, instance: dg.DagsterInstance) -> None:
    _add(engine, 40)
    requests, _ = sensors.tick(instance, engine, "people_changes")
    assert [len(one.companies) for one in requests] == [40]
    assert len(instance.get_dynamic_partitions("companies")) == 40


def test_a_second_tick_asks_for_nothing_that_was_asked_for(
    engine: sa.Engine, instance: dg.DagsterInstance
) -> None:
    _add(engine, 3)
    assert sensors.tick(instance, engine, "people_changes")[0]
    assert sensors.tick(instance, engine, "company_changes", poll_seconds=0.1)[0] == []


def test_an_idle_tick_waits_and_then_says_so(
    engine: sa.Engine, instance: dg.DagsterInstance
) -> None:
    began = time.monotonic()
    assert sensors.tick(instance, engine, "people_changes", poll_seconds=0.5) == ([], [])
    assert time.monotonic() - began >= 0.5


def test_a_database_that_is_away_fails_the_tick_and_is_not_read_as_nothing_due(
    engine: sa.Engine, instance: dg.DagsterInstance
) -> None:
    away = database.make_engine("postgresql+psycopg2://nobody@127.0.0.1:1/none")
    with pytest.raises(DatabaseUnreachable):
        sensors.tick(instance, away, "people_changes")


def test_a_request_for_one_company_names_its_refresh_and_its_true_reasons() -> None:
    asked = sensors.run_request(
        claims.Request("id:2", ("c1",), 30, {"role_change": 2}, refresh_id="id", attempt=2)
    )
    assert asked.run_key == "id:2"
    assert asked.partition_key == "c1"
    assert asked.tags["dagster/priority"] == "30"
    assert asked.tags["bg/reasons"] == "role_change: 2"
    assert (asked.tags["bg/refresh_id"], asked.tags["bg/attempt"]) == ("id", "2")
    assert "dagster/defer_asset_events" not in asked.tags


def test_a_request_for_a_batch_names_the_batch_and_defers_events() -> None:
    asked = sensors.run_request(claims.Request("b", ("c1", "c9"), 0, {}, batch_id="b"))
    assert asked.run_key == asked.tags["bg/batch_id"] == "b"
    assert asked.tags["dagster/defer_asset_events"] == "true"
    assert asked.tags["bg/companies"] == "2"


def test_the_sensors_run_by_default_and_describe_themselves() -> None:
    found = {one.name: one for one in sensors.SENSORS}
    assert sorted(found) == [
        "company_changes", "people_changes", "requested_refreshes", "webhook_events",
    ]  # fmt: skip
    for one in found.values():
        assert one.default_status is dg.DefaultSensorStatus.RUNNING
        assert one.minimum_interval_seconds == 1
        assert "whatever is due" in (one.description or "")
