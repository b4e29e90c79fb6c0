"""The private names of Dagster that tests touch, beside those of bg_assets/instance/private."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest
from dagster._cli.api import _execute_run_command_body
from dagster._core.definitions import freshness_evaluator
from dagster._core.definitions.data_version import CachingStaleStatusResolver
from dagster._core.definitions.job_base import InMemoryJob as InMemoryJob
from dagster._core.definitions.reconstruct import (
    ReconstructableRepository as ReconstructableRepository,
)
from dagster._core.events import JobFailureData as JobFailureData
from dagster._core.events import RunFailureReason as RunFailureReason
from dagster._core.events import StepMaterializationData as StepMaterializationData
from dagster._core.execution.api import execute_run as execute_run
from dagster._core.execution.backfill import BulkActionStatus as BulkActionStatus
from dagster._core.execution.backfill import PartitionBackfill as PartitionBackfill
from dagster._core.execution.plan.execute_step import _get_output_asset_events
from dagster._core.instance import InstanceRef as InstanceRef
from dagster._core.loader import LoadingContext as LoadingContext
from dagster._core.remote_origin import (
    GrpcServerCodeLocationOrigin as GrpcServerCodeLocationOrigin,
)
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin as RegisteredCodeLocationOrigin,
)
from dagster._core.remote_origin import RemoteInstigatorOrigin as RemoteInstigatorOrigin
from dagster._core.remote_origin import RemoteJobOrigin as RemoteJobOrigin
from dagster._core.remote_origin import RemoteRepositoryOrigin as RemoteRepositoryOrigin
from dagster._core.scheduler.instigation import InstigatorState as InstigatorState
from dagster._core.scheduler.instigation import InstigatorStatus as InstigatorStatus
from dagster._core.scheduler.instigation import InstigatorType as InstigatorType
from dagster._core.scheduler.instigation import (
    ScheduleInstigatorData as ScheduleInstigatorData,
)
from dagster._core.scheduler.instigation import SensorInstigatorData as SensorInstigatorData
from dagster._core.scheduler.instigation import TickStatus as TickStatus
from dagster._core.storage import tags as tags
from dagster._core.storage.event_log.schema import SqlEventLogStorageMetadata
from dagster._core.storage.partition_status_cache import (
    AssetPartitionStatus as AssetPartitionStatus,
)
from dagster._core.storage.runs.schema import RunStorageSqlMetadata
from dagster._core.storage.schedules.schema import ScheduleStorageSqlMetadata
from dagster._daemon.monitoring.run_monitoring import (
    execute_run_monitoring_iteration as execute_run_monitoring_iteration,
)
from dagster._daemon.run_coordinator.queued_run_coordinator_daemon import QueuedRunCoordinatorDaemon
from dagster._daemon.sensor import (
    execute_sensor_iteration_loop as execute_sensor_iteration_loop,
)
from dagster._daemon.types import DaemonHeartbeat as DaemonHeartbeat

execute_run_command_body = _execute_run_command_body
get_output_asset_events = _get_output_asset_events


def stored_in_memory(instance: dg.DagsterInstance) -> Iterator[str]:
    """All rows, as they are stored, of the runs and events of an instance in memory."""
    for storage, metadata, connected in (
        (instance.event_log_storage, SqlEventLogStorageMetadata, "index_connection"),
        (instance.run_storage, RunStorageSqlMetadata, "connect"),
    ):
        with getattr(storage, connected)() as conn:
            tables = [one for one in metadata.tables.values() if one.name != "snapshots"]
            for table in tables:
                yield from (str(row) for row in conn.execute(table.select()))


# Where Dagster's processes set up logs, by module and name.
SETS_UP_LOGS = (
    ("dagster._utils.log", "configure_loggers"),
    ("dagster._daemon.controller", "configure_loggers"),
    ("dagster._cli.api", "configure_loggers"),
    ("dagster._core.definitions.instigation_logger", "create_console_logger"),
    ("dagster._loggers", "create_console_logger"),
)

# The names of all of Dagster's tables.
TABLES = frozenset(
    name
    for metadata in (
        RunStorageSqlMetadata,
        SqlEventLogStorageMetadata,
        ScheduleStorageSqlMetadata,
    )
    for name in metadata.tables
)


def settings_of(instance: dg.DagsterInstance) -> dict[str, Any]:
    """What an instance keeps of its dagster.yaml, to be changed."""
    settings: dict[str, Any] = instance._settings  # type: ignore[assignment]
    return settings


def runs_to_dequeue(instance: dg.DagsterInstance) -> list[dg.DagsterRun]:
    """The runs that the daemon would take from the queue now, in their order."""
    daemon = QueuedRunCoordinatorDaemon(interval_seconds=1)
    return daemon._get_runs_to_dequeue(instance, instance.get_concurrency_config(), None)


class _Context(LoadingContext):
    """What Dagster hands around while it answers one question."""

    def __init__(self, instance: dg.DagsterInstance, graph: Any) -> None:
        self._instance, self._loaders = instance, {}  # type: ignore[var-annotated]
        self.asset_graph = graph

    @property
    def instance(self) -> dg.DagsterInstance:
        return self._instance

    @property
    def loaders(self) -> Any:
        return self._loaders


def stale_status(
    instance: dg.DagsterInstance, defs: dg.Definitions, asset: dg.AssetKey, partition: str
) -> str:
    """What the UI says of a partition: FRESH, STALE or MISSING."""
    graph = defs.resolve_asset_graph()
    resolver = CachingStaleStatusResolver(instance, graph, _Context(instance, graph))
    return resolver.get_status(asset, partition).value


def freshness_state(
    instance: dg.DagsterInstance,
    defs: dg.Definitions,
    asset: dg.AssetKey,
    monkeypatch: pytest.MonkeyPatch,
    later: float = 0.0,
) -> str:
    """What the daemon says of an asset's freshness so many seconds from now."""
    graph = defs.resolve_asset_graph()
    now = time.time() + later
    with monkeypatch.context() as patched:
        patched.setattr(freshness_evaluator, "get_current_timestamp", lambda: now)
        evaluator = freshness_evaluator.TimeWindowFreshnessPolicyEvaluator()
        found = evaluator.evaluate_freshness(_Context(instance, graph), graph.get(asset))
        return asyncio.run(found).value
