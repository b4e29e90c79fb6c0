"""What the exporter tells of messages, alerts, KPIs and experiments."""

import time
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from bg_assets.domain.alerts.kinds import CRITICAL, KINDS
from bg_assets.domain.kpis.catalogue import Measured, judge, targets_by
from bg_assets.metrics import collector
from bg_assets.storage import claims, experiments
from bg_assets.storage.measures import kpis
from bg_assets.storage.retention import rounds
from bg_assets_tests.metrics import queries
from bg_assets_tests.metrics.conftest import Exporter
from bg_assets_tests.metrics.scraped import Samples, value
from bg_assets_tests.storage.notifications.subscribers import claim, subscribe, tell
from bg_assets_tests.storage.rows import company, insert, run

KPI_TARGETS = "queue_depth=100,confidence=80,members=8..12,webhook_duplicates=none"


def scraped(exporter: Exporter) -> Samples:
    """What is told once the slower sections have been read too."""
    until = time.monotonic() + 60
    while True:
        found = exporter.scrape()
        if value(found, "bg_metrics_section_up", section=collector.SLOW[-1].name) is not None:
            return found
        assert time.monotonic() < until
        time.sleep(0.1)


def test_it_tells_what_waits_in_the_outbox_for_how_long_and_who_is_switched_off(
    exporter: Exporter, engine: sa.Engine
) -> None:
    company(engine, "acme")
    company(engine, "bolt")
    working, off = subscribe(engine), subscribe(engine)
    subscribe(engine)
    tell(engine, "acme")
    run(engine, "update bg.outbox set created_at = now() - interval '2 h'")
    tell(engine, "bolt")
    run(engine, "update bg.deliveries set status = 'dead', finished_at = now() "
        "where subscription_id = 3 and company_id = 'acme'")  # fmt: skip
    run(engine, "update bg.deliveries set next_attempt_at = now() - interval '600 s' "
        "where subscription_id = :id and company_id = 'acme'", id=working)  # fmt: skip
    run(engine, "update bg.subscriptions set status = 'failed' where id = :id", id=off)
    found = scraped(exporter)

    for name, labels, expected in (
        ("bg_subscriptions", {"status": "active"}, 2),
        ("bg_subscriptions", {"status": "failed"}, 1),
        ("bg_subscriptions", {"status": "disabled"}, 0),
        ("bg_outbox_messages", {"status": "waiting"}, 3),
        ("bg_outbox_messages", {"status": "held"}, 2),
        ("bg_outbox_messages", {"status": "dead"}, 1),
        ("bg_outbox_oldest_message_age_seconds", {}, pytest.approx(7200, abs=60)),
        ("bg_outbox_late_seconds", {}, pytest.approx(600, abs=60)),
    ):
        assert value(found, name, **labels) == expected, (name, labels)


def test_what_somebody_sends_is_not_late_and_an_empty_outbox_has_no_age(
    impatient: None, exporter: Exporter, engine: sa.Engine
) -> None:
    assert value(scraped(exporter), "bg_outbox_oldest_message_age_seconds") == 0
    company(engine, "acme")
    number = subscribe(engine)
    tell(engine, "acme")
    run(engine, "update bg.deliveries set next_attempt_at = now() - interval '600 s'")
    claim(engine, number)
    until = time.monotonic() + 60
    while value(exporter.scrape(), "bg_outbox_messages", status="waiting") != 1:
        assert time.monotonic() < until
    assert value(exporter.scrape(), "bg_outbox_late_seconds") == 0


def test_open_alerts_are_told_by_kind_and_severity_and_no_other_words(
    exporter: Exporter, engine: sa.Engine
) -> None:
    for kind, subject, severity, columns in (
        ("disk-full", "here /", "critical", {}),
        ("disk-full", "here /var", "critical", {}),
        ("provider-down", "pdl", "warning", {}),
        ("of-another-version", "x", "warning", {}),
        # Only watched, over, and of a process that looks no more.
        ("backup-old", "", "warning", {"raised_at": None}),
        ("events-dead", "", "warning", {"resolved_at": datetime.now(UTC)}),
        ("runs-hang", "", "warning", {"seen_at": datetime(2026, 1, 1, tzinfo=UTC)}),
    ):
        now = datetime.now(UTC)
        insert(engine, "bg.alerts", kind=kind, subject=subject, severity=severity, said="x",
            **{"since": now, "seen_at": now, "raised_at": now, **columns})  # fmt: skip
    found = scraped(exporter)

    told = {
        (labels["kind"], labels["severity"]): number
        for (name, pairs), number in found.items()
        if name == "bg_alerts_open" and (labels := dict(pairs))
    }
    assert {key: number for key, number in told.items() if number} == {
        ("disk-full", "critical"): 2, ("provider-down", "warning"): 1, ("other", "warning"): 1,
    }  # fmt: skip
    assert {kind for kind, _ in told} == KINDS.keys() | {"other"}


