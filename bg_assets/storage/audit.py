"""The audit log: who did what to what, and how often. Never a secret, a name or a payload."""

import json
from collections.abc import Mapping

import sqlalchemy as sa

_RECORD = sa.text("""
    insert into bg.audit_log (actor, action, subject, count, detail)
    values (:actor, :action, :subject, :count, cast(:detail as jsonb))
""")


def record(
    conn: sa.Connection,
    actor: str,
    action: str,
    subject: str | None,
    count: int = 1,
    detail: Mapping[str, object] | None = None,
) -> None:
    """Add a line, in the transaction of what it tells of.

    ``subject`` is what was acted on; ``count`` stands for that many like events.
    """
    values = {"actor": actor, "action": action, "subject": subject, "count": count}
    conn.execute(_RECORD, {**values, "detail": json.dumps(detail or {})})
