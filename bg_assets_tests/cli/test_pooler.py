"""The commands where BG_DATABASE_URL names a PgBouncer in transaction mode."""

from collections.abc import Iterator

import pytest
from sqlalchemy import make_url

from bg_assets.instance.storage import PooledPostgresStorage
from bg_assets_tests.cli.command import Command
from bg_assets_tests.cli.refreshing import refresh
from bg_assets_tests.conftest import Cluster
from bg_assets_tests.pooler import in_front_of


@pytest.fixture
def pooled(
    bg: Command, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Command, str]]:
    """bg-assets that reaches its database through the pooler, and the pooler's URL."""
    with in_front_of(database_url) as url:
        monkeypatch.setenv("BG_DATABASE_URL", url)
        monkeypatch.setenv("BG_DAGSTER_URL", url)
        yield bg, url


def test_the_commands_work_through_a_pooler(pooled: tuple[Command, str]) -> None:
    bg, _ = pooled
    assert bg("migrate").code == 0
    bg.companies("a", "b")
    people = bg.file("p.csv", "id,company_id,title\np1,a,CFO\np2,b,CEO\n")
    for inserted in (2, 0):
        assert bg.json("import", "people", people, "--full-snapshot")["inserted"] == inserted
    refresh(bg, "a")
    assert bg.json("show", "a")["groups"]
    assert bg.json("status")["pending"]["companies"] == 1
    assert bg("pin", "a", "p1", "--role", "champion", "--reason", "test").code == 0
    assert bg("why", "a", "p1").code == 0
    assert bg("refresh", "b").code == 0
    assert bg("webhook", "add-source", "crm", "--scheme", "plain").code == 0
    assert bg("keys", "rotate").code == 0
    assert bg("export", bg.folder / "out.csv").code == 0


def test_dagster_s_tables_are_made_through_a_pooler(
    pooled: tuple[Command, str], postgres: Cluster
) -> None:
    empty = postgres.clone("template0")
    try:
        url = make_url(pooled[1]).set(database=make_url(empty).database)
        for _ in range(2):
            storage = PooledPostgresStorage(url.render_as_string(hide_password=False))
            assert storage.run_storage.get_runs() == []
    finally:
        postgres.drop(empty)
