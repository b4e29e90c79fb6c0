"""What an asset body tells Dagster about each company: one call for every kind of run.

A run has one partition, a contiguous range (UI backfills), or, with the tag DEFER_TAG, any set of
partitions that its run config lists.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import dagster as dg

from bg_assets.instance.private import events
from bg_assets.instance.private.names import DEFER_TAG

# RunRequest(tags=DEFER_ASSET_EVENTS, run_config={... companies ...}), without a partition
DEFER_ASSET_EVENTS = {DEFER_TAG: "true"}


def is_deferred(context: dg.AssetExecutionContext) -> bool:
    """Whether this run logs the materializations of its companies itself."""
    return context.run.tags.get(DEFER_TAG) == "true"


def defer(context: dg.AssetExecutionContext) -> None:
    """Log the materializations of this run from here on; Dagster logs none of its own."""
    events.defer(context)


def listed(run: dg.DagsterRun) -> list[str]:
    """The companies that a deferred run is for, as its run config lists them; none of another."""
    if run.tags.get(DEFER_TAG) != "true":
        return []
    ops: Any = run.run_config.get("ops") or {}
    lists = ((op.get("config") or {}).get("companies") or () for op in ops.values())
    return list(dict.fromkeys(company for companies in lists for company in companies))


def stand_in(run: dg.DagsterRun | None, known: Callable[[str], bool]) -> None:
    """Let a deferred run without a partition pass for one of its first company, in this process.

    Its tags in Dagster name none, so that nobody takes a batch for a run of one company. But as a
    step begins Dagster looks for the partition whose inputs it notes, and fails where there is
    none. Call it before the first step. ``known``: whether a company has a partition; in a batch
    that is executed again some may have gone.
    """
    if run is None or run.is_partitioned:
        return
    if first := next(filter(known, listed(run)), None):
        events.set_partition(run, first)


def has_partitions(context: dg.AssetExecutionContext) -> bool:
    """Whether the run was launched for one partition or a range."""
    return bool(context.has_partition_key or context.has_partition_key_range)


def partition_keys(context: dg.AssetExecutionContext) -> Sequence[str]:
    """The partitions that a run with one partition or a range is for.

    Reads all dynamic partitions where it is a range: call it once. Wrong for deferred runs, whose
    run config names the partitions.
    """
    return [context.partition_key] if context.has_partition_key else context.partition_keys


def report(context: dg.AssetExecutionContext, results: Mapping[str, Mapping[str, Any]]) -> None:
    """Give each partition of ``results`` a materialization with metadata of its own.

    ``results`` maps partition keys to metadata as in ``dg.MaterializeResult``. Call it in a body
    that is annotated ``-> None``, once for each partition at most. In a deferred run the events are
    logged here, one for each key, none for the others; in an ordinary run Dagster logs one for each
    partition of the run when the step ends, without metadata where ``results`` has none.
    """
    if is_deferred(context):
        events.log_materializations(context, results)
    else:
        events.attach_metadata(context, results)


def tell_again(
    instance: dg.DagsterInstance, asset: dg.AssetKey, results: Mapping[str, Mapping[str, Any]]
) -> None:
    """Give partitions of an asset a materialization outside of any run, written in batches.

    It carries no code version: by which one it was made is not known any more.
    """
    events.log_without_run(
        instance,
        [
            dg.AssetMaterialization(asset, partition=partition, metadata=metadata)
            for partition, metadata in results.items()
        ],
    )


def report_checks(
    context: dg.AssetExecutionContext, evaluations: Sequence[dg.AssetCheckEvaluation]
) -> None:
    """Log how the checks of an asset turned out, from its body: one event each, for the whole run.

    The job needs no step for them, and the run no plan; in a deferred run they show too.
    """
    events.log_checks(context, evaluations)
