"""Dagster's UI as an ASGI application."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import dagster as dg

if TYPE_CHECKING:
    from starlette.applications import Starlette

# The defaults of dagster-webserver: milliseconds a statement, seconds a connection, and how many
# more of these; milliseconds between two looks of the UI at what is under way.
_STATEMENT_TIMEOUT, _POOL_RECYCLE, _MAX_OVERFLOW = 15_000, 3_600, 20
_LIVE_DATA_POLL_RATE = 2_000


@contextmanager
def ui(workspace: str, read_only: bool) -> Iterator["Starlette"]:
    """The UI of the instance of DAGSTER_HOME, as ``dagster-webserver -w workspace`` makes it.

    Dagster's telemetry is left out.
    """
    # What no run needs: they take a second and 40 MB.
    from dagster._core.workspace.context import WorkspaceProcessContext
    from dagster._core.workspace.load_target import WorkspaceFileTarget
    from dagster_webserver.app import create_app_from_workspace_process_context
    from dagster_webserver.version import __version__

    with dg.DagsterInstance.get() as instance:
        instance.optimize_for_webserver(_STATEMENT_TIMEOUT, _POOL_RECYCLE, _MAX_OVERFLOW)
        with WorkspaceProcessContext(
            instance,
            workspace_load_target=WorkspaceFileTarget([workspace]),
            version=__version__,
            read_only=read_only,
        ) as context:
            yield create_app_from_workspace_process_context(context, "", _LIVE_DATA_POLL_RATE)
