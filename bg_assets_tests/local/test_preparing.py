"""What `up` does before anything runs: it is short where everything is there already."""

import subprocess
import sys

import pytest

from bg_assets_tests.conftest import Cluster

_CODE = """
import sys
from bg_assets.local import up
up.prepare_databases()
print("dagster" in sys.modules)
"""


def test_a_second_start_does_not_wait_for_dagster_to_be_imported(
    database_url: str, postgres: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    dagster = postgres.clone("template0")
    monkeypatch.setenv("BG_DATABASE_URL", database_url)
    monkeypatch.setenv("BG_DAGSTER_URL", dagster)
    imported = [
        subprocess.run(
            [sys.executable, "-c", _CODE], capture_output=True, text=True, check=True
        ).stdout.strip()
        for _ in range(2)
    ]
    postgres.drop(dagster)
    assert imported == ["True", "False"]
