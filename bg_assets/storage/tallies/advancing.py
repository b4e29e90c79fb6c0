"""Advancing the sums: what ended and what was written since, in portions."""

import time
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from bg_assets.storage import dueness
from bg_assets.storage.tallies import settled, sums, writers
from bg_assets.storage.tallies.settled import Settled
from bg_assets.storage.tallies.sums import Sums, Walk

# Refreshes and ids of one portion; a refresh may have thousands of changes.
PORTION, IDS = 1000, 50_000
# So long portions are added in one turn; what is left is for the next.
TURN_SECONDS = 0.1
# A run that ended is known by having nothing under way, and no refresh that ended later. Longer
# after its last one no other is looked for.
_LONGEST_RUN = "interval '1 hour'"

# Both served by refreshes_by_end.
_EDGE = sa.text("""
    select max(finished_at) as edge, count(*) as number from (
        select finished_at from bg.buyer_group_refresh_log
        where finished_at > :after and finished_at <= :upto
        order by finished_at limit :most) as portion
""")
_ENDED = """
    select id, status, attempt, outages, run_id, requested_at, started_at, finished_at
    from bg.buyer_group_refresh_log where finished_at > :after and finished_at <= :upto
"""
# What died may have been requeued since: failed.
_OUTCOMES = sa.text(f"""
    select case when status = 'failed' then 'dead' else status end as outcome,
        count(*) as number, sum(attempt - 1 - outages) as retries, sum(outages) as outages
    from ({_ENDED}) as ended
    where status in ('completed', 'dead', 'failed', 'cancelled')
    group by outcome
""")
# The changes are served by changes_by_refresh, a probe for each refresh ("offset 0"); what is under
# way by one_refresh_at_a_time.
_TIMES = sa.text(f"""
    with ended as materialized ({_ENDED} and status = 'completed'),
    unended as (
        select r.run_id from bg.buyer_group_refresh_log as r where {dueness.UNDER_WAY}
        union all
        select run_id from bg.buyer_group_refresh_log
        where finished_at > :upto
            and finished_at < cast(:upto as timestamptz) + {_LONGEST_RUN}
    ), run_times as (
        select max(finished_at) - min(started_at) as took from ended
        where run_id is not null
        group by run_id
        having run_id not in (select run_id from unended where run_id is not null)
    ), times as (
        select 'refresh' as name, null as label, finished_at - started_at as took from ended
        union all
        select 'wait', null, started_at - requested_at from ended
        union all
        select 'run', null, took from run_times
        union all
        select 'change', c.writer, e.finished_at - c.occurred_at
        from ended as e cross join lateral (
            select {writers.word("source")} as writer, occurred_at from bg.changes
            where refresh_id = e.id and handled_at is not null offset 0) as c
    )
    select name, label, {sums.places()} as bucket, count(*) as number, sum(seconds) as seconds
    from (
        select name, label, greatest(0, extract(epoch from took)::float) as seconds
        from times where took is not null) as measured
    group by name, label, bucket
""")

_BETWEEN = "id > :after and id <= :upto"
# By table: the highest id, and what is counted of a range of ids. Served by the primary keys.
_HEADS = {
    "changes": "select max(id) from bg.changes",
    "history": "select max(id) from bg.buyer_group_history",
    "events": "select max(id) from bg.webhook_events",
    # What waits is not over; what comes behind it is counted when that is. Served by
    # webhook_events_pending.
    "settled": """
        select coalesce((select min(id) - 1 from bg.webhook_events where status = 'pending'),
            (select max(id) from bg.webhook_events))""",
}
_WALKS = {
    "changes": sa.text(f"""
        select array[kind, {writers.word("source")}] as labels, count(*) as number
        from bg.changes where {_BETWEEN} group by labels"""),
    "history": sa.text(f"""
        select array[event, product] as labels, count(*) as number
        from bg.buyer_group_history where {_BETWEEN} group by labels"""),
    "events": sa.text(f"""
        select array[source] as labels, count(*) as number
        from bg.webhook_events where {_BETWEEN} group by labels"""),
    "settled": sa.text(f"""
        select array[status] as labels, count(*) as number
        from bg.webhook_events where {_BETWEEN} and status <> 'pending' group by labels"""),
}
_APPLIED = sa.text(f"""
    select {sums.places()} as bucket, count(*) as number, sum(seconds) as seconds
    from (
        select greatest(0, extract(epoch from applied_at - received_at)::float) as seconds
        from bg.webhook_events where {_BETWEEN} and status = 'applied') as measured
    group by bucket
""")
# Minutes of which all is counted. Served by the primary key.
_MINUTES = sa.text("""
    select objective, good, bad, upto
    from (select date_trunc('minute', counted_to) as upto from bg.objective_watch) as counted
    left join (
        select objective, sum(good) as good, sum(bad) as bad from bg.objective_minutes
        where objective in ('latency', 'success') and minute >= :after
            and minute < (select date_trunc('minute', counted_to) from bg.objective_watch)
        group by objective) as summed on true
""")


