"""The life of a refresh between claim and completion: who holds it, taking, releasing, requeueing.

One refresh of one company is one row of the refresh log. While it is requested or running it is
the company's lock; the Dagster run and the attempt it carries say who holds it.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import sqlalchemy as sa

from bg_assets.storage import cancelling, dueness, priorities, promotions, stuck

# Seconds until the next attempt after an outage: the first, doubled by each further one up to this.
SHORTEST_DELAY = 5.0
LONGEST_DELAY = 300.0
# After a death a further change waits: so long after the first since the last success, doubled by
# each further one up to a day.
SHORTEST_REST = 60.0
LONGEST_REST = 86400.0


@dataclass(frozen=True, slots=True)
class Held:
    """A refresh that a run holds: it may complete it with this attempt, and no other."""

    refresh_id: str
    company_id: str
    attempt: int
    as_of: date


@dataclass(frozen=True, slots=True)
class UnderWay:
    """What one run (or one request that has none yet) has under way."""

    run_id: str | None
    run_key: str | None
    refreshes: tuple[tuple[str, int], ...]
    asked_at: datetime | None


# Served by the primary key, refreshes_by_batch, and one_refresh_at_a_time.
_OF_REQUEST = sa.text("""
    select id from bg.buyer_group_refresh_log
    where id = cast(:refresh_id as uuid) and attempt = :attempt
        and (status = 'requested' or (status = 'running' and run_id = :run_id))
""")
_OF_BATCH = sa.text("""
    select id from bg.buyer_group_refresh_log
    where batch_id = cast(:batch_id as uuid)
        and (status = 'requested' or (status = 'running' and run_id = :run_id))
""")
_COMPANIES_OF_BATCH = sa.text("""
    select company_id from bg.buyer_group_refresh_log
    where batch_id = cast(:batch_id as uuid) order by company_id
""")
_OPEN = sa.text("""
    insert into bg.buyer_group_refresh_log
        (company_id, status, reason, triggered_by, priority, requested_at)
    select company_id, 'requested', 'by hand', 'dagster', 0, :now
    from unnest(cast(:companies as text[])) as company_id order by company_id
    on conflict (company_id) where status in ('requested', 'running') do nothing
""")
_OF_COMPANIES = sa.text("""
    select id from bg.buyer_group_refresh_log
    where company_id = any(:companies)
        and (status = 'requested' or (status = 'running' and run_id = :run_id))
""")
# What is taken again after midnight is judged by the new day: a change of that day, which it takes
# too, would count as handled and not be seen.
_BEGIN = sa.text("""
    with mine as (
        select id from bg.buyer_group_refresh_log
        where id = any(cast(:ids as uuid[]))
            and (status = 'requested' or (status = 'running' and run_id = :run_id))
        order by id for update
    )
    update bg.buyer_group_refresh_log as r
    set status = 'running', run_id = :run_id, error = null, not_before = null,
        started_at = coalesce(r.started_at, :now), as_of = greatest(r.as_of, :as_of)
    from mine where r.id = mine.id
    returning r.id::text as refresh_id, r.company_id, r.attempt, r.as_of
""")
# Served by changes_pending; the dead refreshes of the same companies by refreshes_dead,
# refreshes_cancelled and changes_by_refresh. "taken" is {company: refresh}: a join with the
# refreshes, planned on figures from before a burst of changes, became a loop over all that is
# pending for each of them.
_ATTACH = sa.text("""
    update bg.changes set refresh_id = cast(cast(:taken as jsonb) ->> company_id as uuid)
    where company_id = any(:companies) and refresh_id is null
""")
# Dead refreshes are locked in the same order by all that touch their changes. What was cancelled
# gives its changes in the same way.
_ATTACH_DEAD = sa.text(f"""
    with dead as (
        select id, company_id from bg.buyer_group_refresh_log
        where {cancelling.SET_ASIDE} and company_id = any(:companies)
        order by id for update
    )
    update bg.changes as c
    set refresh_id = cast(cast(:taken as jsonb) ->> dead.company_id as uuid)
    from dead where c.refresh_id = dead.id and c.handled_at is null
""")
_HOLD = sa.text("""
    select id::text as refresh_id, company_id, attempt, as_of
    from bg.buyer_group_refresh_log
    where run_id = :run_id and status = 'running' and company_id = any(:companies)
    order by company_id
