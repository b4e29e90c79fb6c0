"""The schedule that sees to companies of which nothing is heard: it asks, and the sensors do."""

import dagster as dg

from bg_assets import jobs, settings
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


SCHEDULES = [refreshes_without_news]
