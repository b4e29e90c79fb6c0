"""The one question of every tick: which companies are due, and their refreshes, requested."""

import json
import math
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from bg_assets.storage import dueness

# Submitting a run takes about 0.2 s of the 60 s that a tick has; the rest is for the next tick.
MOST_RUNS = 50
# Fewer companies are not worth a further run: its start costs as much as 40 of them.
LEAST_OF_MANY = 100


@dataclass(frozen=True, slots=True)
class Policy:
    """When a company is due, and how many are taken: durations in seconds (see settings).

    runs_at_once: how many runs Dagster lets be under way.
    """

    settle: float
    refresh_interval: float
    claim_limit: int
    claim_per_minute: int | None = None
    batch_from: int = 5
    batch_size: int = 1000
    runs_at_once: int = 3


@dataclass(frozen=True, slots=True)
class Request:
    """One run to ask Dagster for: a company's refresh, or a batch of them.

    ``run_key`` never repeats: the refresh and its attempt, or the batch. ``reasons`` counts the
    kinds of change behind it; ``purpose`` is what the run is for, in words. ``trace`` is the
    traceparent of asking for it, where that is traced.
    """

    run_key: str
    companies: tuple[str, ...]
    priority: int
    reasons: dict[str, int]
    refresh_id: str | None = None
    attempt: int = 1
    batch_id: str | None = None
    purpose: str = ""
    trace: str | None = None


# What is pending, company by company. Served by changes_pending, and by the primary key of the
# members: a probe for each departure.
_WAITING = f"""
    select * from (
        select c.company_id,
            max(c.priority) as priority,
            min(c.occurred_at) as first_at,
            {dueness.SETTLED_AT} as settled_at,
            max(c.occurred_at) > :now + {dueness.AHEAD} as of_another_clock,
            bool_or({dueness.BY_HAND}) as by_hand,
            bool_or({dueness.AT_ONCE}) as at_once
        from bg.changes as c
        where {dueness.PENDING}
        group by c.company_id
    ) as p
    where p.by_hand or p.settled_at <= :now or p.of_another_clock
"""
# Served by one_refresh_at_a_time, refreshes_that_defer and refreshes_dead: probes for a company.
_DUE = f"""(p.at_once or not {dueness.deferred("p.company_id")})
        and (p.by_hand or not {dueness.resting("p.company_id")})
        and not {dueness.under_way("p.company_id")}"""

# Of very many that wait a few are taken: they are gone through in order, so that those behind are
# not probed. "offset 0" keeps it so. Where fewer are urgent than may be, no other is due. In order
# of company in the end, so that two ticks at once wait for each other at most.
CLAIM = sa.text(f"""
    with waiting as materialized ({_WAITING}),
    urgent as materialized (
        select * from (
            select * from waiting order by priority desc, first_at, company_id offset 0) as p
        where {_DUE}
        order by priority desc, first_at, company_id limit :limit - :oldest
    ), aged as materialized (
        select * from (select * from waiting order by first_at, company_id offset 0) as p
        where (select count(*) from urgent) = :limit - :oldest
            and p.company_id not in (select company_id from urgent) and {_DUE}
        order by first_at, company_id limit :oldest
    )
    insert into bg.buyer_group_refresh_log
        (company_id, status, reason, triggered_by, priority, sensor, requested_at)
    select company_id, 'requested', array_to_string(array(
            select distinct c.kind from bg.changes as c
            where c.company_id = p.company_id and {dueness.PENDING} order by c.kind), ', '),
        case when by_hand then 'manual' else 'change' end, priority, :sensor, :now
    from (select * from urgent union all select * from aged) as p
    order by company_id
    on conflict (company_id) where status in ('requested', 'running') do nothing
""")

# Served by refreshes_by_request. What a run by hand opened was not claimed.
_CLAIMED_LAST_MINUTE = sa.text(f"""
    select count(*) from bg.buyer_group_refresh_log
    where requested_at > :now - interval '1 minute' and requested_at <= :now + {dueness.AHEAD}
        and triggered_by <> 'dagster'
""")

