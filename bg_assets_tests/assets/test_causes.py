"""Whoever looks at a run or a partition reads what truly led to it, whichever sensor was awake."""

from pathlib import Path

import pytest

from bg_assets import sensors
from bg_assets_tests.cli.command import Command
from bg_assets_tests.refreshing import World, metadata

PEOPLE = "id,company_id,title\nacme-cfo,acme,Treasurer\nacme-new,acme,Head of Accounting\n"


@pytest.fixture
def bg(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.setenv("BG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("BG_SETTLE", "0")
    monkeypatch.setenv("BG_REFRESH_INTERVAL", "0")
    return Command(world.engine, tmp_path)


@pytest.mark.parametrize("sensor", [one.name for one in sensors.SENSORS])
def test_a_run_that_an_import_led_to_says_so_and_so_does_the_partition(
    world: World, bg: Command, sensor: str
) -> None:
    world.build("acme")
    assert bg("import", "people", bg.file("people.csv", PEOPLE)).code == 0
    (request,), _ = sensors.tick(world.instance, world.engine, sensor)
    tags = sensors.run_request(request).tags
    assert tags["bg/reasons"] == "person_joined (import): 1, role_change (import): 1"
    shown = metadata(world, world.run(request))["acme"]
    assert shown["because"] == "person_joined (import), role_change (import)"


def test_a_run_tells_each_writer_that_led_to_it(world: World, bg: Command) -> None:
    world.build("acme")
    assert bg("import", "people", bg.file("people.csv", PEOPLE)).code == 0
    world.sql("update bg.people set title = 'Controller' where id in ('acme-fd', 'acme-fc')")
    assert bg("refresh", "acme").code == 0
    (request,), _ = sensors.tick(world.instance, world.engine, sensors.SENSORS[3].name)
    told = {
        "person_joined (import)": 1, "resync (manual)": 1, "role_change (import)": 1,
        "role_change (people_table)": 1,
    }  # fmt: skip
    assert request.reasons == told
    shown = metadata(world, world.run(request))["acme"]
    assert shown["because"] == (
        "person_joined (import), resync (manual), role_change (import), "
        "2 x role_change (people_table)"
    )
