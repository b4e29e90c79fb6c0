"""What a tick waits for in the database ends by itself, and is told."""

import time
from concurrent.futures import ThreadPoolExecutor, wait

import dagster as dg
import pytest
import sqlalchemy as sa

from bg_assets import sensors
from bg_assets.storage import database
from bg_assets.ticks import patience
from bg_assets_tests.storage.rows import change, locked


@pytest.fixture
def instance(database_url: str, monkeypatch: pytest.MonkeyPatch) -> dg.DagsterInstance:
    monkeypatch.setenv("BG_DATABASE_URL", database_url)
    monkeypatch.setenv("BG_SETTLE", "0")
    return dg.DagsterInstance.ephemeral()


@pytest.mark.parametrize("table", ["bg.changes", "bg.buyer_group_refresh_log", "bg.webhook_events"])
def test_a_tick_that_meets_a_lock_ends_in_time_and_says_what_it_waited_for(
    engine: sa.Engine, instance: dg.DagsterInstance, table: str
) -> None:
    patient = patience.Patience(engine, lock_seconds=0.1)
    with locked(engine, table), ThreadPoolExecutor(1) as pool:
        ticking = pool.submit(
            sensors.tick, instance, engine, "due_companies_1", poll_seconds=0.3, patient=patient
        )
        finished, _ = wait([ticking], 30)
        assert finished, "the tick waits as long as the lock is held"
        assert ticking.result() == ([], [])
    (told,) = patient.told()
    assert told.startswith("waited ")
    assert f"in vain for a lock of PostgreSQL: {table}, AccessExclusiveLock of process " in told
    assert "somebody's report" in told


def test_the_next_group_is_requested_as_soon_as_the_lock_is_gone(
    engine: sa.Engine, instance: dg.DagsterInstance
) -> None:
    change(engine, "c1")
    patient = patience.Patience(engine, lock_seconds=0.1)
    with ThreadPoolExecutor(1) as pool:
        with locked(engine, "bg.changes"):
            ticking = pool.submit(
                sensors.tick, instance, engine, "due_companies_1", poll_seconds=60, patient=patient
            )
            end = time.monotonic() + 30
            while patient.times < 2 and time.monotonic() < end:
                time.sleep(0.01)
        requests, _ = ticking.result(30)
    assert patient.times >= 2
    assert [one.companies for one in requests] == [("c1",)]


def test_what_was_waited_for_in_vain_makes_no_pause_longer(
    engine: sa.Engine, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    took: list[float] = []

    def noted(seconds: float, _: float) -> float:
        took.append(seconds)
        return 0.0

    monkeypatch.setattr(patience, "pause", noted)
    patient = patience.Patience(engine, lock_seconds=0.1)
    with locked(engine, "bg.changes"):
        sensors.tick(instance, engine, "due_companies_1", poll_seconds=0, patient=patient)
    sensors.tick(instance, engine, "due_companies_1", poll_seconds=0)
    assert took[0] == 0
    assert took[1] > 0


def test_a_statement_ends_with_the_time_that_the_tick_has_left(engine: sa.Engine) -> None:
    patient = patience.Patience(engine, all_seconds=0)
    with patient.spent(), database.connect(patient.engine) as conn:
        conn.exec_driver_sql("select pg_sleep(60)")
    assert "in vain for an answer of PostgreSQL" in patient.told()[0]
    with database.connect(engine) as conn:
        assert conn.exec_driver_sql("show statement_timeout").scalar() == "0"
        assert conn.exec_driver_sql("show lock_timeout").scalar() != "500ms"


def test_a_tick_gives_up_on_a_lock_before_postgresql_looks_for_a_deadlock(
    engine: sa.Engine,
) -> None:
    with database.connect(patience.Patience(engine).engine) as conn:
        waits = conn.exec_driver_sql("show lock_timeout").scalar()
        looks = conn.exec_driver_sql("show deadlock_timeout").scalar()
    assert (waits, looks) == ("500ms", "1s")


def test_what_was_waited_for_in_vain_is_told_in_one_line_with_the_seconds_of_all_times(
    engine: sa.Engine,
) -> None:
    patient = patience.Patience(engine)
    patient.give_up("a lock", 0.5)
    patient.give_up("an answer", 2)
    patient.give_up("a lock", 0.7)
    assert patient.told() == [
        "waited 1.2 s in vain for a lock of PostgreSQL",
        "waited 2.0 s in vain for an answer of PostgreSQL",
    ]
    assert patient.times == 3


def test_any_other_refusal_of_the_database_fails_the_tick(engine: sa.Engine) -> None:
    patient = patience.Patience(engine)
    refused = pytest.raises(sa.exc.ProgrammingError)
    with refused, patient.spent(), database.connect(patient.engine) as conn:
        conn.exec_driver_sql("select nothing from nowhere")
    assert patient.told() == []


@pytest.mark.parametrize(
    ("took", "left", "expected"),
    [
        (0.001, 6, patience.PAUSE_SECONDS),
        (0.05, 6, 0.45),
        (6, 54, 1),
        (6, 0.25, 0.25),
        (0.001, -1, 0),
    ],
)
def test_a_pause_ends_with_its_poll_and_lasts_a_second_at_most(
    took: float, left: float, expected: float
) -> None:
    assert patience.pause(took, left) == pytest.approx(expected)
