"""What may be told of the calls of providers: never a question, an answer or a name."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa

from bg_assets.domain.enrichment.admission import Breaker, Spent
from bg_assets.domain.enrichment.asking import Answer, Provider, Question
from bg_assets.domain.enrichment.kept import from_json
from bg_assets.domain.enrichment.key import key_of

# Some rows a day and provider: both tables are read from that day on, by their primary keys where a
# provider is given.
_DAYS = sa.text("""
    with told as (
        select provider, day, found, not_found, failed, lost, cost, uncertain, 0 as hits
        from bg.provider_costs
        union all
        select provider, day, 0, 0, 0, 0, 0, 0, hits from bg.provider_hits
    )
    select provider, day, sum(found) as found, sum(not_found) as not_found,
        sum(failed) as failed, sum(lost) as lost, sum(cost) as cost,
        sum(uncertain) as uncertain, sum(hits) as hits
    from told
    where day >= :since and (cast(:provider as text) is null or provider = :provider)
    group by provider, day order by provider, day desc
""")
# A row a provider.
_HEALTH = sa.text("""
    select provider, failures, opened_at, probe_until, rest_until, error, failed_at,
        refused_price
    from bg.provider_health order by provider
""")
# Served by pipeline_operations_running: what is under way, and what was left behind.
_RESERVED = sa.text("""
    select provider, count(*) filter (where leased_until > :now) as running,
        count(*) filter (where leased_until <= :now) as gone,
        coalesce(sum(reserved), 0) as reserved
    from bg.pipeline_operations where status = 'running'
    group by provider
""")
_COLUMNS = """
    select started_at, finished_at, provider, kind, company_id, person_id,
        case when status = 'done' then case when found then 'found' else 'not_found' end
            when status = 'running' and leased_until <= :now then 'lost'
            when failure = 'lost' then 'lost'
            else status end as status,
        attempts, cost, coalesce(reserved, 0) as reserved, duration, expires_at,
        output is not null as kept, error
    from bg.pipeline_operations
"""
# Served by pipeline_operations_by_time.
_LATEST = sa.text(f"""{_COLUMNS}
    where started_at >= :since and (cast(:provider as text) is null or provider = :provider)
    order by started_at desc, id desc limit :most
""")
# Served by pipeline_operations_by_company.
_OF_COMPANY = sa.text(f"""{_COLUMNS}
    where company_id = :company_id and started_at >= :since
        and (cast(:provider as text) is null or provider = :provider)
    order by started_at desc, id desc limit :most
""")
# Served by pipeline_operations_by_company.
_SUMS_OF_COMPANY = sa.text(f"""
    select provider, count(*) filter (where status = 'found') as found,
        count(*) filter (where status = 'not_found') as not_found,
        count(*) filter (where status = 'failed') as failed,
        count(*) filter (where status = 'lost') as lost,
        count(*) filter (where status = 'running') as running,
        coalesce(sum(cost), 0) as cost, coalesce(sum(reserved), 0) as reserved
    from ({_COLUMNS}
        where company_id = :company_id and started_at >= :since
            and (cast(:provider as text) is null or provider = :provider)) as asked
    group by provider order by provider
""")
# Served by pipeline_operations_failed.
_FAILURES = sa.text(f"""{_COLUMNS}
    where status = 'failed' and finished_at >= :since
        and (cast(:provider as text) is null or provider = :provider)
        and (cast(:company_id as text) is null or company_id = :company_id)
    order by finished_at desc, id desc limit :most
""")
# Served by the unique key.
_KNOWN = sa.text("""
    select key, output, finished_at from bg.pipeline_operations
    where key = any(cast(:keys as text[])) and status = 'done' and output is not null
        and expires_at > :now
""")


@dataclass(frozen=True, slots=True)
class Day:
    """A provider's calls of one day (UTC) by what came of them, and their cost in US dollars.

    ``lost`` are calls whose end nobody knows, ``uncertain`` is what may have been billed beside
    ``cost``; ``hits`` are answers from the cache.
    """

    provider: str
    day: date
    found: int
    not_found: int
    failed: int
    lost: int
    cost: Decimal
    uncertain: Decimal
    hits: int


@dataclass(frozen=True, slots=True)
class State:
    """How a provider does: its breaker, its last failure, and the price that a cap forbade last."""

    provider: str
    breaker: Breaker
    error: str | None
    failed_at: datetime | None
    refused_price: Decimal | None


@dataclass(frozen=True, slots=True)
class Underway:
    """A provider's calls that are not settled, and what they may cost; ``gone``: left behind."""

    running: int
    gone: int
    reserved: Decimal


