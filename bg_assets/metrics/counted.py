"""What only grows: the sums over all that happened, and what the receivers counted."""

from collections.abc import Iterator, Sequence

import sqlalchemy as sa
from prometheus_client import Metric

from bg_assets.domain.objectives import TARGETS
from bg_assets.metrics.families import counter, counters, histogram
from bg_assets.settings import Settings
from bg_assets.storage import priorities
from bg_assets.storage.tallies import advancing, writers
from bg_assets.storage.tallies.sums import BOUNDS, Labels, Sums, Times

RESULTS = ("good", "bad")
OUTCOMES = ("completed", "dead", "cancelled")
GROUP_EVENTS = ("joined", "left", "role_changed", "gap_opened", "gap_closed")
SETTLED = ("applied", "ignored", "dead")


def of_sums(conn: sa.Connection, config: Settings) -> Iterator[Metric]:
    """Refreshes, runs, changes, events of groups and of webhooks, since counting began."""
    found = advancing.advance(conn)
    if found is None:
        # Another process begins this moment.
        return
    yield from _of_refreshes(found)
    yield from _of_changes(found)
    yield counters(
        "bg_objective_events",
        "Changes in time or late, attempts at refreshes that completed or failed; minutes behind.",
        ("objective", "result"),
        _filled(found, "objectives", [(one, result) for one in TARGETS for result in RESULTS]),
    )
    yield counters(
        "bg_group_events",
        "What happened to members and gaps of groups, by event and product.",
        ("event", "product"),
        _filled(found, "history", [(event, p) for event in GROUP_EVENTS for p in config.products]),
    )
    yield from _of_events(found)


def _of_refreshes(found: Sums) -> Iterator[Metric]:
    yield counters(
        "bg_refreshes",
        "Refreshes of a company that ended, by outcome; one that was dead counts as that for good.",
        ("outcome",),
        _filled(found, "refreshes", [(one,) for one in OUTCOMES]),
    )
    yield counter(
        "bg_refresh_retries",
        "Further attempts that ended refreshes took, but for those that an outage ended.",
        _filled(found, "retries", [()])[()],
    )
    yield counter(
        "bg_refresh_outages",
        "Attempts of ended refreshes that the database or the machine being away ended.",
        _filled(found, "outages", [()])[()],
    )
    for name, of, text in (
        ("bg_refresh_wait_seconds", "wait", "From the claim of a company to its run's first step."),
        ("bg_refresh_seconds", "refresh", "From a run's first step to the group of a company."),
        ("bg_run_seconds", "run", "From a run's first step to the last of its groups."),
    ):
        yield histogram(name, text, BOUNDS, _timed(found, of, [()]))


def _of_changes(found: Sums) -> Iterator[Metric]:
    words = (*writers.NAMED, writers.PROVIDER, writers.OTHER)
    yield counters(
        "bg_changes",
        "Changes that were captured, by kind and by who wrote them.",
        ("kind", "writer"),
        _filled(found, "changes", [(kind, who) for kind in priorities.OF_KIND for who in words]),
    )
    yield histogram(
        "bg_change_to_group_seconds",
        "From a change to the commit of its group, what it waited by rule included.",
        BOUNDS,
        _timed(found, "change", [(who,) for who in words]),
        ("writer",),
    )


def _of_events(found: Sums) -> Iterator[Metric]:
    yield counters(
        "bg_webhook_events_stored",
        "Webhook events that were stored, by source.",
        ("source",),
        _filled(found, "events", ()),
    )
    yield counters(
        "bg_webhook_events_settled",
        "Webhook events by what became of them first.",
        ("status",),
        _filled(found, "settled", [(one,) for one in SETTLED]),
    )
    yield histogram(
        "bg_webhook_event_apply_seconds",
        "From the arrival of a webhook event until it was applied to people.",
        BOUNDS,
        _timed(found, "applied", [()]),
    )


def _filled(found: Sums, name: str, expected: Sequence[Labels]) -> dict[Labels, float]:
    """The counts of a name, 0 for what has not happened yet: a rate wants a beginning."""
    return {**dict.fromkeys(expected, 0.0), **found.counts.get(name, {})}


def _timed(
    found: Sums, name: str, expected: Sequence[Labels]
) -> dict[Labels, tuple[Sequence[int], float]]:
    of_name = {**{labels: Times() for labels in expected}, **found.times.get(name, {})}
    return {labels: (one.buckets, one.seconds) for labels, one in of_name.items()}
