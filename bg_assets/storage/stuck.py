"""Refreshes that do not get on: held by a run for too long, or by a session that keeps their rows.

A batch of hundreds of companies takes a minute; runs wait in Dagster's queue before they start.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

STUCK_SECONDS = 600.0

# All served by one_refresh_at_a_time.
_RUNNING = sa.text("""
    select run_id, min(company_id) as company_id, count(*) as companies, min(started_at) as since
    from bg.buyer_group_refresh_log
    where status = 'running' and started_at < clock_timestamp() - make_interval(secs => :seconds)
    group by run_id order by since, run_id
""")
_ANY_REQUESTED = sa.text("""
    select exists (
        select from bg.buyer_group_refresh_log
        where status = 'requested' and run_key is not null
            and requested_at < clock_timestamp() - make_interval(secs => :seconds))
""")
_REQUESTED = sa.text("""
    select a.run_id, min(r.company_id) as company_id, count(*) as companies,
        to_timestamp(a.started) as since
    from unnest(
        cast(:run_ids as text[]), cast(:run_keys as text[]), cast(:started as float[])
    ) as a(run_id, run_key, started)
    join bg.buyer_group_refresh_log as r
        on r.status = 'requested' and r.run_id is null and r.run_key = a.run_key
    group by a.run_id, a.started order by since, a.run_id
""")
# Served by nothing: the locks and sessions of the server, some hundreds.
_LOCKED = sa.text("""
    select distinct s.pid, coalesce(nullif(s.application_name, ''), 'unnamed') as name, s.state,
        s.xact_start as since
    from pg_locks as l join pg_stat_activity as s on s.pid = l.pid
    where l.relation = to_regclass('bg.buyer_group_refresh_log')
        and l.database = (select oid from pg_database where datname = current_database())
        and l.granted and l.mode in (
            'RowShareLock', 'RowExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock',
            'ExclusiveLock', 'AccessExclusiveLock')
        and s.pid <> pg_backend_pid()
        and s.xact_start < clock_timestamp() - make_interval(secs => :seconds)
    order by since, s.pid
""")
# Of a transaction that holds refreshes: whose client says nothing for this long is not coming back.
_GIVE_UP = sa.text("select set_config('idle_in_transaction_session_timeout', '600000', true)")


@dataclass(frozen=True, slots=True)
class Stuck:
    """What one run has had under way for too long: the first company and how many there are."""

    run_id: str
    company_id: str
    companies: int
    since: datetime


@dataclass(frozen=True, slots=True)
class LongRun:
    """A run that Dagster started long ago; ``started``: seconds since 1970."""

    run_id: str
    run_key: str
    started: float


@dataclass(frozen=True, slots=True)
class Session:
    """A session of the database that has kept rows or all of the refresh log for too long."""

    pid: int
    name: str
    state: str | None
    since: datetime


def give_up_when_silent(conn: sa.Connection) -> None:
    """Let the server end this transaction where its client falls silent in it for ten minutes."""
    conn.execute(_GIVE_UP)


def running(conn: sa.Connection, seconds: float = STUCK_SECONDS) -> list[Stuck]:
    """The runs that have held refreshes for so long without completing them."""
    return [Stuck(**row) for row in conn.execute(_RUNNING, {"seconds": seconds}).mappings()]


def any_requested(conn: sa.Connection, seconds: float = STUCK_SECONDS) -> bool:
    """Whether a refresh has waited that long for a run that was asked for: not wrong by itself."""
    return bool(conn.execute(_ANY_REQUESTED, {"seconds": seconds}).scalar())


def requested(conn: sa.Connection, runs: Sequence[LongRun]) -> list[Stuck]:
    """Which of these runs, started long ago, have not even begun the refreshes they are for."""
    parameters = {
        "run_ids": [run.run_id for run in runs],
        "run_keys": [run.run_key for run in runs],
        "started": [run.started for run in runs],
    }
    return [Stuck(**row) for row in conn.execute(_REQUESTED, parameters).mappings()]


def locked(conn: sa.Connection, seconds: float = STUCK_SECONDS) -> list[Session]:
    """The sessions in whose way no attempt can start, oldest first."""
    return [Session(**row) for row in conn.execute(_LOCKED, {"seconds": seconds}).mappings()]
