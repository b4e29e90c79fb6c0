"""Whose turn it is: one process's at a time, and not before the time has passed."""

import threading

import sqlalchemy as sa

from bg_assets.storage import chores
from bg_assets_tests.storage.rows import run


def test_it_is_nobodys_turn_again_until_the_time_has_passed(engine: sa.Engine) -> None:
    with engine.begin() as conn:
        assert chores.begin(conn, "sweep", 60)
        assert not chores.begin(conn, "sweep", 60)
        assert chores.begin(conn, "cook", 60)
        run(conn, "update bg.chores set begun_at = begun_at - interval '59 seconds'")
        assert not chores.begin(conn, "sweep", 60)
        run(conn, "update bg.chores set begun_at = begun_at - interval '1 second'")
        assert chores.begin(conn, "sweep", 60)


def test_of_two_at_once_it_is_the_turn_of_one(engine: sa.Engine) -> None:
    for _ in range(2):
        run(engine, "update bg.chores set begun_at = begun_at - interval '1 hour'")
        turns: list[bool] = []

        def second(turns: list[bool] = turns) -> None:
            with engine.begin() as conn:
                turns.append(chores.begin(conn, "sweep", 60))

        with engine.begin() as first:
            turns.append(chores.begin(first, "sweep", 60))
            other = threading.Thread(target=second)
            other.start()
        other.join(30)
        assert turns == [True, False]


def test_what_is_remembered_is_there_the_next_time(engine: sa.Engine) -> None:
    with engine.begin() as conn:
        assert chores.recall(conn, "sweep") is None
        chores.remember(conn, "sweep", {"where": ["hall"]})
        chores.remember(conn, "cook", 7)
        assert chores.recall(conn, "sweep") == {"where": ["hall"]}
        run(conn, "update bg.chores set begun_at = begun_at - interval '1 hour'")
        assert chores.begin(conn, "sweep", 60)
        assert chores.recall(conn, "sweep") == {"where": ["hall"]}


def test_a_turn_that_was_begun_in_the_future_keeps_nobody_waiting(engine: sa.Engine) -> None:
    with engine.begin() as conn:
        assert chores.begin(conn, "sweep", 60)
        run(conn, "update bg.chores set begun_at = begun_at + interval '59 seconds'")
        assert not chores.begin(conn, "sweep", 60)
        run(conn, "update bg.chores set begun_at = begun_at + interval '1 hour'")
        assert chores.begin(conn, "sweep", 60)
