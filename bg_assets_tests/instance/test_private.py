"""Dagster's private names are in one place, and are those that this code was checked against."""

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest
from dagster_postgres import DagsterPostgresStorage
from dagster_webserver.app import create_app_from_workspace_process_context

import bench
import bg_assets
import bg_assets_tests
from bg_assets.instance import private as package
from bg_assets.instance.private import base, events, names, schema, tables, turns
from bg_assets_tests import private

ADVICE = "read bg_assets/instance/private against the new version, then set CHECKED_*"

_PACKAGES = [Path(str(one.__file__)).parent for one in (bg_assets, bg_assets_tests, bench)]
_OURS = Path(package.__file__).parent
_OF_TESTS = Path(private.__file__)
# Dagster's own packages that hold nothing documented below the first level.
_OF_DAGSTER = re.compile(r"dagster\w*\._|dagster_(postgres|shared|webserver|graphql|pipes)\.\w")
_A_TABLE = re.compile(
    rf"\b(?:from|join|into|update|table|to_regclass\(')\s+({'|'.join(sorted(private.TABLES))})\b",
    re.IGNORECASE,
)
# Documented, though they begin with an underscore: of SQLAlchemy's rows, and of os.
_NOT_PRIVATE = {"_mapping", "_exit"}


def test_the_installed_dagster_is_the_one_that_was_checked() -> None:
    assert version("dagster") == package.CHECKED_DAGSTER, ADVICE
    assert version("dagster-postgres") == package.CHECKED_DAGSTER_POSTGRES, ADVICE
    assert version("dagster-webserver") == package.CHECKED_DAGSTER_WEBSERVER, ADVICE


def _sources() -> Iterator[tuple[Path, ast.Module]]:
    """All files but those that may know private names."""
    for folder in _PACKAGES:
        for path in folder.rglob("*.py"):
            if not path.is_relative_to(_OURS) and path not in (_OF_TESTS, Path(__file__)):
                yield path.relative_to(folder.parent), ast.parse(path.read_text(encoding="utf-8"))


