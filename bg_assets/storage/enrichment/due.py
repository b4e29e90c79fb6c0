"""Which companies are to be asked of providers, and which run has taken them.

A batch is the work of one run. Whose run is over without having asked is due again, ever later.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

# A company is asked about once in so many seconds at most, whatever happens to it meanwhile.
EVERY = 86_400.0
# Until what could not be asked is tried again: the first time, doubled by each further one.
SHORTEST_DELAY = 300.0
LONGEST_DELAY = 86_400.0
# Companies that had a group before anybody could be asked are spread over so many seconds.
SPREAD = 7 * 86_400.0

# One company after another in order of id, like all that write here. Served by the primary key, as
# is all that names companies.
_WANT = sa.text("""
    insert into bg.enrichment_due as e (company_id, due_at)
    select company_id, clock_timestamp() from unnest(cast(:companies as text[])) as company_id
    order by company_id
    on conflict (company_id) do update set wanted_at = excluded.wanted_at,
        due_at = coalesce(e.due_at, greatest(
            excluded.due_at, e.enriched_at + make_interval(secs => :every)))
""")
# Served by the primary key of the groups.
_SPREAD = sa.text("""
    with portion as (
        select distinct company_id from bg.buyer_groups
        where company_id > :after and product = any(:products)
        order by company_id limit :most
    ), noted as (
        insert into bg.enrichment_due as e (company_id, due_at)
        select company_id, clock_timestamp() + make_interval(secs =>
            abs(hashtextextended(company_id, 0) % 1000000) / 1e6 * :spread)
        from portion order by company_id
        on conflict (company_id) do update set due_at = excluded.due_at
        where e.due_at is null and e.enriched_at is null
    )
    select max(company_id) as last, count(*) as number from portion
""")
# Served by enrichment_due_next.
_TAKE = sa.text("""
    with next as (
        select company_id from bg.enrichment_due
        -- clock_timestamp() would be no condition of the index.
        where due_at is not null and batch_id is null and due_at <= statement_timestamp()
        order by due_at, company_id limit :most for update skip locked
    )
    update bg.enrichment_due as e
    set batch_id = cast(:batch_id as uuid), taken_at = clock_timestamp(), run_id = null
    from next where e.company_id = next.company_id
    returning e.company_id
""")
_NEXT = sa.text("""
    select due_at from bg.enrichment_due
    where due_at is not null and batch_id is null order by due_at, company_id limit 1
""")
# Served by enrichment_due_by_batch, as is what follows.
_UNDER_WAY = sa.text("""
    select batch_id::text as batch_id, min(taken_at) as taken_at,
        array_agg(company_id order by company_id) as companies
    from bg.enrichment_due where batch_id is not null group by batch_id order by 2, 1
""")
_BEGIN = sa.text("""
    with mine as (
        select company_id from bg.enrichment_due
        where batch_id = cast(:batch_id as uuid) and coalesce(run_id, :run_id) = :run_id
        order by company_id for update
    )
    update bg.enrichment_due as e set run_id = :run_id
    from mine where e.company_id = mine.company_id
    returning e.company_id
""")
_RELEASE = sa.text("""
    with mine as (
        select company_id from bg.enrichment_due where batch_id = cast(:batch_id as uuid)
        order by company_id for update
    )
    update bg.enrichment_due as e
    set batch_id = null, taken_at = null, run_id = null, failures = failures + 1, error = :error,
        due_at = clock_timestamp() + least(
            make_interval(secs => :shortest * power(2, least(failures, 20))),
            make_interval(secs => :longest))
    from mine where e.company_id = mine.company_id
""")
# What a refresh left to ask while this was at work is asked a day later. A batch that another run
# has taken meanwhile is that run's.
_DONE = sa.text("""
    insert into bg.enrichment_due as e (company_id, enriched_at)
    values (:company_id, clock_timestamp())
    on conflict (company_id) do update set enriched_at = excluded.enriched_at, failures = 0,
        error = null, batch_id = null, taken_at = null, run_id = null,
        due_at = case when e.wanted_at > coalesce(e.taken_at, :began)
            then excluded.enriched_at + make_interval(secs => :every) end
    where e.batch_id is null or e.run_id = :run_id
""")
_NOT_DONE = sa.text("""
    insert into bg.enrichment_due as e (company_id, due_at, failures, error)
    values (:company_id, clock_timestamp() + make_interval(secs => :shortest), 1, :error)
    on conflict (company_id) do update set failures = e.failures + 1, error = excluded.error,
        batch_id = null, taken_at = null, run_id = null,
        due_at = clock_timestamp() + least(
            make_interval(secs => :shortest * power(2, least(e.failures, 20))),
            make_interval(secs => :longest))
    where e.batch_id is null or e.run_id = :run_id
