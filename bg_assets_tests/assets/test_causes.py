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
    assert tags["bg/for"] == ("Company acme: import people.csv: new title and somebody joined")
    assert tags["bg/reasons"] == "import people.csv: new titles; import people.csv: people joined"
    shown = metadata(world, world.run(request))["acme"]
    assert shown["because"] == "import people.csv: new title and somebody joined"
    assert shown["company"] == "Company acme"


def test_a_run_tells_each_writer_that_led_to_it(world: World, bg: Command) -> None:
    world.build("acme")
    assert bg("import", "people", bg.file("people.csv", PEOPLE)).code == 0
    world.sql("update bg.people set title = 'Controller' where id in ('acme-fd', 'acme-fc')")
    assert bg("refresh", "acme").code == 0
    (request,), _ = sensors.tick(world.instance, world.engine, sensors.SENSORS[3].name)
    assert request.reasons == {
        "direct write: new titles": 1, "import people.csv: new titles": 1,
        "import people.csv: people joined": 1, "refresh by hand": 1,
    }  # fmt: skip
    shown = metadata(world, world.run(request))["acme"]
    assert shown["because"] == (
        "direct write: 2 new titles; import people.csv: new title and somebody joined; "
        "refresh by hand"
    )
