"""Every private name of Dagster that this project touches, in one place.

Checked against the versions below. A test fails when Dagster or one of these names changes, so an
upgrade of Dagster starts here; the other files take such names from here.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import dagster as dg
import sqlalchemy as sa
from dagster._cli.api import _execute_run_command_body
from dagster._config.config_schema import UserConfigSchema as UserConfigSchema
from dagster._core.definitions.assets.definition.asset_spec import AssetExecutionType
from dagster._core.definitions.reconstruct import ReconstructableRepository
from dagster._core.errors import DagsterInvariantViolationError as DagsterInvariantViolationError
from dagster._core.events import (
    DagsterEventBatchMetadata,
    StepMaterializationData,
    generate_event_batch_id,
)
from dagster._core.execution.backfill import BulkActionsFilter, BulkActionStatus
from dagster._core.execution.compute_logs import redirect_to_file as redirect_to_file
from dagster._core.execution.context.metadata_logging import (
    AssetMetadataHandle,
    OutputMetadataAccumulator,
)
from dagster._core.execution.plan.execute_step import _get_output_asset_events
from dagster._core.instance import InstanceRef
from dagster._core.instance.config import PoolGranularity
from dagster._core.instance.utils import RUNLESS_JOB_NAME, RUNLESS_RUN_ID
from dagster._core.launcher.base import CheckRunHealthResult as CheckRunHealthResult
from dagster._core.launcher.base import LaunchRunContext as LaunchRunContext
from dagster._core.launcher.base import RunLauncher as RunLauncher
from dagster._core.launcher.base import WorkerStatus as WorkerStatus
from dagster._core.origin import RepositoryPythonOrigin as RepositoryPythonOrigin
from dagster._core.run_coordinator.base import SubmitRunContext as SubmitRunContext
from dagster._core.storage.compute_log_manager import CapturedLogContext as CapturedLogContext
from dagster._core.storage.compute_log_manager import ComputeIOType as ComputeIOType
from dagster._core.storage.local_compute_log_manager import (
    IO_TYPE_EXTENSION as IO_TYPE_EXTENSION,
)
from dagster._core.storage.local_compute_log_manager import (
    LocalComputeLogManager as LocalComputeLogManager,
)
from dagster._core.storage.root import LocalArtifactStorage as LocalArtifactStorage
from dagster._core.storage.tags import EXTERNALLY_MANAGED_ASSETS_TAG, HIDDEN_TAG_PREFIX
from dagster._serdes import ConfigurableClass as ConfigurableClass
from dagster._serdes import ConfigurableClassData as ConfigurableClassData
from dagster._serdes import deserialize_value, serialize_value
from dagster._utils import ensure_file as ensure_file
from dagster._utils import touch_file as touch_file
from dagster._utils.hosted_user_process import recon_repository_from_origin
from dagster._utils.interrupts import capture_interrupts
from dagster_postgres import DagsterPostgresStorage

from bg_assets.instance.notes import EndNotStored

if TYPE_CHECKING:
    from starlette.applications import Starlette

CHECKED_DAGSTER = "1.13.27"
CHECKED_DAGSTER_POSTGRES = "0.29.27"
CHECKED_DAGSTER_WEBSERVER = "1.13.27"

DEFER_TAG = EXTERNALLY_MANAGED_ASSETS_TAG
# A tag that the UI doesn't list, as Dagster's own of this kind.
WORKER_TAG = f"{HIDDEN_TAG_PREFIX}bg_assets_worker"

# How Dagster names the variable from which it reads how many events one INSERT may take.
EVENT_BATCH_VARIABLE = "DAGSTER_EVENT_BATCH_SIZE"

# The table in which Dagster keeps the cursors of its daemons: present once the tables are made.
CURSORS_TABLE = "kvs"


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
    attach_metadata(context, per_partition)
    step = context.get_step_execution_context()
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


def any_backfill(instance: dg.DagsterInstance) -> bool:
    """Whether a backfill is under way."""
    going_on = BulkActionsFilter(
        statuses=[BulkActionStatus.REQUESTED, BulkActionStatus.CANCELING, BulkActionStatus.FAILING]
    )
    return bool(instance.get_backfills(filters=going_on, limit=1))


def defer(context: dg.AssetExecutionContext) -> None:
    """Set DEFER_TAG in this process's copy of the run, by which Dagster goes as each step ends."""
    tags = context.get_step_execution_context().dagster_run.tags
    assert isinstance(tags, dict)
    tags[DEFER_TAG] = "true"


def log_checks(
    context: dg.AssetExecutionContext, evaluations: Iterable[dg.AssetCheckEvaluation]
) -> None:
    """Log evaluations of checks from the body of an asset, whatever kind of run it is.

    Dagster stores each with the run even though the run did not plan it.
    """
    step = context.get_step_execution_context()
    for one in evaluations:
        dg.DagsterEvent.asset_check_evaluation(step, one)


def in_daemon() -> bool:
    """Whether this process is the Dagster daemon, whose threads carry its name."""
    return any(thread.name.startswith("dagster-daemon-") for thread in threading.enumerate())


def limits_only_the_queue_keeps(instance: dg.DagsterInstance) -> bool:
    """Whether limits are set by tag or by pool and run, which need Dagster's queue."""
    config = instance.get_concurrency_config()
    assert config.run_queue_config is not None
    return bool(
        config.run_queue_config.tag_concurrency_limits
        or config.pool_config.pool_granularity == PoolGranularity.RUN
    )


