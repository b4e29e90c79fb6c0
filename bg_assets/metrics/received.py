"""What the processes of the webhook door counted, added up."""

from collections.abc import Iterator

import sqlalchemy as sa
from prometheus_client import Metric

from bg_assets.metrics.families import counter, counters, histogram
from bg_assets.settings import Settings
from bg_assets.storage.measures import receiver
from bg_assets.storage.measures.webhooks import UNBELIEVED


def of_receivers(conn: sa.Connection, config: Settings) -> Iterator[Metric]:
    """Requests of all processes together, those that are gone included; seconds behind."""
    found = receiver.totals(conn)
    for name, text, number in (
        ("received", "Requests with an event that came.", found.received),
        ("accepted", "Events stored for the first time.", found.accepted),
        ("duplicates", "Events that were there already.", found.duplicates),
        ("differing", "Events that were there already, with another body.", found.differing),
    ):
        yield counter(f"bg_receiver_{name}", text, number)
    # From 0 on: of a series that begins at 22 Prometheus sees no increase.
    refused = dict.fromkeys(sorted(UNBELIEVED), 0) | dict(found.refused)
    yield counters(
        "bg_receiver_refused",
        "Requests refused, by kind.",
        ("kind",),
        {kind: float(number) for kind, number in refused.items()},
    )
    yield histogram(
        "bg_receiver_request_seconds",
        "From the head of a request with an event to its answer.",
        receiver.BOUNDS,
        {(): (found.seconds_buckets, found.seconds_sum)},
    )
