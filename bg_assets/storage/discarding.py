"""Giving up on dead refreshes: their changes count as handled, which no group reflects.

The one exception to the rule that the transaction which writes a group handles its changes: a human
says so, with a reason, and the audit log keeps both and what it was about.
"""

import json
from collections.abc import Sequence

import sqlalchemy as sa

from bg_assets.storage import audit
from bg_assets.storage.causes import CAUSE

# Served by refreshes_dead. In the order in which all lock them.
_DEAD = sa.text("""
    select id::text as refresh_id, company_id, error from bg.buyer_group_refresh_log
    where status = 'dead' and company_id = any(:companies)
    order by id for update
""")
# Served by changes_by_refresh.
_HANDLE = sa.text(f"""
    update bg.changes set handled_at = clock_timestamp()
    where refresh_id = any(cast(:ids as uuid[])) and handled_at is null
    returning company_id, id, person_id, {CAUSE} as cause
""")
_CLOSE = sa.text("""
    update bg.buyer_group_refresh_log set status = 'cancelled'
    where id = any(cast(:ids as uuid[]))
""")
_RECORD = sa.text(f"""
    insert into bg.audit_log (actor, action, subject, count, detail)
    select :actor, '{audit.REFRESH_DISCARDED}', company_id, greatest(1, number), detail
    from jsonb_to_recordset(cast(:rows as jsonb))
        as r(company_id text, number integer, detail jsonb)
    order by company_id
""")


def discard(
    conn: sa.Connection, companies: Sequence[str], actor: str, reason: str
) -> dict[str, list[str]]:
    """Close the dead refreshes of these companies and handle their changes.

    Returns, by company that had one, its changes in words: ``role_change (import) of p1``. Its
    group stays as it is. What has come since is as due as any other change.
    """
    dead = conn.execute(_DEAD, {"companies": list(companies)}).all()
    ids = [row.refresh_id for row in dead]
    if not ids:
        return {}
    handled = conn.execute(_HANDLE, {"ids": ids}).all()
    conn.execute(_CLOSE, {"ids": ids})
    details: dict[str, dict[str, list[object]]] = {}
    errors: dict[str, str] = {}
    for row in dead:
        detail = details.setdefault(row.company_id, {"refreshes": [], "changes": []})
        detail["refreshes"].append(row.refresh_id)
        errors[row.company_id] = row.error
    lost: dict[str, list[str]] = {company: [] for company in details}
    for row in sorted(handled, key=lambda row: row.id):
        details[row.company_id]["changes"].append(row.id)
        whose = f" of {row.person_id}" if row.person_id else ""
        lost[row.company_id].append(f"{row.cause}{whose}")
    rows = [
        {
            "company_id": company,
            "number": len(lost[company]),
            "detail": {"reason": reason, "error": errors[company], **detail},
        }
        for company, detail in details.items()
    ]
    conn.execute(_RECORD, {"actor": actor, "rows": json.dumps(rows)})
    return lost
