"""What this project's launcher, coordinator, storage and log manager are made from."""

from typing import Any

import dagster as dg
from dagster._config.config_schema import UserConfigSchema as UserConfigSchema
from dagster._core.execution.compute_logs import redirect_to_file as redirect_to_file
from dagster._core.instance.types import MayHaveInstanceWeakref
from dagster._core.launcher.base import CheckRunHealthResult as CheckRunHealthResult
from dagster._core.launcher.base import LaunchRunContext as LaunchRunContext
from dagster._core.launcher.base import RunLauncher as RunLauncher
from dagster._core.launcher.base import WorkerStatus as WorkerStatus
from dagster._core.run_coordinator.base import SubmitRunContext as SubmitRunContext
from dagster._core.storage.compute_log_manager import CapturedLogContext as CapturedLogContext
from dagster._core.storage.compute_log_manager import ComputeIOType as ComputeIOType
from dagster._core.storage.local_compute_log_manager import (
    IO_TYPE_EXTENSION as IO_TYPE_EXTENSION,
)
from dagster._core.storage.local_compute_log_manager import (
    LocalComputeLogManager as LocalComputeLogManager,
)
from dagster._core.storage.root import LocalArtifactStorage as LocalArtifactStorage
from dagster._serdes import ConfigurableClass as ConfigurableClass
from dagster._serdes import ConfigurableClassData as ConfigurableClassData
from dagster._utils import ensure_file as ensure_file
from dagster._utils import touch_file as touch_file


def instance_of(part: MayHaveInstanceWeakref[Any]) -> dg.DagsterInstance:
    """The instance that a launcher or coordinator is part of."""
    instance: dg.DagsterInstance = part._instance
    return instance
