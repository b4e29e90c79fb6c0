"""The staff that the first step of a run has read reaches the last one, or is read again."""

from collections.abc import Sequence
from datetime import date

import pytest
import sqlalchemy as sa

from bg_assets.assets import handed, runs
from bg_assets.domain.groups.group import StaffMember
from bg_assets.storage import staff
from bg_assets.storage.refreshes import Held
from bg_assets_tests.refreshing import World

A, B = Held("r-a", "acme", 1, date(2026, 1, 1)), Held("r-b", "bolt", 1, date(2026, 1, 1))


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The companies whose staff is read from company_people from now on."""
    companies: list[str] = []
    real = staff.read_staff

    def read_staff(conn: sa.Connection, some: Sequence[str]) -> dict[str, list[StaffMember]]:
        companies.extend(some)
        return real(conn, some)

    monkeypatch.setattr(staff, "read_staff", read_staff)
    return companies


def test_what_is_handed_on_is_just_what_the_table_holds(world: World) -> None:
    world.add("acme", "bolt")
    world.sql("update bg.people set seniority = 'c-suite', start_date = '2020-01-02', "
              "location = E'Graz\\tNord' where id like '%-fd'")  # fmt: skip
    for again in ("r1", "r2"):
        taken = runs.take(world.engine, runs.Purpose(again, ("acme", "bolt")))
        with world.engine.connect() as conn:
            assert taken.staff == staff.read_staff(conn, ["acme", "bolt"])
        assert all(one.seen for one in taken.staff["acme"])
        world.sql("update bg.changes set refresh_id = null")
        world.sql("delete from bg.buyer_group_refresh_log")
        world.sql("update bg.people set title = 'Treasurer' where id = 'acme-fd'")


def test_a_run_reads_its_staff_once_and_one_that_begins_with_the_last_step_too(
    world: World, read: list[str]
) -> None:
    world.add("acme")
    world.execute("acme")
    world.execute("acme", only="buyer_groups")
    assert world.members("acme")
    assert read == []


def test_where_there_is_no_room_the_last_step_reads_the_staff_again(
    world: World, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    world.add("acme")
    world.execute("acme")
    before = world.members("acme")
    monkeypatch.setattr(handed, "MOST_PEOPLE", 1)
    world.execute("acme")
    assert read == ["acme"]
    assert world.members("acme") == before


def test_nobody_gets_what_another_run_or_attempt_has_left_and_nobody_gets_it_twice() -> None:
    handed.keep("r1", [A, B], {"acme": [], "other": []})
    assert handed.take("r2", [A]) == {}
    assert handed.take("r1", [Held("r-a", "acme", 2, A.as_of), B]) == {}
    assert handed.take("r1", [A, B]) == {"acme": []}
    assert handed.take("r1", [A]) == {}
    handed.keep("r1", [A], {"acme": []})
    handed.keep("r2", [B], {"bolt": []})
    assert handed.take("r1", [A]) == {}