def max_concurrent_runs(instance: dg.DagsterInstance) -> int:
    """How many runs may be in progress at once; -1 means any number, 0 none."""
    config = instance.get_concurrency_config().run_queue_config
    assert config is not None
    return config.max_concurrent_runs


def instance_ref(instance: dg.DagsterInstance) -> str:
    """The instance in the form in which ``execute`` takes it."""
    return serialize_value(instance.get_ref())


def repository_origin(run: dg.DagsterRun) -> tuple[str, str]:
    """The Python that runs the run, and where its definitions are, as ``preload`` takes it."""
    origin = run.job_code_origin
    if origin is None:
        raise DagsterInvariantViolationError(
            f"Run {run.run_id} doesn't say where its code is: launch it from a code location"
        )
    repository = origin.repository_origin
    return repository.executable_path, serialize_value(repository)


def preload(origin: str) -> None:
    """Import the definitions of a repository and build its jobs, as every run would."""
    repository: ReconstructableRepository = recon_repository_from_origin(
        deserialize_value(origin, RepositoryPythonOrigin)
    )
    repository.get_definition().get_all_jobs()


def execute(ref: str, run_id: str, worker: str) -> None:
    """What ``dagster api execute_run`` does, in a process that is tagged as the run's worker.

    A run that was cancelled before it had a worker, or while the worker started, ends as cancelled.
    Raises EndNotStored where it was executed and Dagster's storage did not take its end: Dagster
    lets no error out.
    """
    made = deserialize_value(ref, InstanceRef)
    with capture_interrupts(), dg.DagsterInstance.from_ref(made) as instance:
        instance.add_run_tags(run_id, {WORKER_TAG: worker})
        _execute_run_command_body(
            run_id, instance, write_stream_fn=lambda _: None, set_exit_code_on_failure=False
        )
        run = instance.get_run_by_id(run_id)
        if run is not None and run.status == dg.DagsterRunStatus.CANCELING:
            instance.report_run_canceled(run)
        elif run is not None and not run.is_finished:
            raise EndNotStored(f"Run {run_id} is over and still {run.status.value}")


def share_engine(storage: DagsterPostgresStorage, engine: sa.Engine) -> None:
    """Let the run, event and schedule storages take their connections from one engine."""
    for part in (storage._run_storage, storage._event_log_storage, storage._schedule_storage):
        part._engine = engine


# What old databases lack and Dagster asks the catalog about on every read and event.
_SCHEMA_QUESTIONS = {
    "_run_storage": (
        "has_run_stats_index_cols",
        "has_bulk_actions_selector_cols",
        "has_backfill_id_column",
        "has_bulk_action_job_name_column",
        "has_backfill_tags_table",
    ),
    "_event_log_storage": (
        "has_table",
        "has_asset_key_col",
        "_has_asset_key_col_on_connection",
    ),
    "_schedule_storage": (
        "has_instigators_table",
        "_has_instigators_table",
        "_has_asset_daemon_asset_evaluations_table",
        "has_secondary_index_table",
    ),
}


def trust_schema(storage: DagsterPostgresStorage) -> None:
    """Answer Dagster's questions about its own schema with yes, for one that is up to date.

    A run asks the catalog 18 times, 4 to 8 ms each.
    """
    for part, questions in _SCHEMA_QUESTIONS.items():
        for question in questions:
            setattr(getattr(storage, part), question, lambda *_: True)


def complete_tables(storage: DagsterPostgresStorage) -> None:
    """Bring Dagster's tables and their data up to date; what is done already is left out."""
    parts = (storage._run_storage, storage._schedule_storage)
    for part in (*parts, storage._event_log_storage):
        part.upgrade()
    for part in parts:
        part.migrate()
        part.optimize()
    storage._event_log_storage.reindex_events()
    storage._event_log_storage.reindex_assets()


# The defaults of dagster-webserver: milliseconds a statement, seconds a connection, and how many
# more of these; milliseconds between two looks of the UI at what is under way.
_STATEMENT_TIMEOUT, _POOL_RECYCLE, _MAX_OVERFLOW = 15_000, 3_600, 20
_LIVE_DATA_POLL_RATE = 2_000


@contextmanager
def ui(workspace: str, read_only: bool) -> Iterator["Starlette"]:
    """The UI of the instance of DAGSTER_HOME, as ``dagster-webserver -w workspace`` makes it.

    Dagster's telemetry is left out.
    """
    # What no run needs: they take a second and 40 MB.
    from dagster._core.workspace.context import WorkspaceProcessContext
    from dagster._core.workspace.load_target import WorkspaceFileTarget
    from dagster._utils.log import configure_loggers
    from dagster_webserver.app import create_app_from_workspace_process_context
    from dagster_webserver.version import __version__

    configure_loggers(formatter="colored", log_level="INFO")
    with dg.DagsterInstance.get() as instance:
        instance.optimize_for_webserver(_STATEMENT_TIMEOUT, _POOL_RECYCLE, _MAX_OVERFLOW)
        with WorkspaceProcessContext(
            instance,
            workspace_load_target=WorkspaceFileTarget([workspace]),
            version=__version__,
            read_only=read_only,
        ) as context:
            yield create_app_from_workspace_process_context(context, "", _LIVE_DATA_POLL_RATE)
