"""A tick: what is due becomes run requests, and nothing else does."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa

from bg_assets import encryption, repair, sensors, settings
from bg_assets.domain.products.places import BadTemplate
from bg_assets.embedded.databases import DatabaseUnreachable
from bg_assets.encryption import Keys
from bg_assets.instance import state
from bg_assets.resources import Database
from bg_assets.storage import claims, database
from bg_assets.storage.webhooks import applying
from bg_assets.ticks import patience, upkeep
from bg_assets_tests.domain.products.texts import GOOD
from bg_assets_tests.storage import told
from bg_assets_tests.storage.attach import shapes
from bg_assets_tests.storage.rows import company, locked, refresh, run, value


@pytest.fixture
def instance(database_url: str, monkeypatch: pytest.MonkeyPatch) -> dg.DagsterInstance:
    monkeypatch.setenv("BG_DATABASE_URL", database_url)
    monkeypatch.setenv("BG_SETTLE", "0")
    return dg.DagsterInstance.ephemeral()


def _add(engine: sa.Engine, count: int) -> None:
    run(
        engine,
        "insert into bg.companies (id, name) "
        "select 'c' || n, 'Company ' || n from generate_series(1, :count) as n",
        count=count,
    )


def test_few_due_companies_make_a_run_each_and_their_partitions_are_registered(
    engine: sa.Engine, instance: dg.DagsterInstance
) -> None:
    _add(engine, 3)
    requests, _ = sensors.tick(instance, engine, "due_companies_1")
    assert [one.companies for one in requests] == [("c1",), ("c2",), ("c3",)]
    assert sorted(instance.get_dynamic_partitions("companies")) == ["c1", "c2", "c3"]


def test_many_due_companies_make_one_batch(engine: sa.Engine, instance: dg.DagsterInstance) -> None:
    _add(engine, 40)
    requests, _ = sensors.tick(instance, engine, "due_companies_1")
    assert [len(one.companies) for one in requests] == [40]
    assert len(instance.get_dynamic_partitions("companies")) == 40


def test_a_second_tick_asks_for_nothing_that_was_asked_for(
    engine: sa.Engine, instance: dg.DagsterInstance
) -> None:
    _add(engine, 3)
    assert sensors.tick(instance, engine, "due_companies_1")[0]
    assert sensors.tick(instance, engine, "due_companies_2", poll_seconds=0.1)[0] == []


def test_a_tick_lets_go_what_no_run_will_complete_and_looks_every_two_seconds(
    engine: sa.Engine, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    refresh(engine, "acme", "running", run_id="lost")
    looks: list[int] = []
    real = repair.repair

    def counted(*args: Any) -> list[str]:
        looks.append(1)
        return real(*args)

    monkeypatch.setattr(repair, "repair", counted)
    monkeypatch.setattr(patience, "pause", lambda *_: 0.0)
    requests, said = sensors.tick(instance, engine, "due_companies_1", poll_seconds=0.4)
    assert (requests, said) == ([], ["run lost is gone: 1 to be tried again, 0 dead"])
    assert len(looks) == 1


def test_a_tick_asks_again_for_a_run_that_did_not_come_to_be(
    engine: sa.Engine, instance: dg.DagsterInstance
) -> None:
    asked = datetime.now(UTC) - timedelta(seconds=30)
    refresh(
        engine, "acme", "requested", run_key="key", sensor="due_companies_1", asked_at=asked
    )  # fmt: skip
    (request,), _ = sensors.tick(instance, engine, "due_companies_1")
    assert request.run_key == "key"


def test_a_tick_leaves_events_alone_that_another_holds(
    engine: sa.Engine, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = encryption.new_key()
    monkeypatch.setenv("BG_ENCRYPTION_KEYS", key)
    _tell(engine, key)
    rounds: list[int] = []

    def busy(*_: object) -> applying.Applied:
        rounds.append(1)
        return applying.Applied(applied=1, looked_at=2)

    monkeypatch.setattr(applying, "apply_pending", busy)
    sensors.tick(instance, engine, "due_companies_4", poll_seconds=0)
    assert len(rounds) == 1


def test_an_idle_tick_waits_and_then_says_so(
    engine: sa.Engine, instance: dg.DagsterInstance
) -> None:
    began = time.monotonic()
    assert sensors.tick(instance, engine, "due_companies_1", poll_seconds=0.5) == ([], [])
    assert time.monotonic() - began >= 0.5


def test_a_tick_takes_as_many_as_its_settings_say() -> None:
    config = settings.read(
        {
            "BG_SETTLE": "1", "BG_REFRESH_INTERVAL": "2", "BG_CLAIM_LIMIT": "3",
            "BG_CLAIM_PER_MINUTE": "4", "BG_BATCH_FROM": "7", "BG_BATCH_SIZE": "6",
        }
    )  # fmt: skip
    assert sensors.policy_of(config) == claims.Policy(
        settle=1, refresh_interval=2, claim_limit=3, claim_per_minute=4, batch_from=7, batch_size=6
    )


def test_a_tick_keeps_to_the_claims_a_minute(
    engine: sa.Engine, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BG_CLAIM_PER_MINUTE", "2")
    _add(engine, 5)
    assert len(sensors.tick(instance, engine, "due_companies_1")[0]) == 2
    assert sensors.tick(instance, engine, "due_companies_1", poll_seconds=0) == ([], [])


def test_a_database_that_is_away_fails_the_tick_and_is_not_read_as_nothing_due(
    engine: sa.Engine, instance: dg.DagsterInstance
) -> None:
    away = database.make_engine("postgresql+psycopg2://nobody@127.0.0.1:1/none")
    with pytest.raises(DatabaseUnreachable):
        sensors.tick(instance, away, "due_companies_1")


def test_the_sensors_run_by_default_and_describe_themselves() -> None:
    found = {one.name: one for one in sensors.SENSORS}
    assert list(found) == list(state.SENSORS)
    assert list(state.SENSORS) == [f"due_companies_{number}" for number in (1, 2, 3, 4)]
    assert len({one.description for one in found.values()}) == 1
    for one in found.values():
        assert one.default_status is dg.DefaultSensorStatus.RUNNING
        assert one.minimum_interval_seconds == 1
        assert "which of them asked for a run tells nothing" in (one.description or "")


def _tell(engine: sa.Engine, key: str | None = None) -> str:
    """A company with a person and no change, and an event about them, encrypted with this key."""
    told.source(engine, "crm")
    company(engine, "acme", ["ada"])
    event_id = told.event(engine, "person.role_change", {"id": "ada", "newTitle": "CEO"})
    payload = bytes(value(engine, "select payload from bg.webhook_events"))
    token = Keys((key or encryption.new_key(),)).encrypt(payload)
    run(engine, "update bg.webhook_events set payload = :token", token=token)
    return event_id


@pytest.mark.parametrize("sensor", [one.name for one in sensors.SENSORS])
def test_whichever_sensor_is_awake_applies_the_events_and_takes_what_they_changed(
    engine: sa.Engine, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, sensor: str
) -> None:
    key = encryption.new_key()
    monkeypatch.setenv("BG_ENCRYPTION_KEYS", key)
    event_id = _tell(engine, key)
    requests, said = sensors.tick(instance, engine, sensor)
    assert [(one.companies, one.reasons) for one in requests] == [
        (("acme",), {"webhook crm: new titles": 1})
    ]
    assert requests[0].purpose == "Company acme: webhook crm: new title"
    assert said == []
    assert told.became(engine, event_id) == told.APPLIED
    assert value(engine, "select title from bg.people") == "CEO"


def test_a_tick_applies_all_that_waits_before_it_claims(
    engine: sa.Engine, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than one round of them: a company with events in both is refreshed once."""
    monkeypatch.setenv("BG_ENCRYPTION_KEYS", encryption.new_key())
    whole = applying.apply_pending
    limits: list[int] = []

    def small(engine: sa.Engine, _decrypt: object) -> applying.Applied:
        limits.append(3)
        return whole(engine, bytes, 3)

    monkeypatch.setattr(applying, "apply_pending", small)
    told.source(engine, "crm")
    company(engine, "acme", ["ada"])
    for number in range(10):
        called = {"id": "ada", "newTitle": f"title {number}"}
        told.event(engine, "person.role_change", called, seconds=number)
    patient = patience.Patience(engine)
    requests, _ = sensors.tick(instance, engine, "due_companies_4", patient=patient)
    assert len(requests) == 1
    assert len(limits) >= 4
    assert patient.told() == []
    assert value(engine, "select title from bg.people") == "title 9"


