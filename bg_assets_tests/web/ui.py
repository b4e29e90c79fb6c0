"""Dagster's UI behind the guard, as `up` starts it, on an instance and a workspace of its own."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import requests

from bg_assets.local import programs

READY_SECONDS = 120
ASSET = dg.AssetKey("kept")
WIPE = (
    'mutation Wipe { wipeAssets(assetPartitionRanges: [{assetKey: {path: ["kept"]}}]) '
    "{ __typename ... on PythonError { message } } }"
)
VERSION = "query Version { version }"


@dataclass(frozen=True, slots=True)
class Ui:
    """A running UI; ``instance`` is the test's own view of what it shows."""

    port: int
    instance: dg.DagsterInstance

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def ask(self, method: str = "GET", path: str = "/graphql", **more: Any) -> requests.Response:
        """One request, as requests takes it."""
        return requests.request(method, self.url + path, timeout=60, allow_redirects=False, **more)

    def is_kept(self) -> bool:
        """Whether the asset has not been wiped."""
        return self.instance.has_asset_key(ASSET)


@contextlib.contextmanager
def running(folder: Path, **variables: str) -> Iterator[Ui]:
    """Run the UI with these variables until the block ends; ASSET is there to be wiped."""
    (folder / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    workspace = folder / "workspace.yaml"
    workspace.write_text("load_from: []\n")
    instance = dg.DagsterInstance.from_config(str(folder))
    port = programs.free_port()
    env = {**os.environ, "DAGSTER_HOME": str(folder), "BG_WEB_PORT": str(port), **variables}
    with instance, (folder / "said").open("wb") as said:
        instance.report_runless_asset_event(dg.AssetMaterialization(ASSET))
        process = subprocess.Popen(
            [sys.executable, "-m", "bg_assets.web.server", str(workspace)],
            env=env,
            stdout=said,
            stderr=said,
        )
        try:
            assert programs.wait_for_port(port, process, READY_SECONDS), (
                folder / "said"
            ).read_text()
            yield Ui(port, instance)
        finally:
            process.terminate()
            assert process.wait(60) == 0, (folder / "said").read_text()


def body(query: str, **more: object) -> str:
    """A GraphQL request as JSON."""
    return json.dumps({"query": query, **more})
