"""What the door counts: metrics of this process, and what of it goes to the database.

Refusals and differing bodies go to the audit log, by source; all counts to bg.receiver_counts,
where those of all processes are added up.
"""

import os
import time
from collections import Counter
from collections.abc import Mapping

import sqlalchemy as sa
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client import Counter as Metric

from bg_assets import process
from bg_assets.receiver.link import Link, Unavailable
from bg_assets.storage import audit
from bg_assets.storage.measures import receiver as counting

REFUSED = audit.REFUSED
FLUSH_SECONDS = 3.0
_ACTOR = "receiver"
# Sources times kinds; what is beyond counts for no source.
_MOST_KEYS = 5000


class Meter:
    """Counts in memory; ``flush`` carries what is for the database there."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._counts = counting.Counts()
        self._process = f"{process.host()}/{os.getpid()}"
        self._next_fold = 0.0
        self._refusals: Counter[tuple[str | None, str]] = Counter()
        self._differing: Counter[str] = Counter()
        self._registry = CollectorRegistry()
        self._received = Metric(
            "bg_webhooks_received", "Requests with an event that came", registry=self._registry
        )
        self._accepted = Metric(
            "bg_webhooks_accepted", "Events stored for the first time", registry=self._registry
        )
        self._duplicates = Metric(
            "bg_webhooks_duplicates", "Events that were there already", registry=self._registry
        )
        self._differing_seen = Metric(
            "bg_webhooks_differing",
            "Events that were there already, with another body",
            registry=self._registry,
        )
        self._refused = Metric(
            "bg_webhooks_refused", "Requests refused, by kind", ["kind"], registry=self._registry
        )
        self._seconds = Histogram(
            "bg_webhooks_seconds",
            "From the head of a request to its answer",
            registry=self._registry,
            buckets=counting.BOUNDS,
        )

    def received(self) -> None:
        """A request with an event came."""
        self._received.inc()
        self._counts.received += 1

    def stored(self, *, duplicate: bool) -> None:
        """An event was answered with 202, or with 200 for a duplicate."""
        (self._duplicates if duplicate else self._accepted).inc()
        if duplicate:
            self._counts.duplicates += 1
        else:
            self._counts.accepted += 1

    def differing(self, source: str) -> None:
        """An event of this source came again with another body."""
        self._differing_seen.inc()
        self._differing[source] += 1
        self._counts.differing += 1

    def refused(self, kind: str, source: str | None) -> None:
        """A request was refused; ``source`` only where there is one of that name."""
        self._refused.labels(kind).inc()
        self._counts.refused[kind] += 1
        key = (source, kind)
        if key not in self._refusals and len(self._refusals) >= _MOST_KEYS:
            key = (None, "other")
        self._refusals[key] += 1

    def took(self, seconds: float) -> None:
        """A request with an event was answered after this time."""
        self._seconds.observe(seconds)
        self._counts.took(seconds)

    def exposition(self) -> bytes:
        """All metrics in the text format of Prometheus."""
        return generate_latest(self._registry)

    async def flush(self) -> None:
        """Carry the counts to the database, and to its audit log a line for each kind and source.

        Where it is away they are kept. Raises what else goes wrong.
        """
        refusals, self._refusals = self._refusals, Counter()
        differing, self._differing = self._differing, Counter()
        counts, self._counts = self._counts, counting.Counts()
        if not refusals and not differing and not counts:
            return
        folds = time.monotonic() >= self._next_fold

        def record(conn: sa.Connection) -> None:
            _audit(conn, refusals, differing)
            counting.add(conn, self._process, counts)
            if folds:
                counting.fold_if_due(conn)

        try:
            await self._link.run(record)
        except BaseException as err:
            self._refusals.update(refusals)
            self._differing.update(differing)
            self._counts.add(counts)
            if not isinstance(err, Unavailable):
                raise
        else:
            if folds:
                self._next_fold = time.monotonic() + counting.FOLD_SECONDS


def _audit(
    conn: sa.Connection,
    refusals: Mapping[tuple[str | None, str], int],
    differing: Mapping[str, int],
) -> None:
    for (source, kind), count in refusals.items():
        audit.record(conn, _ACTOR, REFUSED, source, count, {"kind": kind})
    for source, count in differing.items():
        audit.record(conn, _ACTOR, audit.DIFFERING, source, count)
