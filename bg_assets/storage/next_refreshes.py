"""When each company is refreshed next though nothing is heard of it, and asking for what is due.

A company has a moment of its own in each day, week or month, by a hash of its id: all are spread
evenly, and stay where they are.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from bg_assets.domain.groups.churn import Churn
from bg_assets.storage import dueness, priorities, probes

# By these days a company comes again; see domain/groups/churn.py.
DAYS = {"daily": 1, "weekly": 7, "monthly": 30}
_SECONDS = "case k.rhythm {} end".format(
    " ".join(f"when '{name}' then {days * 86400}" for name, days in DAYS.items())
)
# A departure from the company, as the history of its group has it.
_GONE = "no longer at the company"
_COUNTED = timedelta(days=365)


def _at(moment: str) -> str:
    """Its next moment: half a rhythm to one and a half after this one.

    Of a row ``k`` with company_id and rhythm. The share of the hash is that of its migration.
    """
    share = "('x' || substr(md5(k.company_id), 1, 8))::bit(32)::bigint / 4294967296.0"
    return f"""(
        select to_timestamp((ceil((epoch + s / 2) / s - share) + share) * s)
        from (select ({_SECONDS})::float as s, ({share})::float as share,
            extract(epoch from {moment})::float as epoch) as of_rhythm)"""


# Served by history_by_company, and the primary key of the refresh log: a probe for each event.
_PAST = sa.text(f"""
    select company_id, count(*) filter (where gone) as left,
        jsonb_object_agg(person_id, joined) filter (where joined is not null) as joined
    from (
        select company_id, person_id, max(at) filter (where event = 'joined') as joined,
            bool_or(event = 'left' and because = :gone and at > :since) as gone
        from (
            select h.company_id, h.person_id, h.event, h.because, (
                select cast(r.finished_at at time zone 'UTC' as date)
                from bg.buyer_group_refresh_log as r where r.id = h.refresh_id) as at
            from {probes.EACH} cross join lateral (
                select * from bg.buyer_group_history as h
                where h.company_id = each.company_id and h.event in ('joined', 'left') offset 0
            ) as h
        ) as events
        group by company_id, person_id
    ) as people
    group by company_id
""")
_WRITE = sa.text(f"""
    insert into bg.next_refreshes as n (company_id, at, rhythm, chance, because)
    select company_id, {_at("clock_timestamp()")}, rhythm, chance, because
    from jsonb_to_recordset(cast(:rows as jsonb))
        as k(company_id text, rhythm text, chance float, because text)
    order by company_id
    on conflict (company_id) do update set
        at = excluded.at, rhythm = excluded.rhythm, chance = excluded.chance,
        because = excluded.because
""")
_FORGET = sa.text("delete from bg.next_refreshes where company_id = any(:companies)")

# A look at all that is pending, once a minute.
_WAITING = sa.text(f"""
    select count(*) from (
        select from bg.changes as c
        where {dueness.PENDING} and c.kind = 'resync' and c.source = 'schedule'
        limit :most) as waiting
""")
# Served by next_refreshes_by_time. Two looks at once do not do the same.
_DUE = sa.text("""
    select company_id from bg.next_refreshes
    where at <= :now order by at, company_id limit :most
    for update skip locked
""")
# Here too, so that no portion is looked at again; the refresh sets it anew. Served by the primary
# key.
_MOVE = sa.text(f"""
    update bg.next_refreshes as k set at = {_at("cast(:now as timestamptz)")}
    where company_id = any(:companies)
""")
# Served by the primary key, changes_pending and one_refresh_at_a_time.
_RAISE = sa.text(f"""
    insert into bg.changes (company_id, kind, source, priority, new)
    select d.company_id, 'resync', 'schedule', :priority, jsonb_build_object('asked', d.rhythm)
    from bg.next_refreshes as d
    where d.company_id = any(:companies)
        and not exists (
            select from bg.changes as c
            where c.company_id = d.company_id and {dueness.PENDING} offset 0)
        and not {dueness.under_way("d.company_id")}
    order by d.company_id
