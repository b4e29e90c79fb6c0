"""A real instance on a database of its own, with this project's classes, and runs to launch."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest
import yaml

from bg_assets import settings
from bg_assets_tests.conftest import Cluster
from bg_assets_tests.instance import code
from bg_assets_tests.private import (
    RegisteredCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)

FINAL = {
    dg.DagsterRunStatus.SUCCESS,
    dg.DagsterRunStatus.FAILURE,
    dg.DagsterRunStatus.CANCELED,
}


def write_config(folder: Path, url: str) -> None:
    """The project's dagster.yaml, for another database."""
    config = yaml.safe_load((settings.PROJECT / "dagster.yaml").read_text())
    config["storage"]["custom"]["config"] = {"postgres_url": url}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dagster.yaml").write_text(yaml.safe_dump(config))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """BG_HOME of the tests of a module."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BG_HOME", str(folder))
        yield folder


@pytest.fixture(scope="module")
def empty_database(postgres: Cluster) -> Iterator[str]:
    """The URL of a database without any table."""
    url = postgres.clone("template0")
    yield url
    postgres.drop(url)


@pytest.fixture(scope="module")
def instance(home: Path, empty_database: str) -> Iterator[dg.DagsterInstance]:
    """The instance of the tests of a module, and with it one fork server."""
    write_config(home / "dagster", empty_database)
    with dg.DagsterInstance.from_config(str(home / "dagster")) as made:
        yield made


Make = Callable[..., dg.DagsterRun]


@pytest.fixture
def make_run(instance: dg.DagsterInstance) -> Make:
    """Makes a run of the job ``acting`` that does what it is told, not yet launched.

    Or, with ``trying``, of the job whose step is tried again.
    """

    def make(do: str = "nothing", *, trying: bool = False, **tags: str) -> dg.DagsterRun:
        job = code.trying if trying else code.acting
        found = dg.reconstructable(code.trying) if trying else dg.reconstructable(code.acting)
        return instance.create_run_for_job(
            job,
            tags={"do": do, **tags},
            remote_job_origin=RemoteJobOrigin(
                RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("code"), "__repository__"),
                job.name,
            ),
            job_code_origin=found.get_python_origin(),
        )

    return make


def launch(instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    """Launch the run as the daemon would; ForkRunLauncher asks no workspace."""
    instance.launch_run(run.run_id, None)  # type: ignore[arg-type]


def reload(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dg.DagsterRun:
    """The run as it is stored now."""
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    return found


def wait_for(
    instance: dg.DagsterInstance,
    run: dg.DagsterRun,
    *statuses: dg.DagsterRunStatus,
    seconds: float = 20,
) -> dg.DagsterRun:
    """Wait until the run has one of the statuses, by default a final one."""
    until = time.monotonic() + seconds
    while (found := reload(instance, run)).status not in (statuses or FINAL):
        assert time.monotonic() < until, f"still {found.status} after {seconds} s"
        time.sleep(0.05)
    return found


def eventually(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Wait until the condition holds."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)
