"""Objectives: their targets, and what is late by them. What was good and bad is in the sums."""

from collections.abc import Iterator

import sqlalchemy as sa
from prometheus_client import Metric

from bg_assets.domain.objectives import TARGETS
from bg_assets.metrics.families import gauge, gauges
from bg_assets.settings import Settings
from bg_assets.storage import claims, objectives
from bg_assets.storage.objectives import Promise


def of_objectives(conn: sa.Connection, config: Settings) -> Iterator[Metric]:
    """The targets, and what is late and still waits; what has ended is counted by the minute."""
    now = claims.database_now(conn)
    promise = Promise(config.objective_latency, config.refresh_interval, config.settle)
    # Where alerts are told their process counts too: whoever comes first.
    objectives.advance(conn, promise, now)
    yield gauges(
        "bg_objective_target_ratio", "The share that has to be good.", ("objective",), TARGETS
    )
    yield gauge(
        "bg_changes_late",
        "Changes that are due, whose group is late and does not stand yet.",
        objectives.late(conn, promise, now),
    )
