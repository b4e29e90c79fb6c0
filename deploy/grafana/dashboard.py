"""Writes dashboard.json beside it, for Grafana's import; a test holds that the two agree.

python deploy/grafana/dashboard.py
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from string import ascii_uppercase

from grafana_foundation_sdk.builders import common, dashboard, heatmap, prometheus, stat, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as shown
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import prometheus as asked

FILE = Path(__file__).with_name("dashboard.json")
SOURCE = models.DataSourceRef(type_val="prometheus", uid="${datasource}")
WIDTH = 24
# What lasts for the interval of two scrapes at least.
RATE = "$__rate_interval"
GREEN, YELLOW, RED = "green", "yellow", "red"


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel: its queries by legend; ``limits``: from where on it is yellow, and red."""

    title: str
    queries: tuple[tuple[str, str], ...]
    unit: str = "short"
    about: str = ""
    limits: tuple[float | None, float | None] = (None, None)
    kind: str = "lines"


def quantiles(name: str, *shares: str, by: str = "") -> tuple[tuple[str, str], ...]:
    """Queries for quantiles of a histogram, such as 0.5 and 0.95."""
    of = f"le, {by}" if by else "le"
    return tuple(
        (
            f"p{share.removeprefix('0.').ljust(2, '0')}" + (f" {{{{{by}}}}}" if by else ""),
            f"histogram_quantile({share}, sum by ({of}) (rate({name}_bucket[{RATE}])))",
        )
        for share in shares
    )


def rates(name: str, by: str, legend: str = "") -> tuple[tuple[str, str], ...]:
    """A query for how many there are in a second, by a label."""
    return ((legend or f"{{{{{by}}}}}", f"sum by ({by}) (rate({name}[{RATE}]))"),)