# Requested, and no run asked for yet (a claim just made, or a released refresh whose delay is
# over). Served by one_refresh_at_a_time.
_UNASKED = sa.text(f"""
    select id::text as id, company_id, attempt, attempt - outages as tried, priority, reason,
        requested_at
    from bg.buyer_group_refresh_log
    where status = 'requested' and run_id is null and run_key is null
        and (not_before is null or not_before <= :now or requested_at > :now + {dueness.AHEAD})
    order by priority desc, requested_at, company_id
    for update skip locked
""")

_ASK = sa.text("""
    update bg.buyer_group_refresh_log as r
    set run_key = a.run_key, batch_id = a.batch_id::uuid, sensor = :sensor, asked_at = :now
    from jsonb_to_recordset(cast(:asked as jsonb)) as a(id uuid, run_key text, batch_id text)
    where r.id = a.id
""")

# Served by one_refresh_at_a_time.
_ASKED_AGAIN = sa.text(f"""
    select run_key, array_agg(company_id order by company_id) as companies,
        max(priority) as priority, min(id::text) as refresh_id, max(attempt) as attempt,
        max(batch_id::text) as batch_id, array_agg(reason) as reasons
    from bg.buyer_group_refresh_log
    where status = 'requested' and run_id is null and sensor = :sensor
        and (asked_at <= :now - make_interval(secs => :patience)
            or asked_at > :now + {dueness.AHEAD})
    group by run_key order by min(asked_at), run_key limit :most
""")

# What a run is taking this moment is not waited for.
_ASKED_NOW = sa.text("""
    update bg.buyer_group_refresh_log set asked_at = :now
    where id in (
        select id from bg.buyer_group_refresh_log
        where status = 'requested' and run_id is null and sensor = :sensor and run_key = any(:keys)
        for update skip locked)
""")


# Served by one_refresh_at_a_time.
_SEEN = sa.text(f"""
    update bg.buyer_group_refresh_log set asked_at = :now
    where id in (
        select id from bg.buyer_group_refresh_log
        where status = 'requested' and run_id is null and run_key = any(:keys)
            and (asked_at <= :now - interval '5 seconds' or asked_at > :now + {dueness.AHEAD})
        for update skip locked)
""")


def database_now(conn: sa.Connection) -> datetime:
    """The server's clock, which also stamps the changes."""
    now = conn.execute(sa.text("select clock_timestamp()")).scalar_one()
    assert isinstance(now, datetime)
    return now


