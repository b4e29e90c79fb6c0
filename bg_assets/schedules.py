"""The schedules: companies without news are asked for, KPIs measured, experiments compared.

And what has been kept long enough is let go of.
"""

import dagster as dg

from bg_assets import jobs, settings
from bg_assets.instance import retention as letting_go
from bg_assets.instance.statuses import NOT_OVER
from bg_assets.resources import Database
from bg_assets.storage import chores, claims, database, experiments, next_refreshes

# Of Dagster's priorities: behind every refresh.
_LEAST_URGENT = {"dagster/priority": "-1000"}
# A stop is told of by the next turn, and by one more, should that one be missed.
_TURNS_HOURS = 2.0
# What a turn of letting go may take: 100,000 rows, some hundred runs. A tick has 60 s in all.
_LETTING_GO_SECONDS, _LETTING_GO = 15.0, "letting go"
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


@dg.schedule(
    name="retention",
    job=jobs.refresh_buyer_groups,
    cron_schedule="*/5 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description=(
        "Lets go of what has been kept long enough, by BG_RETENTION_CHANGES and the like: handled "
        "changes, finished refreshes and runs, payloads of webhooks and more. Some seconds each "
        "five minutes, in small steps that rest as long as they take; it starts no run. "
        "`bg-assets retention` tells how far it is."
    ),
)
def retention(context: dg.ScheduleEvaluationContext, database: Database) -> dg.SkipReason:
    return dg.SkipReason(let_go(database, context.instance))


def let_go(resource: Database, instance: dg.DagsterInstance) -> str:
    """Let go of some; returns what went, in a sentence."""
    with database.connect(resource.engine) as conn:
        if not chores.begin(conn, _LETTING_GO, 2 * _LETTING_GO_SECONDS):
            return "another process has just been at it"
    done = letting_go.turn(resource.engine, instance, settings.read(), _LETTING_GO_SECONDS)
    went = [f"{one.kept.what}: {one.removed}" for one in done.gone if one.removed]
    more = [one.kept.name for one in done.gone if not one.ended]
    return "; ".join(
        [
            f"let go of {', '.join(went)}" if went else "nothing has been kept too long",
            *([f"there is more, or more to look at: {', '.join(more)}"] if more else []),
            *([f"somebody holds what was to go, next time: {one}" for one in done.held_up]),
        ]
    )


SCHEDULES = [refreshes_without_news, kpis, experiment_comparisons, retention]