ROWS: tuple[tuple[str, int, tuple[Panel, ...]], ...] = (
    ("Is it well", 4, (
        Panel("Tables are read", (("", "min(bg_up)"),), "bool_yes_no", kind="stat",
              about="Whether the exporter can read the database; else what else is here is old."),
        Panel("Change to group, p95", (("", "bg:change_to_group_seconds:p95_5m"),), "s",
              "Of five minutes, what waited for its interval included.", (300, 3600), "stat"),
        Panel("Changes without a group", (("", "max(bg_changes_unhandled)"),), "short",
              "Changes that no group reflects yet.", (100, 10_000), "stat"),
        Panel("Oldest pending", (("", "max(bg_oldest_pending_change_age_seconds)"),), "s",
              "Age of the oldest change that a refresh will see to.", (3600, 7200), "stat"),
        Panel("Refreshes that succeed", (("", "bg:refreshes:success_ratio1h"),), "percentunit",
              "Of those that ended within an hour.", kind="stat"),
        Panel("Companies dead", (("", 'max(bg_companies{state="dead"})'),), "short",
              "Given up after all attempts: see `bg-assets dead`.", (None, 1), "stat"),
        Panel("Triggers lost", (("", "max(bg_capture_triggers_lost)"),), "short",
              "Changes are not captured: `bg-assets migrate`.", (None, 1), "stat"),
        Panel("Daemon's last sign", (("", "max(bg_daemon_heartbeat_age_seconds)"),), "s",
              "It gives one every 30 s.", (60, 90), "stat"),
    )),
    ("Objectives", 8, (
        Panel("Burn rate of the error budgets", tuple(
            (f"{{{{objective}}}} {window}",
             f"bg:objective_errors:ratio_rate{window} / on (objective) "
             "(1 - max by (objective) (bg_objective_target_ratio))")
            for window in ("1h", "6h", "3d")
        ), "none", "1 uses the budget up in 30 days. Alerts: 14.4 in an hour, 6 in six hours, 1 in "
           "three days.", (1, 14.4)),
        Panel("Good and bad", (("{{objective}} {{result}}",
              f"sum by (objective, result) (rate(bg_objective_events_total[{RATE}]))"),),
              "ops", "Changes in time or late; attempts that completed or failed."),
        Panel("Late and still waiting", (("changes", "max(bg_changes_late)"),), "short",
              "Changes that are due and whose groups are late.", (None, 1)),
    )),
    ("From a change to its group", 8, (
        Panel("Time from change to group", (
            ("p50", "bg:change_to_group_seconds:p50_5m"),
            ("p95", "bg:change_to_group_seconds:p95_5m")), "s",
            "A company that was refreshed within the hour waits by rule."),
        Panel("Time from change to group, all", (("{{le}}",
              f"sum by (le) (increase(bg_change_to_group_seconds_bucket[{RATE}]))"),),
              "short", kind="heatmap"),
        Panel("Changes captured", rates("bg_changes_total", "writer"), "ops",
              "Who wrote them: a table, the webhook door, an import, a job that names itself."),
        Panel("Changes by kind", rates("bg_changes_total", "kind"), "ops"),
    )),
    ("Refreshes", 8, (
        Panel("Companies by state", (("{{state}}", "max by (state) (bg_companies)"),), "short",
              "Deferred: waits out its interval. Failed: waits for another attempt."),
        Panel("Refreshes that ended", rates("bg_refreshes_total", "outcome"), "ops"),
        Panel("How long they take", (
            *((f"waits {name}", query)
              for name, query in quantiles("bg_refresh_wait_seconds", "0.5", "0.95")),
            *((f"works {name}", query)
              for name, query in quantiles("bg_refresh_seconds", "0.5", "0.95"))), "s",
            "From the claim to the run's first step, and from there to the group."),
        Panel("Runs", quantiles("bg_run_seconds", "0.5", "0.95"), "s",
              "From a run's first step to the last of its groups."),
        Panel("Further attempts", (
            ("retries", f"sum(rate(bg_refresh_retries_total[{RATE}]))"),
            ("outages", f"sum(rate(bg_refresh_outages_total[{RATE}]))")), "ops",
            "Outages use up no attempt."),
    )),
    ("Webhooks", 8, (
        Panel("Requests", (
            ("accepted", f"sum(rate(bg_receiver_accepted_total[{RATE}]))"),
            ("duplicates", f"sum(rate(bg_receiver_duplicates_total[{RATE}]))"),
            ("another body", f"sum(rate(bg_receiver_differing_total[{RATE}]))")), "reqps",
            "Of all processes of the receiver together."),
        Panel("Refused", rates("bg_receiver_refused_total", "kind"), "reqps"),
        Panel("Time to answer", quantiles("bg_receiver_request_seconds", "0.5", "0.95", "0.99"),
              "s", limits=(0.5, None)),
        Panel("Events stored", rates("bg_webhook_events_stored_total", "source"), "ops"),
        Panel("What became of events", rates("bg_webhook_events_settled_total", "status"), "ops"),
        Panel("Events that wait or are dead",
              (("{{status}}", "max by (status) (bg_webhook_events)"),)),
        Panel("From arrival to people", quantiles("bg_webhook_event_apply_seconds", "0.5", "0.95"),
              "s"),
    )),
    ("Groups", 8, (
        Panel("Groups", (("{{product}}", "max by (product) (bg_groups)"),)),
        Panel("Members in a group", (("{{product}}",
              "sum by (product) (bg_group_members) / sum by (product) (bg_groups)"),),
              "none", "On average."),
        Panel("Members by role", (("{{product}} {{role}}",
              "max by (product, role) (bg_group_members)"),)),
        Panel("Gaps by role", (("{{product}} {{role}}",
              "max by (product, role) (bg_group_gaps)"),),
              about="Places for which nobody was found."),
        Panel("What happened to groups", rates("bg_group_events_total", "event"), "ops"),
        Panel("Oldest group", (("age", "max(bg_oldest_group_age_seconds)"),), "s"),
        Panel("Refreshed without news", (
            ("{{rhythm}}", "max by (rhythm) (bg_next_refreshes)"),
            ("due now", "max(bg_next_refreshes_late)"))),
    )),
    ("Messages to subscribers", 8, (
        Panel("Messages that wait", (("{{status}}", "max by (status) (bg_outbox_messages)"),),
              about="Held: for a subscription that is switched off, until it is on again."),
        Panel("Oldest news that waits", (
            ("oldest", "max(bg_outbox_oldest_message_age_seconds)"),
            ("due, and nobody sends", "max(bg_outbox_late_seconds)")), "s",
            "Since the commit of the group.", (300, 3600)),
        Panel("Subscriptions", (("{{status}}", "max by (status) (bg_subscriptions)"),),
              about="Failed: switched off after days of failure."),
    )),
    ("Alerts, KPIs and experiments", 8, (
        Panel("Open alerts", (("{{kind}} {{severity}}",
              "max by (kind, severity) (bg_alerts_open) > 0"),),
              about="As `bg-assets alerts` tells them, where that runs."),
        Panel("KPIs that miss their target", (("{{kpi}} {{product}}",
              "max by (kpi, product, severity) (bg_kpi_target_met) == 0"),), "short",
              "As they were last measured."),
        Panel("KPIs in per cent", (("{{kpi}} {{product}}",
              'max by (kpi, product) (bg_kpi_value{unit="%"})'),), "percent"),
        Panel("Other KPIs", (("{{kpi}} {{product}}, {{unit}}",
              'max by (kpi, product, unit) (bg_kpi_value{unit!="%"})'),), "short",
              "Each in the unit of its own."),
        Panel("KPIs were measured", (("ago", "max(bg_kpi_age_seconds)"),), "s",
              "Every five minutes, where the schedule is on.", (900, None)),
        Panel("Experiments", (("{{product}}", "max by (product) (bg_experiments_running)"),),
              "bool_yes_no", "Whether a product shows two versions of its template."),
    )),
    ("Providers of outside data", 8, (
        Panel("Calls", (("{{provider}} {{outcome}}",
              f"sum by (provider, outcome) (rate(bg_provider_calls_total[{RATE}]))"),), "ops"),
        Panel("Cost against the cap", (
            ("{{provider}} {{period}}", "max by (provider, period) (bg_provider_spent_dollars)"),
            ("{{provider}} {{period}}, cap", "max by (provider, period) (bg_provider_cap_dollars)"),
        ), "currencyUSD", "Days and months of UTC."),
        Panel("Answered from the cache", rates("bg_provider_cache_hits_total", "provider"), "ops"),
        Panel("Left alone", (
            ("{{provider}} breaker", "max by (provider) (bg_provider_breaker_open)"),
            ("{{provider}} asked for rest", "max by (provider) (bg_provider_resting)")),
            "bool_yes_no"),
        Panel("Companies to ask about", (("due", "max(bg_companies_to_enrich)"),)),
    )),
    ("Processes and disk", 8, (
        Panel("Processes", (("{{kind}} {{host}} {{health}}",
              "sum by (kind, host, health) (bg_workers) > 0"),)),
        Panel("Silent for", (
            ("{{kind}} {{host}}", "max by (kind, host) (bg_worker_silent_seconds)"),), "s",
            "Since the last sign of life.", (45, 180)),
        Panel("Memory", (("{{kind}} {{host}}", "max by (kind, host) (bg_worker_memory_bytes)"),),
              "bytes"),
        Panel("Sensors switched on", (("{{sensor}}", "min by (sensor) (bg_sensor_running)"),),
              "bool_yes_no"),
        Panel("Database", (("schema bg's", "max(bg_database_size_bytes)"),), "bytes"),
        Panel("Largest tables", (("{{table}}",
              "topk(8, max by (table) (bg_table_size_bytes))"),), "bytes"),
        Panel("Reading the metrics", (("{{section}}",
              "max by (section) (bg_metrics_section_seconds)"),), "s",
              "What a scrape costs the database, every 5 s or 60 s at most."),
    )),
)  # fmt: skip