def test_events_wait_for_their_keys_and_all_else_goes_on(
    engine: sa.Engine, instance: dg.DagsterInstance
) -> None:
    event_id = _tell(engine)
    _add(engine, 1)
    requests, said = sensors.tick(instance, engine, "due_companies_1")
    assert [one.companies for one in requests] == [("c1",)]
    assert [line.startswith("webhook events wait: BG_ENCRYPTION_KEYS") for line in said] == [True]
    assert told.became(engine, event_id) == ("pending", None)


def test_a_tick_with_events_only_and_no_keys_fails_and_says_what_to_do(
    engine: sa.Engine, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = encryption.new_key()
    event_id = _tell(engine, key)
    with pytest.raises(encryption.KeysMissing, match="BG_ENCRYPTION_KEYS"):
        sensors.tick(instance, engine, "due_companies_1", poll_seconds=0.1)
    assert told.became(engine, event_id) == ("pending", None)
    monkeypatch.setenv("BG_ENCRYPTION_KEYS", key)
    assert len(sensors.tick(instance, engine, "due_companies_1")[0]) == 1
    assert told.became(engine, event_id) == told.APPLIED


def test_events_that_meet_a_lock_wait_and_the_tick_says_so(
    engine: sa.Engine, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = encryption.new_key()
    monkeypatch.setenv("BG_ENCRYPTION_KEYS", key)
    event_id = _tell(engine, key)
    patient = patience.Patience(engine)
    with locked(engine, "bg.changes"):
        sensors.tick(instance, engine, "due_companies_4", poll_seconds=0, patient=patient)
        assert told.became(engine, event_id) == ("pending", None)
    assert "a lock, for webhook events, of PostgreSQL: bg.changes" in patient.told()[0]
    assert len(sensors.tick(instance, engine, "due_companies_4")[0]) == 1
    assert told.became(engine, event_id) == told.APPLIED


def test_keys_are_not_asked_for_where_no_event_waits(
    engine: sa.Engine, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BG_ENCRYPTION_KEYS", raising=False)
    assert sensors.tick(instance, engine, "due_companies_4", poll_seconds=0.1) == ([], [])


@pytest.fixture
def small(tmp_path: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of the only product."""
    monkeypatch.setenv("BG_TEMPLATES", str(tmp_path))
    monkeypatch.setenv("BG_PRODUCTS", "small")
    monkeypatch.setattr(sensors, "POLL_SECONDS", 0.1)
    path = tmp_path / "small.yaml"
    path.write_text(GOOD, encoding="utf-8")
    return path


def _evaluate(instance: dg.DagsterInstance) -> dg.SensorResult | dg.SkipReason:
    (sensor,) = (one for one in sensors.SENSORS if one.name == "due_companies_3")
    resources = {"database": Database()}
    with dg.build_sensor_context(instance=instance, resources=resources) as context:
        found = sensor(context)
    assert isinstance(found, dg.SensorResult | dg.SkipReason)
    return found


def test_a_tick_asks_for_companies_whose_groups_are_of_another_template(
    engine: sa.Engine, instance: dg.DagsterInstance, small: Path
) -> None:
    assert isinstance(_evaluate(instance), dg.SkipReason)
    assert sensors.follow_templates(engine) == []
    run(
        engine,
        """
            insert into bg.buyer_group_refresh_log (id, company_id, status, reason,
                triggered_by, finished_at)
            values ('00000000-0000-4000-8000-000000000001', 'c1', 'completed', 'x', 'x', now());
            insert into bg.buyer_groups (company_id, product, refresh_id, template_hash, as_of,
                completeness, cohesion_reason, coverage)
            values ('c1', 'small', '00000000-0000-4000-8000-000000000001', 'old', now(), 1,
                'few', 1)
        """,
    )
    lines = sensors.follow_templates(engine)
    assert lines == ["1 company is to be refreshed for a changed template"]
    found = _evaluate(instance)
    assert isinstance(found, dg.SensorResult)
    (request,) = found.run_requests or ()
    assert request.partition_key == "c1"
    assert request.tags["bg/reasons"] == "a template changed: small"
    assert request.tags["dagster/priority"] == "-5"


def test_a_template_that_went_bad_is_told_by_the_tick_which_goes_on(
    engine: sa.Engine, instance: dg.DagsterInstance, small: Path
) -> None:
    _evaluate(instance)
    small.write_text("name: [", encoding="utf-8")
    skipped = _evaluate(instance)
    assert isinstance(skipped, dg.SkipReason)
    assert f"{small}, line 1: no valid YAML" in (skipped.skip_message or "")
    assert "no template is named" not in (skipped.skip_message or "")
    assert "the last good one is used for small" in (skipped.skip_message or "")
    _add(engine, 1)
    assert isinstance(_evaluate(instance), dg.SensorResult)


def test_without_any_good_template_a_tick_fails_and_claims_nothing(
    engine: sa.Engine, instance: dg.DagsterInstance, small: Path
) -> None:
    small.write_text("", encoding="utf-8")
    _add(engine, 1)
    with pytest.raises(BadTemplate, match="line 1: the file is empty"):
        _evaluate(instance)
    assert value(engine, "select count(*) from bg.buyer_group_refresh_log") == 0


def test_a_sensor_says_in_its_tick_what_it_waited_for(
    engine: sa.Engine, instance: dg.DagsterInstance, small: Path
) -> None:
    _evaluate(instance)
    with locked(engine, "bg.changes"):
        skipped = _evaluate(instance)
    assert isinstance(skipped, dg.SkipReason)
    assert "in vain for a lock of PostgreSQL: bg.changes" in (skipped.skip_message or "")
    assert "no company with changes is due" not in (skipped.skip_message or "")


def test_a_lock_on_the_templates_holds_up_no_company(
    engine: sa.Engine, instance: dg.DagsterInstance, small: Path
) -> None:
    _evaluate(instance)
    _add(engine, 1)
    with locked(engine, "bg.template_mistakes"):
        assert isinstance(_evaluate(instance), dg.SensorResult)


def test_a_tick_sees_to_dates_that_passed_and_tells_of_lost_capture(
    engine: sa.Engine, instance: dg.DagsterInstance, small: Path
) -> None:
    _evaluate(instance)
    company(engine, "acme", ["ann"])
    day = value(engine, "select (now() at time zone 'UTC')::date - 1")
    run(engine, "update bg.people set end_date = :day", day=day)
    run(engine, "delete from bg.changes; update bg.dates_passed set done_to = :day", day=day)
    found = _evaluate(instance)
    assert isinstance(found, dg.SensorResult)
    (request,) = found.run_requests or ()
    assert request.tags["bg/reasons"] == "a date that came: people left"

    run(engine, "alter table bg.people disable trigger capture_people_delete")
    run(engine, "update bg.capture_watch set looked_at = '-infinity'")
    skipped = _evaluate(instance)
    assert isinstance(skipped, dg.SkipReason)
    lost = "trigger capture_people_delete on bg.people is disabled: run `bg-assets migrate`"
    assert f"changes are lost: {lost}" in (skipped.skip_message or "")


def test_a_tick_goes_on_while_an_attached_table_can_not_be_read(
    engine: sa.Engine, instance: dg.DagsterInstance, small: Path
) -> None:
    """What is judged and shown beside of it reads people: it waits until the columns fit again."""
    shapes.make(engine, shapes.PRISMA)
    shapes.attach_both(engine, shapes.PRISMA)
    shapes.catch_up(engine)
    run(
        engine,
        """
            insert into bg.buyer_group_refresh_log (id, company_id, status, reason,
                triggered_by, finished_at)
            values ('00000000-0000-4000-8000-000000000001', 'clq1', 'completed', 'x', 'x', now());
            insert into bg.buyer_groups (company_id, product, refresh_id, template_hash, as_of,
                completeness, cohesion_reason, coverage)
            values ('clq1', 'small', '00000000-0000-4000-8000-000000000001', 't', '2026-01-01', 1,
                'few', 1);
        """,
    )
    shapes.as_owner(engine, shapes.PRISMA.drop)
    assert upkeep.is_unreadable(upkeep.see_to(engine))
    _evaluate(instance)  # would raise what any of it raises
