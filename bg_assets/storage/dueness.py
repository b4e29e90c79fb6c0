"""When a company is due, as pieces of SQL: for claims, and for all that tells what waits and why.

Each condition stands here alone. They speak of a row ``c`` of changes or ``r`` of the refresh log;
"offset 0" keeps a probe a probe: made into joins, on figures that are a burst of changes old, they
became loops over all that is under way.
"""

# What is stamped further ahead of now was stamped by a clock that has been set back since. Nobody
# waits until the clock has caught up. Below it are two clocks that don't quite agree.
AHEAD = "interval '1 minute'"

# A company with a stream of changes is taken this many seconds after the first at the latest.
LONGEST_SETTLE = 30.0

# No refresh has taken the change. Served by changes_pending.
PENDING = "c.handled_at is null and c.refresh_id is null"

# Somebody asks and waits for it: the company need not settle.
BY_HAND = "c.kind = 'resync' and c.source = 'manual'"

# The change waits for no interval: somebody or a template asks for the refresh, or a member of the
# group has left. Served by the primary key of the members.
AT_ONCE = """(c.kind = 'resync' and c.source in ('manual', 'template')
                or c.is_departure and exists (
                    select from bg.buyer_group_members as m
                    where m.company_id = c.company_id and m.person_id = c.person_id
                    offset 0))"""

# Of all changes of a company: when no further one is waited for. Takes :settle, :longest_settle.
SETTLED_AT = """least(max(c.occurred_at) + make_interval(secs => :settle),
                min(c.occurred_at) + make_interval(secs => :longest_settle))"""

# The end of such a refresh starts an interval. Served by refreshes_that_defer.
DEFERS = "r.status = 'completed' and r.starts_interval"

# The refresh is the lock of its company. Served by one_refresh_at_a_time.
UNDER_WAY = "r.status in ('requested', 'running')"

# The same of refreshes that are named by their ids: served by the primary key. Without "|| ''" the
# index of what is under way would do too, and costs nothing by figures from a quiet moment: each
# id was compared with all that was under way.
NAMED_UNDER_WAY = "r.status || '' in ('requested', 'running')"


def deferred(company: str, now: str = ":now") -> str:
    """Whether the interval after its last refresh is not over. Takes :refresh_interval.

    An interval that begins in the future holds nobody up. Served by refreshes_that_defer, of which
    one row is read: as a range of times it could be served by refreshes_by_end as well, and was,
    so that each company was compared with all that had been refreshed within the interval.
    """
    return f"""coalesce((
                select r.finished_at from bg.buyer_group_refresh_log as r
                where r.company_id = {company} and {DEFERS}
                    and r.finished_at <= {now} + {AHEAD}
                order by r.finished_at desc limit 1
            ) > {now} - make_interval(secs => :refresh_interval), false)"""


def under_way(company: str) -> str:
    """Whether a refresh of the company is requested or running."""
    return f"""exists (
                select from bg.buyer_group_refresh_log as r
                where r.company_id = {company} and {UNDER_WAY}
                offset 0)"""


def resting(company: str, now: str = ":now") -> str:
    """Whether its last refresh is dead and further changes wait. Served by refreshes_dead.

    A death in the future lets nobody rest.
    """
    return f"""exists (
                select from bg.buyer_group_refresh_log as r
                where r.company_id = {company} and r.status = 'dead' and r.not_before > {now}
                    and r.finished_at <= {now} + {AHEAD}
                offset 0)"""
