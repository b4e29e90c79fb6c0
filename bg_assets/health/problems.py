"""What is wrong with the running system: what `status` tells last, and ends with exit code 1 for.

A problem is one line that says what is the matter and what to do. Counts are not problems.
"""

from datetime import UTC, datetime

import sqlalchemy as sa

from bg_assets import settings
from bg_assets.domain.kpis import catalogue
from bg_assets.instance import state
from bg_assets.local import disk
from bg_assets.storage import database, stuck
from bg_assets.storage.capture import watch
from bg_assets.storage.enrichment import due
from bg_assets.storage.notifications import listing as subscribers
from bg_assets.storage.reports import counts


def read(conn: sa.Connection, config: settings.Settings) -> list[str]:
    """All problems there are, a line each; an empty list where all is well."""
    return [
        *disk.problems(config), *of_runs(conn, config), *watch.problems(conn), *_enrichment(conn),
        *subscribers.problems(conn), *of_settings(config),
    ]  # fmt: skip


def of_settings(config: settings.Settings) -> list[str]:
    """What can't be meant in the settings by which the instance goes, a line each."""
    wrong = catalogue.mistake(config.kpi_targets)
    if not wrong:
        return []
    return [
        f"no KPIs are measured: {wrong}; set it right where bg-assets runs, and start that again"
    ]


def of_runs(conn: sa.Connection, config: settings.Settings) -> list[str]:
    """What is wrong with what is under way, a line each."""
    return [*_stuck(conn, config), *_outages(conn)]


def _stuck(conn: sa.Connection, config: settings.Settings) -> list[str]:
    again = (
        f"after {config.run_timeout:g} s, or more by its size, it is ended and tried again; to "
        "stop it now: `bg-assets cancel RUN`, or in the UI"
    )
    lines = [
        f"run {run.run_id} has been refreshing {_companies(run)} since {_utc(run.since)} without "
        f"an end; {again}"
        for run in stuck.running(conn)
    ]
    if stuck.any_requested(conn):
        runs = state.long_runs(database.dagster_url(), stuck.STUCK_SECONDS)
        lines += [
            f"run {run.run_id} has run since {_utc(run.since)} and has not begun to refresh "
            f"{_companies(run)}; {again}"
            for run in stuck.requested(conn, runs)
        ]
    lines += [
        f"a session of the database ({session.name}, {session.state}) has kept refreshes locked "
        f"since {_utc(session.since)}, so that no other attempt can start; unless it is at work, "
        f"end it: select pg_terminate_backend({session.pid})"
        for session in stuck.locked(conn)
    ]
    return lines


def of_daemon(daemon: str) -> list[str]:
    """What is wrong where Dagster's daemon ran once and does not now; nothing before its start."""
    if daemon in ("running", "never started"):
        return []
    return [
        f"Dagster's daemon is not running ({daemon}): changes wait and nothing is lost; start "
        "`bg-assets up`, or look at its logs where it runs"
    ]


def _outages(conn: sa.Connection) -> list[str]:
    found = counts.read_outages(conn)
    if found is None:
        return []
    who = "1 company waits" if found.companies == 1 else f"{found.companies} companies wait"
    often = "once" if found.times == 1 else f"{found.times} times in a row"
    return [
        f"{who} because what refreshes stand on was away, {often} so far ({found.error}); that is "
        f"tried again by itself and uses up no attempt, next at {_utc(found.next_at)}"
    ]


def _enrichment(conn: sa.Connection) -> list[str]:
    found = due.failing(conn)
    if found is None:
        return []
    who = "1 company" if found.companies == 1 else f"{found.companies} companies"
    return [
        f"providers could not be asked about {who}, {found.times} times in a row by now "
        f"({found.error}); that is tried again by itself, next at {_utc(found.next_at)}"
    ]


def _companies(one: stuck.Stuck) -> str:
    more = one.companies - 1
    return f"{one.company_id} and {more} more" if more else one.company_id


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
