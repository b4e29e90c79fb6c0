"""Which of Dagster's runs and events nobody needs any more, read from its tables without Dagster.

Needed is what holds the last word on something: the last materialization or observation of an
asset or a partition, a failure that no materialization has followed, the last evaluation of a
check. Dagster deletes a run with its events (`DagsterInstance.delete_run`); it leaves evaluations
of checks behind, and can't delete what it was told without a run.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

# What is told without a run has this for its id (RUNLESS_RUN_ID).
RUNLESS = ""

_MADE, _SEEN = "'ASSET_MATERIALIZATION'", "'ASSET_OBSERVATION'"
_TRIED = "'ASSET_MATERIALIZATION_PLANNED', 'ASSET_FAILED_TO_MATERIALIZE'"
# In seconds since 1970. Some have only been noted when they ended.
_ENDED = "coalesce(r.end_time, extract(epoch from r.update_timestamp at time zone 'utc'))"
_OVER = f"""r.status in ('SUCCESS', 'FAILURE', 'CANCELED')
            and {_ENDED} < extract(epoch from cast(:until as timestamptz))"""


def _later(kind: str) -> str:
    """Whether an event of a kind followed the event ``e`` on its asset and partition."""
    return f"""exists (
                select from event_logs as n
                where n.asset_key = e.asset_key and n.dagster_event_type = {kind}
                    and n.partition = e.partition and n.id > e.id
                offset 0)"""


def _later_of_whole(kind: str) -> str:
    """The same of one that is of no partition."""
    return f"""exists (
                select from event_logs as n
                where n.asset_key = e.asset_key and n.dagster_event_type = {kind}
                    and n.partition is null and n.id > e.id
                offset 0)"""


# Of an event ``e``: no other has followed. Served by idx_events_by_asset_partition and
# idx_events_by_asset, a probe each.
_LAST_WORD = f"""e.asset_key is not null and case
            when e.dagster_event_type in ({_MADE}, {_SEEN}) then not case
                when e.partition is null then {_later_of_whole("e.dagster_event_type")}
                else {_later("e.dagster_event_type")} end
            when e.dagster_event_type in ({_TRIED}) then not case
                when e.partition is null
                    then {_later_of_whole(_MADE)} or {_later_of_whole("e.dagster_event_type")}
                else {_later(_MADE)} or {_later("e.dagster_event_type")} end
            else false end"""

# Served by the primary key of runs, and the unique key of bulk_actions.
_PAGE = sa.text(f"""
    select r.id, r.run_id,
        r.create_timestamp >= cast(:until as timestamptz) at time zone 'utc' as young,
        {_OVER} and not exists (
            select from bulk_actions as b
            where b.key = r.backfill_id and b.status in ('REQUESTED', 'CANCELING')
            offset 0) as over
    from runs as r where r.id > :after order by r.id limit :most
""")
# Looks at all runs.
_COUNT = sa.text(f"select count(*) from runs as r where {_OVER}")
# Served by idx_events_by_run_id.
_NEEDED = sa.text(f"""
    select r.run_id from unnest(cast(:runs as text[])) as r(run_id)
    where exists (
        select from event_logs as e where e.run_id = r.run_id and {_LAST_WORD} offset 0)
""")
# Served by idx_asset_check_executions, from one check to the next, and by
# idx_asset_check_executions_unique: of a check that is evaluated still, the newest run or so.
_LAST_CHECKED = sa.text("""
    with recursive checks as (
        (select asset_key, check_name from asset_check_executions
        order by asset_key, check_name limit 1)
        union all
        select n.asset_key, n.check_name from checks as c cross join lateral (
            select x.asset_key, x.check_name from asset_check_executions as x
            where (x.asset_key, x.check_name) > (c.asset_key, c.check_name)
            order by x.asset_key, x.check_name limit 1) as n
    )
    select c.asset_key, c.check_name, (
        select r.run_id from runs as r
        where exists (
            select from asset_check_executions as x
            where x.asset_key = c.asset_key and x.check_name = c.check_name
                and x.run_id = r.run_id
            offset 0)
        order by r.id desc limit 1) as run_id
    from checks as c where c.asset_key is not null
