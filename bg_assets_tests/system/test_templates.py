"""A template that changes, goes bad and is mended, while everything runs."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from bg_assets.assets import versions
from bg_assets.products.files import SHIPPED, load_template
from bg_assets_tests.system import stack as stacks
from bg_assets_tests.system import world
from bg_assets_tests.system.conftest import SETTINGS
from bg_assets_tests.system.stack import Stack, eventually

pytestmark = [pytest.mark.system, pytest.mark.slow]

FINANCE = (SHIPPED / "finance_system.yaml").read_text(encoding="utf-8")
BOOKS = FINANCE.replace("name: finance_system", "name: books")
OTHER = BOOKS.replace("deal_size: 120000", "deal_size: 40000")


@pytest.fixture
def books(tmp_path: Path) -> Path:
    """The file of the only product."""
    path = tmp_path / "books.yaml"
    path.write_text(BOOKS, encoding="utf-8")
    return path


@pytest.fixture
def running(template_home: Path, books: Path) -> Iterator[Stack]:
    own = {"BG_TEMPLATES": str(books.parent), "BG_PRODUCTS": "books", "BG_REFRESH_INTERVAL": "0"}
    with stacks.stack_in(template_home, {**SETTINGS, **own}) as made:
        made.start("postgres", "code", "daemon")
        yield made


def hashes(stack: Stack) -> set[str]:
    return {row[0] for row in stack.rows("select template_hash from bg.buyer_groups")}


def built_by(stack: Stack) -> str | None:
    """The code version of the last materialization of buyer_groups."""
    event = stack.instance.get_latest_materialization_event(dg.AssetKey("buyer_groups"))
    assert event is not None
    assert event.asset_materialization is not None
    return (event.asset_materialization.tags or {}).get("dagster/code_version")


def test_a_template_that_changes_is_followed_and_a_bad_one_is_not(
    running: Stack, books: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BG_TEMPLATES", str(books.parent))
    monkeypatch.setenv("BG_PRODUCTS", "books")
    companies = world.grow(running, "books-", 3, seconds=90)
    assert hashes(running) == {load_template(books).hash}
    first = versions.of_groups()
    eventually(lambda: built_by(running) == first, 30, "Dagster shows by what they were built")

    books.write_text(OTHER, encoding="utf-8")
    other = load_template(books).hash
    eventually(lambda: hashes(running) == {other}, 60, "all groups are of the other template")
    world.settle(running, companies)
    for company in companies:
        assert [one.reason for one in world.log_of(running, company)[1:]] == ["resync"]
    second = versions.of_groups()
    assert second != first
    # Dagster is told after the commit.
    eventually(lambda: built_by(running) == second, 30, "Dagster shows by what they were built")

    books.write_text(OTHER.replace("  it: 0.8", "  it: -0.8"), encoding="utf-8")
    mistake = f"{books}, line 12: -0.8 is outside of 0 to 1"

    def is_told() -> bool:
        told = running.status()["templates"]["mistakes"]
        return [(one["mistake"], one["since"] is not None) for one in told] == [(mistake, True)]

    eventually(is_told, 60, "the mistake is told by the running system")
    world.retitle(running, "books-0001-2", "Vice President Finance")
    world.settle(running, companies)
    assert hashes(running) == {other}
    assert len(world.log_of(running, "books-0001")) == 3

    books.write_text(OTHER, encoding="utf-8")
    eventually(lambda: not running.status()["templates"]["mistakes"], 60, "nothing is wrong")
    assert [len(world.log_of(running, one)) for one in companies] == [3, 2, 2]
