"""How refreshes fared that ended within a time: success, failures, how long they took."""

from dataclasses import dataclass

import sqlalchemy as sa

from bg_assets.domain.kpis.catalogue import REFRESH_SUCCESS, Measured

# Served by refreshes_by_end. A dead refresh that was handed on to a later one is "failed"; what
# somebody cancelled is no failure.
_ENDED = sa.text("""
    select count(*) filter (where status = 'completed') as completed,
        count(*) filter (where status in ('dead', 'failed')) as dead,
        avg(extract(epoch from finished_at - started_at)::float)
            filter (where status = 'completed') as mean_seconds
    from bg.buyer_group_refresh_log
    where finished_at > now() - make_interval(secs => :seconds)
""")
# Served by refresh_attempts_by_end.
_FAILED_ATTEMPTS = sa.text("""
    select count(*) from bg.refresh_attempts
    where ended_at > now() - make_interval(secs => :seconds)
""")


@dataclass(frozen=True, slots=True)
class Ended:
    """Refreshes that ended: how many completed and died, and the mean seconds of the former."""

    completed: int
    dead: int
    mean_seconds: float | None


def ended(conn: sa.Connection, seconds: float) -> Ended:
    """What ended in the last so many seconds."""
    return Ended(**conn.execute(_ENDED, {"seconds": seconds}).mappings().one())


def failed_attempts(conn: sa.Connection, seconds: float) -> int:
    """How many attempts failed in the last so many seconds, but for those that an outage ended."""
    return int(conn.execute(_FAILED_ATTEMPTS, {"seconds": seconds}).scalar_one())


def measure(conn: sa.Connection, seconds: float) -> list[Measured]:
    """The KPIs of refreshes."""
    found, failed = ended(conn, seconds), failed_attempts(conn, seconds)
    over, tries = found.completed + found.dead, found.completed + failed
    return [
        Measured("mean_refresh", found.mean_seconds, of=found.completed),
        Measured("processing_rate", found.completed / (seconds / 60), of=found.completed),
        Measured("failed", percent(failed, tries), of=tries),
        Measured(REFRESH_SUCCESS, percent(found.completed, over), of=over),
    ]


def percent(part: float, whole: float) -> float | None:
    """The share in per cent; None of nothing."""
    return 100 * part / whole if whole else None
