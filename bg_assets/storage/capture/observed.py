"""Where what is told of people is written: into our own table, or beside one of somebody else's.

See beside.py for what stands there.
"""

from collections.abc import Collection, Mapping
from datetime import datetime

import sqlalchemy as sa

from bg_assets.storage.capture import attached, beside

OWN, BESIDE = "bg.people", beside.TABLE
TABLES = (OWN, BESIDE)
# Who is deleted in the owner's table for good is kept so long, since a table may be filled anew.
KEPT_GONE_HOURS = 24
# Of whom nothing that was told counts any more, the copy says for so long when they were seen.
KEPT_UNTOLD_DAYS = 7
_AT_ONCE = 5000
# What was told by whom looked longer ago than this is compared with what was written since then.
_LOOKED_BACK_DAYS = 30

_ALL = sa.text("select count(bg.follow_people(array(select id from bg.observed_people)))")
_LOCK_ALL = sa.text(
    "select count(*) from (select from bg.observed_people order by id for update) a"
)
# Served by the primary key.
_TAKE = sa.text("select bg.take_people(cast(:ids as text[]), :strict)")
_THEIRS = sa.text("select id from bg.attached_people() where id = any(:ids)")
_COPIED = sa.text("select id from bg.observed_people where id = any(:ids)")
# Who wrote before somebody was copied had begun before it was to be seen that they are, and is over
# once no transaction is left of those that were under way at the first look after that.
_LOOKED = sa.text("""
    update bg.observed_unsettled set after_xid = pg_snapshot_xmax(pg_current_snapshot())
    where after_xid is null
""")
_SETTLED = sa.text("""
    with over as (
        delete from bg.observed_unsettled where ctid = any(array(
            select ctid from bg.observed_unsettled
            where after_xid <= pg_snapshot_xmin(pg_current_snapshot())
            limit :most for update skip locked))
        returning person_id
    )
    select coalesce(array_agg(distinct person_id), '{}') from over
""")
# Locked in a statement of their own, so that the next one sees what their last writer wrote: by
# what it saw before that, it would write the older over the newer. Nobody is waited for.
_FREE = sa.text("""
    select id from bg.observed_people where id = any(:ids) order by id for update skip locked
""")
_NOT_YET = sa.text("""
    insert into bg.observed_unsettled (person_id)
    select o.id from bg.observed_people as o
    where o.id = any(:ids) and not o.id = any(:free)
""")
_FOLLOW = sa.text("select bg.follow_people(cast(:ids as text[]))")
_ANY_UNSETTLED = sa.text("select exists (select from bg.observed_unsettled)")
# Served by observed_people_gone and observed_people_untold. Nobody changes by it: their own rows
# count again.
_LET_GO = sa.text("""
    delete from bg.observed_people where id = any(array(
        select id from bg.observed_people
        where gone_at < clock_timestamp() - make_interval(hours => :hours) limit :most)
        || array(select id from bg.observed_people
        where told = '{}' and updated_at < clock_timestamp() - make_interval(days => :days)
        limit :most))
""")
_OBSERVED_OF = sa.text("select observed_of from bg.capture_watch")
_NOW_OF = sa.text("update bg.capture_watch set observed_of = :table")
# When the owner of the table last wrote somebody, as far as changes tell: a statement about many is
# one change of their company, and what is found by comparison names those who were written. Served
# by changes_pending, refreshes_by_company, changes_by_refresh.
_WRITTEN = sa.text(f"""
    select p.id, greatest(max(c.occurred_at), (
        select attached_at from bg.attached_tables where kind = 'people')) as at
    from unnest(cast(:ids as text[]), cast(:companies as text[])) as p(id, company_id)
    left join lateral (
        select w.person_id, w.source, w.occurred_at, w.new from bg.changes as w
        where w.company_id = p.company_id and w.refresh_id is null
        union all
        select w.person_id, w.source, w.occurred_at, w.new
        from bg.buyer_group_refresh_log as r join bg.changes as w on w.refresh_id = r.id
        where r.company_id = p.company_id
            and r.requested_at > clock_timestamp() - interval '{_LOOKED_BACK_DAYS} days'
    ) as c on (c.person_id = p.id or c.person_id is null
            and coalesce(c.new -> 'written' ? p.id, true))
        and c.source not in ('webhook', 'manual', 'schedule', 'template', 'company_table')
    group by p.id
""")
_COUNT = sa.text("""
    select count(*) filter (where theirs is not null and told <> '{}') as told_of,
        count(*) filter (where theirs is null) as alone
    from bg.observed_people where deleted_at is null
""")