""")

# Served by one_refresh_at_a_time.
_UNDER_WAY = sa.text("""
    select run_id, run_key, array_agg(id::text order by id) as ids,
        array_agg(attempt order by id) as attempts,
        min(asked_at) as asked_at
    from bg.buyer_group_refresh_log
    where status in ('requested', 'running') and (run_id is not null or run_key is not null)
    group by run_id, run_key
""")
# Served by the primary key, the deaths by refreshes_dead.
_RELEASE = sa.text(f"""
    with mine as (
        select r.id, r.attempt, r.run_id,
            concat_ws(': ', cast(:error as text), case when r.status = 'running' then r.error end)
                as error,
            not :outage and r.attempt - r.outages >= :max_attempts as over, (
                select count(*) from bg.buyer_group_refresh_log as d
                where d.company_id = r.company_id and d.status = 'dead') as deaths
        from bg.buyer_group_refresh_log as r
        join unnest(cast(:ids as uuid[]), cast(:attempts as integer[])) as a(id, attempt)
            on a.id = r.id and a.attempt = r.attempt
        where {dueness.NAMED_UNDER_WAY}
        for update of r skip locked
    ), noted as (
        insert into bg.refresh_attempts (refresh_id, attempt, run_id, ended_at, error)
        select id, attempt, run_id, :now, error from mine where not :outage
        on conflict do nothing
    )
    update bg.buyer_group_refresh_log as r
    set status = case when over then 'dead' else 'requested' end,
        finished_at = case when over then :now end,
        attempt = case when over then r.attempt else r.attempt + 1 end,
        outages = r.outages + cast(:outage as integer),
        not_before = case
            when :outage then :now + make_interval(
                secs => least(:shortest * power(2, least(r.outages, 20)), :longest))
            when over then :now + make_interval(
                secs => least(:shortest_rest * power(2, least(deaths, 20)), :longest_rest)) end,
        run_id = case when over then r.run_id end,
        run_key = null, batch_id = null, sensor = null, asked_at = null,
        started_at = case when over then r.started_at end,
        error = mine.error
    from mine where r.id = mine.id
    returning r.id::text as id, r.status
""")
# What its run found stands there until the run is over: "ended as FAILURE" tells nobody why.
_NOTE = sa.text("""
    update bg.buyer_group_refresh_log set error = :error
    where id = cast(:id as uuid) and attempt = :attempt and status = 'running'
""")
_GIVE_BACK = sa.text("""
    update bg.changes set refresh_id = null
    where refresh_id = any(cast(:ids as uuid[])) and handled_at is null
""")
# Served by refreshes_dead.
_BURY = sa.text("""
    with dead as (
        select id from bg.buyer_group_refresh_log
        where status = 'dead' and company_id = any(:companies)
        order by id for update
    )
    update bg.buyer_group_refresh_log as r set status = 'failed'
    from dead where r.id = dead.id
    returning r.id::text as id, r.company_id
""")
_RESYNC = sa.text("""
    insert into bg.changes (company_id, kind, source, priority, new)
    select unnest(cast(:companies as text[])), 'resync', :writer, :priority,
        case when cast(:asked as text) is not null
            then jsonb_build_object('asked', cast(:asked as text)) end
