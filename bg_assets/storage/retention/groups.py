"""Letting go of handled changes, finished refreshes and the history of groups.

What is still needed stays, however old: changes that no group reflects yet or that somebody set
aside, the last refresh of a company and the last that completed, refreshes to which a group, a
change or history refers, those that are dead, and what is known of who is in a group now.
"""

from datetime import datetime

import sqlalchemy as sa

from bg_assets.storage.retention.step import Step, walked

# Served by the primary key: ids come in the order of occurred_at, so that no index on handled_at is
# needed, which would cost every change that is handled.
_CHANGES = sa.text("""
    with page as (
        select id, occurred_at, handled_at from bg.changes
        where id > :after order by id limit :most
    ), gone as (
        delete from bg.changes
        where id = any(array(select id from page where handled_at < :until))
        returning id
    )
    select (select count(*) from gone) as removed, max(id) as last, count(*) as seen,
        coalesce(bool_and(occurred_at >= :until), true) as young
    from page
""")
# Looks at all changes.
_COUNT_CHANGES = sa.text("select count(*) from bg.changes where handled_at < :until")

# Whoever is in the group now: since when, and as what, is told by these. Served by the primary key
# of the members.
_STANDS = """exists (
                select from bg.buyer_group_members as m
                where m.company_id = h.company_id and m.product = h.product
                    and m.person_id = h.person_id
                offset 0)"""
# Served by the primary keys, a probe of the refresh log for each.
_HISTORY = sa.text(f"""
    with page as (
        select h.id, h.company_id, h.product, h.person_id, (
            select r.finished_at from bg.buyer_group_refresh_log as r
            where r.id = h.refresh_id) as at
        from bg.buyer_group_history as h
        where h.id > :after order by h.id limit :most
    ), gone as (
        delete from bg.buyer_group_history
        where id = any(array(select h.id from page as h where h.at < :until and not {_STANDS}))
        returning id
    )
    select (select count(*) from gone) as removed, max(id) as last, count(*) as seen,
        coalesce(bool_and(at >= :until), true) as young
    from page
""")
# Looks at all of it.
_COUNT_HISTORY = sa.text(f"""
    select count(*) from bg.buyer_group_history as h
    join bg.buyer_group_refresh_log as r on r.id = h.refresh_id
    where r.finished_at < :until and not {_STANDS}
""")

# Of a refresh ``r``. Served by refreshes_by_company, changes_by_refresh, history_by_refresh and
# buyer_groups_by_refresh: a probe each.
_SPENT = """r.finished_at < :until and r.status in ('completed', 'cancelled')
            and exists (
                select from bg.buyer_group_refresh_log as later
                where later.company_id = r.company_id and later.requested_at > r.requested_at
                    and later.status = 'completed'
                offset 0)
            and not exists (
                select from bg.changes as c where c.refresh_id = r.id offset 0)
            and not exists (
                select from bg.buyer_group_history as h where h.refresh_id = r.id offset 0)
            and not exists (
                select from bg.buyer_groups as g where g.refresh_id = r.id offset 0)"""
# Served by refreshes_by_end. With ties, since a batch ends all of its refreshes at one moment, and
# the next page begins behind it. The attempts go along by their primary key.
_REFRESHES = sa.text(f"""
    with page as (
        select id, company_id, status, requested_at, finished_at
        from bg.buyer_group_refresh_log
        where finished_at > cast(:after as timestamptz)
        order by finished_at fetch first :most rows with ties
    ), gone as (
        delete from bg.buyer_group_refresh_log
        where id = any(array(select r.id from page as r where {_SPENT}))
        returning id
    )
    select (select count(*) from gone) as removed, cast(max(finished_at) as text) as last,
        count(*) as seen, coalesce(bool_and(finished_at >= :until), true) as young
    from page
""")
# Looks at all refreshes that ended before.
_COUNT_REFRESHES = sa.text(f"""
    select count(*) from bg.buyer_group_refresh_log as r where {_SPENT}
""")


def remove_changes(conn: sa.Connection, until: datetime, after: object) -> Step:
    """Let go of some changes that were handled before then."""
    return walked(conn, _CHANGES, until, after or 0)


def count_changes(conn: sa.Connection, until: datetime) -> int:
    """How many changes would go."""
    return int(conn.execute(_COUNT_CHANGES, {"until": until}).scalar_one())


def remove_history(conn: sa.Connection, until: datetime, after: object) -> Step:
    """Let go of some of the history from before then."""
    return walked(conn, _HISTORY, until, after or 0)


def count_history(conn: sa.Connection, until: datetime) -> int:
    """How many rows of the history would go."""
    return int(conn.execute(_COUNT_HISTORY, {"until": until}).scalar_one())


def remove_refreshes(conn: sa.Connection, until: datetime, after: object) -> Step:
    """Let go of some refreshes that were over before then, and to which nothing refers any more."""
    return walked(conn, _REFRESHES, until, after or "-infinity")


def count_refreshes(conn: sa.Connection, until: datetime) -> int:
    """How many refreshes would go as things stand; more, once their changes and history have."""
    return int(conn.execute(_COUNT_REFRESHES, {"until": until}).scalar_one())