def _texts(tree: ast.AST) -> Iterator[tuple[str, bool]]:
    """Every name that is imported and every text that is not prose, the second telling which."""
    prose = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, True) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((f"{node.module}.{alias.name}", True) for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in prose:
            yield node.value, False


def _module_of(text: str, imported: bool) -> str | None:
    """What a text names of Dagster that is not documented; a documented package has no dot."""
    found = _OF_DAGSTER.match(text)
    if found is None:
        return None
    documented = text.count(".") == 1 and "._" not in text
    return None if imported and documented else text


def test_no_other_file_names_private_modules_of_dagster() -> None:
    assert not [
        f"{path}: {text}"
        for path, tree in _sources()
        for text, imported in _texts(tree)
        if _module_of(text, imported)
    ]


def test_no_other_file_of_the_project_reads_tables_of_dagster() -> None:
    assert not [
        f"{path}: {found[1]}"
        for path, tree in _sources()
        if path.parts[0] == "bg_assets"
        for text, _ in _texts(tree)
        if (found := _A_TABLE.search(text))
    ]


def _defined(tree: ast.AST) -> set[str]:
    """The names that a file gives to anything itself."""
    found = set()
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                found.add(node.name)
            case ast.Attribute(ctx=ast.Store()):
                found.add(node.attr)
            case ast.Name(ctx=ast.Store()):
                found.add(node.id)
    return found


def test_no_other_file_of_the_project_touches_private_attributes_of_others() -> None:
    assert not [
        f"{path}, line {node.lineno}: {ast.unparse(node)}"
        for path, tree in _sources()
        if path.parts[0] == "bg_assets"
        for own in [_defined(tree) | _NOT_PRIVATE]
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and re.match(r"_[^_]", node.attr)
        and node.attr not in own
    ]


@pytest.mark.parametrize(
    "line",
    [
        "from dagster._core.instance import InstanceRef",
        "import dagster._core.instance",
        "from dagster_postgres.utils import create_pg_connection",
        "from dagster_shared.error import SerializableErrorInfo",
        "importlib.import_module('dagster._core.executor.in_process')",
    ],
)
def test_what_is_private_is_known_by_its_name(line: str) -> None:
    assert any(_module_of(text, imported) for text, imported in _texts(ast.parse(line)))


@pytest.mark.parametrize("line", ["import dagster as dg", "from dagster_postgres import Storage"])
def test_what_is_documented_is_not_private(line: str) -> None:
    assert not any(_module_of(text, imported) for text, imported in _texts(ast.parse(line)))


@pytest.mark.parametrize("text", ["select 1 from kvs", "join run_tags as t", "UPDATE instigators"])
def test_a_table_of_dagster_is_known_in_a_statement(text: str) -> None:
    assert _A_TABLE.search(text)


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        (
            private.execute_run_command_body,
            "run_id instance write_stream_fn set_exit_code_on_failure",
        ),
        (
            private.get_output_asset_events,
            "asset_key asset_partitions output output_def io_manager_metadata step_context "
            "execution_type",
        ),
        (dg.DagsterEvent.asset_materialization, "step_context materialization batch_metadata"),
        (dg.DagsterEvent.asset_check_evaluation, "step_context asset_check_evaluation"),
        (base.redirect_to_file, "stream filepath"),
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
    for part, questions in schema._SCHEMA_QUESTIONS.items():
        assert all(callable(getattr(getattr(made, part), question)) for question in questions)
        assert hasattr(getattr(made, part), "_engine")


def test_the_event_storage_still_makes_its_insert_of_a_batch_apart() -> None:
    made = DagsterPostgresStorage("postgresql+psycopg2://nobody@/", should_autocreate_tables=False)
    events: Any = made.event_log_storage
    function = events.prepare_insert_event_batch
    assert list(inspect.signature(function).parameters) == ["events"], ADVICE
    assert callable(events._event_to_row)


def test_the_daemon_still_rests_by_a_figure_of_its_module() -> None:
    loop: Any = private.execute_sensor_iteration_loop
    assert "MIN_INTERVAL_LOOP_TIME - loop_duration" in inspect.getsource(loop), ADVICE
    assert loop.__globals__["MIN_INTERVAL_LOOP_TIME"] == 5, ADVICE
    turns.rest_no_longer(3)
    assert loop.__globals__["MIN_INTERVAL_LOOP_TIME"] == 3
    turns.rest_no_longer(5)


def test_all_tables_of_dagster_are_named() -> None:
    assert set(tables.TABLES) == {*private.TABLES, "alembic_version"}


def test_dagster_calls_its_tags_as_we_do() -> None:
    assert names.DEFER_TAG == private.tags.EXTERNALLY_MANAGED_ASSETS_TAG
    assert names.WORKER_TAG.startswith(private.tags.HIDDEN_TAG_PREFIX)
    assert names.RUN_KEY_TAG == private.tags.RUN_KEY_TAG
    assert names.PARTITION_TAG == private.tags.PARTITION_NAME_TAG
    assert names.RANGE_START_TAG == private.tags.ASSET_PARTITION_RANGE_START_TAG


@pytest.mark.parametrize("module", names.IMPORTED_BY_RUNS)
def test_what_runs_import_of_dagster_is_there(module: str) -> None:
    assert importlib.import_module(module)


def test_the_kinds_of_an_error_are_told_down_to_where_it_came_from() -> None:
    inner = SimpleNamespace(cls_name="AdminShutdown", cause=None, context=None)
    middle = SimpleNamespace(cls_name="OperationalError", cause=None, context=inner)
    outer = SimpleNamespace(cls_name="DagsterError", cause=middle, context=None)
    assert _kinds(outer) == ["DagsterError", "OperationalError", "AdminShutdown"]
    assert _kinds(None) == []


def _kinds(error: object) -> list[str]:
    failure: Any = SimpleNamespace(step_failure_data=SimpleNamespace(error=error))
    return list(events.error_kinds(failure))
