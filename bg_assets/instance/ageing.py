"""The run that has waited longest in Dagster's queue comes to its front: none waits for ever.

Dagster starts queued runs by priority and then by age, so that one of low priority would wait for
as long as others keep coming. One run at a time is put forward, the others stay by priority.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import dagster as dg

PRIORITY_TAG = "dagster/priority"
# Holds the priority that the run had before.
PUT_FORWARD_TAG = "bg/put_forward_from"
# No run that waits for a shorter time is put forward.
LONG = timedelta(seconds=60)


def put_forward(
    instance: dg.DagsterInstance, records: Sequence[dg.RunRecord], front: int, now: datetime
) -> str | None:
    """Give the oldest of these runs that are queued the priority ``front``; returns its id.

    None where none has waited for long below that priority, or where one was put forward before
    and has not started yet.
    """
    queued = [one for one in records if one.dagster_run.status is dg.DagsterRunStatus.QUEUED]
    if any(PUT_FORWARD_TAG in one.dagster_run.tags for one in queued):
        return None
    waiting = [
        one for one in queued if _priority(one) < front and now - one.create_timestamp > LONG
    ]
    if not waiting:
        return None
    oldest = min(waiting, key=lambda one: one.create_timestamp)
    run_id = oldest.dagster_run.run_id
    tags = {PRIORITY_TAG: str(front), PUT_FORWARD_TAG: str(_priority(oldest))}
    instance.add_run_tags(run_id, tags)
    return run_id


def _priority(record: dg.RunRecord) -> int:
    """As Dagster reads it."""
    try:
        return int(record.dagster_run.tags.get(PRIORITY_TAG, "0"))
    except ValueError:
        return 0