""")
# Served by idx_asset_check_executions_unique.
_FORGET_CHECKS = sa.text("""
    delete from asset_check_executions as x
    using unnest(cast(:assets as text[]), cast(:checks as text[])) as c(asset_key, check_name)
    where x.asset_key = c.asset_key and x.check_name = c.check_name and x.run_id = any(:runs)
""")
# Served by idx_events_by_run_id, and idx_asset_event_tags_event_id.
_RUNLESS = sa.text(f"""
    with page as (
        select id, timestamp < cast(:until as timestamptz) at time zone 'utc' as old
        from event_logs where run_id = '{RUNLESS}' and id > :after order by id limit :most
    ), chosen as (
        select e.id from event_logs as e
        where e.id = any(array(select id from page where old))
            and e.dagster_event_type in ({_MADE}, {_SEEN}) and not ({_LAST_WORD})
    ), tags as (
        delete from asset_event_tags where event_id = any(array(select id from chosen))
    ), gone as (
        delete from event_logs where id = any(array(select id from chosen)) returning id
    )
    select (select count(*) from gone) as removed, max(id) as last, count(*) as seen,
        coalesce(bool_and(not old), true) as young
    from page
""")
# Served by idx_events_by_run_id.
_COUNT_RUNLESS = sa.text(f"""
    select count(*) from event_logs as e
    where e.run_id = '{RUNLESS}' and e.dagster_event_type in ({_MADE}, {_SEEN})
        and e.timestamp < cast(:until as timestamptz) at time zone 'utc' and not ({_LAST_WORD})
""")


@dataclass(frozen=True, slots=True)
class Checked:
    """The run in which a check was evaluated last; None where its run is not known any more."""

    asset_key: str
    check_name: str
    run_id: str | None


@dataclass(frozen=True, slots=True)
class OldRun:
    """A run: over since long enough, or begun too lately to be (``young``), or neither."""

    id: int
    run_id: str
    over: bool
    young: bool


def page(conn: sa.Connection, until: datetime, after: int, most: int) -> list[OldRun]:
    """The next runs in the order in which they were made."""
    rows = conn.execute(_PAGE, {"until": until, "after": after, "most": most})
    return [OldRun(row.id, row.run_id, row.over, row.young) for row in rows]


def count(conn: sa.Connection, until: datetime) -> int:
    """How many runs were over before then, needed or not."""
    return int(conn.execute(_COUNT, {"until": until}).scalar_one())


def needed(conn: sa.Connection, runs: Sequence[str]) -> set[str]:
    """Those of the runs that hold the last word on an asset or a partition."""
    return set(conn.execute(_NEEDED, {"runs": list(runs)}).scalars())


def last_checked(conn: sa.Connection) -> list[Checked]:
    """By check, the run that holds its last evaluation."""
    return [Checked(*row) for row in conn.execute(_LAST_CHECKED)]


def forget_checks(conn: sa.Connection, runs: Sequence[str], checks: Collection[Checked]) -> None:
    """Delete what these runs have said of these checks."""
    values = {
        "runs": list(runs),
        "assets": [one.asset_key for one in checks],
        "checks": [one.check_name for one in checks],
    }
    conn.execute(_FORGET_CHECKS, values)


def forget_runless(
    conn: sa.Connection, until: datetime, after: int, most: int
) -> tuple[int, int | None, bool]:
    """Delete some of what was told without a run before then, and was followed by another.

    Returns how many went, the last that was looked at, and whether there is more.
    """
    row = conn.execute(_RUNLESS, {"until": until, "after": after, "most": most}).one()
    return int(row.removed), row.last, row.seen >= most and not row.young


def count_runless(conn: sa.Connection, until: datetime) -> int:
    """How many events that were told without a run would go."""
    return int(conn.execute(_COUNT_RUNLESS, {"until": until}).scalar_one())


def there(conn: sa.Connection) -> bool:
    """Whether Dagster has made its tables."""
    return bool(conn.scalar(sa.text("select to_regclass('asset_check_executions') is not null")))
