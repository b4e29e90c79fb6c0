"""Dagster shows what the tables hold: ticks see to it once a minute.

The partitions are the tracked companies, their last materializations are there, the checks are
about all groups, and people and companies tell who wrote to them. Each is one process's turn at a
time, and bounded in what it does at once.
"""

from collections.abc import Sequence

import dagster as dg
import sqlalchemy as sa

from bg_assets import partitions, settings
from bg_assets.assets import group_checks, judging
from bg_assets.enriching import ready
from bg_assets.instance import report
from bg_assets.instance.private import names, running
from bg_assets.instance.statuses import NOT_OVER
from bg_assets.storage import chores, companies, database
from bg_assets.ticks import restoring, tables

EVERY_SECONDS = 60.0
_ASKED = dg.AssetKey("enriched_people")
# Adding 10,000 partitions takes 0.7 s, removing 1,000 half of that.
ADDED_AT_ONCE = 10_000
REMOVED_AT_ONCE = 1000


def keep(instance: dg.DagsterInstance, engine: sa.Engine) -> list[str]:
    """Do what is due; returns what is worth telling, a line each. Raises DatabaseUnreachable."""
    tell_checks(instance, engine)
    tables.tell(instance, engine)
    return [*_partitions_if_due(instance, engine), *restoring.look_after(instance, engine)]


def tell_checks(instance: dg.DagsterInstance, engine: sa.Engine) -> None:
    """Judge what nobody has, and tell Dagster how all groups fare where that has changed."""
    judging.judge_some(engine)
    tally = judging.tally_if_due(engine)
    if tally is not None:
        for one in group_checks.evaluate(tally):
            instance.report_runless_asset_event(one)
        judging.told(engine, tally)


def _partitions_if_due(instance: dg.DagsterInstance, engine: sa.Engine) -> list[str]:
    with database.connect(engine) as conn:
        if not chores.begin(conn, "partitions", EVERY_SECONDS):
            return []
    begin_asking(instance)
    tables.begin(instance, engine)
    return fit_partitions(instance, engine)


def begin_asking(instance: dg.DagsterInstance) -> None:
    """Say of enriched_people that nobody was asked yet, once.

    buyer_groups stands behind it, and of what was never materialized the UI warns whoever asks for
    a group.
    """
    if instance.get_latest_materialization_event(_ASKED) is None:
        said = "nobody was asked yet" if settings.read().providers else ready.NO_PROVIDER
        instance.report_runless_asset_event(
            dg.AssetMaterialization(_ASKED, metadata={"because": said})
        )


def fit_partitions(instance: dg.DagsterInstance, engine: sa.Engine) -> list[str]:
    """Give every tracked company its partition, and remove those of companies that are of no use.

    One that is in use stays: while a change or a group of the company is left, a run is in
    progress on it, or any range or backfill is, whose ends it may be. 0.4 s for 100,000 companies.
    """
    name = partitions.companies.name or ""
    # Before the companies: one that comes meanwhile has its partition too early, and none too late.
    known = instance.get_dynamic_partitions(name)
    with database.connect(engine) as conn:
        tracked = companies.all_ids(conn)
        extra = sorted(set(known) - set(tracked))
        of_no_use = companies.of_no_use(conn, extra) if extra else []
    missing = sorted(set(tracked) - set(known))[:ADDED_AT_ONCE]
    if missing:
        instance.add_dynamic_partitions(name, missing)
    removed = _removable(instance, of_no_use)[:REMOVED_AT_ONCE]
    for key in removed:
        instance.delete_dynamic_partition(name, key)
    lines = [f"tracked companies that got their partition: {len(missing)}"] if missing else []
    if removed:
        lines.append(f"partitions of companies that nobody tracks, now removed: {len(removed)}")
    return lines


def _removable(instance: dg.DagsterInstance, keys: Sequence[str]) -> list[str]:
    if not keys:
        return []
    records = instance.get_run_records(dg.RunsFilter(statuses=NOT_OVER))
    runs = [record.dagster_run for record in records]
    tags = [run.tags for run in runs]
    if any(names.RANGE_START_TAG in one for one in tags) or running.any_backfill(instance):
        return []
    in_use = {one.get(names.PARTITION_TAG) for one in tags}
    in_use |= {company for run in runs for company in report.listed(run)}
    return [key for key in keys if key not in in_use]
