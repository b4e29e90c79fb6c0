"""Runs: how they are limited, where their code is, and what their processes do."""

import threading

import dagster as dg
from dagster._cli.api import _execute_run_command_body
from dagster._core.definitions.reconstruct import ReconstructableRepository
from dagster._core.errors import DagsterInvariantViolationError as DagsterInvariantViolationError
from dagster._core.execution.backfill import BulkActionsFilter, BulkActionStatus
from dagster._core.instance import InstanceRef
from dagster._core.instance.config import PoolGranularity
from dagster._core.origin import RepositoryPythonOrigin as RepositoryPythonOrigin
from dagster._serdes import deserialize_value, serialize_value
from dagster._utils.hosted_user_process import recon_repository_from_origin
from dagster._utils.interrupts import capture_interrupts

from bg_assets.instance.notes import EndNotStored
from bg_assets.instance.private import names


def any_backfill(instance: dg.DagsterInstance) -> bool:
    """Whether a backfill is under way."""
    going_on = BulkActionsFilter(
        statuses=[BulkActionStatus.REQUESTED, BulkActionStatus.CANCELING, BulkActionStatus.FAILING]
    )
    return bool(instance.get_backfills(filters=going_on, limit=1))


def in_daemon() -> bool:
    """Whether this process is the Dagster daemon, whose threads carry its name."""
    return any(thread.name.startswith(names.DAEMON_THREAD) for thread in threading.enumerate())


def limits_only_the_queue_keeps(instance: dg.DagsterInstance) -> bool:
    """Whether limits are set by tag or by pool and run, which need Dagster's queue."""
    config = instance.get_concurrency_config()
    assert config.run_queue_config is not None
    return bool(
        config.run_queue_config.tag_concurrency_limits
        or config.pool_config.pool_granularity == PoolGranularity.RUN
    )


def max_concurrent_runs(instance: dg.DagsterInstance) -> int:
    """How many runs may be in progress at once; -1 means any number, 0 none.

    Without a queue it is any number.
    """
    config = instance.get_concurrency_config().run_queue_config
    return -1 if config is None else config.max_concurrent_runs


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
        instance.add_run_tags(run_id, {names.WORKER_TAG: worker})
        _execute_run_command_body(
            run_id, instance, write_stream_fn=lambda _: None, set_exit_code_on_failure=False
        )
        run = instance.get_run_by_id(run_id)
        if run is not None and run.status == dg.DagsterRunStatus.CANCELING:
            instance.report_run_canceled(run)
        elif run is not None and not run.is_finished:
            raise EndNotStored(f"Run {run_id} is over and still {run.status.value}")