""")
_MINE = """
    with mine as (
        select company_id from bg.enrichment_due
        where company_id = any(:companies) and run_id = :run_id
        order by company_id for update
    )
    update bg.enrichment_due as e set {}batch_id = null, taken_at = null, run_id = null
    from mine where e.company_id = mine.company_id
"""
_FORGET = sa.text(_MINE.format("due_at = null, "))
_GIVE_BACK = sa.text(_MINE.format(""))
# Served by enrichment_due_failing.
_FAILING = sa.text("""
    select count(*) as companies, max(failures) as times, min(due_at) as next_at,
        (array_agg(error order by failures desc, company_id))[1] as error
    from bg.enrichment_due
    where failures >= 3 and due_at > statement_timestamp() - interval '1 day'
""")


@dataclass(frozen=True, slots=True)
class Failing:
    """Companies about which providers could not be asked several times, and the worst of them."""

    companies: int
    times: int
    next_at: datetime
    error: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Companies that one run has taken or is to take; its id is that of the run's request."""

    batch_id: str
    taken_at: datetime
    companies: tuple[str, ...]


def want(conn: sa.Connection, companies: Sequence[str]) -> None:
    """Note that these were refreshed: what is missing or doubtful there may be asked now."""
    conn.execute(_WANT, {"companies": list(companies), "every": EVERY})


def spread(conn: sa.Connection, products: Sequence[str], after: str, most: int) -> tuple[str, int]:
    """Let a portion of the companies with a group of these products be due, spread over a week.

    In order of id from ``after`` on; returns the last of them and how many there were. Who was
    asked about before, or is due, stays as it is.
    """
    parameters = {"after": after, "products": list(products), "most": most, "spread": SPREAD}
    row = conn.execute(_SPREAD, parameters).one()
    return row.last or after, row.number


def take(conn: sa.Connection, most: int) -> Batch | None:
    """Make a batch of the companies that have been due the longest; None where none is due."""
    batch_id = str(uuid.uuid4())
    companies = conn.execute(_TAKE, {"most": most, "batch_id": batch_id}).scalars().all()
    if not companies:
        return None
    return next(one for one in under_way(conn) if one.batch_id == batch_id)


def next_due(conn: sa.Connection) -> datetime | None:
    """When the next company is due that no run has taken; None where none will be."""
    found: datetime | None = conn.execute(_NEXT).scalar()
    return found


def under_way(conn: sa.Connection) -> list[Batch]:
    """The batches that runs have taken or were asked to take, oldest first."""
    return [
        Batch(row.batch_id, row.taken_at, tuple(row.companies)) for row in conn.execute(_UNDER_WAY)
    ]


def begin(conn: sa.Connection, batch_id: str, run_id: str) -> list[str]:
    """Make the run the holder of its batch; returns the companies, none where another holds it."""
    rows = conn.execute(_BEGIN, {"batch_id": batch_id, "run_id": run_id})
    return sorted(rows.scalars())


def release(conn: sa.Connection, batch_id: str, error: str) -> int:
    """Let go what a run that is over has not asked about; returns how many companies."""
    parameters = {
        "batch_id": batch_id, "error": error, "shortest": SHORTEST_DELAY, "longest": LONGEST_DELAY,
    }  # fmt: skip
    return conn.execute(_RELEASE, parameters).rowcount


def done(conn: sa.Connection, company_id: str, run_id: str | None, began: datetime) -> None:
    """Note that all there was to ask about a company was asked, by the run or by hand."""
    conn.execute(
        _DONE, {"company_id": company_id, "run_id": run_id, "began": began, "every": EVERY}
    )


def not_done(conn: sa.Connection, company_id: str, run_id: str | None, error: str) -> None:
    """Note that something could not be asked, and why: it is tried again, ever later."""
    parameters = {
        "company_id": company_id, "run_id": run_id, "error": error,
        "shortest": SHORTEST_DELAY, "longest": LONGEST_DELAY,
    }  # fmt: skip
    conn.execute(_NOT_DONE, parameters)


def forget(conn: sa.Connection, companies: Sequence[str], run_id: str) -> None:
    """Note that there is nothing to ask about these of the run's companies until they are wanted
    again."""
    conn.execute(_FORGET, {"companies": list(companies), "run_id": run_id})


def give_back(conn: sa.Connection, companies: Sequence[str], run_id: str) -> None:
    """Let these of the run's companies be due as they were, for another run."""
    conn.execute(_GIVE_BACK, {"companies": list(companies), "run_id": run_id})


def failing(conn: sa.Connection) -> Failing | None:
    """What could not be asked three times in a row or oftener; None where all is well.

    What has waited for a day is not tried any more: nobody is configured to be asked.
    """
    row = conn.execute(_FAILING).one()
    return Failing(**row._mapping) if row.companies else None
