"""People and companies in Dagster: who wrote to them is told, each once, and nothing else is."""

from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from bg_assets.storage import database
from bg_assets.ticks import mirror, tables
from bg_assets_tests.cli.command import Command
from bg_assets_tests.refreshing import World, a_minute_later
from bg_assets_tests.storage import plans

PEOPLE = "id,company_id,title\nacme-cfo,acme,Treasurer\nacme-new,acme,Head of Accounting\n,x,y\n"


def told(world: World, asset: str) -> list[dict[str, Any]]:
    """The metadata of all materializations of an asset, oldest first."""
    records = world.instance.fetch_materializations(dg.AssetKey(asset), limit=100).records
    events = [record.asset_materialization for record in reversed(records)]
    return [
        {name: value.value for name, value in event.metadata.items()} for event in events if event
    ]


def reasons(world: World, asset: str) -> list[str]:
    return [one["because"] for one in told(world, asset)]


@pytest.fixture
def bg(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command on the world's database; what stands in the tables was told already."""
    monkeypatch.setenv("BG_HOME", str(tmp_path / "home"))
    world.add("acme", "bolt")
    tables.tell(world.instance, world.engine)
    a_minute_later(world)
    return Command(world.engine, tmp_path)


def test_an_import_is_told_at_once_with_its_file_and_what_became_of_its_rows(
    world: World, bg: Command
) -> None:
    assert bg("import", "people", bg.file("people.csv", PEOPLE)).code == 0
    tables.tell(world.instance, world.engine)
    tables.tell(world.instance, world.engine)
    (shown,) = told(world, "people")
    last = shown.pop("last_written")
    assert shown == {
        "because": "import people.csv: 1 new, 1 changed, 0 as before, 1 rejected",
        "new": 1, "changed": 1, "left": 0, "rejected": 1, "dagster/row_count": 13,
    }  # fmt: skip
    ((at,),) = world.sql("select extract(epoch from ended_at) from bg.writes")
    assert last == pytest.approx(float(at), abs=0.001)
    assert told(world, "companies") == []


def test_an_import_of_companies_is_one_of_companies(world: World, bg: Command) -> None:
    file = bg.file("list, of\tall.csv", "id,name\nacme,Acme Ltd\n")
    assert bg("import", "companies", file).code == 0
    tables.tell(world.instance, world.engine)
    assert reasons(world, "companies") == ["import list of all.csv: 0 new, 1 changed, 0 as before"]


def test_direct_writes_are_added_up_and_told_once_a_minute_with_their_writers(
    world: World, bg: Command
) -> None:
    tables.tell(world.instance, world.engine)
    world.sql("update bg.people set title = 'Boss' where id = 'acme-cfo'")
    world.sql("set local bg.source = 'my-job'; update bg.people set title = 'Chief' "
              "where id in ('acme-ceo', 'bolt-ceo')")  # fmt: skip
    world.sql("update bg.companies set country = 'FR' where id = 'acme'")
    tables.tell(world.instance, world.engine)
    assert told(world, "people") == []
    a_minute_later(world)
    tables.tell(world.instance, world.engine)
    assert reasons(world, "people") == ["my-job: 2 changes; direct write: 1 change"]
    assert reasons(world, "companies") == ["direct write: 1 change"]
    a_minute_later(world)
    tables.tell(world.instance, world.engine)
    assert len(told(world, "people")) == len(told(world, "companies")) == 1


def test_what_somebody_asks_for_by_hand_writes_no_table(world: World, bg: Command) -> None:
    tables.tell(world.instance, world.engine)
    assert bg("refresh", "acme").code == 0
    a_minute_later(world)
    tables.tell(world.instance, world.engine)
    assert told(world, "people") == told(world, "companies") == []


def test_a_write_that_commits_after_one_with_higher_numbers_is_told_too(
    world: World, bg: Command
) -> None:
    tables.tell(world.instance, world.engine)
    with database.connect(world.engine) as early:
        early.exec_driver_sql("update bg.people set title = 'Early' where id = 'acme-cfo'")
        world.sql("update bg.people set title = 'Late' where id in ('bolt-cfo', 'bolt-ceo')")
        a_minute_later(world)
        tables.tell(world.instance, world.engine)
    for _ in range(2):
        a_minute_later(world)
        tables.tell(world.instance, world.engine)
    assert reasons(world, "people") == ["direct write: 2 changes", "direct write: 1 change"]


def test_a_number_that_never_comes_is_not_waited_for_for_long(
    world: World, bg: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bg_assets.storage import writes

    with world.engine.connect() as conn:
        state, _ = writes.direct(conn, None, (), 0)
        conn.exec_driver_sql("select nextval(pg_get_serial_sequence('bg.changes', 'id'))")
        conn.commit()
        world.sql("update bg.people set title = 'Boss' where id = 'acme-cfo'")
        state, found = writes.direct(conn, state, (), 1)
        assert [dict(one.changes) for one in found] == [{"people_table": 1}]
        assert state["settled"] < state["newest"]
        state, found = writes.direct(conn, state, (), 602)
    assert found == []
    assert state["settled"] == state["newest"]


def test_a_dagster_that_knows_nothing_is_told_how_the_tables_stand_and_only_once(
    world: World,
) -> None:
    mirror.keep(world.instance, world.engine)
    assert told(world, "people") == []
    world.add("acme")
    a_minute_later(world)
    mirror.keep(world.instance, world.engine)
    (shown,) = told(world, "people")[:1]
    assert shown["dagster/row_count"] == 6
    a_minute_later(world)
    mirror.keep(world.instance, world.engine)
    before = len(told(world, "people"))
    a_minute_later(world)
    mirror.keep(world.instance, world.engine)
    assert len(told(world, "people")) == before


def test_while_nobody_writes_a_look_reads_next_to_nothing(world: World, bg: Command) -> None:
    tables.tell(world.instance, world.engine)
    with plans.watched(world.engine) as reads:
        tables.tell(world.instance, world.engine)
        a_minute_later(world)
        tables.tell(world.instance, world.engine)
    plans.check([one for one in reads if "bg.chores" not in one.statement], rows=3, pages=10)


def test_a_partition_whose_company_nobody_touched_is_not_outdated_by_an_import_elsewhere(
    world: World, bg: Command
) -> None:
    for request in world.claim():
        world.run(request)
    before = world.instance.get_latest_materialization_event(dg.AssetKey("people"))
    assert before is None
    assert bg("import", "people", bg.file("people.csv", PEOPLE)).code == 0
    tables.tell(world.instance, world.engine)
    record = world.instance.get_latest_materialization_event(dg.AssetKey("people"))
    assert record is not None
    assert record.asset_materialization is not None
    assert not record.asset_materialization.tags
