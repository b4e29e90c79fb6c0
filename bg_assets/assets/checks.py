"""The checks on buyer_groups as Dagster lists them: all groups, whatever run they stand beside.

Runs and ticks tell how the groups fare (assets/judging.py). What stands here runs where the UI is
asked for it: by itself, or beside a run by hand or a backfill.
"""

from collections.abc import Iterator

import dagster as dg

from bg_assets.assets import group_checks, judging
from bg_assets.resources import Database


@dg.multi_asset_check(
    name="group_checks",
    specs=[
        dg.AssetCheckSpec(name, asset=group_checks.ASSET, description=rule.description)
        for name, rule in group_checks.RULES.items()
    ],
)
def group_checks_by_hand(database: Database) -> Iterator[dg.AssetCheckResult]:
    """Judge what was not judged yet, and tell how all groups fare; it may be a minute old."""
    judging.judge_all(database.engine)
    new = judging.tally_if_due(database.engine)
    for evaluation in group_checks.evaluate(new or judging.last_tally(database.engine)):
        yield dg.AssetCheckResult(
            passed=evaluation.passed,
            asset_key=evaluation.asset_key,
            check_name=evaluation.check_name,
            severity=evaluation.severity,
            metadata=evaluation.metadata,
            description=evaluation.description,
        )
    if new is not None:
        judging.told(database.engine, new)
