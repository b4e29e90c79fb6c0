"""What the system promises, counted by the minute: what became of changes and refreshes.

Counted once, shortly after it has happened, so that windows of days cost nothing to look at. What
is late and still waits counts as bad now, and again when it is done.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from bg_assets.domain.objectives import LATENCY, LENGTHS, PERIOD, SUCCESS, Count
from bg_assets.storage import dueness

# What ends is stamped before it is committed: a batch writes for some seconds.
BEHIND = timedelta(seconds=30)
# What was not counted meanwhile is caught up with, an hour at a time.
PORTION, LONGEST = timedelta(hours=1), timedelta(days=3)
_KEPT = timedelta(seconds=PERIOD) + timedelta(days=1)

_WATCH = sa.text("select counted_to from bg.objective_watch for update skip locked")
_COUNTED = sa.text("update bg.objective_watch set counted_to = :upto")
# A company is due once it has settled, and its interval is over if it waited for one: then it was
# asked for after that. First builds and what somebody asks for promise no time.
# Served by refreshes_by_end, changes_by_refresh, refreshes_that_defer and refresh_attempts_by_end.
_COUNT = sa.text(f"""
    with done as (
        select r.id, r.company_id, r.requested_at, r.finished_at, r.starts_interval
        from bg.buyer_group_refresh_log as r
        where r.status = 'completed' and r.finished_at >= :since and r.finished_at < :upto
    ), changed as (
        select d.finished_at, taken.number, d.finished_at - greatest(
            taken.settled_at,
            case when waited.until <= d.requested_at + interval '1 second' then waited.until end
        ) > make_interval(secs => :latency) as late
        from done as d
        cross join lateral (
            select count(*) as number, {dueness.SETTLED_AT} as settled_at
            from bg.changes as c where c.refresh_id = d.id and c.kind <> 'resync'
        ) as taken
        left join lateral (
            select r.finished_at + make_interval(secs => :refresh_interval) as until
            from bg.buyer_group_refresh_log as r
            where r.company_id = d.company_id and {dueness.DEFERS}
                and r.finished_at < d.requested_at
            order by r.finished_at desc limit 1
        ) as waited on true
        where d.starts_interval and taken.number > 0
    ), counted as (
        select '{LATENCY}' as objective, finished_at as at,
            case when late then 0 else number end as good,
            case when late then number else 0 end as bad
        from changed
        union all
        select '{SUCCESS}', finished_at, 1, 0 from done
        union all
        select '{SUCCESS}', ended_at, 0, 1 from bg.refresh_attempts
        where ended_at >= :since and ended_at < :upto
    )
    insert into bg.objective_minutes as m (objective, minute, good, bad)
    select objective, date_trunc('minute', at), sum(good), sum(bad)
    from counted group by 1, 2 order by 1, 2
    on conflict (objective, minute) do update
        set good = m.good + excluded.good, bad = m.bad + excluded.bad
""")
# Served by the primary key.
_FORGET = sa.text(f"""
    delete from bg.objective_minutes
    where objective in ('{LATENCY}', '{SUCCESS}') and minute < :oldest
""")
_SUMS = ", ".join(
    f"""coalesce(sum({what}) filter (where minute
        > cast(:now as timestamptz) - make_interval(secs => {length:g})), 0) as {what}_{number}"""
    for number, length in enumerate(LENGTHS)
    for what in ("good", "bad")
)
# Served by the primary key: two rows a minute.
_READ = sa.text(f"""
    select objective, {_SUMS} from bg.objective_minutes
    where minute > cast(:now as timestamptz) - make_interval(secs => {PERIOD:g})
    group by objective
""")
# Changes that no refresh has taken, and those of refreshes under way. Not those of companies that
# wait out their interval, are dead, or have no group yet.
# Served by changes_pending, one_refresh_at_a_time, changes_by_refresh and those of dueness.
_LATE = sa.text(f"""
    with waiting as (
        select c.company_id, count(*) as number from bg.changes as c
        where {dueness.PENDING} and c.kind <> 'resync'
            and c.occurred_at < cast(:now as timestamptz)
                - make_interval(secs => :latency + :longest_settle)
        group by c.company_id
    )
    select (select coalesce(sum(number), 0) from waiting as w
            where not {dueness.deferred("w.company_id")} and not {dueness.resting("w.company_id")}
                and exists (
                    select from bg.buyer_groups as g where g.company_id = w.company_id offset 0))
        + (select count(*) from bg.buyer_group_refresh_log as r
            join bg.changes as c on c.refresh_id = r.id and c.handled_at is null
            where {dueness.UNDER_WAY} and c.kind <> 'resync'
                and r.requested_at < cast(:now as timestamptz) - make_interval(secs => :latency)
                and exists (
                    select from bg.buyer_groups as g where g.company_id = r.company_id offset 0))
""")


@dataclass(frozen=True, slots=True)
class Promise:
    """What counts as in time: s from when a company is due, its interval and settling in s."""

    latency: float
    refresh_interval: float
    settle: float

    @property
    def values(self) -> dict[str, float]:
        """As the statements take them."""
        return {
            "latency": self.latency,
            "refresh_interval": self.refresh_interval,
            "settle": self.settle,
            "longest_settle": dueness.LONGEST_SETTLE,
        }


def advance(conn: sa.Connection, promise: Promise, now: datetime) -> bool:
    """Count what has ended since the last time; returns whether there is more to be counted.

    Where another process counts just now, nothing is done.
    """
    counted_to = conn.execute(_WATCH).scalar()
    if counted_to is None:
        return False
    since = max(counted_to, now - LONGEST)
    upto = min(since + PORTION, now - BEHIND)
    if upto <= since:
        return False
    conn.execute(_COUNT, {**promise.values, "since": since, "upto": upto})
    conn.execute(_FORGET, {"oldest": now - _KEPT})
    conn.execute(_COUNTED, {"upto": upto})
    return bool(upto < now - BEHIND)


def read(conn: sa.Connection, promise: Promise, now: datetime) -> dict[str, dict[float, Count]]:
    """How much was good and bad, by objective and length of time until now in s."""
    found: dict[str, dict[float, Count]] = {
        name: dict.fromkeys(LENGTHS, Count()) for name in (LATENCY, SUCCESS)
    }
    for row in conn.execute(_READ, {"now": now}).mappings():
        found[row["objective"]] = {
            length: Count(int(row[f"good_{number}"]), int(row[f"bad_{number}"]))
            for number, length in enumerate(LENGTHS)
        }
    found[LATENCY] = _with_late(found[LATENCY], late(conn, promise, now))
    return found


def late(conn: sa.Connection, promise: Promise, now: datetime) -> int:
    """How many changes are late and still wait; costs in proportion to what is pending."""
    # An interval that has just ended leaves as much time as one that there was none of.
    patient = {**promise.values, "refresh_interval": promise.refresh_interval + promise.latency}
    return int(conn.execute(_LATE, {**patient, "now": now}).scalar_one())


def _with_late(counts: Mapping[float, Count], number: int) -> dict[float, Count]:
    return {length: Count(one.good, one.bad + number) for length, one in counts.items()}
