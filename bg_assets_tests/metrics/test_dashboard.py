"""The dashboard and the rules: well formed, about metrics that there are, as they were written."""

import json
import re
import runpy
import shutil
import subprocess

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bg_assets import settings
from bg_assets.domain.alerts.kinds import KINDS
from bg_assets.domain.objectives import DAY, HOUR, LEAST_BAD, WINDOWS
from bg_assets.metrics import server
from bg_assets_tests.metrics import queries
from bg_assets_tests.metrics.queries import DASHBOARD, DEPLOY, RULES, named, recorded

# Nothing is told of these before there is something.
WITHOUT_A_SAMPLE = {
    "bg_daemon_heartbeat_age_seconds",
    "bg_kpi_age_seconds",
    "bg_kpi_target_met",
    "bg_kpi_value",
    "bg_oldest_group_age_seconds",
    "bg_provider_breaker_open",
    "bg_provider_cache_hits_total",
    "bg_provider_calls_total",
    "bg_provider_cap_dollars",
    "bg_provider_resting",
    "bg_provider_spent_dollars",
    "bg_receiver_refused_total",
    "bg_retention_round_age_seconds",
    "bg_sensor_running",
    "bg_webhook_events_stored_total",
    "bg_worker_memory_bytes",
    "bg_worker_silent_seconds",
    "bg_workers",
}
needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="no promtool here")


def test_the_dashboard_is_what_its_script_writes() -> None:
    script = runpy.run_path(str(DEPLOY / "grafana" / "dashboard.py"))
    assert script["text"]() == DASHBOARD.read_text(), "run deploy/grafana/dashboard.py"


def test_each_query_of_a_panel_has_a_letter_of_its_own_and_each_panel_its_place() -> None:
    places = set()
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        letters = [target["refId"] for target in panel.get("targets", ())]
        assert len(set(letters)) == len(letters), panel["title"]
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        assert (place["x"], place["y"]) not in places, panel["title"]
        places.add((place["x"], place["y"]))


def test_queries_name_metrics_that_are_told_and_records_that_are_made(
    environment: dict[str, str],
) -> None:
    told = {
        sample.name
        for family in text_string_to_metric_families(server.exposition(settings.read()))
        for sample in family.samples
    } | WITHOUT_A_SAMPLE
    made = {rule["record"] for rule in queries.rules() if "record" in rule}
    asked = [query for _, query in queries.panels()]
    asked += [str(rule["expr"]) for rule in queries.rules()]
    assert len(asked) > 80
    for query in asked:
        assert named(query) <= told, query
        assert set(recorded(query)) <= made, query


@needs_promtool
@pytest.mark.parametrize(
    "arguments",
    [("check", "config", "prometheus.yaml"), ("test", "rules", "rules_test.yaml")],
    ids=" ".join,
)
def test_promtool_finds_nothing_wrong(arguments: tuple[str, ...]) -> None:
    done = subprocess.run(
        ["promtool", *arguments],
        cwd=RULES.parent, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_tells_what_to_read_how_grave_it_is_and_what_is_wrong() -> None:
    alerts = [rule for rule in queries.rules() if "alert" in rule]
    assert len(alerts) > 15
    for rule in alerts:
        assert rule["labels"]["severity"] in ("critical", "warning"), rule["alert"]
        assert rule["annotations"]["summary"], rule["alert"]
        page, _, heading = rule["annotations"]["runbook_url"].partition("#")
        known = {*KINDS, "{{ $labels.kind }}"} if page == "docs/alerts.md" else _headings(page)
        assert heading in known, rule["alert"]


def _headings(page: str) -> set[str]:
    lines = (DEPLOY.parent / page).read_text().splitlines()
    return {line.lstrip("# ").lower().replace(" ", "-") for line in lines if line.startswith("#")}


def test_the_budgets_burn_at_the_rates_and_over_the_windows_of_the_objectives() -> None:
    found = [rule for rule in queries.rules() if rule.get("alert", "").endswith("Budget")]
    told = [
        (
            rule["labels"]["severity"],
            *re.findall(r"ratio_rate(\w+)", rule["expr"]),
            float(re.findall(r"> ([0-9.]+) \*", rule["expr"])[0]),
        )
        for rule in found
    ]
    hours = {"5m": 300.0, "30m": 1800.0, "1h": HOUR, "6h": 6 * HOUR, "3d": 3 * DAY}
    expected = [
        ("critical" if one.urgent else "warning", one.long, one.short, one.rate) for one in WINDOWS
    ]
    assert [(word, hours[long], hours[short], rate) for word, long, short, rate in told] == [
        *expected, *expected,
    ]  # fmt: skip
    assert all(rule["expr"].endswith(f">= {LEAST_BAD}") for rule in found)
