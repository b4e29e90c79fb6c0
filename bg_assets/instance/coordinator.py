"""Runs that start at once while there is room, and wait in Dagster's queue where there is none."""

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from bg_assets.instance.private import base, running
from bg_assets.logs.log import logger

LOG = logger(__name__)

_IN_PROGRESS = [
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def runs_at_once(instance: dg.DagsterInstance) -> int:
    """How many runs may be under way; 1 where any number may, or none."""
    return max(1, running.max_concurrent_runs(instance))


class DirectRunCoordinator(dg.QueuedRunCoordinator):
    """The queue, passed by where it would only cost its 0.6 s.

    In the daemon a run is launched as it is submitted, if fewer than
    ``concurrency.runs.max_concurrent_runs`` are in progress and none is queued. All others are
    queued, and so are all runs that the webserver submits, which has no process to fork them from.
    With tag limits or pools by run everything is queued, since only the queue keeps these.

    The limit may be passed by one: the dequeuing thread and a submitting one don't see each other.
    """

    def __init__(
        self,
        max_concurrent_runs: int | None = None,
        tag_concurrency_limits: Sequence[Mapping[str, Any]] | None = None,
        dequeue_interval_seconds: int | None = None,
        dequeue_use_threads: bool | None = None,
        dequeue_num_workers: int | None = None,
        max_user_code_failure_retries: int | None = None,
        user_code_failure_retry_delay: int | None = None,
        block_op_concurrency_limited_runs: Mapping[str, Any] | None = None,
        inst_data: base.ConfigurableClassData | None = None,
    ) -> None:
        super().__init__(
            max_concurrent_runs=max_concurrent_runs,
            tag_concurrency_limits=tag_concurrency_limits,
            dequeue_interval_seconds=dequeue_interval_seconds,
            dequeue_use_threads=dequeue_use_threads,
            dequeue_num_workers=dequeue_num_workers,
            max_user_code_failure_retries=max_user_code_failure_retries,
            user_code_failure_retry_delay=user_code_failure_retry_delay,
            block_op_concurrency_limited_runs=block_op_concurrency_limited_runs,
            inst_data=inst_data,
        )
        # Sensors and backfills submit from threads of their own: they count one after another.
        self._submitting = threading.Lock()

    def submit_run(self, context: base.SubmitRunContext) -> dg.DagsterRun:
        """Launch the run or queue it.

        A launch that fails leaves the run FAILED, with the reason in its events, as one from the
        queue does; it raises nothing, so that the rest of a tick's runs are submitted.
        """
        run = context.dagster_run
        if run.status == dg.DagsterRunStatus.NOT_STARTED and running.in_daemon():
            with self._submitting:
                if self._has_room():
                    return self._launch(run, context)
        return super().submit_run(context)

    def _has_room(self) -> bool:
        instance = base.instance_of(self)
        limit = running.max_concurrent_runs(instance)
        if limit == 0 or running.limits_only_the_queue_keeps(instance):
            return False
        # Both are served by the index on the status of runs, and fetch a few ids at most.
        queued = dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED])
        if instance.get_run_ids(queued, limit=1):
            return False
        if limit == -1:
            return True
        in_progress = dg.RunsFilter(statuses=_IN_PROGRESS)
        return len(instance.get_run_ids(in_progress, limit=limit)) < limit

    def _launch(self, run: dg.DagsterRun, context: base.SubmitRunContext) -> dg.DagsterRun:
        instance = base.instance_of(self)
        try:
            instance.launch_run(run.run_id, context.workspace)
        except Exception:
            # Dagster has recorded the error and failed the run before it raised.
            LOG.exception("run_not_launched", run=run.run_id)
        return instance.get_run_by_id(run.run_id) or run
