"""How the webhook door does: how fast it answers, and what it is sent."""

import sqlalchemy as sa

from bg_assets.domain.kpis.catalogue import Measured
from bg_assets.storage.measures import receiver
from bg_assets.storage.measures.refreshes import percent

# The kinds of refusal by which nobody is believed: those of domain/webhooks/signatures.py, and a
# source that is not there.
UNBELIEVED = frozenset(
    {
        "no-secret",
        "no-signature",
        "old-signature",
        "bad-time",
        "too-old",
        "too-new",
        "bad-signature",
        "wrong-signature",
        "unknown-source",
    }
)


def measure(conn: sa.Connection, seconds: float) -> list[Measured]:
    """The KPIs of the door over the last so many seconds, three days at most."""
    counts = receiver.since(conn, seconds)
    came, answered = counts.received, counts.answered
    unbelieved = sum(number for kind, number in counts.refused.items() if kind in UNBELIEVED)
    took = receiver.quantile(counts.seconds_buckets, 0.95)
    return [
        Measured("webhook_time", None if took is None else 1000 * took, of=answered),
        Measured("invalid_signatures", percent(unbelieved, came), of=came),
        Measured("webhook_duplicates", percent(counts.duplicates, came), of=came),
    ]
