"""Where Dagster keeps its own files: below BG_HOME, wherever its commands are started."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Self

from bg_assets import settings
from bg_assets.instance.private import base


def folder() -> str:
    """The folder of Dagster's files, ``<BG_HOME>/dagster``, which is DAGSTER_HOME too."""
    return str(settings.read().home / "dagster")


class HomeArtifactStorage(base.LocalArtifactStorage):
    """Dagster's local files in ``<BG_HOME>/dagster``."""

    @classmethod
    def config_type(cls) -> base.UserConfigSchema:
        return {}

    @classmethod
    def from_config_value(
        cls, inst_data: base.ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> Self:
        return cls(folder(), inst_data=inst_data)


class HomeComputeLogManager(base.LocalComputeLogManager):
    """What runs print, in ``<BG_HOME>/dagster/storage``, from where the UI shows it.

    Unlike its base class it doesn't repeat the output on the terminal, which takes four more
    processes for each run.
    """

    @classmethod
    def config_type(cls) -> base.UserConfigSchema:
        return {}

    @classmethod
    def from_config_value(
        cls, inst_data: base.ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> Self:
        return cls(f"{folder()}/storage", inst_data=inst_data)

    @contextmanager
    def capture_logs(self, log_key: Sequence[str]) -> Iterator[base.CapturedLogContext]:
        """Send what is written to standard output and error to files while the block runs."""
        out, err = (
            self.get_captured_local_path(log_key, base.IO_TYPE_EXTENSION[kind])
            for kind in (base.ComputeIOType.STDOUT, base.ComputeIOType.STDERR)
        )
        base.ensure_file(out)
        base.ensure_file(err)
        with base.redirect_to_file(sys.stdout, out), base.redirect_to_file(sys.stderr, err):
            yield base.CapturedLogContext(log_key)
        base.touch_file(self.get_captured_local_path(log_key, "complete"))