@dataclass(frozen=True, slots=True)
class Portions:
    """How much is counted in one statement."""

    refreshes: int = PORTION
    ids: int = IDS


_USUAL = Portions()


def advance(
    conn: sa.Connection, portions: Portions = _USUAL, turn_seconds: float = TURN_SECONDS
) -> Sums | None:
    """Add what is new, as far as that is possible in one turn, and return the sums.

    What another process is adding this moment is not waited for. None where nobody has begun.
    """
    known = settled.read(conn)
    found = sums.locked(conn, known.until)
    if found is None:
        return sums.read(conn)
    until = time.monotonic() + turn_seconds
    while _ended(conn, found, known, portions) and time.monotonic() < until:
        pass
    _promised(conn, found)
    for table in _WALKS:
        head = int(conn.execute(sa.text(_HEADS[table])).scalar() or 0)
        walk = found.walks.setdefault(table, Walk(head, head, known.now))
        if known.open_since > walk.head_at:
            # Of what waits to be settled there may be less now.
            upto = min(walk.head, head)
            while _walked(conn, found, table, upto, portions) and time.monotonic() < until:
                pass
        if walk.to >= walk.head:
            walk.head, walk.head_at = max(walk.to, head), known.now
    sums.keep(conn, found)
    return found


def _ended(conn: sa.Connection, found: Sums, known: Settled, portions: Portions) -> bool:
    """Add a portion of the refreshes that ended; whether there may be more."""
    between = {"after": found.ended_to, "upto": known.until}
    edge = conn.execute(_EDGE, {**between, "most": portions.refreshes}).one()
    more = bool(edge.number == portions.refreshes)
    if more:
        between["upto"] = edge.edge
    if edge.number:
        _add_ended(conn, found, between)
    found.ended_to = max(found.ended_to, between["upto"])
    return more


def _add_ended(conn: sa.Connection, found: Sums, between: dict[str, datetime]) -> None:
    for row in conn.execute(_OUTCOMES, between):
        found.count("refreshes", (row.outcome,), row.number)
        found.count("retries", (), int(row.retries))
        found.count("outages", (), int(row.outages))
    for row in conn.execute(_TIMES, between):
        labels = () if row.label is None else (row.label,)
        found.time(row.name, labels, row.bucket, row.number, row.seconds)


def _promised(conn: sa.Connection, found: Sums) -> None:
    """Add what was good and bad for the objectives, by whole minutes."""
    for row in conn.execute(_MINUTES, {"after": found.minutes_to or found.since}).all():
        found.minutes_to = row.upto
        if row.objective is not None:
            found.count("objectives", (row.objective, "good"), int(row.good))
            found.count("objectives", (row.objective, "bad"), int(row.bad))


def _walked(conn: sa.Connection, found: Sums, table: str, upto: int, portions: Portions) -> bool:
    """Add a portion of the rows up to this id, all of which are decided; whether more are left."""
    walk = found.walks[table]
    if upto <= walk.to:
        return False
    between = {"after": walk.to, "upto": min(upto, walk.to + portions.ids)}
    for row in conn.execute(_WALKS[table], between):
        found.count(table, tuple(row.labels), row.number)
    if table == "settled":
        for row in conn.execute(_APPLIED, between):
            found.time("applied", (), row.bucket, row.number, row.seconds)
    walk.to = between["upto"]
    return walk.to < upto