def built() -> models.Dashboard:
    """The dashboard."""
    made = (
        dashboard.Dashboard("bg_assets: buyer groups")
        .uid("bg-assets")
        .tags(["bg_assets"])
        .description("From changes to buyer groups. Wants the rules of deploy/prometheus.")
        .refresh("30s")
        .time("now-3h", "now")
        .timezone("browser")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .with_variable(
            dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus")
        )
    )
    for title, height, panels in ROWS:
        made.with_row(dashboard.Row(title))
        for panel, width in zip(panels, _widths(len(panels), height), strict=True):
            made.with_panel(_panel(panel).height(height).span(width))
    return made.build()


def _widths(number: int, height: int) -> Iterator[int]:
    """Panels of a row side by side: small ones all in one line, others up to four in each."""
    if height < 8:
        yield from [WIDTH // number] * number
        return
    while number:
        line = min(number, 4 if number % 3 else 3)
        yield from [WIDTH // line] * line
        number -= line


def _panel(panel: Panel) -> timeseries.Panel | stat.Panel | heatmap.Panel:
    made = {"lines": _lines, "stat": _stat, "heatmap": _heatmap}[panel.kind]()
    made.title(panel.title).description(panel.about).datasource(SOURCE).unit(panel.unit)
    steps = [models.Threshold(value=None, color=GREEN)]
    for value, color in zip(panel.limits, (YELLOW, RED), strict=True):
        if value is not None:
            steps.append(models.Threshold(value=value, color=color))
    made.thresholds(dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps))
    for letter, (legend, query) in zip(ascii_uppercase, panel.queries, strict=False):
        target = prometheus.Dataquery().expr(query).legend_format(legend).range().ref_id(letter)
        if panel.kind == "heatmap":
            target.format(asked.PromQueryFormat.HEATMAP)
        made.with_target(target)
    return made


def _lines() -> timeseries.Panel:
    legend = (
        common.VizLegendOptions()
        .display_mode(shown.LegendDisplayMode.LIST)
        .placement(shown.LegendPlacement.BOTTOM)
        .show_legend(True)
    )
    tooltip = common.VizTooltipOptions().mode(shown.TooltipDisplayMode.MULTI)
    dashed = common.GraphThresholdsStyleConfig().mode(shown.GraphTresholdsStyleMode.DASHED)
    made = timeseries.Panel().legend(legend).tooltip(tooltip).thresholds_style(dashed)
    return made.fill_opacity(8).min(0)


def _stat() -> stat.Panel:
    last = common.ReduceDataOptions().calcs(["lastNotNull"])
    return (
        stat.Panel()
        .reduce_options(last)
        .graph_mode(shown.BigValueGraphMode.AREA)
        .color_mode(shown.BigValueColorMode.VALUE)
    )


def _heatmap() -> heatmap.Panel:
    return heatmap.Panel().calculate(False)


def text() -> str:
    """The dashboard as Grafana imports it."""
    return json.dumps(built(), cls=JSONEncoder, indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
