"""What stands now, as counts by a few words: groups and gaps, triggers, providers, sizes.

The first half is cheap; the second looks at all groups or members, and is for once a minute.
"""

from dataclasses import dataclass
from decimal import Decimal

import sqlalchemy as sa

# A row a provider. What is refused because it wants to be left alone is not open.
_PROVIDERS = sa.text("""
    select provider, opened_at is not null as is_open,
        coalesce(rest_until > clock_timestamp(), false) as rests
    from bg.provider_health
""")
# Some rows a day and provider, never purged: their sums only grow.
_BILL = sa.text("""
    select provider, sum(found) as found, sum(not_found) as not_found, sum(failed) as failed,
        sum(lost) as lost, sum(cost) as cost, sum(uncertain) as uncertain,
        coalesce(sum(cost + uncertain) filter (where day = today), 0) as today,
        coalesce(sum(cost + uncertain) filter (where day >= date_trunc('month', today)), 0)
            as month
    from bg.provider_costs, (
        select (clock_timestamp() at time zone 'UTC')::date as today) as clock
    group by provider
""")
_HITS = sa.text(
    "select provider, sum(hits)::bigint as hits from bg.provider_hits group by provider"
)
# Served by pipeline_operations_running.
_CALLS = sa.text("""
    select provider, count(*) as number from bg.pipeline_operations
    where status = 'running' group by provider
""")
# Served by webhook_events_pending and webhook_events_dead.
_EVENTS = sa.text("""
    select status, count(*) as number from bg.webhook_events
    where status = 'pending' group by status
    union all
    select status, count(*) from bg.webhook_events where status = 'dead' group by status
""")
# Served by enrichment_due_next.
_DUE = sa.text("""
    select count(*) from bg.enrichment_due
    where due_at <= now() and batch_id is null
""")

# Served by buyer_groups_by_template: an entry a group.
_GROUPS = sa.text("select product, count(*) as number from bg.buyer_groups group by product")
# Served by buyer_groups_by_age, where there is one: else a look at all groups, for products of few.
_OLDEST = sa.text("""
    select extract(epoch from clock_timestamp() - min(updated_at))::float from bg.buyer_groups
""")
# A look at all members, and at all groups with gaps.
_MEMBERS = sa.text("""
    select product, role, count(*) as number from bg.buyer_group_members group by product, role
""")
_GAPS = sa.text("""
    select product, coalesce(gap ->> 'role', 'pin') as role, count(*) as number
    from bg.buyer_groups, jsonb_array_elements(gaps) as gap
    where gaps <> '[]'
    group by 1, 2
""")
_TABLES = sa.text("""
    select c.relname as name, nullif(c.reltuples, -1)::float as rows,
        pg_total_relation_size(c.oid) as bytes
    from pg_class as c
    where c.relnamespace = 'bg'::regnamespace and c.relkind in ('r', 'p')
""")
_DATABASE = sa.text("select pg_database_size(current_database())")


@dataclass(frozen=True, slots=True)
class Bill:
    """A provider's calls by what came of them, and what they cost in US dollars, since ever.

    ``uncertain`` is what may have been billed beside ``cost``. Today (UTC) and this month hold
    both.
    """

    provider: str
    found: int
    not_found: int
    failed: int
    lost: int
    cost: Decimal
    uncertain: Decimal
    today: Decimal
    month: Decimal


@dataclass(frozen=True, slots=True)
class Table:
    """A table of schema bg: its rows as PostgreSQL estimates them, its bytes with all indexes.

    The rows are None until PostgreSQL has looked at the table.
    """

    name: str
    rows: float | None
    bytes: int


def breakers(conn: sa.Connection) -> dict[str, tuple[bool, bool]]:
    """By provider whether its breaker is open, and whether it wants to be left alone."""
    return {row.provider: (row.is_open, row.rests) for row in conn.execute(_PROVIDERS)}


def bills(conn: sa.Connection) -> list[Bill]:
    """The whole bill of each provider."""
    return [Bill(**row) for row in conn.execute(_BILL).mappings()]


def hits(conn: sa.Connection) -> dict[str, int]:
    """Answers from the cache, by provider, since ever."""
    return {row.provider: row.hits for row in conn.execute(_HITS)}


def calls_under_way(conn: sa.Connection) -> dict[str, int]:
    """Calls that are not settled, by provider."""
    return {row.provider: row.number for row in conn.execute(_CALLS)}


def open_events(conn: sa.Connection) -> dict[str, int]:
    """Webhook events that are pending, and that are dead."""
    found = {row.status: row.number for row in conn.execute(_EVENTS)}
    return {"pending": 0, "dead": 0, **found}


def companies_to_ask_about(conn: sa.Connection) -> int:
    """Companies of which providers are to be asked and no run has taken them."""
    return int(conn.execute(_DUE).scalar_one())


def groups(conn: sa.Connection) -> dict[str, int]:
    """Groups by product: an index entry each."""
    return {row.product: row.number for row in conn.execute(_GROUPS)}


def oldest_group_seconds(conn: sa.Connection) -> float | None:
    """The age of the group that was written longest ago; None where there is none."""
    found: float | None = conn.execute(_OLDEST).scalar()
    return found


def members(conn: sa.Connection) -> dict[tuple[str, str], int]:
    """Members by product and role: a look at all."""
    return {(row.product, row.role): row.number for row in conn.execute(_MEMBERS)}


def gaps(conn: sa.Connection) -> dict[tuple[str, str], int]:
    """Gaps by product and role, ``pin`` for a suspended pin: a look at all groups."""
    return {(row.product, row.role): row.number for row in conn.execute(_GAPS)}


def tables(conn: sa.Connection) -> list[Table]:
    """The tables of schema bg with their sizes."""
    return [Table(**row) for row in conn.execute(_TABLES).mappings()]


def database_bytes(conn: sa.Connection) -> int:
    """The size of the database that holds schema bg."""
    return int(conn.execute(_DATABASE).scalar_one())
