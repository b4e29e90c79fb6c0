"""What stands now: what waits, who works, what is lost, how much there is."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence

import sqlalchemy as sa
from prometheus_client import Metric

from bg_assets.domain.vocabulary import ROLES
from bg_assets.instance import alive, state
from bg_assets.instance.alive import BAD, OK, UNKNOWN, Standing
from bg_assets.metrics.families import counters, gauge, gauges
from bg_assets.settings import Settings
from bg_assets.storage import database, next_refreshes
from bg_assets.storage.capture import watch
from bg_assets.storage.reports import counts
from bg_assets.storage.tallies import standing
from bg_assets.storage.workers import Worker

STATES = ("companies", "deferred", "requested", "running", "failed", "dead", "cancelled")
# A run has a host of its own where each is a container.
RUN, ANY = "run", "any"


def of_work(conn: sa.Connection, config: Settings) -> Iterator[Metric]:
    """What waits and what is under way: costs what is pending, not what has been."""
    found = counts.read_overview(conn, config.refresh_interval)
    yield gauge("bg_changes_unhandled", "Changes that no group reflects yet.", found.changes)
    named = {"companies": "pending"}
    yield gauges(
        "bg_companies",
        "Companies that are not up to date by state, each in one; failed: waits for another try.",
        ("state",),
        {named.get(one, one): float(getattr(found, one)) for one in STATES},
    )
    yield gauge(
        "bg_oldest_pending_change_age_seconds",
        "Age of the oldest change that a refresh will still see to; 0 where there is none.",
        found.oldest_pending_seconds or 0.0,
    )
    yield gauges(
        "bg_webhook_events",
        "Webhook events that wait to be applied, and that are dead.",
        ("status",),
        standing.open_events(conn),
    )
    yield gauge(
        "bg_companies_to_enrich",
        "Companies of which providers are to be asked and no run has taken them.",
        standing.companies_to_ask_about(conn),
    )


def of_system(conn: sa.Connection, config: Settings) -> Iterator[Metric]:
    """Whether the schema fits, capture stands, and all processes give signs of life."""
    found = database.revision(conn)
    yield gauges(
        "bg_schema_info",
        "The revision of schema bg.",
        ("revision",),
        {(found or "none",): 1.0},
    )
    capture = watch.look(conn)
    yield gauge(
        "bg_capture_triggers_lost",
        "Triggers that capture changes and do not do their work.",
        len(capture.lines) if capture.remembered else None,
    )
    yield from _of_workers(alive.standing(alive.read(conn)))


def _of_workers(known: Sequence[Standing]) -> Iterator[Metric]:
    at_work: dict[tuple[str, str], list[Worker]] = defaultdict(list)
    health: Counter[tuple[str, str, str]] = Counter()
    for found in known:
        one = found.process
        key = one.kind, ANY if one.kind == RUN else one.host
        at_work[key].append(one)
        health.update({(*key, OK): 0, (*key, BAD): 0, (*key, UNKNOWN): 0})
        health[(*key, found.word)] += 1
    yield gauges(
        "bg_workers",
        "Processes that should work, by kind, host and health; unknown: `up`, which would tell of "
        "them, is silent itself.",
        ("kind", "host", "health"),
        dict(health),
    )

    def each(worth: Callable[[list[Worker]], float]) -> dict[tuple[str, ...], float]:
        return {key: worth(found) for key, found in at_work.items()}

    labels = ("kind", "host")
    yield gauges(
        "bg_worker_silent_seconds",
        "Since the last sign of life, of the process that has been silent longest.",
        labels,
        each(lambda found: max(one.silent_seconds for one in found)),
    )
    yield gauges(
        "bg_worker_uptime_seconds",
        "Age of the youngest process.",
        labels,
        each(lambda found: min(one.uptime_seconds for one in found)),
    )
    yield gauges(
        "bg_worker_memory_bytes",
        "Resident memory of all of them together.",
        labels,
        each(lambda found: float(sum(one.memory for one in found))),
    )


def of_dagster(conn: sa.Connection, config: Settings) -> Iterator[Metric]:
    """Whether Dagster's daemon and sensors run, from Dagster's own database."""
    found = state.read(database.dagster_url())
    yield gauge(
        "bg_daemon_heartbeat_age_seconds",
        "Since Dagster's daemon gave its last sign; it gives one every 30 s. None: it never ran.",
        found.heartbeat_seconds,
    )
    yield gauges(
        "bg_sensor_running",
        "Whether a sensor is switched on.",
        ("sensor",),
        {name: float(is_on == "running") for name, is_on in found.sensors.items()},
    )


def of_providers(conn: sa.Connection, config: Settings) -> Iterator[Metric]:
    """Calls of providers of outside data, their cost against the caps, and who is left alone."""
    bills = standing.bills(conn)
    yield counters(
        "bg_provider_calls",
        "Calls that are over, by what came of them; lost: nobody knows.",
        ("provider", "outcome"),
        {
            (bill.provider, outcome): float(getattr(bill, outcome))
            for bill in bills
            for outcome in ("found", "not_found", "failed", "lost")
        },
    )
    yield counters(
        "bg_provider_cache_hits",
        "Questions that were answered without a call.",
        ("provider",),
        standing.hits(conn),
    )
    yield counters(
        "bg_provider_cost_dollars",
        "US dollars that were billed, and that may have been where nobody knows.",
        ("provider", "certainty"),
        {
            (bill.provider, word): float(amount)
            for bill in bills
            for word, amount in (("billed", bill.cost), ("uncertain", bill.uncertain))
        },
    )
    yield gauges(
        "bg_provider_spent_dollars",
        "US dollars of this day and this month (UTC), without what is under way.",
        ("provider", "period"),
        {
            (bill.provider, period): float(amount)
            for bill in bills
            for period, amount in (("day", bill.today), ("month", bill.month))
        },
    )
    breakers = standing.breakers(conn)
    yield gauges(
        "bg_provider_cap_dollars",
        "US dollars that a provider may cost a day and a month (UTC), where that is limited.",
        ("provider", "period"),
        dict(_caps(config, sorted({*breakers, *(bill.provider for bill in bills)}))),
    )
    yield gauges(
        "bg_provider_breaker_open",
        "Whether nobody calls a provider because calls kept failing.",
        ("provider",),
        {name: float(is_open) for name, (is_open, _) in breakers.items()},
    )
    yield gauges(
        "bg_provider_resting",
        "Whether a provider has asked to be left alone.",
        ("provider",),
        {name: float(rests) for name, (_, rests) in breakers.items()},
    )
    running = standing.calls_under_way(conn)
    yield gauges(
        "bg_provider_calls_under_way",
        "Calls that are not settled.",
        ("provider",),
        {name: float(running.get(name, 0)) for name in breakers},
    )


def _caps(config: Settings, providers: Sequence[str]) -> Iterator[tuple[tuple[str, str], float]]:
    for period, caps in (("day", config.enrich_cap_daily), ("month", config.enrich_cap_monthly)):
        limits = dict(caps)
        for name in providers:
            limit = limits.get(name, limits.get(""))
            if limit is not None:
                yield (name, period), float(limit)


def of_groups(conn: sa.Connection, config: Settings) -> Iterator[Metric]:
    """Groups, members and gaps: a look at all of them."""
    groups = {**dict.fromkeys(config.products, 0), **standing.groups(conn)}
    empty = dict.fromkeys(((product, role) for product in groups for role in ROLES), 0)
    yield gauges("bg_groups", "Buyer groups that stand.", ("product",), groups)
    labels = ("product", "role")
    yield gauges(
        "bg_group_members", "Members of all groups.", labels, {**empty, **standing.members(conn)}
    )
    yield gauges(
        "bg_group_gaps",
        "Places of groups for which nobody was found; pin: a pin that can't be followed.",
        labels,
        {**empty, **standing.gaps(conn)},
    )
    yield gauge(
        "bg_oldest_group_age_seconds",
        "Age of the group that was written longest ago.",
        standing.oldest_group_seconds(conn),
    )
    coming = next_refreshes.overview(conn)
    yield gauges(
        "bg_next_refreshes",
        "Companies that are refreshed again without news, by how often.",
        ("rhythm",),
        {rhythm: float(coming[rhythm]) for rhythm in next_refreshes.DAYS},
    )
    yield gauge("bg_next_refreshes_late", "Of these, how many are due now.", float(coming["late"]))


def of_sizes(conn: sa.Connection, config: Settings) -> Iterator[Metric]:
    """How large the database and its tables are."""
    yield gauge(
        "bg_database_size_bytes",
        "Size of the database that holds schema bg.",
        standing.database_bytes(conn),
    )
    tables = standing.tables(conn)
    yield gauges(
        "bg_table_rows",
        "Rows of a table, as PostgreSQL estimates them; none before it has looked.",
        ("table",),
        {table.name: table.rows for table in tables if table.rows is not None},
    )
    yield gauges(
        "bg_table_size_bytes",
        "Size of a table with its indexes.",
        ("table",),
        {table.name: float(table.bytes) for table in tables},
    )
