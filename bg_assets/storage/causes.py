"""What leads to a refresh, in words: the kinds of the changes and who wrote them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import sqlalchemy as sa

from bg_assets.storage import dueness
from bg_assets.storage.claims import Request

_CLEAN = r"regexp_replace(left({}, 60), '[\x01-\x20\x7f,]+', ' ', 'g')"
# A change in words: role_change (import). Writers name themselves, in any letters. What somebody
# asked for tells by which command: resync (manual: pin).
CAUSE = f"""
    kind || ' (' || {_CLEAN.format("source")} || case when kind = 'resync'
        then coalesce(': ' || {_CLEAN.format("new ->> 'asked'")}, '') else '' end || ')'
"""

# Served by changes_pending.
_WAITING = sa.text(f"""
    select company_id, array_agg(distinct {CAUSE}) as causes
    from bg.changes as c
    where company_id = any(:companies) and {dueness.PENDING}
    group by company_id
""")


def explained(conn: sa.Connection, requests: Sequence[Request]) -> list[Request]:
    """The same with their true reasons: for how many of its companies each cause waits."""
    if not requests:
        return []
    companies = [company for request in requests for company in request.companies]
    waiting = {
        row.company_id: row.causes for row in conn.execute(_WAITING, {"companies": companies})
    }
    counted = (
        Counter(cause for company in request.companies for cause in waiting.get(company, ()))
        for request in requests
    )
    return [
        replace(request, reasons=dict(sorted(causes.items())) or request.reasons)
        for request, causes in zip(requests, counted, strict=True)
    ]
