"""The checks of what the system does for others: its promises, failures, providers, senders."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import sqlalchemy as sa

from bg_assets import settings
from bg_assets.domain.alerts.kinds import CRITICAL, WARNING
from bg_assets.domain.causes import number as counted
from bg_assets.domain.enrichment.admission import dollars
from bg_assets.domain.kpis import catalogue
from bg_assets.domain.objectives import (
    LATENCY,
    PERIOD,
    SUCCESS,
    TARGETS,
    Burning,
    Count,
    budget_left,
    burning,
)
from bg_assets.health import knowledge
from bg_assets.health.findings import FAIL, OK, WARN, Finding, Patient
from bg_assets.instance import state
from bg_assets.storage import audit, claims, database, instance_settings, objectives
from bg_assets.storage import experiments as kept
from bg_assets.storage.enrichment import due
from bg_assets.storage.operations import bill, reading
from bg_assets.storage.operations.policy import policy_of
from bg_assets.storage.reports import failures
from bg_assets.storage.webhooks import ending

# A run that fails is tried again by itself: some in a row are worth a look.
FAILED_SECONDS, FAILED_LEAST = 900.0, 3
# Of a cap on a provider's cost, the share from which it is near.
CAP_NEAR = Decimal("0.8")
# Whoever signs wrong by mistake does so now and then.
WRONG_SECONDS, WRONG_LEAST = 600.0, 20
WRONG = ("wrong-signature", "bad-signature", "no-signature", "old-signature", "no-secret")
# The last secret of a source ends: time to plan. One that has a successor: somebody forgot it.
LAST_SECONDS, OLD_SECONDS = 7 * 86_400.0, 6 * 3600.0


def failing(patient: Patient) -> Iterator[Finding]:
    """Whether runs, or attempts at refreshes, have failed lately, more than now and then."""
    with database.connect(patient.engine()) as conn:
        found = failures.read(conn, FAILED_SECONDS)
    runs = state.failed_runs(database.dagster_url(), FAILED_SECONDS)
    minutes = f"{FAILED_SECONDS / 60:.0f} min"
    if max(len(runs), found.attempts) < FAILED_LEAST:
        yield Finding("failures", OK, f"{counted(len(runs), 'run', 'runs')} failed in {minutes}")
        return
    said = f"{_failed(found, len({*runs} - {*found.runs}))} have failed in {minutes}"
    todo = "look at the failed runs in the UI; attempts are tried again, then `bg-assets dead`"
    yield Finding("failures", WARN, said, todo, "runs-failing")


def _failed(found: failures.Failures, others: int) -> str:
    """The attempts, and the runs that have failed besides those in which these did."""
    if not found.attempts:
        return counted(others, "run", "runs")
    first = "" if found.companies == 1 else " first"
    companies = counted(found.companies, "company", "companies")
    more = f" and {counted(others, 'more run', 'more runs')}" if others else ""
    return (
        f"{counted(found.attempts, 'attempt', 'attempts')} at refreshes of {companies} "
        f"({found.company_id}{first}){more}"
    )


def promises(patient: Patient) -> Iterator[Finding]:
    """Whether groups come in time and refreshes succeed, and how fast the error budgets burn."""
    with database.connect(patient.engine()) as conn:
        config = _in_force(conn)
        promise = objectives.Promise(
            patient.config.objective_latency, config.refresh_interval, config.settle
        )
        found = objectives.read(conn, promise, claims.database_now(conn))
    what = {
        LATENCY: f"changes in their group within {promise.latency:g} s of being due",
        SUCCESS: "attempts at refreshes that completed",
    }
    for name, target in TARGETS.items():
        told = burning(found[name], target)
        yield from (_burns(name, target, one) for one in told)
        if not told:
            yield Finding("objectives", OK, _kept(what[name], target, found[name][PERIOD]))


def _burns(name: str, target: float, one: Burning) -> Finding:
    said = (
        f"{one.count.bad} of {one.count.good + one.count.bad} "
        + ("changes were late" if name == LATENCY else "attempts at refreshes failed")
        + f" in {one.window.name}: the error budget of {1 - target:.0%} burns {one.rate:.1f} times "
        "as fast as it may"
    )
    todo = "see the other findings: what waits, what fails, what is away"
    severity = CRITICAL if one.window.urgent else WARNING
    level = FAIL if one.window.urgent else WARN
    alert = f"{name}-budget"
    return Finding("objectives", level, said, todo, alert, one.window.name, severity)


def _kept(what: str, target: float, count: Count) -> str:
    events = count.good + count.bad
    if not events:
        return f"{what}: none counted in 30 days; that is done where alerts are looked for"
    left = budget_left(count, target)
    return (
        f"{what}: {count.good / events:.2%} of {events} in 30 days, {target:.0%} wanted; "
        f"{left:.0%} of the error budget is left"
    )


def providers(patient: Patient) -> Iterator[Finding]:
    """Whether a provider is left alone, or nearly costs what it may."""
    with database.connect(patient.engine()) as conn:
        policy = policy_of(_in_force(conn))
        now = claims.database_now(conn)
        states = reading.states(conn)
        spent = {one.provider: bill.spent(conn, one.provider, now) for one in states}
        unasked = due.failing(conn)
    bad = [*_unusable(patient)]
    bad += [_down(one) for one in states if one.breaker.opened_at is not None]
    for one in states:
        caps, used = policy.caps(one.provider), spent[one.provider]
        for name, cap, amount in (
            ("day", caps.daily, used.today), ("month", caps.monthly, used.month)
        ):  # fmt: skip
            if cap and amount >= CAP_NEAR * cap:
                bad.append(_near(one.provider, name, cap, amount))
    if unasked is not None:
        said = f"providers could not be asked about {unasked.companies} companies"
        todo = f"{unasked.error}; it is tried again by itself"
        bad.append(Finding("providers", WARN, said, todo, "providers-unasked"))
    yield from bad
    if not bad:
        yield Finding("providers", OK, f"{len(states)} known, none left alone, no cap near")


def _unusable(patient: Patient) -> Iterator[Finding]:
    """Those that BG_PROVIDERS names here, and that can't be asked."""
    # It brings along what providers are asked with.
    from bg_assets.providers import chosen

    for mistake in chosen.configured(patient.config).mistakes:
        todo = "nobody asks it; put it right where `bg-assets up` runs, and start that again"
        yield Finding("providers", FAIL, mistake, todo)


