"""The sensors: what is due becomes run requests. Four of them with one body.

Dagster's daemon runs sensors one after another and rests for what is left of 5 s, ours of 1 s
(instance/daemon.py). Each of these waits inside its tick for something to do, so that with four
there is always one awake. They are numbered, since which of them was awake tells nothing: the tag
bg/for of a run tells its cause. Sensors that each take only what they are named for are awake too
rarely: groups stand 2 to 3 s later.
"""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import dagster as dg
import sqlalchemy as sa

from bg_assets import encryption, jobs, partitions, repair, settings
from bg_assets.assets import enriched_people, runs
from bg_assets.domain.causes import number
from bg_assets.instance import coordinator, longest, report, state, stopping
from bg_assets.logs import log
from bg_assets.products import in_force
from bg_assets.resources import Database
from bg_assets.storage import causes, claims, database, instance_settings
from bg_assets.storage.enrichment import due
from bg_assets.storage.webhooks import applying
from bg_assets.ticks import asking, mirror, patience, traces, upkeep
from bg_assets.tracing.context import TAG as TRACE_TAG

# Longer polls had to be killed at shutdown.
POLL_SECONDS = 6.0
REPAIR_SECONDS = 2.0
# A tick has 60 s in all, for its run requests too.
APPLY_SECONDS = 20.0

# What a run is for, in words; and so many of its causes are told in a tag of their own.
FOR_TAG = "bg/for"
MOST_REASONS = 10

LOG = log.logger(__name__)
# All sensors stand behind each other's ticks.
ENRICHMENT_SECONDS = 2.0
# Of Dagster's priorities: behind every refresh.
LEAST_URGENT = -1000

_DESCRIPTION = (
    "Applies the events that wait and asks for runs for all companies that are due: their people "
    "or they themselves changed, an event came, a date passed, somebody asked for it, or a "
    f"template changed. The {len(state.SENSORS)} sensors of this name take turns, so that one is "
    "always awake; which of them asked for a run tells nothing, its tag bg/for tells why."
)
_LOOKED = f"looked for {POLL_SECONDS:g} s: no event waits, no company with changes is due"


def tick(
    instance: dg.DagsterInstance,
    engine: sa.Engine,
    sensor: str,
    *,
    poll_seconds: float | None = None,
    patient: patience.Patience | None = None,
) -> tuple[list[claims.Request], list[str]]:
    """Apply events, wait until something is due, claim it, and return the runs to ask for.

    Returns also what was repaired on the way and what is amiss, a line each. ``patient`` is told
    what was waited for in vain. Raises DatabaseUnreachable; and KeysUnusable where events wait that
    can't be read without their keys, unless there is something else to do.
    """
    config = settings.read()
    patient = patient or patience.Patience(engine)
    policy = policy_of(config, coordinator.runs_at_once(instance))
    with patient.spent(), database.connect(patient.engine) as conn:
        instance_settings.write(conn, settings.shared(config))
    repaired: list[str] = []
    no_keys: encryption.KeysUnusable | None = None
    next_repair = 0.0
    for left in _until(POLL_SECONDS if poll_seconds is None else poll_seconds):
        began, before = time.monotonic(), patient.times
        with patient.spent():
            no_keys = _apply_events(patient, config)
        if began >= next_repair:
            next_repair = began + REPAIR_SECONDS
            with patient.spent():
                repaired += repair.repair(instance, patient.engine, config.max_attempts)
        requests: list[claims.Request] = []
        with patient.spent():
            requests = _claim(patient.engine, policy, sensor)
        if requests:
            due = [company for request in requests for company in request.companies]
            instance.add_dynamic_partitions(partitions.companies.name or "", due)
            return requests, repaired + ([f"webhook events wait: {no_keys}"] if no_keys else [])
        # What was waited for in vain costs nobody anything: it may be there at once.
        if stopping.is_under_way(config.home):
            break
        took = time.monotonic() - began if patient.times == before else 0.0
        time.sleep(patience.pause(took, left()))
    if no_keys is not None:
        raise no_keys
    return [], repaired


def policy_of(config: settings.Settings, runs_at_once: int = 3) -> claims.Policy:
    """When a company is due and how many are taken, by the settings."""
    return claims.Policy(
        settle=config.settle,
        refresh_interval=config.refresh_interval,
        claim_limit=config.claim_limit,
        claim_per_minute=config.claim_per_minute,
        batch_from=config.batch_from,
        batch_size=config.batch_size,
        runs_at_once=runs_at_once,
    )


def _claim(engine: sa.Engine, policy: claims.Policy, sensor: str) -> list[claims.Request]:
    with traces.asking() as traced, database.connect(engine) as conn:
        now = claims.database_now(conn)
        claims.claim(conn, policy, sensor, now)
        asked = claims.ask(conn, policy, sensor, now) + claims.ask_again(conn, sensor, now)
        return traced(conn, causes.explained(conn, asked))


def _apply_events(
    patient: patience.Patience, config: settings.Settings
) -> encryption.KeysUnusable | None:
    """Apply all events that wait, so that a burst of them settles as one; keys only if any do.

    Returns what is wrong with the keys. The events stay pending then, and all else goes on.
    """
    with database.connect(patient.engine) as conn:
        if not applying.anything_pending(conn):
            return None
    end = time.monotonic() + APPLY_SECONDS
    try:
        opened = encryption.load(config)
        while True:
            began, at = time.monotonic(), datetime.now(UTC)
            done = applying.apply_pending(patient.engine, opened.decrypt)
            traces.applied(done, at)
            settled = done.applied + done.ignored + done.dead
            # Fewer settled than looked at: somebody is being written by another.
            if settled < done.looked_at:
                patient.give_up("a lock, for webhook events,", time.monotonic() - began)
            for one in done.became:
                LOG.info(
                    "event_settled", source=one.source, id=one.event_id, outcome=one.status,
                    company=one.company_id,
                )  # fmt: skip
            if settled:
                LOG.info(
                    "events_applied", applied=done.applied, ignored=done.ignored, dead=done.dead
                )
            if settled < done.looked_at or not settled or time.monotonic() > end:
                return None
            if stopping.is_under_way(config.home):
                return None
    except encryption.KeysUnusable as err:
        LOG.warning("events_wait", reason=str(err))
        return err


