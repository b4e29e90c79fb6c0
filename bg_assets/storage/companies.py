"""Which companies are tracked, and taking them off the list."""

from collections.abc import Sequence

import sqlalchemy as sa

from bg_assets.storage import dueness

_KNOWN = sa.text("""
    select id from bg.canonical_companies where id = any(:ids) and deleted_at is null
""")
_ALL = sa.text(
    "select id from bg.canonical_companies where deleted_at is null and id > :after "
    "order by id limit :most"
)
_COUNT = sa.text("select count(*) from bg.canonical_companies where deleted_at is null")
# In the order of a hash: spread over all, and the same companies each time.
_SAMPLE = sa.text("""
    select id from bg.canonical_companies where deleted_at is null order by md5(id), id limit :most
""")
# Served by the primary keys of companies and groups, changes_pending, one_refresh_at_a_time,
# refreshes_dead and refreshes_cancelled: probes for each id that nobody tracks.
_OF_NO_USE = sa.text(f"""
    select a.id from unnest(cast(:ids as text[])) with ordinality as a(id, place)
    where not exists (
            select from bg.canonical_companies as c where c.id = a.id and c.deleted_at is null)
        and not exists (select from bg.buyer_groups as g where g.company_id = a.id)
        and not exists (
            select from bg.changes as w where w.company_id = a.id and w.refresh_id is null)
        and not {dueness.under_way("a.id")}
        and not exists (
            select from bg.buyer_group_refresh_log as d
            where d.company_id = a.id and d.status = 'dead')
        and not exists (
            select from bg.buyer_group_refresh_log as d
            join bg.changes as w on w.refresh_id = d.id and w.handled_at is null
            where d.company_id = a.id and d.status = 'cancelled')
    order by a.place
""")
_UNTRACK = sa.text("""
    update bg.companies set deleted_at = now()
    where id = any(:ids) and deleted_at is null returning id
""")


def unknown(conn: sa.Connection, ids: Sequence[str]) -> list[str]:
    """Those of the ids that no tracked company has, in their order."""
    known = set(conn.execute(_KNOWN, {"ids": list(ids)}).scalars())
    return [one for one in dict.fromkeys(ids) if one not in known]


def of_no_use(conn: sa.Connection, ids: Sequence[str]) -> list[str]:
    """Those of the ids that no tracked company has and of which nothing is left to do.

    A company that was deleted is of use until its group has gone.
    """
    return list(conn.execute(_OF_NO_USE, {"ids": list(dict.fromkeys(ids))}).scalars())


def all_ids(conn: sa.Connection) -> list[str]:
    """The ids of all tracked companies, in order."""
    return list(conn.execute(_ALL, {"after": "", "most": 10_000_000}).scalars())


def count(conn: sa.Connection) -> int:
    """How many companies are tracked."""
    return int(conn.execute(_COUNT).scalar_one())


def sample_ids(conn: sa.Connection, most: int) -> list[str]:
    """The ids of some tracked companies, in order: the same ones each time."""
    return sorted(conn.execute(_SAMPLE, {"most": most}).scalars())


def untrack(conn: sa.Connection, ids: Sequence[str]) -> list[str]:
    """Mark companies as deleted; the change that this makes removes their groups.

    Returns the ids that were tracked until now.
    """
    return list(conn.execute(_UNTRACK, {"ids": list(ids)}).scalars())
