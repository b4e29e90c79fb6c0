"""What a click in the Dagster UI sends to its webserver."""

from collections.abc import Sequence
from typing import Any

import requests

from bg_assets_tests.system.stack import Stack, eventually

ASSETS = ("company_people", "buyer_groups")
_SELECTOR = {"repositoryLocationName": "bg_assets", "repositoryName": "__repository__"}
_BACKFILL = """
    mutation($params: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $params) {
        __typename
        ... on LaunchBackfillSuccess { backfillId }
        ... on PythonError { message } } }
"""
_BACKFILL_STATUS = """
    query($id: String!) { partitionBackfillOrError(backfillId: $id) {
        ... on PartitionBackfill { status } } }
"""
_MATERIALIZE = """
    mutation($params: ExecutionParams!) { launchPipelineExecution(executionParams: $params) {
        __typename
        ... on LaunchRunSuccess { run { runId } }
        ... on PythonError { message } } }
"""
_AGAIN = """
    mutation($params: ReexecutionParams!) { launchRunReexecution(reexecutionParams: $params) {
        __typename
        ... on LaunchRunSuccess { run { runId } }
        ... on PythonError { message } } }
"""
_CHECKS = """
    query($key: AssetKeyInput!) { assetNodeOrError(assetKey: $key) { __typename
        ... on AssetNode { assetChecksOrError { __typename
            ... on AssetChecks { checks { name
                executionForLatestMaterialization { runId status
                    evaluation { success severity description } } } } } } } }
"""


def wait_for_ui(stack: Stack, seconds: float = 60) -> None:
    """Wait until the webserver answers and has the code location."""

    def answers() -> bool:
        try:
            return bool(
                _ask(
                    stack,
                    "{ repositoriesOrError { __typename ... on RepositoryConnection "
                    "{ nodes { name } } } }",
                    {},
                )["nodes"]
            )
        except (requests.ConnectionError, KeyError):
            return False

    eventually(answers, seconds, "the UI is there")


def backfill(stack: Stack, companies: Sequence[str]) -> str:
    """Launch a backfill of both assets for these partitions; gives its id."""
    params = {
        "assetSelection": [{"path": [asset]} for asset in ASSETS],
        "partitionNames": list(companies),
        "tags": [],
    }
    return str(_ask(stack, _BACKFILL, {"params": params})["backfillId"])


def backfill_status(stack: Stack, backfill_id: str) -> str:
    """The status of a backfill as the UI names it."""
    return str(_ask(stack, _BACKFILL_STATUS, {"id": backfill_id})["status"])


def materialize(stack: Stack, company: str, **tags: str) -> str:
    """Materialize one partition of both assets; gives the run's id."""
    selector = {
        **_SELECTOR,
        "pipelineName": "__ASSET_JOB",
        "assetSelection": [{"path": [asset]} for asset in ASSETS],
    }
    wanted = {"dagster/partition": company, **tags}
    listed = [{"key": key, "value": value} for key, value in wanted.items()]
    params = {
        "selector": selector,
        "mode": "default",
        "runConfigData": {},
        "executionMetadata": {"tags": listed},
    }
    return str(_ask(stack, _MATERIALIZE, {"params": params})["run"]["runId"])


def reexecute(stack: Stack, run_id: str, strategy: str) -> str:
    """Run it again: ALL_STEPS or FROM_FAILURE; gives the new run's id."""
    params = {"parentRunId": run_id, "strategy": strategy}
    return str(_ask(stack, _AGAIN, {"params": params})["run"]["runId"])


def checks(stack: Stack, asset: str) -> dict[str, dict[str, Any]]:
    """How each check of an asset turned out for its latest materialization, as the UI shows it."""
    node = _ask(stack, _CHECKS, {"key": {"path": [asset]}})
    return {
        one["name"]: one["executionForLatestMaterialization"] or {}
        for one in node["assetChecksOrError"]["checks"]
    }


def _ask(stack: Stack, query: str, variables: dict[str, Any]) -> dict[str, Any]:
    """The one field of the answer."""
    answer = requests.post(
        f"http://127.0.0.1:{stack.port}/graphql",
        json={"query": query, "variables": variables},
        timeout=30,
    ).json()
    assert "errors" not in answer, answer["errors"]
    (field,) = answer["data"].values()
    found: dict[str, Any] = field
    assert "message" not in found, found
    return found