""")

# Served by the primary key.
_READ = sa.text("""
    select company_id, at, rhythm, chance, because from bg.next_refreshes
    where company_id = any(:companies)
""")
# Served by next_refreshes_by_time.
_FIRST = sa.text("select company_id, at from bg.next_refreshes order by at, company_id limit 1")
# A look at all companies, 40 ms for 100,000: for who asks for the status.
_COUNTS = sa.text("""
    select count(*) filter (where at <= clock_timestamp()) as late,
        count(*) filter (where rhythm = 'daily') as daily,
        count(*) filter (where rhythm = 'weekly') as weekly,
        count(*) filter (where rhythm = 'monthly') as monthly
    from bg.next_refreshes
""")


@dataclass(frozen=True, slots=True)
class NextRefresh:
    """When a company is refreshed without news, how often that is, and why so often."""

    company_id: str
    at: datetime
    rhythm: str
    chance: float | None
    because: str


@dataclass(frozen=True, slots=True)
class Past:
    """Of a company's group: how many left the company within a year, and when members joined."""

    left: int
    joined: Mapping[str, date]


@dataclass(frozen=True, slots=True)
class Raised:
    """What one look led to: changes raised, of so many companies whose moment had come."""

    raised: int
    due: int
    waiting: int


def read_past(conn: sa.Connection, companies: Sequence[str], as_of: date) -> dict[str, Past]:
    """What the history tells, by company; one without history is left out."""
    asked = {"companies": list(companies), "gone": _GONE, "since": as_of - _COUNTED}
    return {
        row.company_id: Past(
            row.left,
            {who: date.fromisoformat(day) for who, day in (row.joined or {}).items()},
        )
        for row in conn.execute(_PAST, asked)
    }


def write(conn: sa.Connection, judged: Mapping[str, Churn], gone: Iterable[str] = ()) -> None:
    """Set the next moment of these companies, and forget those that are gone.

    In the transaction that completes their refreshes: two statements at most.
    """
    rows = [{"company_id": company, **asdict(one)} for company, one in judged.items()]
    if rows:
        conn.execute(_WRITE, {"rows": json.dumps(rows)})
    companies = list(gone)
    if companies:
        conn.execute(_FORGET, {"companies": companies})


def raise_changes(conn: sa.Connection, now: datetime, most: int) -> Raised:
    """Ask for the refresh of companies whose moment has come, those that waited longest first.

    At most ``most`` companies, less those that were asked for before and wait still. Who waits for
    a refresh of any kind, or is being refreshed, is not asked for again. What an outage has left
    behind is caught up by further looks.
    """
    due = conn.execute(_DUE, {"now": now, "most": most}).scalars().all()
    if not due:
        return Raised(0, 0, 0)
    waiting = int(conn.execute(_WAITING, {"most": most}).scalar_one())
    portion = due[: most - waiting]
    if not portion:
        return Raised(0, 0, waiting)
    conn.execute(_MOVE, {"now": now, "companies": portion})
    asked = {"companies": portion, "priority": priorities.WITHOUT_NEWS}
    return Raised(conn.execute(_RAISE, asked).rowcount, len(portion), waiting)


def read(conn: sa.Connection, companies: Sequence[str]) -> dict[str, NextRefresh]:
    """The next moment by company; one that was never refreshed has none."""
    rows = conn.execute(_READ, {"companies": list(companies)}).mappings()
    return {row["company_id"]: NextRefresh(**row) for row in rows}


def overview(conn: sa.Connection) -> dict[str, Any]:
    """Which company is next and when, how many are late, and how many there are by rhythm."""
    first = conn.execute(_FIRST).mappings().first()
    counts = dict(conn.execute(_COUNTS).mappings().one())
    return {
        "company_id": first["company_id"] if first else None,
        "at": first["at"] if first else None,
        **counts,
    }
