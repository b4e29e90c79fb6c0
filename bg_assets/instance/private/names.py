"""What Dagster calls its tags, variables, threads and modules, as plain texts."""

# With this tag Dagster logs no materializations of its own for a run.
DEFER_TAG = "dagster/defer_asset_events"
# A tag that the UI doesn't list, as Dagster's own of this kind.
WORKER_TAG = ".dagster/bg_assets_worker"
RUN_KEY_TAG = "dagster/run_key"
# After so many seconds the run monitoring ends the run.
LONGEST_TAG = "dagster/max_runtime"
PARTITION_TAG = "dagster/partition"
RANGE_START_TAG = "dagster/asset_partition_range_start"

# From this variable Dagster reads how many events one INSERT may take.
EVENT_BATCH_VARIABLE = "DAGSTER_EVENT_BATCH_SIZE"

# How the names of the daemon's threads begin.
DAEMON_THREAD = "dagster-daemon-"

# What every run imports of Dagster, found by comparing sys.modules before and after one.
IMPORTED_BY_RUNS = (
    "dagster._core.execution.plan.active",
    "dagster._core.executor.in_process",
    "dagster._core.instance.factory",
    "dagster._core.system_config.composite_descent",
    "dagster_postgres",
)
