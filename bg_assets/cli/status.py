"""`status`: what is pending and under way, whether Dagster runs, and what is wrong."""

import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import click
import sqlalchemy as sa

from bg_assets import settings, terminal
from bg_assets.alerting import standing
from bg_assets.cli import operations_report, session, written
from bg_assets.health import knowledge, problems, processes
from bg_assets.instance import alive
from bg_assets.instance import state as dagster_state
from bg_assets.storage import audit, claims, database, next_refreshes
from bg_assets.storage.capture import attached
from bg_assets.storage.notifications import listing as subscribers
from bg_assets.storage.operations.policy import policy_of
from bg_assets.storage.reports import counts as overview
from bg_assets.storage.reports import progress
from bg_assets.storage.reports.progress import Going
from bg_assets.storage.webhooks import dead as webhook_dead
from bg_assets.terminal import Terminal


@click.command()
@click.option("--json", "as_json", is_flag=True)
def status(as_json: bool) -> None:
    """Print what is pending, under way, failed, and whether Dagster runs.

    Ends with exit code 1 where something is wrong with the system itself.
    """
    with session.clear_errors():
        written.require(settings.read())
    with session.opened() as engine:
        document, dead = _read(engine)
    if as_json:
        terminal.print_json(document)
    else:
        _print(terminal.results, document, dead)
    raise SystemExit(session.FAILED if document["problems"] else 0)


def _read(
    engine: sa.Engine,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The document of --json, and the dead refreshes."""
    with database.connect(engine) as conn:
        config = session.settings_in_force(
            conn, "BG_PRODUCTS", "BG_TEMPLATES", "BG_REFRESH_INTERVAL", "BG_REFRESH_WITHOUT_NEWS"
        )
        providers = operations_report.notes(conn, policy_of(config), claims.database_now(conn))
        counts = asdict(overview.read_overview(conn, config.refresh_interval))
        dead = overview.read_dead(conn)
        waiting, lost = webhook_dead.counts(conn)
        differing = audit.differing(conn)
        coming = next_refreshes.overview(conn)
        told = subscribers.overview(conn)
        templates = knowledge.read(conn, config)
        wrong = problems.read(conn, config)
        tables = {kind: one.on_table for kind, one in attached.read(conn).items()}
        known = alive.read(conn)
        alerts = standing.read(conn, config)
        going = progress.read(conn)
    state = dagster_state.read(database.dagster_url())
    daemon = processes.daemon(state, known)
    wrong += [*problems.of_daemon(daemon), *processes.problems(known)]
    pending = {"changes": counts.pop("changes"), "companies": counts.pop("companies")}
    return {
        "pending": pending,
        **counts,
        "webhooks": {"pending": waiting, "dead": lost, "differing": differing},
        "notifications": told,
        "without_news": {"a_minute": config.refresh_without_news, **coming},
        "daemon": daemon,
        "sensors": state.sensors,
        "urls": _urls(config),
        "runs": [asdict(one) for one in going],
        "processes": processes.document(known),
        "templates": templates,
        "providers": providers,
        "attached": tables,
        "alerts": asdict(alerts),
        "problems": wrong,
    }, dead


def _urls(config: settings.Settings) -> dict[str, str]:
    """Where somebody listens."""
    places = (
        ("ui", config.web_port, ""),
        ("receiver", config.receiver_port, "/webhooks"),
        ("metrics", config.metrics_port, "/metrics"),
    )
    return {name: f"http://127.0.0.1:{port}{path}" for name, port, path in places if _listens(port)}


def _print(out: Terminal, found: Mapping[str, Any], dead: Sequence[Mapping[str, Any]]) -> None:
    for line in [*_counts(found), *_told(found, dead)]:
        out.one_line(line)


def _counts(found: Mapping[str, Any]) -> list[str]:
    """A name and a value each."""
    values = [
        ("changes not in a group yet", found["pending"]["changes"]),
        ("companies pending", found["pending"]["companies"]),
        ("companies deferred", found["deferred"]),
        ("companies requested", found["requested"]),
        ("companies running", found["running"]),
        ("companies tried again", found["failed"]),
        ("companies dead", found["dead"]),
        ("companies cancelled", found["cancelled"]),
        ("webhook events pending", found["webhooks"]["pending"]),
        ("webhook events dead", found["webhooks"]["dead"]),
        ("  other body, in 24 h", found["webhooks"]["differing"]),
    ]
    if found["oldest_pending_seconds"] is not None:
        values.append(("oldest pending change", f"{found['oldest_pending_seconds']:.0f} s"))
    values += [(f"{kind} attached", table) for kind, table in found["attached"].items()]
    values += _subscribers(found["notifications"])
    values += _without_news(found["without_news"])
    values.append(("daemon", found["daemon"]))
    values += [(f"sensor {name:<20}", running) for name, running in found["sensors"].items()]
    values.append(("alerts", standing.Standing(**found["alerts"]).in_words))
    values += found["urls"].items()
    return [f"{name:<27} {value}" for name, value in values]


def _subscribers(found: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Who is told of changed groups, where anybody is."""
    states = {name: number for name, number in found["subscriptions"].items() if number}
    if states:
        yield "subscriptions", ", ".join(f"{number} {name}" for name, number in states.items())
        yield "  messages waiting", found["pending"]
        yield "  messages dead", found["dead"]


def _without_news(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """When the next company is refreshed of which nothing is heard, and how often all are."""
    if not found["a_minute"]:
        yield "refreshed without news", "never: BG_REFRESH_WITHOUT_NEWS is 0"
    elif found["at"] is not None:
        late = f"; {found['late']} due" if found["late"] else ""
        at = f"{found['at'].astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        yield "next without news", f"{at}, {found['company_id']}{late}"
        rhythms = ", ".join(f"{found[one]} {one}" for one in next_refreshes.DAYS if found[one])
        yield "  how often", rhythms


def _told(found: Mapping[str, Any], dead: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A sentence each."""
    yield from processes.runs_in_words([Going(**one) for one in found["runs"]])
    yield from processes.in_words(found["processes"])
    yield from knowledge.in_words(found["templates"])
    for row in dead:
        attempts = "1 attempt" if row["attempt"] == 1 else f"{row['attempt']} attempts"
        yield f"dead: {row['company_id']} after {attempts}: {row['error']}{_rest(row)}"
    if found["cancelled"]:
        yield "see what was cancelled with `bg-assets dead --cancelled`"
    if found["webhooks"]["dead"]:
        yield "see dead events with `bg-assets webhook dead`"
    if found["notifications"]["dead"]:
        yield "see dead messages with `bg-assets subscriptions deliveries ID --status dead`"
    if dead:
        yield "see attempts with `bg-assets dead`, try again with `bg-assets requeue COMPANY`"
    yield from found["providers"]
    for problem in found["problems"]:
        yield f"problem: {problem}"


def _rest(row: Mapping[str, Any]) -> str:
    if row["not_before"] is None or row["not_before"] <= datetime.now(UTC):
        return ""
    return f"; a further change waits until {row['not_before'].astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.5):
            return True
    except OSError:
        return False
