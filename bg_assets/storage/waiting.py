"""Who holds what others wait for, as far as PostgreSQL tells."""

import sqlalchemy as sa

# The strongest lock first: what only rows are locked with is in nobody's way as a whole. Names of
# relations are read from the catalog and not by regclass, which may wait for the lock itself.
_HOLDER = sa.text("""
    select n.nspname || '.' || c.relname as relation, l.pid, a.application_name, l.mode,
        extract(epoch from clock_timestamp() - a.xact_start)::float as seconds
    from pg_locks as l
    join pg_class as c on c.oid = l.relation and c.relkind in ('r', 'p')
    join pg_namespace as n on n.oid = c.relnamespace and n.nspname = 'bg'
    left join pg_stat_activity as a on a.pid = l.pid
    where l.granted and l.locktype = 'relation' and l.pid <> pg_backend_pid()
        and l.database = (select oid from pg_database where datname = current_database())
        and l.mode not in ('AccessShareLock', 'RowShareLock')
    order by array_position(array['AccessExclusiveLock', 'ExclusiveLock', 'ShareRowExclusiveLock',
            'ShareLock', 'ShareUpdateExclusiveLock', 'RowExclusiveLock'], l.mode),
        a.xact_start nulls last, l.pid
    limit 1
""")


def holder(conn: sa.Connection) -> str | None:
    """The strongest lock that another holds on a table of schema bg, in words; None where none.

    It is what is most likely waited for, not proof: PostgreSQL does not tell afterwards. What is
    known of sessions of other users depends on one's rights.
    """
    row = conn.execute(_HOLDER).mappings().first()
    if row is None:
        return None
    name = f" {row['application_name'][:40]!r}" if row["application_name"] else ""
    since = f" since {row['seconds']:.0f} s" if row["seconds"] is not None else ""
    return f"{row['relation']}, {row['mode']} of process {row['pid']}{name}{since}"
