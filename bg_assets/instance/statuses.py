"""The states of a run in Dagster, as far as more than one place goes by them."""

import dagster as dg

# Dagster may still do something of its own accord with such a run.
NOT_OVER = (
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)
