"""How old the latest group may be before Dagster says that nothing is refreshed any more.

Dagster's policies know an asset as a whole, not its partitions: what is judged, by its daemon every
half minute, is the latest materialization of any company. Of each company by itself the metadata
``next_refresh`` tells, and the checks on buyer_groups.
"""

from datetime import timedelta

import dagster as dg

from bg_assets import settings

# Without any news each company comes up every 30 days (domain/groups/churn.py): of 100 companies
# three a day. With so many the chance of no refresh in 2 days is one in a thousand, and of 20
# companies that of none in 14 days is one in ten thousand.
WARN, FAIL = timedelta(days=2), timedelta(days=14)


def policy() -> dg.FreshnessPolicy | None:
    """That of the assets that a refresh makes; none where nothing is refreshed without news: then
    a quiet fortnight is no fault. Raises nothing."""
    try:
        config = settings.read()
    except settings.BadSetting:
        return None
    if not config.refresh_without_news:
        return None
    return dg.FreshnessPolicy.time_window(fail_window=FAIL, warn_window=WARN)
