"""The schedules: companies without news are asked for, KPIs measured, experiments compared."""

import dagster as dg

from bg_assets import jobs, settings
from bg_assets.instance.statuses import NOT_OVER
from bg_assets.resources import Database
from bg_assets.storage import claims, database, experiments, next_refreshes

# Of Dagster's priorities: behind every refresh.
_LEAST_URGENT = {"dagster/priority": "-1000"}
# A stop is told of by the next turn, and by one more, should that one be missed.
_TURNS_HOURS = 2.0
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


@dg.schedule(
    name="experiment_comparisons",
    job=jobs.compare_experiments,
    cron_schedule="17 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description=(
        "Compares the two versions of a template each hour while an experiment runs, tells of its "
        "end, and does nothing while none runs."
    ),
)
def experiment_comparisons(
    context: dg.ScheduleEvaluationContext, database: Database
) -> dg.RunRequest | dg.SkipReason:
    products = told_experiments(database)
    if not products:
        return dg.SkipReason("no experiment runs")
    return dg.RunRequest(tags={**_LEAST_URGENT, "bg/reasons": f"experiments: {products}"})


def told_experiments(resource: Database) -> str:
    """The products on which an experiment runs, or was just stopped, in a line; else empty."""
    with database.connect(resource.engine) as conn:
        told = experiments.running_or_stopped_since(conn, _TURNS_HOURS)
    return ", ".join(sorted({one.product for one in told}))


SCHEDULES = [refreshes_without_news, kpis, experiment_comparisons]