def _down(one: reading.State) -> Finding:
    said = (
        f"provider {one.provider} is left alone after {one.breaker.failures} failures in a row "
        f"({one.error})"
    )
    todo = "groups are built from what is known; look at its status page and `bg-assets operations`"
    return Finding("providers", WARN, said, todo, "provider-down", one.provider)


def _near(provider: str, name: str, cap: Decimal, amount: Decimal) -> Finding:
    said = (
        f"provider {provider} has cost {dollars(amount)} this {name}, {amount / cap:.0%} of the "
        f"{dollars(cap)} that it may"
    )
    variable = "BG_ENRICH_CAP_DAILY" if name == "day" else "BG_ENRICH_CAP_MONTHLY"
    todo = f"nothing more is asked once it is reached; raise {variable} if that is wanted"
    return Finding("providers", WARN, said, todo, "cost-cap-near", f"{provider} {name}")


def secrets(patient: Patient) -> Iterator[Finding]:
    """Whether a webhook source is about to lose a secret that it may still sign with."""
    with database.connect(patient.engine()) as conn:
        sources = ending.read(conn)
    bad = [found for one in sources if (found := _ends(one)) is not None]
    yield from bad
    if not bad:
        yield Finding(
            "secrets",
            OK,
            f"{counted(len(sources), 'webhook source', 'webhook sources')}, no secret ends soon",
        )


def _ends(one: ending.Ending) -> Finding | None:
    subject = one.source
    if not one.lasting and one.last_seconds is None:
        said = f"source {one.source} has no valid secret: all its events are refused"
        todo = f"`bg-assets webhook rotate {one.source}`, or `webhook revoke` it"
        return Finding("secrets", FAIL, said, todo, "secret-ends", subject, CRITICAL)
    if not one.lasting and one.last_at is not None and one.last_seconds is not None:
        if one.last_seconds > LAST_SECONDS:
            return None
        said = f"the last secret of source {one.source} ends at {_utc(one.last_at)}"
        todo = f"`bg-assets webhook rotate {one.source}`, and give the new one to the sender"
        return Finding("secrets", WARN, said, todo, "secret-ends", subject)
    if one.first_at is None or one.first_seconds is None or one.first_seconds > OLD_SECONDS:
        return None
    said = f"the old secret of source {one.source} ends at {_utc(one.first_at)}"
    todo = "make sure that the sender signs with the new one by then"
    return Finding("secrets", WARN, said, todo, "secret-ends", subject)


def signatures(patient: Patient) -> Iterator[Finding]:
    """Whether many webhooks are refused for their signature."""
    with database.connect(patient.engine()) as conn:
        found = audit.refused(conn, audit.REFUSED, WRONG, WRONG_SECONDS)
    many = {source: number for source, number in found.items() if number >= WRONG_LEAST}
    for source, number in many.items():
        who = f"source {source}" if source else "no known source"
        said = f"{number} webhooks of {who} were signed wrong in {WRONG_SECONDS / 60:.0f} min"
        todo = (
            "ask the sender which secret it signs with, and where to (BG_RECEIVER_URL, which "
            "HubSpot signs too); if it is none, restrict its networks"
        )
        yield Finding("signatures", WARN, said, todo, "signatures-wrong", source)
    if not many:
        total = sum(found.values())
        said = f"{total} webhooks were signed wrong in {WRONG_SECONDS / 60:.0f} min"
        yield Finding("signatures", OK, said)


def experiments(patient: Patient) -> Iterator[Finding]:
    """Whether each experiment that runs is on a product that has groups."""
    with database.connect(patient.engine()) as conn:
        products = _in_force(conn).products
        running = [one.product for one in kept.in_effect(conn).values() if one.runs]
    for product in running:
        if product not in products:
            said, todo = knowledge.untracked(product).split("; ", 1)
            yield Finding("experiments", WARN, said, todo)
    if all(product in products for product in running):
        yield Finding("experiments", OK, f"on {', '.join(running)}" if running else "none runs")


def kpis(patient: Patient) -> Iterator[Finding]:
    """Whether the instance can measure KPIs against targets that can be meant."""
    with database.connect(patient.engine()) as conn:
        config = _in_force(conn)
    if wrong := catalogue.mistake(config.kpi_targets):
        todo = "set it right where `bg-assets up` runs, and start that again"
        yield Finding("kpis", FAIL, f"no KPIs are measured: {wrong}", todo)
        return
    said = config.kpi_targets or "those that KPIs come with"
    yield Finding("kpis", OK, f"their targets are {said}")


def _in_force(conn: sa.Connection) -> settings.Settings:
    """The settings by which the instance goes."""
    return settings.read_with(instance_settings.read(conn))


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
