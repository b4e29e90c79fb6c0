"""What has been let go of, and how long ago each kind had its round."""

from collections.abc import Iterator
from datetime import datetime

import sqlalchemy as sa
from prometheus_client import Metric

from bg_assets.metrics.families import counters, gauges
from bg_assets.settings import Settings
from bg_assets.storage import claims
from bg_assets.storage.retention import rounds
from bg_assets.storage.retention.policy import policy


def of_retention(conn: sa.Connection, config: Settings) -> Iterator[Metric]:
    """By kind: the rows that went, and since when a round has ended."""
    now, known = claims.database_now(conn), rounds.read(conn)
    yield counters(
        "bg_retention_removed",
        "Rows that were let go of, having been kept long enough.",
        ("kind",),
        {one.name: known[one.name].removed if one.name in known else 0 for one in policy(config)},
    )
    ended = {name: one.done for name, one in known.items() if one.done}
    yield gauges(
        "bg_retention_round_age_seconds",
        "Since a round of letting go has come to its end; each kind has one a day.",
        ("kind",),
        {
            name: (now - datetime.fromisoformat(done)).total_seconds()
            for name, done in ended.items()
        },
    )
