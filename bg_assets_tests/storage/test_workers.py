"""The processes that work, by their signs of life: written anew, silent, ended, forgotten."""

import threading
import time

import pytest
import sqlalchemy as sa

from bg_assets.storage import workers
from bg_assets.storage.workers import Beat
from bg_assets_tests.storage.rows import locked, rows, run


def beat(engine: sa.Engine, *beats: Beat) -> None:
    with engine.begin() as conn:
        workers.beat(conn, beats)


def read(engine: sa.Engine) -> list[workers.Worker]:
    with engine.connect() as conn:
        return workers.read(conn)


DAEMON = Beat("here", 7, "boot/1", "daemon", age=100.0, memory=5)


def test_a_sign_of_life_tells_how_old_and_how_large_a_process_is(engine: sa.Engine) -> None:
    beat(engine, DAEMON, Beat("there", 7, "x", "receiver", 5.0, 9, silent=3.0))
    daemon, receiver = read(engine)
    assert (daemon.kind, daemon.memory, daemon.health) == ("daemon", 5, "ok")
    assert 100 <= daemon.uptime_seconds < 160
    assert 3 <= receiver.silent_seconds < 60


def test_the_next_sign_takes_the_place_of_the_last_and_never_makes_it_older(
    engine: sa.Engine,
) -> None:
    beat(engine, DAEMON)
    beat(engine, Beat("here", 7, "boot/1", "daemon", age=500.0, memory=6, silent=99.0))
    (only,) = read(engine)
    assert (only.memory, only.health) == (6, "ok")
    assert only.uptime_seconds < 200


def test_another_process_with_the_same_id_takes_nothing_over(engine: sa.Engine) -> None:
    beat(engine, Beat("here", 7, "boot/1", "run", 50.0, 1, run_id="r1"))
    beat(engine, Beat("here", 7, "boot/1", "run", 60.0, 1))
    assert read(engine)[0].run_id == "r1"
    beat(engine, Beat("here", 7, "boot/2", "run", 60.0, 1, silent=60.0))
    (only,) = read(engine)
    assert (only.run_id, only.health) == (None, f"silent for {only.silent_seconds:.0f} s")


@pytest.mark.parametrize(
    ("silent", "state", "health"),
    [(44.0, "", "ok"), (46.0, "", "silent for 46 s"), (50.0, "stopped", "stopped")],
)
def test_who_gives_no_sign_is_silent_and_who_is_stopped_is_called_so(
    engine: sa.Engine, silent: float, state: str, health: str
) -> None:
    beat(engine, Beat("here", 7, "x", "code", 99.0, 1, silent=silent, state=state))
    assert read(engine)[0].health == health


def test_what_ends_says_so_and_lives_again_with_its_next_sign(engine: sa.Engine) -> None:
    beat(engine, DAEMON)
    with engine.begin() as conn:
        workers.end(conn, "here", [(7, "boot/0"), (8, "boot/1")])
        workers.end(conn, "there", [(7, "boot/1")])
    assert read(engine)[0].health == "ok"
    with engine.begin() as conn:
        workers.end(conn, "here", [(7, "boot/1")])
    assert read(engine)[0].health == "ended"
    beat(engine, DAEMON)
    assert read(engine)[0].health == "ok"


def test_what_is_over_is_forgotten_the_end_of_a_daemon_last(engine: sa.Engine) -> None:
    beat(engine, DAEMON, Beat("here", 8, "x", "code", 9.0, 1), Beat("here", 9, "x", "up", 9.0, 1))
    with engine.begin() as conn:
        workers.end(conn, "here", [(7, "boot/1"), (8, "x")])
    run(engine, "update bg.workers set ended_at = ended_at - interval '10 minutes'")
    with engine.begin() as conn:
        workers.forget_old(conn)
    left = "select kind from bg.workers order by kind"
    assert rows(engine, left) == [{"kind": "daemon"}, {"kind": "up"}]
    run(engine, "update bg.workers set beat_at = beat_at - interval '2 hours'")
    with engine.begin() as conn:
        workers.forget_old(conn)
    assert rows(engine, left) == []


def test_who_waits_for_a_lock_is_noticed(engine: sa.Engine) -> None:
    with locked(engine, "bg.workers"), engine.connect() as conn:
        waiting = threading.Thread(target=beat, args=(engine, DAEMON))
        waiting.start()
        until = time.monotonic() + 20
        while not workers.any_waits(conn, 0.0):
            assert time.monotonic() < until
            conn.rollback()
        assert not workers.any_waits(conn, 3600.0)
        conn.rollback()
    waiting.join()
    assert len(read(engine)) == 1
