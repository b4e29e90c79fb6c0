"""A product that asks a played vendor, and the job that does it, in this process."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from bg_assets import sensors
from bg_assets.definitions import defs
from bg_assets.settings import read
from bg_assets.ticks import asking
from bg_assets_tests import enrichment
from bg_assets_tests.enrichment import TEMPLATE, Played
from bg_assets_tests.refreshing import World, metadata


@pytest.fixture
def level() -> str:
    return "enrich"


@pytest.fixture
def vendor(
    world: World, level: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Played]:
    """A product that asks, and the vendor who is asked."""
    (tmp_path / "asking.yaml").write_text(TEMPLATE.format(level=level), encoding="utf-8")
    monkeypatch.setenv("BG_TEMPLATES", str(tmp_path))
    monkeypatch.setenv("BG_PRODUCTS", "asking")
    monkeypatch.setenv("BG_PROVIDERS", "bg_assets_tests.enrichment:made")
    yield enrichment.reset()
    enrichment.reset()


def ask(world: World, *companies: str, tags: dict[str, str] | None = None) -> dict[str, Any]:
    """Run the job for the companies by hand; the metadata by company."""
    shown: dict[str, Any] = {}
    for company in companies:
        shown |= metadata(world, execute(world, company), "enriched_people")
    return shown


def execute(
    world: World, partition: str | None, tags: dict[str, str] | None = None,
    config: Any = None,
) -> dg.ExecuteInProcessResult:  # fmt: skip
    result = defs.resolve_job_def("enrich_people").execute_in_process(
        instance=world.instance, partition_key=partition, tags=tags, run_config=config,
        raise_on_error=False,
    )  # fmt: skip
    assert result.success
    return result


def without_email(world: World, *people: str) -> None:
    """These have no address, and all were seen a day ago, each by a name of their own."""
    world.sql(
        "update bg.people set name = 'Zebulon ' || initcap(translate(id, '-', 'x')), "
        "email = case when id = any(:people) then null else id || '@example.com' end, "
        "observed_at = now() - interval '1 day'",
        people=list(people),
    )


def built(world: World, *companies: str) -> None:
    """Groups that stand, of people of whom all is known but the address of the CFO."""
    world.add(*companies)
    without_email(world, *(f"{company}-cfo" for company in companies))
    for request in world.claim():
        world.run(request)


def batch(world: World) -> dg.ExecuteInProcessResult:
    """What the sensor asks for, carried out."""
    found = asking.look(world.instance, world.engine, read())
    (one,) = found.batches
    request = sensors._enrichment_run(one)
    return execute(world, request.partition_key, dict(request.tags), request.run_config)


def refreshed(world: World) -> None:
    policy = sensors.policy_of(read({"BG_SETTLE": "0", "BG_REFRESH_INTERVAL": "0"}))
    for request in world.claim(policy):
        world.run(request)


def email(world: World, who: str) -> Any:
    return world.sql("select email from bg.people where id = :id", id=who)[0][0]