def table(conn: sa.Connection) -> str:
    """The table in which people are written: bg.people, or what is kept beside an attached one."""
    return BESIDE if attached.refusal(conn, "people") else OWN


def take(conn: sa.Connection, ids: Collection[str], *, strict: bool = False) -> None:
    """Give the people of an attached table rows beside it, which can be written then.

    Who has one keeps it; with ``strict`` that is a serialization failure: it has come since the
    caller read, and was read by nobody.
    """
    if ids:
        conn.execute(_TAKE, {"ids": sorted(ids), "strict": strict})


def theirs(conn: sa.Connection, ids: Collection[str]) -> set[str]:
    """Those of these people who stand in the attached table."""
    return set(conn.execute(_THEIRS, {"ids": sorted(ids)}).scalars())


def copied(conn: sa.Connection, ids: Collection[str]) -> set[str]:
    """Those of these people of whom a row is kept beside the attached table."""
    return set(conn.execute(_COPIED, {"ids": sorted(ids)}).scalars())


def settle(conn: sa.Connection) -> int:
    """Follow the owner of an attached table where that could not be done at once; returns how many.

    One look while there is none. Call it now and then.
    """
    if not conn.execute(_ANY_UNSETTLED).scalar() or not attached.refusal(conn, "people"):
        return 0
    if attached.misfits(conn):
        return 0
    ids = conn.execute(_SETTLED, {"most": _AT_ONCE}).scalar_one()
    conn.execute(_LOOKED)
    if not ids:
        return 0
    free = list(conn.execute(_FREE, {"ids": ids}).scalars())
    conn.execute(_NOT_YET, {"ids": ids, "free": free})
    conn.execute(_FOLLOW, {"ids": free})
    return len(free)


def follow_all(conn: sa.Connection) -> None:
    """Take over what the owner of an attached table wrote while nobody saw it."""
    if attached.refusal(conn, "people"):
        conn.execute(_LOCK_ALL)
        conn.execute(_ALL)


def let_go(conn: sa.Connection) -> int:
    """Delete whom their owner deleted long enough ago, and copies of which nothing is left that was
    told; returns how many.
    """
    kept = {"hours": KEPT_GONE_HOURS, "days": KEPT_UNTOLD_DAYS, "most": _AT_ONCE}
    return conn.execute(_LET_GO, kept).rowcount


def belongs_to(conn: sa.Connection, name: str, *, renamed: bool) -> None:
    """What is kept is of the people of this table; what was told of those of another one goes.

    renamed: it is the same one under another name. Call it with the migration lock held.
    """
    was = conn.execute(_OBSERVED_OF).scalar()
    if was is not None and was != name and not renamed:
        conn.exec_driver_sql("delete from bg.observed_unsettled")
        conn.exec_driver_sql(f"delete from {BESIDE}")
    conn.execute(_NOW_OF, {"table": name})


def written_at(conn: sa.Connection, people: Mapping[str, str | None]) -> dict[str, datetime]:
    """When the owner of an attached table last wrote each of these people, by id with company.

    What is told of somebody counts where it was seen after that. Where no change is known it is
    when the table was attached.
    """
    asked = {"ids": list(people), "companies": list(people.values())}
    return {row.id: row.at for row in conn.execute(_WRITTEN, asked)}


def counts(conn: sa.Connection) -> tuple[int, int]:
    """Of how many people of the owner's something counts that was told; how many only we know."""
    row = conn.execute(_COUNT).one()
    return int(row.told_of), int(row.alone)
