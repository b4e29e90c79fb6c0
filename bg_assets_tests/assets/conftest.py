"""A world and a Dagster instance in memory for each test, and people whom nobody can judge."""

from collections.abc import Callable

import pytest

from bg_assets.domain.titles import verdict
from bg_assets_tests import refreshing
from bg_assets_tests.assets import asking
from bg_assets_tests.refreshing import World

level = asking.level
vendor = asking.vendor
instance = refreshing.instance
world = refreshing.world


@pytest.fixture
def poison(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Called with a person: gives them a title at which judging fails."""
    real = verdict.classify

    def classify(title: str | None, department: str | None, spoken: tuple[str, ...]) -> object:
        if title == "poison":
            raise ValueError(title)
        return real(title, department, spoken)

    def make(person_id: str) -> None:
        monkeypatch.setattr(verdict, "classify", classify)
        world.sql("update bg.people set title = 'poison' where id = :id", id=person_id)

    return make
