"""The exporter: what it tells of the tables, and what it does where they can't be read."""

import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
import sqlalchemy as sa

from bg_assets import settings
from bg_assets.metrics import collector, server
from bg_assets.metrics.collector import TablesCollector
from bg_assets.metrics.link import Link
from bg_assets.metrics.reader import Reader, Section
from bg_assets.storage import workers
from bg_assets.storage.measures import receiver
from bg_assets_tests.conftest import Cluster
from bg_assets_tests.metrics.conftest import Exporter, Exporting
from bg_assets_tests.metrics.scraped import Samples, value
from bg_assets_tests.storage.rows import change, company, group, locked, run


def wait_until(found: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < end
        time.sleep(0.1)


def scrape_all(exporter: Exporter) -> Samples:
    """What is told once the sections that look at everything have been read too."""
    found: Samples = {}

    def complete() -> bool:
        found.update(exporter.scrape())
        return value(found, "bg_metrics_section_up", section="sizes") is not None

    wait_until(complete)
    return found


def test_it_tells_what_waits_and_what_stands(exporter: Exporter, engine: sa.Engine) -> None:
    company(engine, "acme", ["p1", "p2"])
    group(engine, "acme", {"p1": "decision_maker", "p2": "champion"})
    run(engine, """update bg.buyer_groups set gaps =
        '[{"role": "blocker", "function": "it", "reason": "none"}]'""")  # fmt: skip
    change(engine, "acme")
    change(engine, "acme", 1)
    found = scrape_all(exporter)
    for name, labels, expected in (
        ("bg_up", {}, 1),
        ("bg_changes_unhandled", {}, 2),
        ("bg_companies", {"state": "pending"}, 1),
        ("bg_companies", {"state": "dead"}, 0),
        ("bg_groups", {"product": "finance_system"}, 1),
        ("bg_group_members", {"product": "finance_system", "role": "champion"}, 1),
        ("bg_group_gaps", {"product": "finance_system", "role": "blocker"}, 1),
        ("bg_group_gaps", {"product": "finance_system", "role": "champion"}, 0),
        ("bg_refreshes_total", {"outcome": "dead"}, 0),
        ("bg_capture_triggers_lost", {}, 0),
    ):
        assert value(found, name, **labels) == expected, name
    age = value(found, "bg_oldest_pending_change_age_seconds")
    assert age is not None
    assert age > 1000
    assert (value(found, "bg_database_size_bytes") or 0) > 1 << 20
    assert all(
        value(found, "bg_metrics_section_up", section=one.name) == 1
        for one in (*collector.QUICK, *collector.SLOW)
    )


@pytest.fixture
def provider(engine: sa.Engine) -> str:
    run(engine, "insert into bg.provider_health (provider, opened_at) values ('pdl', now())")
    run(
        engine,
        """
        insert into bg.provider_costs (provider, day, kind, found, failed, cost, uncertain)
        values ('pdl', (now() at time zone 'UTC')::date, 'person', 3, 1, 0.84, 0.28),
            ('pdl', '2020-01-01', 'person', 1, 0, 0.28, 0)""",
    )
    run(engine, "insert into bg.provider_hits values ('pdl', '2020-01-01', 'person', 3, 7)")
    return "pdl"


def test_it_tells_what_providers_cost_against_their_caps_and_who_is_left_alone(
    exporter: Exporter, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BG_ENRICH_CAP_DAILY", "5,csv=1")
    found = exporter.scrape()
    for name, labels, expected in (
        ("bg_provider_calls_total", {"outcome": "found"}, 4),
        ("bg_provider_cache_hits_total", {}, 7),
        ("bg_provider_cost_dollars_total", {"certainty": "billed"}, 1.12),
        ("bg_provider_spent_dollars", {"period": "day"}, 1.12),
        ("bg_provider_cap_dollars", {"period": "day"}, 5),
        ("bg_provider_cap_dollars", {"period": "month"}, None),
        ("bg_provider_breaker_open", {}, 1),
    ):
        assert value(found, name, provider=provider, **labels) == expected, name


def test_what_the_receivers_counted_is_added_up_over_processes(
    exporter: Exporter, engine: sa.Engine
) -> None:
    for process, seconds in (("a/1", 0.003), ("b/2", 0.3)):
        counts = receiver.Counts(3, 1, 1, 1, Counter({"no-signature": 1}))
        counts.took(seconds)
        with engine.begin() as conn:
            receiver.add(conn, process, counts)
    found = exporter.scrape()
    for name, labels, expected in (
        ("bg_receiver_received_total", {}, 6),
        ("bg_receiver_accepted_total", {}, 2),
        ("bg_receiver_refused_total", {"kind": "no-signature"}, 2),
        # Or the first burst of them would be no increase.
        ("bg_receiver_refused_total", {"kind": "wrong-signature"}, 0),
        ("bg_receiver_request_seconds_bucket", {"le": "0.005"}, 1),
        ("bg_receiver_request_seconds_bucket", {"le": "+Inf"}, 2),
        ("bg_receiver_request_seconds_count", {}, 2),
    ):
        assert value(found, name, **labels) == expected, name


def test_runs_are_told_together_and_other_processes_by_their_host(
    exporter: Exporter, engine: sa.Engine
) -> None:
    with engine.begin() as conn:
        workers.beat(conn, [
            workers.Beat("a", 1, "x", "run", 9.0, 5, run_id="r1"),
            workers.Beat("b", 2, "x", "run", 5.0, 7, run_id="r2", silent=60.0),
            workers.Beat("a", 3, "x", "receiver", 5.0, 11),
        ])  # fmt: skip
        workers.end(conn, "gone", [])
    found = exporter.scrape()
    runs = {"kind": "run", "host": "any"}
    assert value(found, "bg_workers", health="ok", **runs) == 1
    assert value(found, "bg_workers", health="bad", **runs) == 1
    assert value(found, "bg_worker_memory_bytes", **runs) == 12
    assert (value(found, "bg_worker_silent_seconds", **runs) or 0) >= 60
    assert value(found, "bg_workers", kind="receiver", host="a", health="ok") == 1


def test_a_lost_trigger_is_told(exporter: Exporter, engine: sa.Engine) -> None:
    name = "select tgname from pg_trigger where tgname like 'capture_%' limit 1"
    with engine.begin() as conn:
        trigger, table = conn.execute(
            sa.text(f"select tgname, tgrelid::regclass from pg_trigger where tgname = ({name})")
        ).first()  # type: ignore[misc]
        conn.execute(sa.text(f"alter table {table} disable trigger {trigger}"))
    assert value(exporter.scrape(), "bg_capture_triggers_lost") == 1


def test_no_name_address_or_id_of_a_company_or_person_is_told(
    exporter: Exporter, engine: sa.Engine
) -> None:
    company(engine, "acme-7f3", ["person-7f3"])
    run(engine, "update bg.people set name = 'Zoe 7f3', email = 'zoe7f3@example.com'")
    group(engine, "acme-7f3", {"person-7f3": "champion"})
    run(engine, "update bg.changes set source = 'job of zoe7f3'")
    scrape_all(exporter)
    assert "7f3" not in exporter.get().text


def test_several_scrapes_within_seconds_read_the_tables_once(
    exporter: Exporter, engine: sa.Engine
) -> None:
    assert value(exporter.scrape(), "bg_changes_unhandled") == 0
    change(engine, "acme")
    assert value(exporter.scrape(), "bg_changes_unhandled") == 0


def test_a_table_that_somebody_locks_costs_its_own_section_and_no_other(
    engine: sa.Engine, environment: dict[str, str]
) -> None:
    made = TablesCollector(Link(settings.read()))
    with locked(engine, "bg.provider_health"):
        assert made.read_now() == ""
        found = {
            sample.name: sample.value
            for family in made.collect()
            for sample in family.samples
            if sample.labels in ({}, {"section": "providers"})
        }
    assert found["bg_up"] == 1
    assert found["bg_metrics_section_up"] == 0
    assert found["bg_changes_unhandled"] == 0
    assert "bg_provider_breaker_open" not in found


def test_a_scrape_does_not_wait_for_what_takes_long(environment: dict[str, str]) -> None:
    def sleeps(conn: sa.Connection, config: settings.Settings) -> list[object]:
        conn.execute(sa.text("select pg_sleep(1.5)"))
        return []

    reader = Reader(Link(settings.read()), [Section("slow", 60, 10.0, sleeps)])  # type: ignore[arg-type]
    reader.start()
    reader.ask()
    assert reader.told(0.1).kept == {}
    assert set(reader.told(10.0).kept) == {"slow"}


def test_a_statement_that_takes_too_long_is_ended_and_told(environment: dict[str, str]) -> None:
    def sleeps(conn: sa.Connection, config: settings.Settings) -> list[object]:
        conn.execute(sa.text("select pg_sleep(20)"))
        return []

    reader = Reader(Link(settings.read()), [Section("slow", 60, 0.2, sleeps)])  # type: ignore[arg-type]
    reader.turn()
    assert reader.told(0).kept["slow"].families is None


def test_only_metrics_are_served_and_only_to_who_reads(exporter: Exporter) -> None:
    assert exporter.get("/healthz").text == "ok\n"
    assert exporter.get("/").status_code == 404
    assert requests.post(exporter.url + "/metrics", timeout=10).status_code == 405


def test_while_the_database_refuses_it_tells_that_alone_and_then_goes_on_by_itself(
    impatient: None, exporter: Exporter, database_url: str, postgres: Cluster
) -> None:
    name = sa.make_url(database_url).database
    assert value(exporter.scrape(), "bg_up") == 1
    postgres.run(
        f"alter database {name} allow_connections false",
        f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'",
    )
    found = exporter.scrape()
    assert value(found, "bg_up") == 0
    assert value(found, "bg_changes_unhandled") is None
    assert value(found, "bg_refreshes_total", outcome="dead") is None
    postgres.run(f"alter database {name} allow_connections true")
    wait_until(lambda: value(exporter.scrape(), "bg_up") == 1)
    assert value(exporter.scrape(), "bg_changes_unhandled") == 0


def test_a_schema_of_another_version_is_told_and_nothing_is_read(
    impatient: None, exporter: Exporter, engine: sa.Engine, caplog: pytest.LogCaptureFixture
) -> None:
    run(engine, "update bg.alembic_version set version_num = '0001'")
    assert value(exporter.scrape(), "bg_up") == 0
    assert "bg-assets migrate" in caplog.text


def test_a_database_that_does_not_answer_is_told_in_one_line(
    exporting: Exporting, environment: dict[str, str], tmp_path: Path
) -> None:
    log = tmp_path / "log"
    url = "postgresql://somebody:secret-word@127.0.0.1:1/bg"
    with exporting(log, BG_DATABASE_URL=url) as (exporter, process):
        wait_until(lambda: "metrics_started" in log.read_text())
        for _ in range(3):
            found = exporter.scrape()
            assert value(found, "bg_up") == 0
            assert value(found, "bg_changes_unhandled") is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
    said = log.read_text()
    assert said.count("does not answer") == 1
    assert "Traceback" not in said
    assert "secret-word" not in said


def test_it_listens_again_at_once_where_it_answered_a_moment_ago(
    environment: dict[str, str],
) -> None:
    config = settings.read()
    link = Link(config)
    for _ in range(2):
        with server.serving(config, link) as url:
            assert requests.get(url, timeout=10).ok
    link.close()


def test_as_a_process_it_beats_and_ends_at_once_and_in_order(
    exporting: Exporting, engine: sa.Engine, tmp_path: Path
) -> None:
    def alive() -> list[workers.Worker]:
        with engine.connect() as conn:
            return [one for one in workers.read(conn) if one.ended_seconds is None]

    with exporting(tmp_path / "log") as (exporter, process):
        wait_until(lambda: [one.kind for one in alive()] == ["metrics"])
        wait_until(lambda: value(exporter.scrape(), "bg_up") == 1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
    assert alive() == []


def test_rows_that_postgresql_has_not_counted_yet_are_not_told_as_none(
    exporter: Exporter, engine: sa.Engine
) -> None:
    with engine.begin() as conn:
        conn.execute(sa.text("analyze bg.companies"))
        uncounted = conn.execute(
            sa.text(
                "select relname from pg_class where relnamespace = 'bg'::regnamespace "
                "and relkind = 'r' and reltuples = -1"
            )
        ).scalars()
        names = list(uncounted)
    # A look that takes longer than a scrape waits is told with the next one.
    wait_until(lambda: value(exporter.scrape(), "bg_table_rows", table="companies") is not None)
    found = exporter.scrape()
    assert len(names) > 3
    assert [value(found, "bg_table_rows", table=name) for name in names] == [None] * len(names)
    assert value(found, "bg_table_rows", table="companies") == 0
