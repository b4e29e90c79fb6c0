"""The sensors: what is due becomes run requests. Four of them with one body.

Dagster's daemon runs sensors one after another and rests for what is left of 5 s. Each of these
waits inside its tick for something to do, so that with four there is always one awake.
"""

import time
from collections.abc import Iterator

import dagster as dg
import sqlalchemy as sa

from bg_assets import jobs, partitions, products, repair, settings, upkeep
from bg_assets.assets import runs
from bg_assets.instance import report
from bg_assets.resources import Database
from bg_assets.storage import claims, database, keys, webhook_apply

# Longer polls had to be killed at shutdown.
POLL_SECONDS = 6.0
PAUSE_SECONDS = 0.1
REPAIR_SECONDS = 2.0
# A tick has 60 s in all, for its run requests too.
APPLY_SECONDS = 20.0

_ALSO = (
    "Applies the events that wait and takes whatever is due, like the other sensors; the tag "
    "bg/reasons of a run tells why."
)
_FIRST_THERE_FOR = {
    "people_changes": "People who joined, left, moved or changed their role.",
    "webhook_events": "Events that vendors and CRMs sent to the webhook door.",
    "company_changes": "Companies that are new, deleted, or changed in size, country or industry.",
    "requested_refreshes": "Refreshes asked for by hand, by a schedule or by a changed template.",
}


def tick(
    instance: dg.DagsterInstance,
    engine: sa.Engine,
    sensor: str,
    *,
    poll_seconds: float = POLL_SECONDS,
) -> tuple[list[claims.Request], list[str]]:
    """Apply events, wait until something is due, claim it, and return the runs to ask for.

    Returns also what was repaired on the way and what is amiss, a line each. Raises
    DatabaseUnreachable; and KeysUnusable where events wait that can't be read without their keys,
    unless there is something else to do.
    """
    config = settings.read()
    policy = claims.Policy(
        settle=config.settle,
        refresh_interval=config.refresh_interval,
        claim_limit=config.claim_limit,
        claim_per_minute=config.claim_per_minute,
        batch_from=config.batch_from,
        batch_size=config.batch_size,
    )
    repaired: list[str] = []
    no_keys: keys.KeysUnusable | None = None
    next_repair = 0.0
    for _ in _until(poll_seconds):
        no_keys = _apply_events(engine, config)
        began = time.monotonic()
        if began >= next_repair:
            repaired += repair.repair(instance, engine, config.max_attempts)
            next_repair = began + REPAIR_SECONDS
        with database.connect(engine) as conn:
            now = claims.database_now(conn)
            claims.claim(conn, policy, sensor, now)
            found = claims.ask(conn, policy, sensor, now) + claims.ask_again(conn, sensor, now)
        if found:
            due = [company for request in found for company in request.companies]
            instance.add_dynamic_partitions(partitions.companies.name or "", due)
            return found, repaired + ([f"webhook events wait: {no_keys}"] if no_keys else [])
        # However long the question takes, it is asked a tenth of the time at most.
        time.sleep(max(PAUSE_SECONDS, 9 * (time.monotonic() - began)))
    if no_keys is not None:
        raise no_keys
    return [], repaired


def _apply_events(engine: sa.Engine, config: settings.Settings) -> keys.KeysUnusable | None:
    """Apply all events that wait, so that a burst of them settles as one; keys only if any do.

    Returns what is wrong with the keys. The events stay pending then, and all else goes on.
    """
    with database.connect(engine) as conn:
        if not webhook_apply.anything_pending(conn):
            return None
    end = time.monotonic() + APPLY_SECONDS
    try:
        opened = keys.load(config)
        while True:
            done = webhook_apply.apply_pending(engine, opened.decrypt)
            settled = done.applied + done.ignored + done.dead
            # Fewer settled than looked at: somebody is being written by another.
            if settled < done.looked_at or not settled or time.monotonic() > end:
                return None
    except keys.KeysUnusable as err:
        return err


def follow_templates(engine: sa.Engine) -> list[str]:
    """Ask for what a changed template makes old; returns what is worth telling, a line each.

    Raises BadTemplate where a product has no template that can be used: nothing is claimed then,
    so that no attempt is lost. Raises DatabaseUnreachable.
    """
    config = settings.read()
    force = products.keep(engine, config.templates, config.products)
    raised = products.raise_changes(engine, force)
    lines = [f"{raised} companies are to be refreshed for a changed template"] if raised else []
    return [force.warning, *lines] if force.warning else lines


def _until(seconds: float) -> Iterator[None]:
    """Go round until the time is over, once at the least."""
    end = time.monotonic() + seconds
    yield
    while time.monotonic() < end:
        yield


def run_request(request: claims.Request) -> dg.RunRequest:
    """The run that carries out a request: one company's partition, or a batch of companies."""
    tags = {
        "dagster/priority": str(request.priority),
        "bg/reasons": ", ".join(f"{kind}: {count}" for kind, count in request.reasons.items()),
    }
    if request.batch_id is not None:
        tags |= {
            runs.BATCH_TAG: request.batch_id,
            "bg/companies": str(len(request.companies)),
            # The assets log an event for each company themselves.
            **report.DEFER_ASSET_EVENTS,
        }
    else:
        tags |= {
            runs.REFRESH_TAG: request.refresh_id or "",
            runs.ATTEMPT_TAG: str(request.attempt),
        }
    return dg.RunRequest(
        run_key=request.run_key,
        partition_key=request.companies[0],
        tags=tags,
        run_config=runs.batch_config(request.companies) if request.batch_id else None,
    )


def _sensor(name: str, description: str) -> dg.SensorDefinition:
    @dg.sensor(
        name=name,
        job=jobs.refresh_buyer_groups,
        description=f"{description} {_ALSO}",
        minimum_interval_seconds=1,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def long_poll(
        context: dg.SensorEvaluationContext, database: Database
    ) -> dg.SensorResult | dg.SkipReason:
        told = [*follow_templates(database.engine), *upkeep.see_to(database.engine)]
        requests, repaired = tick(context.instance, database.engine, name)
        for line in repaired:
            context.log.warning(line)
        if not requests:
            looked = (
                f"looked for {POLL_SECONDS:g} s: no event waits, no company with changes is due"
            )
            return dg.SkipReason("; ".join([looked, *told]))
        for line in told:
            context.log.warning(line)
        return dg.SensorResult(run_requests=[run_request(one) for one in requests])

    return long_poll


SENSORS = [_sensor(name, description) for name, description in _FIRST_THERE_FOR.items()]
