"""buyer_group_kpis: how the system and its groups do, measured every five minutes."""

from collections.abc import Iterator

import dagster as dg

from bg_assets import settings
from bg_assets.assets import kpi_plots, kpi_report
from bg_assets.domain.kpis import catalogue
from bg_assets.domain.kpis.targets import MISSED, BadTarget
from bg_assets.resources import Database
from bg_assets.storage import claims
from bg_assets.storage.database import connect
from bg_assets.storage.measures import kpis


@dg.asset(
    deps=["buyer_groups"],
    check_specs=kpi_report.SPECS,
    group_name="kpis",
    kinds={"postgres", "python"},
    owners=["team:sales-operations"],
    code_version="1",
    metadata={"dagster/relation_identifier": "bg.kpi_values"},
)
def buyer_group_kpis(
    context: dg.AssetExecutionContext, database: Database
) -> Iterator[dg.MaterializeResult[None]]:
    """How the system and its groups do: each KPI with its target, whether that is met, and plots.

    Queue, latency, refreshes and webhooks are those of the last hour; groups are all that stand.
    Targets are set by BG_KPI_TARGETS. What each means and what to do: docs/kpis.md.
    """
    config = settings.read()
    try:
        targets = catalogue.targets_by(config.kpi_targets)
    except BadTarget as err:
        raise dg.Failure(f"BG_KPI_TARGETS: {err}", allow_retries=False) from None
    with connect(database.engine) as conn:
        values = catalogue.judge(kpis.measure(conn, config.refresh_interval), targets)
        now = claims.database_now(conn)
        kpis.keep(conn, values, now, config.retention_kpis)
        courses = kpis.course(conn, kpi_plots.NAMES, kpi_plots.HOURS * 3600)
    pictures = kpi_plots.markdown(courses, targets, now, config.home / "matplotlib")
    missed = [kpi_report.label(one) for one in values if one.state == MISSED]
    context.log.info(f"targets missed: {'; '.join(missed) or 'none'}")
    yield dg.MaterializeResult(
        metadata={
            "kpis": dg.MetadataValue.md(kpi_report.table(values)),
            "last_day": dg.MetadataValue.md(pictures),
            "missed": "; ".join(missed) or "none",
            **kpi_report.figures(values),
        },
        check_results=kpi_report.checks(values),
    )
