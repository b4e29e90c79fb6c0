"""All metrics at a scrape, from what the readers know."""

import importlib.metadata
import time
from collections.abc import Iterator

from prometheus_client import Metric
from prometheus_client.registry import Collector

from bg_assets.metrics import counted, kept, promised, received, standing, told
from bg_assets.metrics.families import gauge, gauges
from bg_assets.metrics.link import Link
from bg_assets.metrics.reader import Kept, Reader, Section, Told

# So often the tables are read at most, however many scrape, and what looks at all groups.
QUICK_SECONDS, SLOW_SECONDS = 5.0, 60.0
# So long a scrape waits for them; Prometheus gives up after 10 s.
WAIT_SECONDS = 4.0
# What was read before that is not told any more.
STALE_SECONDS = 30.0

QUICK = (
    Section("work", QUICK_SECONDS, 5.0, standing.of_work),
    Section("system", QUICK_SECONDS, 5.0, standing.of_system),
    Section("dagster", QUICK_SECONDS, 5.0, standing.of_dagster),
    Section("providers", QUICK_SECONDS, 5.0, standing.of_providers),
    Section("receivers", QUICK_SECONDS, 5.0, received.of_receivers),
    Section("sums", QUICK_SECONDS, 10.0, counted.of_sums),
)
SLOW = (
    # Counted by the minute; an hour that was not is counted in one statement.
    Section("objectives", 15.0, 60.0, promised.of_objectives),
    Section("messages", 15.0, 10.0, told.of_messages),
    Section("alerts", 15.0, 5.0, told.of_alerts),
    Section("kpis", 15.0, 5.0, told.of_kpis),
    Section("experiments", 15.0, 5.0, told.of_experiments),
    Section("retention", SLOW_SECONDS, 5.0, kept.of_retention),
    Section("groups", SLOW_SECONDS, 30.0, standing.of_groups),
    Section("sizes", SLOW_SECONDS, 30.0, standing.of_sizes),
)


class TablesCollector(Collector):
    """The metrics that the tables hold, for a registry."""

    def __init__(self, link: Link) -> None:
        failing: dict[str, str] = {}
        self._quick, self._slow = Reader(link, QUICK, failing), Reader(link, SLOW, failing)

    def start(self) -> None:
        """Be ready for scrapes."""
        for reader in (self._quick, self._slow):
            reader.start()

    def read_now(self) -> str:
        """Read everything in this thread; returns why that can't be done, "" where it was."""
        self._quick.turn()
        self._slow.turn()
        return self._quick.told(0).problem or self._slow.told(0).problem

    def collect(self) -> Iterator[Metric]:
        """Everything there is to tell; where the database is away, that."""
        for reader in (self._quick, self._slow):
            reader.ask()
        quick, slow = self._quick.told(WAIT_SECONDS), self._slow.told(0)
        now = time.monotonic()
        up = not quick.problem and quick.at is not None and now - quick.at < STALE_SECONDS
        yield gauge("bg_up", "Whether the tables can be read; 0: what else is here is old.", up)
        version = importlib.metadata.version("bg-assets")
        yield gauges("bg_info", "The version that is installed.", ("version",), {(version,): 1.0})
        if up:
            yield from _of_sections({**quick.kept, **_fresh(slow, now)}, now)


def _fresh(slow: Told, now: float) -> dict[str, Kept]:
    return {
        name: one
        for name, one in slow.kept.items()
        if now - one.at < SLOW_SECONDS + 4 * STALE_SECONDS
    }


def _of_sections(kept: dict[str, Kept], now: float) -> Iterator[Metric]:
    labels = ("section",)
    yield gauges(
        "bg_metrics_section_up",
        "Whether a part of the metrics could be read.",
        labels,
        {name: float(one.families is not None) for name, one in kept.items()},
    )
    yield gauges(
        "bg_metrics_section_seconds",
        "How long reading a part of the metrics took.",
        labels,
        {name: one.took for name, one in kept.items()},
    )
    yield gauges(
        "bg_metrics_section_age_seconds",
        "How long ago a part of the metrics was read.",
        labels,
        {name: now - one.at for name, one in kept.items()},
    )
    for one in kept.values():
        yield from one.families or ()