def claim(conn: sa.Connection, policy: Policy, sensor: str, now: datetime) -> int:
    """Open a refresh for each due company, within the limits; returns how many.

    A company is due when it has pending changes, none of its refreshes is under way, it has
    settled, and it is neither within the interval after its last refresh because of changes nor
    resting from one that is dead; see the rules in the README. Highest priority first, then oldest;
    a fifth of the limit goes to the oldest whatever their priority: where that is less than one, in
    a fifth of the seconds.
    """
    limit = policy.claim_limit
    if policy.claim_per_minute is not None:
        lately = conn.execute(_CLAIMED_LAST_MINUTE, {"now": now}).scalar_one()
        limit = min(limit, policy.claim_per_minute - int(lately))
        if limit <= 0:
            return 0
    parameters = _parameters(policy, now) | {"limit": limit, "sensor": sensor}
    parameters |= {"oldest": (limit + int(now.timestamp()) % 5) // 5}
    return conn.execute(CLAIM, parameters).rowcount


def ask(conn: sa.Connection, policy: Policy, sensor: str, now: datetime) -> list[Request]:
    """Bundle the requested refreshes that no run was asked for yet into runs, and note that.

    Fewer than ``batch_from`` become a run each. More become batches, as many as can be under way at
    once; a later attempt comes in
    smaller batches and then alone, so that a company which kills its run ends up by itself; what an
    outage ended comes as it came before, when its delay is over. At most MOST_RUNS runs at once, a
    fifth of them for those that wait longest, whatever their priority: the next call returns more.
    """
    rows = conn.execute(_UNASKED, {"now": now}).mappings().all()
    first = [row for row in rows if row["tried"] == 1]
    again = [row for row in rows if row["tried"] == 2]
    alone = [row for row in rows if row["tried"] > 2]
    chunks = [
        group[start : start + size]
        for group, size in (
            (first, _even(policy, len(first)) if len(first) >= policy.batch_from else 1),
            (again, max(1, policy.batch_size // 20) if len(again) >= 4 * policy.batch_from else 1),
            (alone, 1),
        )
        for start in range(0, len(group), size)
    ]
    requests: list[Request] = []
    asked: list[dict[str, str | None]] = []
    for chunk in _first_of(chunks):
        request = _request(chunk)
        requests.append(request)
        asked += [
            {"id": row["id"], "run_key": request.run_key, "batch_id": request.batch_id}
            for row in chunk
        ]
    if asked:
        conn.execute(_ASK, {"asked": json.dumps(asked), "sensor": sensor, "now": now})
    return requests


def ask_again(
    conn: sa.Connection, sensor: str, now: datetime, patience: float = 15.0
) -> list[Request]:
    """The runs that this sensor asked for ``patience`` seconds ago and that did not come to be.

    The same run key as before: where the run exists after all, Dagster makes no second one. At
    most MOST_RUNS, those first that waited longest.
    """
    parameters = {"sensor": sensor, "now": now, "patience": patience, "most": MOST_RUNS}
    rows = conn.execute(_ASKED_AGAIN, parameters).mappings().all()
    if rows:
        keys = [row["run_key"] for row in rows]
        conn.execute(_ASKED_NOW, {"sensor": sensor, "now": now, "keys": keys})
    return [
        Request(
            run_key=row["run_key"],
            companies=tuple(row["companies"]),
            priority=row["priority"],
            reasons=_count(row["reasons"]),
            refresh_id=None if row["batch_id"] else row["refresh_id"],
            attempt=row["attempt"],
            batch_id=row["batch_id"],
        )
        for row in rows
    ]


def seen(conn: sa.Connection, run_keys: Sequence[str], now: datetime) -> None:
    """The runs of these keys are in Dagster's queue: nobody needs to ask for them again."""
    if run_keys:
        conn.execute(_SEEN, {"keys": list(run_keys), "now": now})


def _even(policy: Policy, number: int) -> int:
    """How many of so many companies a batch holds: as large as may be, and none runs alone.

    A large batch knows more titles already; of three at once none should be there longest.
    """
    fewest = math.ceil(number / policy.batch_size)
    even = math.ceil(fewest / policy.runs_at_once) * policy.runs_at_once
    return math.ceil(number / max(fewest, min(even, number // LEAST_OF_MANY)))


def _first_of(chunks: Sequence[Sequence[sa.RowMapping]]) -> Sequence[Sequence[sa.RowMapping]]:
    """The MOST_RUNS that are asked for now: by priority, and a fifth of them by their age."""
    if len(chunks) <= MOST_RUNS:
        return chunks
    by_priority = sorted(chunks, key=lambda chunk: -chunk[0]["priority"])
    urgent = MOST_RUNS - MOST_RUNS // 5
    rest = by_priority[urgent:]
    rest.sort(key=lambda chunk: min(row["requested_at"] for row in chunk))
    return [*by_priority[:urgent], *rest[: MOST_RUNS - urgent]]


def _request(rows: Sequence[sa.RowMapping]) -> Request:
    head = rows[0]
    batch = str(uuid.uuid4()) if len(rows) > 1 else None
    return Request(
        run_key=batch or f"{head['id']}:{head['attempt']}",
        companies=tuple(row["company_id"] for row in rows),
        priority=head["priority"],
        reasons=_count([row["reason"] for row in rows]),
        refresh_id=None if batch else head["id"],
        attempt=head["attempt"],
        batch_id=batch,
    )


def _count(reasons: Sequence[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for reason in reasons:
        for kind in reason.split(", "):
            counts[kind] = counts.get(kind, 0) + 1
    return dict(sorted(counts.items()))


def _parameters(policy: Policy, now: datetime) -> dict[str, object]:
    return {
        "now": now,
        "settle": policy.settle,
        "longest_settle": dueness.LONGEST_SETTLE,
        "refresh_interval": policy.refresh_interval,
    }
