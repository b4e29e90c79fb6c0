"""Refreshes and webhook events that failed for good."""

from bg_assets.storage import refreshes
from bg_assets_tests.cli.command import Command
from bg_assets_tests.cli.refreshing import take


def dead_event(
    bg: Command, event_id: str, source: str = "crm", reason: str = "nobody knows person p-9"
) -> None:
    """An event that could not be applied."""
    bg.execute(
        "insert into bg.webhook_events (source, event_id, type, company_ref, person_ref, "
        "occurred_at, status, status_reason, payload, applied_at) values (:source, :id, "
        "'person.left', 'c-9', 'p-9', now(), 'dead', :reason, '\\x00', now())",
        source=source,
        id=event_id,
        reason=reason,
    )


def dead_refresh(bg: Command, company: str, error: str = "the rules failed") -> None:
    """A refresh of a company that fails twice, and is dead then."""
    for _ in range(2):
        take(bg, company)
        with bg.engine.begin() as conn:
            pairs = [one for held in refreshes.under_way(conn) for one in held.refreshes]
            now = conn.exec_driver_sql("select clock_timestamp()").scalar_one()
            refreshes.release(conn, pairs, error, now, 2)
