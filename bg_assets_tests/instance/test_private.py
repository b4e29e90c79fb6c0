"""Dagster's private names are those that this code was checked against."""

import ast
import inspect
from importlib.metadata import version
from pathlib import Path

import dagster as dg
import pytest
from dagster._cli.api import _execute_run_command_body
from dagster._core.execution.plan.execute_step import _get_output_asset_events
from dagster_postgres import DagsterPostgresStorage
from dagster_webserver.app import create_app_from_workspace_process_context

import bg_assets
from bg_assets.instance import private

ADVICE = "read bg_assets/instance/private.py against the new version, then set CHECKED_*"


def test_the_installed_dagster_is_the_one_that_was_checked() -> None:
    assert version("dagster") == private.CHECKED_DAGSTER, ADVICE
    assert version("dagster-postgres") == private.CHECKED_DAGSTER_POSTGRES, ADVICE
    assert version("dagster-webserver") == private.CHECKED_DAGSTER_WEBSERVER, ADVICE


def test_no_other_file_imports_private_names_of_dagster() -> None:
    package = Path(bg_assets.__file__).parent
    found = [
        f"{path.relative_to(package)}: {name}"
        for path in package.rglob("*.py")
        if path != package / "instance" / "private.py"
        for node in ast.walk(ast.parse(path.read_text()))
        for name in _imported(node)
        if name.startswith(("dagster.", "dagster_postgres.", "dagster_shared.")) and "._" in name
    ]
    assert not found


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        (
            _execute_run_command_body,
            "run_id instance write_stream_fn set_exit_code_on_failure",
        ),
        (
            _get_output_asset_events,
            "asset_key asset_partitions output output_def io_manager_metadata step_context "
            "execution_type",
        ),
        (dg.DagsterEvent.asset_materialization, "step_context materialization batch_metadata"),
        (dg.DagsterEvent.asset_check_evaluation, "step_context asset_check_evaluation"),
        (private.redirect_to_file, "stream filepath"),
        (
            create_app_from_workspace_process_context,
            "workspace_process_context path_prefix live_data_poll_rate kwargs",
        ),
        (dg.DagsterInstance.add_run_tags, "self run_id new_tags"),
        (
            dg.DagsterInstance.report_dagster_event,
            "self dagster_event run_id log_level batch_metadata timestamp",
        ),
        (dg.DagsterInstance.get_run_ids, "self filters cursor limit"),
    ],
)
def test_the_functions_take_what_they_took(function: object, parameters: str) -> None:
    assert callable(function)
    assert " ".join(inspect.signature(function).parameters) == parameters, ADVICE


def test_the_storages_still_ask_the_catalog_these_questions() -> None:
    made = DagsterPostgresStorage("postgresql+psycopg2://nobody@/", should_autocreate_tables=False)
    for part, questions in private._SCHEMA_QUESTIONS.items():
        assert all(callable(getattr(getattr(made, part), question)) for question in questions)
        assert hasattr(getattr(made, part), "_engine")


def test_the_names_of_tags_are_as_documented() -> None:
    assert private.DEFER_TAG == "dagster/defer_asset_events"
    assert private.WORKER_TAG.startswith(".dagster/")