def follow_templates(engine: sa.Engine) -> list[str]:
    """Ask for what a changed template makes old; returns what is worth telling, a line each.

    Raises BadTemplate where a product has no template that can be used: nothing is claimed then,
    so that no attempt is lost. Raises DatabaseUnreachable.
    """
    config = settings.read()
    force = in_force.keep(engine, config.templates, config.products)
    raised = in_force.raise_changes(engine, force)
    who = "1 company is" if raised == 1 else f"{raised} companies are"
    lines = [f"{who} to be refreshed for a changed template"] if raised else []
    lines = [*force.notes, *lines]
    return [force.warning, *lines] if force.warning else lines


def _until(seconds: float) -> Iterator[Callable[[], float]]:
    """Go round until the time is over, once at the least; each gives a look at what is left."""
    end = time.monotonic() + seconds

    def left() -> float:
        return end - time.monotonic()

    yield left
    while left() > 0:
        yield left


def run_request(request: claims.Request) -> dg.RunRequest:
    """The run that carries out a request: one company's partition, or a batch of companies."""
    tags = {
        "dagster/priority": str(request.priority),
        **longest.tag(settings.read().run_timeout, len(request.companies)),
        FOR_TAG: request.purpose,
        "bg/reasons": _reasons(request),
    }
    if request.trace is not None:
        tags[TRACE_TAG] = request.trace
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
    batch = request.batch_id is not None
    return dg.RunRequest(
        run_key=request.run_key,
        # A batch is no run of its first company: see report.stand_in.
        partition_key=None if batch else request.companies[0],
        tags=tags,
        run_config=runs.batch_config(request.companies) if batch else None,
    )


def _reasons(request: claims.Request) -> str:
    """Every cause, with the number of companies where the run has several; bounded."""
    several = len(request.companies) > 1
    lines = [
        f"{cause} ({number(count, 'company', 'companies')})" if several else cause
        for cause, count in request.reasons.items()
    ]
    more = f"; and {len(lines) - MOST_REASONS} more" if len(lines) > MOST_REASONS else ""
    return "; ".join(lines[:MOST_REASONS]) + more


def _sensor(name: str) -> dg.SensorDefinition:
    @dg.sensor(
        name=name,
        job=jobs.refresh_buyer_groups,
        description=_DESCRIPTION,
        minimum_interval_seconds=1,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def long_poll(
        context: dg.SensorEvaluationContext, database: Database
    ) -> dg.SensorResult | dg.SkipReason:
        log.bind(sensor=name)
        patient = patience.Patience(database.engine)
        told: list[str] = []
        with patient.spent():
            told += follow_templates(patient.engine)
        with patient.spent():
            told += upkeep.see_to(patient.engine)
        if not upkeep.is_unreadable(told):
            with patient.spent():
                told += mirror.keep(context.instance, patient.engine)
        requests, repaired = tick(context.instance, database.engine, name, patient=patient)
        for line in repaired:
            context.log.warning(line)
            LOG.warning("refresh_repaired", told=line)
        for request in requests:
            _tell(request)
        if not requests:
            return dg.SkipReason("; ".join([*(patient.told() or [_LOOKED]), *told]))
        for line in [*patient.told(), *told]:
            context.log.warning(line)
        return dg.SensorResult(run_requests=[run_request(request) for request in requests])

    return long_poll


def _tell(request: claims.Request) -> None:
    LOG.info(
        "run_requested", refresh=request.refresh_id, batch=request.batch_id,
        company=None if request.batch_id else request.companies[0],
        companies=len(request.companies), attempt=request.attempt, reasons=dict(request.reasons),
        trace=log.trace_of(request.trace or ""),
    )  # fmt: skip


SENSORS = [_sensor(name) for name in state.SENSORS]


@dg.sensor(
    name=state.ENRICHMENT,
    job=jobs.enrich_people,
    description=(
        "Asks for a run for companies of whose people something is missing or in doubt, one run at "
        "a time, behind all refreshes. Does nothing while no provider is configured."
    ),
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def enrichment(
    context: dg.SensorEvaluationContext, database: Database
) -> dg.SensorResult | dg.SkipReason:
    """Companies about which providers are to be asked become a run, in the background."""
    patient = patience.Patience(database.engine, all_seconds=ENRICHMENT_SECONDS)
    found = asking.Found((), "")
    with patient.spent():
        found = asking.look(context.instance, patient.engine, settings.read())
    if not found.batches:
        return dg.SkipReason("; ".join([*patient.told(), found.said]))
    return dg.SensorResult(run_requests=[_enrichment_run(one) for one in found.batches])


def _enrichment_run(batch: due.Batch) -> dg.RunRequest:
    return dg.RunRequest(
        run_key=batch.batch_id,
        tags={
            "dagster/priority": str(LEAST_URGENT),
            FOR_TAG: f"{number(len(batch.companies), 'company', 'companies')}: asking providers",
            enriched_people.BATCH_TAG: batch.batch_id,
            "bg/companies": str(len(batch.companies)),
            **report.DEFER_ASSET_EVENTS,
        },
        run_config=enriched_people.batch_config(batch.companies),
    )
