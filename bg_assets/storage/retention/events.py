"""Letting go of what webhook events brought; that there was such an event is kept.

The row stays with its source and id, so that an event counts once however late it comes again.
What it said, about whom, and the digest by which another body would be noticed are gone.
"""

from datetime import datetime

import sqlalchemy as sa

from bg_assets.storage.retention.step import Step, taken

# As the index has it. An empty payload is none: a token never is.
_KEPT = "payload <> '' and status in ('applied', 'ignored')"
# Served by webhook_events_kept, and the primary keys. Earlier failures go along; dead events stay
# as they are, since they may be replayed.
_PAYLOADS = sa.text(f"""
    with failures as (
        delete from bg.webhook_event_failures where webhook_event_id = any(array(
            select id from bg.webhook_events where {_KEPT} and applied_at < :until
            order by applied_at limit :most))
    )
    update bg.webhook_events
    set payload = '', body_digest = null, company_ref = null, person_ref = null, trace_id = null
    where id = any(array(
        select id from bg.webhook_events where {_KEPT} and applied_at < :until
        order by applied_at limit :most for update skip locked))
""")
# Served by webhook_events_kept.
_COUNT = sa.text(f"select count(*) from bg.webhook_events where {_KEPT} and applied_at < :until")


def remove_payloads(conn: sa.Connection, until: datetime, after: object) -> Step:
    """Let go of the payloads of some events that were applied or ignored before then."""
    return taken(conn, _PAYLOADS, until)


def count_payloads(conn: sa.Connection, until: datetime) -> int:
    """How many payloads would go."""
    return int(conn.execute(_COUNT, {"until": until}).scalar_one())
