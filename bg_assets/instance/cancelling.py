"""Cancelling runs from a command, as the UI does: who waits leaves the queue, who runs is ended."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

from bg_assets.instance.private import names


@contextmanager
def instance_in(folder: Path) -> Iterator[dg.DagsterInstance]:
    """The instance whose dagster.yaml is in the folder."""
    with dg.DagsterInstance.from_config(str(folder)) as made:
        yield made


def key_of(instance: dg.DagsterInstance, run_id: str) -> str | None:
    """The run key of a run that is in progress or waits, "" where it has none; None otherwise."""
    run = instance.get_run_by_id(run_id)
    if run is None or run.is_finished:
        return None
    return run.tags.get(names.RUN_KEY_TAG, "")


def known(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Whether there is such a run, over or not."""
    return instance.get_run_by_id(run_id) is not None


def of_keys(instance: dg.DagsterInstance, run_keys: Sequence[str]) -> list[str]:
    """The ids of the runs with these run keys that are not over."""
    found = []
    for key in run_keys:
        runs = instance.get_runs(dg.RunsFilter(tags={names.RUN_KEY_TAG: key}), limit=1)
        found += [run.run_id for run in runs if not run.is_finished]
    return found


def cancel(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Cancel a run; returns whether it is over, or ends by itself within moments.

    A process that does not end within seconds is killed, on this host; see launcher.terminate.
    """
    return bool(instance.run_coordinator.cancel_run(run_id))