@dataclass(frozen=True, slots=True)
class Operation:
    """A question: when it was last asked, what came of it, and what it has cost so far.

    ``status``: running, found, not_found, failed or lost. Costs are US dollars, ``duration``
    seconds. ``kept``: its answer is still there.
    """

    started_at: datetime
    finished_at: datetime | None
    provider: str
    kind: str
    company_id: str
    person_id: str | None
    status: str
    attempts: int
    cost: Decimal
    reserved: Decimal
    duration: float | None
    expires_at: datetime | None
    kept: bool
    error: str | None


@dataclass(frozen=True, slots=True)
class OfCompany:
    """The questions about a company that a provider was asked, by what came of the last call.

    cost: what they have cost so far, in US dollars; reserved: for what is not settled.
    """

    provider: str
    found: int
    not_found: int
    failed: int
    lost: int
    running: int
    cost: Decimal
    reserved: Decimal


@dataclass(frozen=True, slots=True)
class Narrowed:
    """Which operations to read: since when, how many at most, and of whom."""

    since: datetime
    most: int
    provider: str | None = None
    company_id: str | None = None


def days(conn: sa.Connection, since: date, provider: str | None = None) -> list[Day]:
    """The bill by provider and day, the last day first."""
    rows = conn.execute(_DAYS, {"since": since, "provider": provider}).mappings()
    return [Day(**{**row, "hits": int(row["hits"])}) for row in rows]


def states(conn: sa.Connection) -> list[State]:
    """All providers that were ever called, by name."""
    return [
        State(
            row.provider,
            Breaker(row.failures, row.opened_at, row.probe_until, row.rest_until),
            row.error,
            row.failed_at,
            row.refused_price,
        )
        for row in conn.execute(_HEALTH)
    ]


def underway(conn: sa.Connection, now: datetime) -> dict[str, Underway]:
    """What is not settled, by provider."""
    rows = conn.execute(_RESERVED, {"now": now})
    return {row.provider: Underway(row.running, row.gone, row.reserved) for row in rows}


def operations(conn: sa.Connection, narrowed: Narrowed, now: datetime) -> list[Operation]:
    """The questions that were asked last, newest first."""
    statement = _LATEST if narrowed.company_id is None else _OF_COMPANY
    return _read(conn, statement, narrowed, now)


def of_company(conn: sa.Connection, narrowed: Narrowed, now: datetime) -> list[OfCompany]:
    """The providers that were asked about the company, with what came of it."""
    values = {
        "company_id": narrowed.company_id, "since": narrowed.since, "now": now,
        "provider": narrowed.provider,
    }  # fmt: skip
    return [OfCompany(**row) for row in conn.execute(_SUMS_OF_COMPANY, values).mappings()]


def failures(conn: sa.Connection, narrowed: Narrowed, now: datetime) -> list[Operation]:
    """The questions whose last call failed, newest first."""
    return _read(conn, _FAILURES, narrowed, now)


def known(
    conn: sa.Connection, provider: Provider, questions: Sequence[Question], now: datetime
) -> dict[Question, tuple[Answer, datetime]]:
    """The answers that are there and have not expired, and when they were given.

    Nothing is asked, and it counts as no answer from the cache.
    """
    keys = {key_of(provider, question): question for question in questions}
    rows = conn.execute(_KNOWN, {"keys": list(keys), "now": now})
    return {keys[row.key]: (from_json(row.output), row.finished_at) for row in rows}


def spent(bill: Sequence[Day], reserved: Decimal, today: date) -> Spent:
    """What a provider's days come to, as the caps see it; ``reserved`` is counted to both."""
    amounts = [(one.day, one.cost + one.uncertain) for one in bill]
    month = today.replace(day=1)
    return Spent(
        sum((amount for day, amount in amounts if day == today), reserved),
        sum((amount for day, amount in amounts if day >= month), reserved),
    )


def _read(
    conn: sa.Connection, statement: sa.TextClause, narrowed: Narrowed, now: datetime
) -> list[Operation]:
    values = {
        "since": narrowed.since, "most": narrowed.most, "now": now,
        "provider": narrowed.provider, "company_id": narrowed.company_id,
    }  # fmt: skip
    return [Operation(**row) for row in conn.execute(statement, values).mappings()]
