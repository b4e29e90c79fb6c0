"""A small code location for the tests of the instance: what its runs do stands in their tags."""

import os
import signal
import subprocess
import time
from pathlib import Path

import dagster as dg

from bg_assets.instance import report

companies = dg.DynamicPartitionsDefinition(name="companies")


@dg.asset(partitions_def=companies)
def people(context: dg.AssetExecutionContext) -> None:
    report.report(context, {key: {"people": len(key), "key": key} for key in keys_of(context)})


@dg.asset(partitions_def=companies, deps=[people], code_version="7")
def groups(context: dg.AssetExecutionContext) -> None:
    report.report(context, {key: {"members": 3, "key": key} for key in keys_of(context)})


def keys_of(context: dg.AssetExecutionContext) -> list[str]:
    """The companies of a run: a deferred one names them in a tag here, in its config elsewhere."""
    if report.is_deferred(context):
        return context.run.tags["companies"].split()
    return list(report.partition_keys(context))


@dg.op
def act(context: dg.OpExecutionContext) -> None:
    """Do what the tag ``do`` says."""
    print("seen by the compute logs")  # noqa: T201
    verb, _, argument = context.run.tags.get("do", "nothing").partition(" ")
    match verb:
        case "sleep":
            time.sleep(float(argument))
        case "hold":
            # Deaf to interrupts, as one that waits for the database, and with a child.
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            subprocess.run(["sleep", "60"], check=False)
        case "crash":
            os.write(2, b"last words\n")
            os.kill(os.getpid(), signal.SIGKILL)
        case "fail":
            raise RuntimeError(argument)


@dg.job(executor_def=dg.in_process_executor)
def acting() -> None:
    act()


@dg.op(retry_policy=dg.RetryPolicy(max_retries=3, delay=2))
def act_again(context: dg.OpExecutionContext) -> None:
    """Sleep, and begin again where that fails."""
    time.sleep(60)


@dg.job(executor_def=dg.in_process_executor)
def trying() -> None:
    act_again()


refresh = dg.define_asset_job("refresh", [people, groups])


@dg.sensor(job=acting, minimum_interval_seconds=1, default_status=dg.DefaultSensorStatus.RUNNING)
def requests(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """Request what the files of the folder REQUESTS say: name of the file -> the tag ``do``."""
    files = sorted(Path(os.environ["REQUESTS"]).glob("*.txt"))
    return dg.SensorResult(
        [dg.RunRequest(run_key=file.stem, tags={"do": file.read_text()}) for file in files]
    )


defs = dg.Definitions(
    assets=[people, groups],
    jobs=[acting, trying, refresh],
    sensors=[requests],
    executor=dg.in_process_executor,
)
