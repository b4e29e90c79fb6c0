"""Dead refreshes with their attempts, and what was discarded."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bg_assets.storage import audit, dueness

# Of those that were tried again and again the last are listed.
MOST_ATTEMPTS = 20

_MATCHES = "(cast(:error as text) is null or strpos(lower(d.error), lower(:error)) > 0)"
# Served by refreshes_dead, changes_by_refresh and changes_pending. The latest of each company.
_LIST = sa.text(f"""
    select d.id::text as refresh_id, d.company_id, d.died_at, d.attempts, d.deaths, d.error,
        d.not_before, (
            select count(*) from bg.buyer_group_refresh_log as r
            join bg.changes as c on c.refresh_id = r.id and c.handled_at is null
            where r.company_id = d.company_id and r.status = 'dead')
        + (select count(*) from bg.changes as c
            where c.company_id = d.company_id and {dueness.PENDING}) as changes
    from (
        select id, company_id, finished_at as died_at, attempt - outages as attempts, error,
            not_before, count(*) over (partition by company_id) as deaths,
            row_number() over (partition by company_id order by finished_at desc, id) as newest
        from bg.buyer_group_refresh_log where status = 'dead'
    ) as d
    where d.newest = 1 and {_MATCHES}
    order by d.died_at desc, d.company_id limit :most
""")
# Served by refreshes_dead and the primary key of the attempts.
_ATTEMPTS = sa.text("""
    select r.company_id, a.attempt, a.run_id, a.ended_at, a.error
    from bg.buyer_group_refresh_log as r
    cross join lateral (
        select * from bg.refresh_attempts as a where a.refresh_id = r.id offset 0) as a
    where r.status = 'dead' and r.company_id = any(:companies)
    order by r.company_id, a.ended_at, a.attempt
""")
# Served by refreshes_dead.
_COMPANIES = sa.text(f"""
    select distinct company_id from bg.buyer_group_refresh_log as d
    where d.status = 'dead' and {_MATCHES}
        and (cast(:ids as text[]) is null or d.company_id = any(cast(:ids as text[])))
    order by company_id
""")
# Served by audit_log_of_discarded.
_DISCARDED = sa.text(f"""
    select at, actor, action, subject, detail from bg.audit_log
    where action in ('{audit.REFRESH_DISCARDED}', '{audit.EVENT_DISCARDED}')
        and action = any(:actions)
    order by at desc, id desc limit :most
""")


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt that failed; ``run_id`` is None where no run had begun it."""

    attempt: int
    run_id: str | None
    ended_at: datetime
    error: str


@dataclass(frozen=True, slots=True)
class DeadRefresh:
    """The last dead refresh of a company; ``deaths``: how many since its last success.

    ``changes`` counts what no group reflects; a change that comes waits until ``not_before``.
    ``history`` has the attempts of all its dead refreshes, the last MOST_ATTEMPTS of them, but for
    those that an outage ended.
    """

    refresh_id: str
    company_id: str
    died_at: datetime
    attempts: int
    deaths: int
    error: str
    not_before: datetime | None
    changes: int
    history: list[Attempt] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Discarded:
    """What somebody has given up on; ``detail`` holds the reason, and what it was."""

    at: datetime
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]


def read(conn: sa.Connection, most: int, error: str | None = None) -> list[DeadRefresh]:
    """The dead refreshes, one a company, the last that died first.

    ``error``: only those whose last error has this text in it, in any case of letters.
    """
    found = [
        DeadRefresh(**row) for row in conn.execute(_LIST, {"most": most, "error": error}).mappings()
    ]
    by_company = {one.company_id: one.history for one in found}
    for row in conn.execute(_ATTEMPTS, {"companies": list(by_company)}).mappings():
        values = dict(row)
        by_company[values.pop("company_id")].append(Attempt(**values))
    for one in found:
        del one.history[:-MOST_ATTEMPTS]
    return found


def companies(
    conn: sa.Connection, ids: Sequence[str] | None = None, error: str | None = None
) -> list[str]:
    """The companies with a dead refresh, of these ids and with this error where that is given."""
    chosen = None if ids is None else list(ids)
    return list(conn.execute(_COMPANIES, {"ids": chosen, "error": error}).scalars())


def discarded(conn: sa.Connection, most: int, actions: Sequence[str]) -> list[Discarded]:
    """What was discarded, the last first; ``actions`` as the audit log calls them."""
    rows = conn.execute(_DISCARDED, {"most": most, "actions": list(actions)}).mappings()
    return [Discarded(**row) for row in rows]
