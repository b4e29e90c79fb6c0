"""Events as Dagster logs them: many at once, with metadata of their own, and what they tell."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import dagster as dg
from dagster._core.definitions.assets.definition.asset_spec import AssetExecutionType
from dagster._core.events import (
    DagsterEventBatchMetadata,
    JobFailureData,
    RunFailureReason,
    StepMaterializationData,
    generate_event_batch_id,
)
from dagster._core.execution.context.metadata_logging import (
    AssetMetadataHandle,
    OutputMetadataAccumulator,
)
from dagster._core.execution.plan.execute_step import _get_output_asset_events
from dagster._core.instance.utils import RUNLESS_JOB_NAME, RUNLESS_RUN_ID
from dagster_shared.error import SerializableErrorInfo

from bg_assets.instance.private.names import DEFER_TAG, PARTITION_TAG


def attach_metadata(
    context: dg.AssetExecutionContext, per_partition: Mapping[str, Mapping[str, Any]]
) -> None:
    """Give each of the step's partitions metadata of its own, all at once.

    The same as a call of ``context.add_asset_metadata`` for each, which reads all dynamic
    partitions and copies what was attached before on every call. Whether the partitions are those
    of the run is not checked: metadata of others is ignored by Dagster.
    """
    step = context.get_step_execution_context()
    attached = dict(step._metadata_accumulator.per_output_metadata)
    for partition, metadata in per_partition.items():
        handle = AssetMetadataHandle(asset_key=context.asset_key, partition_key=partition)
        attached[handle] = {**attached.get(handle, {}), **metadata}
    step._metadata_accumulator = OutputMetadataAccumulator(per_output_metadata=attached)


def log_materializations(
    context: dg.AssetExecutionContext, per_partition: Mapping[str, Mapping[str, Any]]
) -> None:
    """Log one materialization for each partition, written in batches.

    The events are those that Dagster itself would log at the end of the step: the same metadata,
    and the same tags for data and code versions. Only for runs with DEFER_TAG, in which Dagster
    logs none.
    """
    if not per_partition:
        # Dagster would make one event of no partition.
        return
    attach_metadata(context, per_partition)
    step = context.get_step_execution_context()
    # What an earlier call left there would pass for a version that the body has given.
    step._data_version_cache.values.pop(context.asset_key, None)
    events = list(
        _get_output_asset_events(
            context.asset_key,
            list(per_partition),
            dg.Output(None),
            step.op_def.output_defs[0],
            {},
            step,
            AssetExecutionType.MATERIALIZATION,
        )
    )
    batch: str = generate_event_batch_id()  # type: ignore[no-untyped-call]
    for number, event in enumerate(events, start=1):
        assert isinstance(event, dg.AssetMaterialization)
        dg.DagsterEvent.asset_materialization(
            step, event, DagsterEventBatchMetadata(batch, number == len(events))
        )


def log_without_run(
    instance: dg.DagsterInstance, events: Sequence[dg.AssetMaterialization]
) -> None:
    """What ``instance.report_runless_asset_event`` does with each, but written in batches."""
    batch: str = generate_event_batch_id()  # type: ignore[no-untyped-call]
    for number, event in enumerate(events, start=1):
        instance.report_dagster_event(
            dg.DagsterEvent(
                dg.DagsterEventType.ASSET_MATERIALIZATION.value,
                RUNLESS_JOB_NAME,
                event_specific_data=StepMaterializationData(event),
            ),
            RUNLESS_RUN_ID,
            batch_metadata=DagsterEventBatchMetadata(batch, number == len(events)),
        )


def defer(context: dg.AssetExecutionContext) -> None:
    """Set DEFER_TAG in this process's copy of the run, by which Dagster goes as each step ends."""
    tags = context.get_step_execution_context().dagster_run.tags
    assert isinstance(tags, dict)
    tags[DEFER_TAG] = "true"


def set_partition(run: dg.DagsterRun, partition: str) -> None:
    """Set the partition in this process's copy of the run; what is stored stays as it is."""
    assert isinstance(run.tags, dict)
    run.tags[PARTITION_TAG] = partition


def log_checks(
    context: dg.AssetExecutionContext, evaluations: Iterable[dg.AssetCheckEvaluation]
) -> None:
    """Log evaluations of checks from the body of an asset, whatever kind of run it is.

    Dagster stores each with the run even though the run did not plan it.
    """
    step = context.get_step_execution_context()
    for one in evaluations:
        dg.DagsterEvent.asset_check_evaluation(step, one)


# What Dagster's run monitoring says as it ends a run (check_run_timeout of 1.13).
_FOR_ITS_TIME = "exceeding maximum runtime"


def ended_for_its_time(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Whether Dagster has ended, or is ending, a run because it took too long."""
    told = instance.all_logs(run_id, of_type=dg.DagsterEventType.RUN_CANCELING)
    return any(
        _FOR_ITS_TIME in (entry.dagster_event.message or "")
        for entry in told
        if entry.dagster_event is not None
    )


def was_late_to_start(event: dg.DagsterEvent) -> bool:
    """Whether the event fails a run since its process took too long to come up."""
    data = event.event_specific_data
    return (
        isinstance(data, JobFailureData) and data.failure_reason is RunFailureReason.START_TIMEOUT
    )


def error_kinds(failure: dg.DagsterEvent) -> Iterator[str]:
    """The classes of the error of a failed step, outermost first, as far as they are known."""
    error: SerializableErrorInfo | None = failure.step_failure_data.error
    while error is not None:
        if error.cls_name:
            yield error.cls_name
        error = error.cause or error.context
