"""A batch is written in portions, tells how far it is, and keeps what it has written."""

from collections.abc import Sequence
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa

from bg_assets.assets import portions, progress, runs
from bg_assets.storage import cancelling, claims, groups, staff
from bg_assets.storage.refreshes import Held
from bg_assets.storage.reports import progress as progress_of_runs
from bg_assets_tests.refreshing import STAFF, World, log, metadata

NAMES = tuple(f"c{number}" for number in range(5))


@pytest.fixture
def batch(world: World, monkeypatch: pytest.MonkeyPatch) -> claims.Request:
    """Five companies in one run, written two at a time."""
    monkeypatch.setattr(portions, "MOST_COMPANIES", 2)
    world.add(*NAMES)
    policy = claims.Policy(settle=0, refresh_interval=3600, claim_limit=100, batch_from=2)
    (request,) = world.claim(policy)
    return request


def _meanwhile(monkeypatch: pytest.MonkeyPatch, after: int, do: object) -> list[int]:
    """Do something before the given portion is completed; returns the sizes of all."""
    sizes: list[int] = []
    real = groups.complete

    def complete(
        conn: sa.Connection, run_id: str, outcomes: Sequence[tuple[Held, object]], interval: float
    ) -> set[str]:
        sizes.append(len(outcomes))
        if len(sizes) == after and callable(do):
            do()
        return real(conn, run_id, outcomes, interval)  # type: ignore[arg-type]

    monkeypatch.setattr(groups, "complete", complete)
    return sizes


def test_each_company_is_written_and_reported_once_and_the_checks_are_told_once(
    world: World, batch: claims.Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = _meanwhile(monkeypatch, 0, None)
    result = world.run(batch)
    assert sizes == [2, 2, 1]
    assert world.pending() == 0
    told = world.instance.all_logs(result.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
    assert len(told) == 2 * len(NAMES)
    assert sorted(metadata(world, result)) == sorted(NAMES)
    checks = world.instance.all_logs(
        result.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION
    )
    assert len({one.dagster_event.asset_check_evaluation_data.check_name  # type: ignore[union-attr]
                for one in checks}) == len(checks)  # fmt: skip


def test_people_are_read_and_judged_by_portion_and_who_can_not_be_judged_hurts_nobody_else(
    world: World, batch: claims.Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    real = staff.read_people

    def read_people(conn: sa.Connection, companies: Sequence[str]) -> list[staff.Person]:
        sizes.append(len(companies))
        people = real(conn, companies)
        # A department that nobody can read.
        bad: Any = 7
        return [one._replace(department=bad) if one.company_id == "c2" else one for one in people]

    monkeypatch.setattr(staff, "read_people", read_people)
    taken = runs.take(world.engine, runs.Purpose("r1", NAMES, batch_id=batch.batch_id))
    assert sizes == [2, 2, 1]
    assert [*taken.failed] == ["c2"]
    assert {one.company_id for one in taken.held} == {*NAMES}
    assert sorted(taken.shown) == ["c0", "c1", "c3", "c4"]
    assert {one["dagster/row_count"] for one in taken.shown.values()} == {len(STAFF)}
    written = world.sql("select distinct company_id from bg.company_people order by 1")
    assert [company for (company,) in written] == sorted(taken.shown)


def test_a_portion_has_no_more_people_than_fit_unless_one_company_has_them() -> None:
    people = {"a": 6000, "b": 4000, "c": 1, "d": 30_000, "e": 2, "g": 9998}
    found = [*portions.divided(["a", "b", "c", "d", "e", "f", "g"], people)]
    assert found == [["a", "b"], ["c"], ["d"], ["e", "f", "g"]]
    assert [*portions.divided([], people)] == []
    many = [str(at) for at in range(250)]
    assert [len(one) for one in portions.divided(many, {})] == [100, 100, 50]


def test_people_are_counted_for_each_company_of_several(world: World) -> None:
    world.build("acme", "bolt")
    world.add("new", staff=False)
    with world.engine.connect() as conn:
        for table in ("canonical_people", "company_people"):
            found = staff.count_people(conn, ["acme", "new", "bolt", "none"], table)
            assert found == {"acme": len(STAFF), "bolt": len(STAFF)}
        assert staff.count_people(conn, ["acme"]) == {}


def test_what_was_written_before_the_run_broke_off_stays_and_is_reported(
    world: World, batch: claims.Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_off() -> None:
        raise dg.Failure(allow_retries=False)

    _meanwhile(monkeypatch, 2, break_off)
    world.run(batch, ok=False)
    done = [name for name in NAMES if world.status(name) == ["completed"]]
    assert len(done) == 2
    assert all(world.members(name) for name in done)
    assert sorted(world.status(name) for name in NAMES if name not in done) == 3 * [["running"]]
    (record,) = world.instance.get_run_records(limit=1)
    assert sorted(metadata(world, record.dagster_run.run_id)) == done


def test_how_far_a_run_is_can_be_read_while_it_goes_on(
    world: World, batch: claims.Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[progress_of_runs.Going] = []

    def look() -> None:
        with world.engine.connect() as conn:
            found.extend(progress_of_runs.read(conn))

    _meanwhile(monkeypatch, 3, look)
    result = world.run(batch)
    (going,) = found
    assert (going.run_id, going.done, going.companies) == (result.run_id, 4, 5)
    with world.engine.connect() as conn:
        assert progress_of_runs.read(conn) == []


def test_a_company_cancelled_in_the_middle_of_its_batch_is_not_written_and_says_so(
    world: World, batch: claims.Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cancel() -> None:
        with world.engine.begin() as conn:
            pairs = [(one.id, one.attempt) for one in cancelling.of_companies(conn, NAMES)][-1:]
            cancelling.cancel(conn, pairs, "why", claims.database_now(conn))

    _meanwhile(monkeypatch, 1, cancel)
    result = world.run(batch)
    assert [world.status(name) for name in NAMES] == 4 * [["completed"]] + [["cancelled"]]
    assert world.members("c4") == {}
    assert sorted(metadata(world, result)) == list(NAMES[:4])
    assert "c4: nothing written, its refresh was cancelled or another attempt holds it" in log(
        world, result.run_id
    )


def test_a_long_run_tells_every_ten_seconds_how_far_it_is() -> None:
    told: list[str] = []
    seconds = [0.0]
    going = progress.Progress(told.append, 500, lambda: seconds[0])
    for _ in range(5):
        seconds[0] += 5
        going.add(100)
    assert told == ["200 of 500 companies", "400 of 500 companies"]


def test_a_short_run_tells_nothing() -> None:
    told: list[str] = []
    progress.Progress(told.append, 5).add(5)
    assert told == []
