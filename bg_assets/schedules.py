"""The schedules: one asks for companies of which nothing is heard, one has the KPIs measured."""

import dagster as dg

from bg_assets import jobs, settings
from bg_assets.instance.statuses import NOT_OVER
from bg_assets.resources import Database
from bg_assets.storage import claims, database, next_refreshes

_OFF = "BG_REFRESH_WITHOUT_NEWS is 0: companies without news are not refreshed"


@dg.schedule(
    name="refreshes_without_news",
    job=jobs.refresh_buyer_groups,
    cron_schedule="* * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description=(
        "Asks each minute for the refresh of companies whose moment has come though nothing was "
        "heard of them: daily, weekly or monthly, by how much may have changed unseen. It starts "
        "no run itself: a sensor takes them behind everything more urgent. At most "
        "BG_REFRESH_WITHOUT_NEWS companies a minute; 0 turns it off."
    ),
)
def refreshes_without_news(
    context: dg.ScheduleEvaluationContext, database: Database
) -> dg.SkipReason:
    return dg.SkipReason(look(database))


def look(resource: Database) -> str:
    """Ask for what is due; returns what was done, in a sentence."""
    most = settings.read().refresh_without_news
    if not most:
        return _OFF
    with database.connect(resource.engine) as conn:
        done = next_refreshes.raise_changes(conn, claims.database_now(conn), most)
    if done.waiting >= most:
        return f"asked for before and waiting still, at the least: {done.waiting}"
    if not done.due:
        return "nobody's moment has come"
    waits = done.due - done.raised
    return f"companies to be refreshed without news: {done.raised}" + (
        f"; {waits} more {'waits' if waits == 1 else 'wait'} for a refresh anyway" if waits else ""
    )


@dg.schedule(
    name="kpis",
    job=jobs.measure_kpis,
    cron_schedule="*/5 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description=(
        "Has the KPIs measured every five minutes: the asset buyer_group_kpis shows them. Skips a "
        "turn while the last measurement still waits or runs."
    ),
)
def kpis(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    return measure_kpis(context.instance)


def measure_kpis(instance: dg.DagsterInstance) -> dg.RunRequest | dg.SkipReason:
    """Ask for a measurement, one at a time."""
    under_way = dg.RunsFilter(job_name=jobs.measure_kpis.name, statuses=NOT_OVER)
    if instance.get_run_ids(under_way, limit=1):
        return dg.SkipReason("the last measurement still waits or runs")
    return dg.RunRequest()


SCHEDULES = [refreshes_without_news, kpis]
