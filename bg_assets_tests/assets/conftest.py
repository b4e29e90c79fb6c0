"""A world of its own for each test, and a Dagster instance in memory."""

from collections.abc import Iterator

import dagster as dg
import pytest
import sqlalchemy as sa

from bg_assets_tests.refreshing import World


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


@pytest.fixture
def world(
    engine: sa.Engine, database_url: str, instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> World:  # fmt: skip
    monkeypatch.setenv("BG_DATABASE_URL", database_url)
    return World(engine, instance)
