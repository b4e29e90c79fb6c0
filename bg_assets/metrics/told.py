"""What others are told and how it is judged: messages, alerts, KPIs, experiments."""

from collections import Counter
from collections.abc import Iterator

import sqlalchemy as sa
from prometheus_client import Metric

from bg_assets.domain.alerts.kinds import KINDS
from bg_assets.domain.kpis import targets
from bg_assets.domain.kpis.catalogue import KPIS
from bg_assets.metrics.families import gauge, gauges
from bg_assets.settings import Settings
from bg_assets.storage import experiments
from bg_assets.storage.measures import kpis
from bg_assets.storage.tallies import told

# Of a kind that this version does not know.
OTHER = "other"


def of_messages(conn: sa.Connection, config: Settings) -> Iterator[Metric]:
    """The outbox of notifications: what waits, for how long, and who is sent nothing."""
    found = told.outbox(conn)
    yield gauges(
        "bg_subscriptions",
        "Subscriptions by status; disabled: by hand, failed: switched off after days of failure.",
        ("status",),
        found.subscriptions,
    )
    yield gauges(
        "bg_outbox_messages",
        "Messages that wait, are held for a subscription that is switched off, or are dead.",
        ("status",),
        {"waiting": found.waiting, "held": found.held, "dead": found.dead},
    )
    yield gauge(
        "bg_outbox_oldest_message_age_seconds",
        "Since the commit of the oldest news that waits; 0 where none does.",
        found.oldest_seconds,
    )
    yield gauge(
        "bg_outbox_late_seconds",
        "Since a message has been due that nobody sends; 0 where there is none.",
        found.late_seconds,
    )


def of_alerts(conn: sa.Connection, config: Settings) -> Iterator[Metric]:
    """What is wrong, as the process that alerts has noted it."""
    number = Counter({(kind.name, kind.severity): 0 for kind in KINDS.values()})
    for (kind, severity), found in told.open_alerts(conn).items():
        number[kind if kind in KINDS else OTHER, severity] += found
    yield gauges(
        "bg_alerts_open",
        "Alerts that are raised and not over, where `bg-assets alerts run` looks.",
        ("kind", "severity"),
        number,
    )


def of_kpis(conn: sa.Connection, config: Settings) -> Iterator[Metric]:
    """The values of the last measurement, each against its target."""
    found = [one for one in kpis.latest(conn) if one.name in KPIS]
    yield gauge(
        "bg_kpi_age_seconds",
        "Since KPIs were last measured; None: they never were.",
        found[0].seconds if found else None,
    )
    yield gauges(
        "bg_kpi_value",
        "The value of a KPI as it was last measured, in its unit; none where nothing was measured.",
        ("kpi", "product", "unit"),
        {
            (one.name, one.product or "", KPIS[one.name].unit): one.value
            for one in found
            if one.value is not None
        },
    )
    yield gauges(
        "bg_kpi_target_met",
        "Whether a KPI is what it is to be; none where it has no target or nothing was measured.",
        ("kpi", "product", "severity"),
        {
            (one.name, one.product or "", KPIS[one.name].severity): float(one.state == targets.MET)
            for one in found
            if one.state in (targets.MET, targets.MISSED)
        },
    )


def of_experiments(conn: sa.Connection, config: Settings) -> Iterator[Metric]:
    """Which products show two versions of their template."""
    runs = {one.product: 1 for one in experiments.in_effect(conn).values() if one.runs}
    yield gauges(
        "bg_experiments_running",
        "Whether an experiment runs for a product.",
        ("product",),
        {**dict.fromkeys(config.products, 0), **runs},
    )
