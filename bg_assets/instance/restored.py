"""What a restored Dagster storage is told before anything starts on it: its old runs are over.

A run that was in progress when the backup was made has no process any more. Left as it is, one that
was queued would start, and one of another host would be waited for without end.
"""

import dagster as dg

from bg_assets.instance.statuses import NOT_OVER


def end_runs(folder: str, message: str) -> int:
    """Bring the storage up to date and fail all runs that are not over; returns how many.

    ``folder`` is that of dagster.yaml.
    """
    with dg.DagsterInstance.from_config(folder) as instance:
        runs = instance.get_runs(dg.RunsFilter(statuses=NOT_OVER))
        for run in runs:
            instance.report_run_failed(run, message)
        return len(runs)
