"""How a provider does, kept in the database and shared by all processes; its row is the lock.

Whoever begins or settles a call takes the row first: so caps and the breaker are never passed by
two at once, and no two wait for each other.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa

from bg_assets.domain.enrichment.admission import Breaker

# For a transaction: nobody waits for ever, and whose client falls silent holds nobody up for long.
_BOUNDS = sa.text("""
    select set_config('lock_timeout', '10s', true),
        set_config('idle_in_transaction_session_timeout', '30s', true)
""")
_NOT_AVAILABLE = "55P03"

# All served by the primary key.
_LOCK = sa.text("""
    select failures, opened_at, probe_by, probe_until, rest_until, error, failed_at,
        refused_price
    from bg.provider_health where provider = :provider for update
""")
_MAKE = sa.text("""
    insert into bg.provider_health (provider) values (:provider) on conflict do nothing
""")
_BREAKER = sa.text("""
    update bg.provider_health
    set failures = :failures, opened_at = :opened_at, probe_by = :probe_by,
        probe_until = :probe_until, rest_until = :rest_until
    where provider = :provider
""")
_ERROR = sa.text("""
    update bg.provider_health set error = :error, failed_at = :now where provider = :provider
""")
_REFUSED = sa.text("""
    update bg.provider_health set refused_price = :price where provider = :provider
""")


@dataclass(frozen=True, slots=True)
class Health:
    """The row of a provider; ``probe_by`` is the holder of the call that is the probe."""

    breaker: Breaker
    probe_by: str | None
    error: str | None
    failed_at: datetime | None
    refused_price: Decimal | None


def locked(conn: sa.Connection, provider: str) -> Health:
    """Take the provider's row until the transaction ends; made where there is none yet.

    Raises an error that ``is_locked_out`` knows where another session keeps it for ten seconds.
    """
    conn.execute(_BOUNDS)
    row = conn.execute(_LOCK, {"provider": provider}).first()
    if row is None:
        conn.execute(_MAKE, {"provider": provider})
        row = conn.execute(_LOCK, {"provider": provider}).one()
    return Health(
        Breaker(row.failures, row.opened_at, row.probe_until, row.rest_until),
        row.probe_by,
        row.error,
        row.failed_at,
        row.refused_price,
    )


def is_locked_out(err: sa.exc.OperationalError) -> bool:
    """Whether the error says that another session has the row."""
    return getattr(err.orig, "pgcode", None) == _NOT_AVAILABLE


def keep_breaker(
    conn: sa.Connection, provider: str, before: Health, breaker: Breaker, probe_by: str | None
) -> None:
    """Write the breaker where it is another than before."""
    if (breaker, probe_by) == (before.breaker, before.probe_by):
        return
    values = {name: getattr(breaker, name) for name in Breaker.__slots__}
    conn.execute(_BREAKER, {"provider": provider, "probe_by": probe_by, **values})


def keep_error(conn: sa.Connection, provider: str, error: str, now: datetime) -> None:
    """Note the last failure that told of the provider."""
    conn.execute(_ERROR, {"provider": provider, "error": error, "now": now})


def keep_refusal(conn: sa.Connection, provider: str, before: Health, price: Decimal | None) -> None:
    """Note that a cap forbids a call of this price, or with None that none does any more."""
    if price != before.refused_price:
        conn.execute(_REFUSED, {"provider": provider, "price": price})
