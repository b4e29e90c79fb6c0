"""A command in another terminal speaks of the same world as what runs, and says so."""

from pathlib import Path

import dagster as dg
import pytest

from bg_assets import sensors, settings
from bg_assets.domain.titles import tail, verdict
from bg_assets.products import in_force
from bg_assets.storage import instance_settings
from bg_assets_tests.cli.command import Command
from bg_assets_tests.cli.refreshing import refresh, refresh_what_is_due
from bg_assets_tests.domain.products.texts import GOOD

PEOPLE = "id,company_id,title\np1,a,CFO\np2,a,Cook\n"


@pytest.fixture
def world(bg: Command) -> Command:
    bg.companies("a")
    bg("import", "people", bg.file("p.csv", PEOPLE))
    return bg


def _tick(bg: Command, monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    """A tick of an instance with these variables, which this terminal does not have."""
    with monkeypatch.context() as there:
        for name, value in variables.items():
            there.setenv(name, value)
        config = settings.read()
        in_force.keep(bg.engine, config.templates, config.products)
        with dg.DagsterInstance.ephemeral() as instance:
            sensors.tick(instance, bg.engine, "due_companies_1", poll_seconds=0)


def test_before_anything_ran_a_command_goes_by_its_own(
    world: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BG_PRODUCTS", "hr_system")
    document = world.json("why", "a", "p1")
    assert [one["product"] for one in document["groups"]] == ["hr_system"]
    assert world("why", "a", "p1").err == ""


def test_a_command_goes_by_the_products_of_what_runs_and_says_so(
    world: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    _tick(world, monkeypatch, BG_PRODUCTS="hr_system,sales_tool")
    told = (
        "BG_PRODUCTS is finance_system here and hr_system,sales_tool where bg-assets runs: "
        "this goes by the latter\n"
    )
    done = world("why", "a", "p1", "--json")
    assert done.err == told
    assert [one["product"] for one in world.json("why", "a", "p1")["groups"]] == [
        "hr_system", "sales_tool",
    ]  # fmt: skip
    for command in (("show", "a"), ("status",), ("pin", "a", "p1", "--reason", "x")):
        assert told in world(*command).err
    assert world.rows("select product from bg.member_overrides order by product") == [
        ("hr_system",), ("sales_tool",),
    ]  # fmt: skip


def test_who_has_the_same_settings_is_told_nothing(
    world: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    _tick(world, monkeypatch, BG_PRODUCTS="hr_system", BG_REFRESH_INTERVAL="7200")
    monkeypatch.setenv("BG_PRODUCTS", " hr_system,")
    monkeypatch.setenv("BG_REFRESH_INTERVAL", "7200.0")
    for command in (("show", "a"), ("status",), ("why", "a", "p1")):
        assert world(*command).err == ""


def test_show_waits_as_long_as_the_instance_does(
    world: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    refresh(world, "a")
    world.execute("update bg.people set title = 'Clerk' where id = 'p2'")
    assert refresh_what_is_due(world) == 1
    world.execute("update bg.people set title = 'Cook' where id = 'p2'")
    _tick(world, monkeypatch, BG_REFRESH_INTERVAL="36000")
    done = world("show", "a")
    assert "once in 10 h" in done.out
    assert "BG_REFRESH_INTERVAL is 3600 here and 36000 where bg-assets runs" in done.err
    monkeypatch.setenv("BG_REFRESH_INTERVAL", "0")
    assert world.json("status")["deferred"] == 1


def test_templates_that_are_out_of_reach_are_those_that_run(
    world: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    (folder / "small.yaml").write_text(GOOD, encoding="utf-8")
    _tick(world, monkeypatch, BG_PRODUCTS="small", BG_TEMPLATES=str(folder))
    (folder / "small.yaml").unlink()
    folder.rmdir()
    done = world("why", "a", "p1")
    assert (done.code, "small" in done.out) == (0, True)
    assert f"BG_TEMPLATES is not set here and {folder} where bg-assets runs" in done.err
    assert world.json("status")["templates"]["mistakes"] == []
    assert world("pin", "a", "p1", "--product", "small", "--reason", "x").code == 0


def test_a_product_that_does_not_run_is_read_from_its_file(
    world: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    _tick(world, monkeypatch, BG_PRODUCTS="hr_system")
    document = world.json("why", "a", "p1", "--product", "sales_tool")
    assert [one["product"] for one in document["groups"]] == ["sales_tool"]
    assert world("why", "a", "p1", "--product", "sales_toll").code == 2


def test_titles_are_read_as_what_runs_reads_them(
    world: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.execute("update bg.people set title = 'Börsenhändlerin' where id = 'p1'")
    _tick(world, monkeypatch, BG_TITLE_TAIL="off")
    try:
        done = world("why", "a", "p1")
        assert "BG_TITLE_TAIL is on here and off where bg-assets runs" in done.err
        assert not tail.in_use()
        _tick(world, monkeypatch)
        assert world("why", "a", "p1").err == ""
        assert tail.in_use()
    finally:
        verdict.hear_tail(True)


def test_what_runs_with_other_settings_replaces_them_and_a_command_never_does(
    world: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kept() -> dict[str, str | None]:
        with world.engine.connect() as conn:
            return instance_settings.read(conn)

    _tick(world, monkeypatch, BG_PRODUCTS="hr_system", BG_CLAIM_PER_MINUTE="7")
    first = kept()
    assert first == {
        "BG_PRODUCTS": "hr_system", "BG_TEMPLATES": None, "BG_REFRESH_INTERVAL": "3600",
        "BG_SETTLE": "2", "BG_CLAIM_LIMIT": "5000", "BG_CLAIM_PER_MINUTE": "7",
        "BG_BATCH_FROM": "5", "BG_BATCH_SIZE": "1000", "BG_MAX_ATTEMPTS": "3",
        "BG_RUN_TIMEOUT": "900",
        "BG_REFRESH_WITHOUT_NEWS": "200",
        "BG_ENRICH_CAP_DAILY": None, "BG_ENRICH_CAP_MONTHLY": None,
        "BG_KPI_TARGETS": None, "BG_TITLE_TAIL": "on",
        "BG_RETENTION_CHANGES": "90d", "BG_RETENTION_REFRESHES": "180d",
        "BG_RETENTION_HISTORY": "1095d", "BG_RETENTION_EVENTS": "90d",
        "BG_RETENTION_OPERATIONS": "90d", "BG_RETENTION_RUNS": "30d", "BG_RETENTION_KPIS": "90d",
        "BG_RETENTION_OUTBOX": "30d",
    }  # fmt: skip
    for command in (("show", "a"), ("status",), ("why", "a", "p1"), ("refresh", "a")):
        world(*command)
    assert kept() == first
    _tick(world, monkeypatch)
    assert kept() == first | {"BG_PRODUCTS": "finance_system", "BG_CLAIM_PER_MINUTE": None}


def test_a_tick_with_the_same_settings_writes_nothing(
    world: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    _tick(world, monkeypatch)
    before = world.rows("select name, since, xmin::text from bg.instance_settings order by name")
    _tick(world, monkeypatch)
    after = world.rows("select name, since, xmin::text from bg.instance_settings order by name")
    assert after == before


def test_settings_come_back_as_they_were() -> None:
    config = settings.read(
        {
            "BG_PRODUCTS": "a,b", "BG_TEMPLATES": "/t", "BG_REFRESH_INTERVAL": "1234567.5",
            "BG_SETTLE": "0.25", "BG_CLAIM_LIMIT": "3", "BG_CLAIM_PER_MINUTE": "4",
            "BG_BATCH_FROM": "5", "BG_BATCH_SIZE": "6", "BG_MAX_ATTEMPTS": "7",
            "BG_REFRESH_WITHOUT_NEWS": "8",
        }
    )  # fmt: skip
    told = settings.shared(config)
    again = settings.read({name: value or "" for name, value in told.items()})
    assert settings.shared(again) == told
    assert (again.refresh_interval, again.settle, again.products) == (1234567.5, 0.25, ("a", "b"))
