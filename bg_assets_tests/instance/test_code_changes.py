"""A run executes the code that is on the disk, though it was forked from a process that has it."""

from pathlib import Path

import dagster as dg
import pytest

from bg_assets.instance import code_changes
from bg_assets_tests.instance.conftest import eventually, launch, wait_for
from bg_assets_tests.private import ReconstructableRepository

CODE = """
import dagster as dg

@dg.op
def act():
    print({says!r})

@dg.job(executor_def=dg.in_process_executor)
def moving():
    act()

defs = dg.Definitions(jobs=[moving])
"""

LOADING = CODE.replace("import dagster", "import os\nimport dagster").replace(
    "print({says!r})", "print('loaded', 'here' if os.getpid() == LOADER else 'before')"
)
LOADING += "\nLOADER = os.getpid()\n"

SUCCESS = dg.DagsterRunStatus.SUCCESS
FAILURE = dg.DagsterRunStatus.FAILURE


@dg.op
def act() -> None:
    """Stands in for the op of the file."""


@dg.job
def moving() -> None:
    """Stands in for the job of the file, whose run is made without loading it."""
    act()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "moving_code.py"


def run_of(instance: dg.DagsterInstance, file: Path) -> dg.DagsterRun:
    repository = ReconstructableRepository.for_file(str(file), "defs", str(file.parent))
    origin = repository.get_reconstructable_job("moving").get_python_origin()
    run = instance.create_run_for_job(moving, job_code_origin=origin)
    launch(instance, run)
    return run


def printed(home: Path, run: dg.DagsterRun) -> str:
    captured = home / "dagster" / "storage" / run.run_id
    eventually(lambda: any(captured.rglob("*.complete")))
    (path,) = captured.rglob("*.out")
    return path.read_text().strip()


def errors(instance: dg.DagsterInstance, run: dg.DagsterRun) -> list[str]:
    found = []
    for entry in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT):
        error = entry.get_dagster_event().engine_event_data.error
        if error is not None:
            found.append(error.to_string())
    return found


def test_changed_code_is_executed_by_the_next_run(
    instance: dg.DagsterInstance, home: Path, file: Path
) -> None:
    for says in ("first version", "second version"):
        file.write_text(CODE.format(says=says))
        run = wait_for(instance, run_of(instance, file), SUCCESS)
        assert printed(home, run) == says


def test_a_run_finds_its_definitions_loaded(
    instance: dg.DagsterInstance, home: Path, file: Path
) -> None:
    file.write_text(LOADING)
    run = run_of(instance, file)
    wait_for(instance, run, SUCCESS)
    assert printed(home, run) == "loaded before"


def test_code_that_does_not_load_fails_its_run_with_the_reason_until_it_is_mended(
    instance: dg.DagsterInstance, home: Path, file: Path
) -> None:
    file.write_text("def broken(")
    for _ in range(2):
        run = wait_for(instance, run_of(instance, file), FAILURE)
        reasons = errors(instance, run)
        assert any("SyntaxError" in reason for reason in reasons), reasons
    file.write_text(CODE.format(says="mended"))
    run = wait_for(instance, run_of(instance, file), SUCCESS)
    assert printed(home, run) == "mended"


def test_data_files_count_and_compiled_and_hidden_ones_do_not(tmp_path: Path) -> None:
    package = tmp_path / "package"
    (package / "__pycache__").mkdir(parents=True)
    (package / "lexicon.csv").write_text("a")
    before = code_changes.fingerprint([str(package)])
    (package / "__pycache__" / "x.pyc").write_text("compiled")
    (package / ".hidden").write_text("hidden")
    assert code_changes.fingerprint([str(package)]) == before
    (package / "lexicon.csv").write_text("ab")
    assert code_changes.fingerprint([str(package)]) != before
    assert code_changes.fingerprint([str(tmp_path / "gone")]) == {}


def test_the_projects_own_package_is_watched_and_installed_ones_are_not() -> None:
    roots = code_changes.roots()
    assert str(Path(code_changes.__file__).parents[1]) in roots
    assert str(Path(dg.__file__).parent) not in roots