""")


def take(
    conn: sa.Connection,
    run_id: str,
    now: datetime,
    *,
    refresh: tuple[str, int] | None = None,
    batch_id: str | None = None,
    companies: Sequence[str] = (),
) -> list[Held]:
    """Make this run the holder of its refreshes and attach all their pending changes.

    What the run is for is told by one of: ``refresh`` (an id and its attempt), ``batch_id``, or
    ``companies`` (a run by hand: it opens a refresh where none is under way, adopts one that is
    only requested, and leaves alone what another run is refreshing). Call it in a REPEATABLE READ
    transaction and read people in the same one: what is attached and what is read then agree, and
    later changes stay pending. Called again by the same run it returns the same refreshes. What
    another run or attempt holds is left out.
    Raises a serialization failure where another took the same at once: run the transaction again.
    """
    stuck.give_up_when_silent(conn)
    if refresh is not None:
        parameters = {"refresh_id": refresh[0], "attempt": refresh[1], "run_id": run_id}
        ids = conn.execute(_OF_REQUEST, parameters).scalars().all()
    elif batch_id is not None:
        ids = conn.execute(_OF_BATCH, {"batch_id": batch_id, "run_id": run_id}).scalars().all()
    else:
        conn.execute(_OPEN, {"companies": list(companies), "now": now})
        parameters = {"companies": list(companies), "run_id": run_id}
        ids = conn.execute(_OF_COMPANIES, parameters).scalars().all()
    if not ids:
        return []
    as_of = now.astimezone(UTC).date()
    begin = {"ids": ids, "run_id": run_id, "now": now, "as_of": as_of}
    rows = conn.execute(_BEGIN, begin).mappings()
    held = sorted((Held(**row) for row in rows), key=lambda held: held.company_id)
    taken = {one.company_id: one.refresh_id for one in held}
    attach = {"companies": list(taken), "taken": json.dumps(taken)}
    conn.execute(_ATTACH, attach)
    conn.execute(_ATTACH_DEAD, attach)
    promotions.refine(conn, list(taken.values()))
    return held


def held_by(conn: sa.Connection, run_id: str, companies: Sequence[str]) -> list[Held]:
    """The refreshes of these companies that this run holds."""
    rows = conn.execute(_HOLD, {"run_id": run_id, "companies": list(companies)}).mappings()
    return [Held(**row) for row in rows]


def companies_of_batch(conn: sa.Connection, batch_id: str) -> list[str]:
    """The companies that a batch was made for and that still belong to it."""
    return list(conn.execute(_COMPANIES_OF_BATCH, {"batch_id": batch_id}).scalars())


def under_way(conn: sa.Connection) -> list[UnderWay]:
    """All that is requested or running, by the run it was given to; the matter of repair."""
    return [
        UnderWay(
            row["run_id"],
            row["run_key"],
            tuple(zip(row["ids"], row["attempts"], strict=True)),
            row["asked_at"],
        )
        for row in conn.execute(_UNDER_WAY).mappings()
    ]


def note(conn: sa.Connection, held: Held, error: str) -> None:
    """Why this attempt fails, for when its run is over; a further try of the step forgets it."""
    conn.execute(_NOTE, {"id": held.refresh_id, "attempt": held.attempt, "error": error})


def release(
    conn: sa.Connection,
    refreshes: Iterable[tuple[str, int]],
    error: str,
    now: datetime,
    max_attempts: int,
    *,
    outage: bool = False,
) -> tuple[list[str], list[str]]:
    """End this attempt of each (id, attempt): its changes are pending again, the next is requested.

    After ``max_attempts`` the refresh is dead and keeps its changes, so that nothing is tried for
    ever; a later change of the company, or a requeue, takes them along, the former not before a
    rest that grows with each death since the last success. An ``outage`` is no fault
    of the company and does not count: it is tried again without end, ever later. Left alone is an
    attempt that is over already, or that is being taken or completed this moment: the caller may
    hold others, for which that run waits. Returns the ids requested again, and those dead.
    """
    pairs = list(refreshes)
    if not pairs:
        return [], []
    parameters = {
        "ids": [refresh_id for refresh_id, _ in pairs],
        "attempts": [attempt for _, attempt in pairs],
        "error": error,
        "now": now,
        "max_attempts": max_attempts,
        "outage": outage,
        "shortest": SHORTEST_DELAY,
        "longest": LONGEST_DELAY,
        "shortest_rest": SHORTEST_REST,
        "longest_rest": LONGEST_REST,
    }
    rows = conn.execute(_RELEASE, parameters).all()
    again = [row.id for row in rows if row.status == "requested"]
    conn.execute(_GIVE_BACK, {"ids": again})
    return again, [row.id for row in rows if row.status == "dead"]


def request_by_hand(
    conn: sa.Connection,
    companies: Sequence[str],
    *,
    writer: str = "manual",
    priority: int = priorities.BY_HAND,
    asked: str | None = None,
) -> None:
    """Ask for a refresh of each company, as a change of kind resync.

    A manual one waits for nothing but a refresh under way. ``asked`` tells by what it was asked
    for, where that is no plain refresh: a cause reads ``resync (manual: pin)`` then.
    """
    told = {"companies": list(companies), "writer": writer, "priority": priority, "asked": asked}
    conn.execute(_RESYNC, told)


def requeue(conn: sa.Connection, companies: Sequence[str]) -> list[str]:
    """Try dead refreshes anew: their changes are pending again, beside a manual request.

    Returns the companies that had one.
    """
    rows = conn.execute(_BURY, {"companies": list(companies)}).all()
    conn.execute(_GIVE_BACK, {"ids": [row.id for row in rows]})
    found = sorted({row.company_id for row in rows})
    request_by_hand(conn, found, asked="requeue")
    return found
