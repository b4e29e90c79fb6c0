"""What an import leads to, asked in its own transaction: who waits for a refresh, whom it names."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from bg_assets.storage import dueness

_SHOWN = 3

# Of the companies of staged rows, or of all: those of which changes are pending, and until when the
# interval after their last refresh lasts. Served by changes_pending, refreshes_that_defer and the
# primary key of the members.
_WAITING = """
    with waiting as (
        select c.company_id, bool_or({at_once}) as at_once
        from bg.changes as c
        where {pending} {of_file}
        group by c.company_id
    ), judged as (
        select w.company_id, case when not w.at_once then (
            select max(r.finished_at) + make_interval(secs => :refresh_interval)
            from bg.buyer_group_refresh_log as r
            where r.company_id = w.company_id and {defers}
                and r.finished_at > now() - make_interval(secs => :refresh_interval)
                and r.finished_at <= now() + {ahead}) end as until
        from waiting as w
    )
    select count(*) as companies, count(until) as deferred, max(until) as until,
        (array_agg(company_id order by until nulls last, company_id))[1:{shown}] as first
    from judged
"""
# Served by the primary key.
_CALLED = sa.text("select id, name from bg.canonical_companies where id = any(:ids)")
# A pass over the companies and the staged rows.
_NAMED = sa.text("""
    select count(f.company_id) as named, count(*) as tracked
    from bg.canonical_companies as c
        left join (select distinct company_id from staged where reason is null) as f
        on f.company_id = c.id
    where c.deleted_at is null
""")


@dataclass(frozen=True, slots=True)
class Waiting:
    """Companies of which changes wait for a refresh, and how many of them for an interval's end.

    until: when the last of those intervals ends. first: the ids of the first of them, and names.
    """

    companies: int
    deferred: int
    until: datetime | None
    first: tuple[str, ...]
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Named:
    """How many tracked companies a file of people names, and how many it does not."""

    named: int
    unnamed: int


def waiting(
    conn: sa.Connection, kind: str, refresh_interval: float, *, everywhere: bool = False
) -> Waiting:
    """Which companies of the staged rows, or of all, wait for a refresh just now."""
    staged = f"select {'id' if kind == 'companies' else 'company_id'} from staged"
    statement = _WAITING.format(
        at_once=dueness.AT_ONCE,
        pending=dueness.PENDING,
        of_file="" if everywhere else f"and c.company_id in ({staged} where reason is null)",
        defers=dueness.DEFERS,
        ahead=dueness.AHEAD,
        shown=_SHOWN,
    )
    row = conn.execute(sa.text(statement), {"refresh_interval": refresh_interval}).one()
    first = list(row.first or ())
    called = {one.id: one.name for one in conn.execute(_CALLED, {"ids": first})}
    names = tuple(called.get(one) or one for one in first)
    return Waiting(row.companies, row.deferred, row.until, tuple(first), names)


def named(conn: sa.Connection) -> Named:
    """Whom of the tracked companies the staged people are of."""
    row = conn.execute(_NAMED).one()
    return Named(row.named, row.tracked - row.named)