def test_the_last_values_of_kpis_are_told_with_whether_they_are_as_they_are_to_be(
    exporter: Exporter, engine: sa.Engine
) -> None:
    targets = targets_by(KPI_TARGETS)
    for queue, at in ((7.0, datetime(2026, 1, 1, tzinfo=UTC)), (300.0, datetime.now(UTC))):
        measured = [
            Measured("queue_depth", queue),
            Measured("members", 9.5, "hr_system", 12),
            Measured("confidence", None),
            Measured("webhook_duplicates", 3.0),
        ]
        with engine.begin() as conn:
            kpis.keep(conn, judge(measured, targets), at, 1e9)
    insert(engine, "bg.kpi_values", name="of another version", at=datetime.now(UTC), value=1,
        state="met")  # fmt: skip
    run(engine, "update bg.kpi_values set at = (select max(at) from bg.kpi_values) "
        "where name = 'of another version' or at > '2026-02-01'")  # fmt: skip
    found = scraped(exporter)

    told = {
        (name, *(dict(pairs)[one] for one in ("kpi", "product"))): number
        for (name, pairs), number in found.items()
        if name.startswith("bg_kpi_") and pairs
    }
    assert told == {
        ("bg_kpi_value", "queue_depth", ""): 300,
        ("bg_kpi_value", "members", "hr_system"): 9.5,
        ("bg_kpi_value", "webhook_duplicates", ""): 3,
        ("bg_kpi_target_met", "queue_depth", ""): 0,
        ("bg_kpi_target_met", "members", "hr_system"): 1,
    }
    assert value(found, "bg_kpi_value", kpi="queue_depth", product="", unit="companies") == 300
    assert (value(found, "bg_kpi_age_seconds") or 1e9) < 60


def test_it_tells_for_which_products_an_experiment_runs(
    exporter: Exporter, engine: sa.Engine
) -> None:
    with engine.begin() as conn:
        experiments.start(conn, "hr_system", ("a" * 64, "text"), ("b" * 64, "text"), 20, "tester")
        over = experiments.start(conn, "sales_tool", ("c" * 64, "x"), ("d" * 64, "x"), 20, "tester")
        assert over is not None
        experiments.stop(conn, over, "tester", "b", {})
    found = scraped(exporter)

    assert value(found, "bg_experiments_running", product="hr_system") == 1
    assert value(found, "bg_experiments_running", product="finance_system") == 0
    assert value(found, "bg_experiments_running", product="sales_tool") is None


def test_each_critical_alert_is_told_by_a_rule_of_its_own_or_by_the_one_for_all_others() -> None:
    by_name = {rule["alert"]: rule for rule in queries.rules() if "alert" in rule}
    passed_over = set(
        by_name["BgCriticalAlertOpen"]["expr"].split('kind!~"')[1].split('"')[0].split("|")
    )
    own = {rule["annotations"]["runbook_url"].partition("#")[2] for rule in by_name.values()}
    critical = {kind.name for kind in KINDS.values() if kind.severity == CRITICAL}
    assert passed_over == critical & own
    assert critical - own


def test_it_tells_what_was_let_go_of_and_how_long_ago_a_round_has_ended(
    exporter: Exporter, engine: sa.Engine
) -> None:
    with engine.begin() as conn:
        now = claims.database_now(conn)
        done = rounds.Standing(now.isoformat(), (now - timedelta(hours=5)).isoformat(), removed=7)
        rounds.note(conn, "changes", done)
    found = scraped(exporter)
    assert value(found, "bg_retention_removed_total", kind="changes") == 7
    assert value(found, "bg_retention_removed_total", kind="runs") == 0
    age = value(found, "bg_retention_round_age_seconds", kind="changes")
    assert age == pytest.approx(18_000, abs=120)
    assert value(found, "bg_retention_round_age_seconds", kind="runs") is None
