"""What a restored Dagster storage is told before anything starts on it: its old runs are over.

A run that was in progress when the backup was made has no process any more. Left as it is, one that
was queued would start, and one of another host would be waited for without end.
"""

import tempfile
from pathlib import Path

import dagster as dg
import yaml

from bg_assets.instance.statuses import NOT_OVER

# No more of an instance than it takes, whatever dagster.yaml there is or is not on this machine.
_INSTANCE = {
    "storage": {
        "custom": {
            "module": "bg_assets.instance.storage",
            "class": "PooledPostgresStorage",
            "config": {},
        }
    },
    "telemetry": {"enabled": False},
}


def end_runs(message: str) -> int:
    """Bring Dagster's storage up to date and fail all runs that are not over; returns how many."""
    with tempfile.TemporaryDirectory(prefix="bg-restore-") as folder:
        Path(folder, "dagster.yaml").write_text(yaml.safe_dump(_INSTANCE), encoding="utf-8")
        with dg.DagsterInstance.from_config(folder) as instance:
            runs = instance.get_runs(dg.RunsFilter(statuses=NOT_OVER))
            for run in runs:
                instance.report_run_failed(run, message)
            return len(runs)
