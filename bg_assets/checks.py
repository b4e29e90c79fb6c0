"""The checks on buyer_groups as Dagster lists them.

A refresh evaluates them itself, for what it wrote (assets/group_checks.py). What stands here runs
where the UI is asked for them: beside a run by hand or a backfill, for its companies; else for all.
"""

from collections.abc import Iterator

import dagster as dg

from bg_assets import partitions, products, settings
from bg_assets.assets import group_checks
from bg_assets.resources import Database
from bg_assets.storage import checking
from bg_assets.storage.database import connect

_PARTITION, _FIRST, _LAST = (
    "dagster/partition",
    "dagster/asset_partition_range_start",
    "dagster/asset_partition_range_end",
)


@dg.multi_asset_check(
    name="group_checks",
    specs=[
        dg.AssetCheckSpec(name, asset=group_checks.ASSET, description=rule.description)
        for name, rule in group_checks.RULES.items()
    ],
)
def group_checks_by_hand(
    context: dg.AssetCheckExecutionContext, database: Database
) -> Iterator[dg.AssetCheckResult]:
    """Judge the stored groups of this run's companies, or of all where it has none."""
    config = settings.read()
    force = products.in_force(database.engine, config.templates, config.products)
    with connect(database.engine) as conn:
        groups = checking.read(conn, _companies(context))
    for one in group_checks.evaluate(groups, force.templates):
        yield dg.AssetCheckResult(
            passed=one.passed,
            asset_key=one.asset_key,
            check_name=one.check_name,
            severity=one.severity,
            metadata=one.metadata,
            description=one.description,
        )


def _companies(context: dg.AssetCheckExecutionContext) -> list[str] | None:
    tags = context.run.tags
    if _PARTITION in tags:
        return [tags[_PARTITION]]
    if _FIRST not in tags:
        return None
    known = list(context.instance.get_dynamic_partitions(partitions.companies.name or ""))
    return known[known.index(tags[_FIRST]) : known.index(tags[_LAST]) + 1]
