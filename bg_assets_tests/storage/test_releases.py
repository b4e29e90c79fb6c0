"""How an attempt ends that completes nothing: released, tried again, dead, requeued."""

import pytest
import sqlalchemy as sa

from bg_assets.storage import refreshes
from bg_assets_tests.storage import steps
from bg_assets_tests.storage.rows import at, change, refresh, rows, run, value
from bg_assets_tests.storage.steps import (
    LOG,
    complete,
    pending,
    release,
    statuses,
    take,
    take_by_hand,
    tick,
    unhandled,
)


def test_a_released_refresh_gives_its_changes_back_and_is_requested_again(acme: sa.Engine) -> None:
    (request,) = tick(acme)
    held = take(acme, "run-1", request)
    again, dead = release(acme, held)

    assert (again, dead) == ([held[0].refresh_id], [])
    assert pending(acme) == 1
    (row,) = rows(acme, LOG)
    assert row == {
        "company_id": "acme", "status": "requested", "attempt": 2, "run_id": None,
        "error": "the run is gone",
    }  # fmt: skip
    (second,) = tick(acme)
    assert second.run_key == f"{request.refresh_id}:2"
    (retaken,) = take(acme, "run-2", second)
    assert (retaken.refresh_id, retaken.attempt) == (held[0].refresh_id, 2)
    assert pending(acme) == 0


def test_what_the_run_found_stands_with_the_attempt_and_the_dead_refresh(acme: sa.Engine) -> None:
    (request,) = tick(acme)
    (held,) = take(acme, "run-1", request)
    why = "the database refused it: check_violation 23514"
    with acme.begin() as conn:
        refreshes.note(conn, held, why)
        refreshes.release(conn, [(held.refresh_id, 1)], "run run-1 ended as FAILURE", at(0), 1)
    said = f"run run-1 ended as FAILURE: {why}"
    assert rows(acme, "select status, error from bg.buyer_group_refresh_log") == [
        {"status": "dead", "error": said}
    ]
    assert value(acme, "select error from bg.refresh_attempts") == said


def test_releasing_the_same_attempt_twice_counts_once(acme: sa.Engine) -> None:
    (request,) = tick(acme)
    held = take(acme, "run-1", request)
    release(acme, held)

    assert release(acme, held) == ([], [])
    assert value(acme, "select attempt from bg.buyer_group_refresh_log") == 2
    with acme.begin() as conn:
        assert refreshes.release(conn, [], "nothing", at(0), 3) == ([], [])


def test_a_release_does_not_wait_for_a_run_that_is_just_completing(acme: sa.Engine) -> None:
    (request,) = tick(acme)
    held = take(acme, "run-1", request)
    with acme.begin() as completing:
        assert steps.complete_on(completing, "run-1", held) == {"acme"}
        assert release(acme, held) == ([], [])

    assert statuses(acme) == ["completed"]


def test_what_was_only_requested_can_be_released_too(acme: sa.Engine) -> None:
    (request,) = tick(acme)
    with acme.begin() as conn:
        (held,) = refreshes.under_way(conn)
        assert (held.run_id, held.run_key) == (None, request.run_key)
        refreshes.release(conn, held.refreshes, "never came to be", at(0), 3)
        assert refreshes.under_way(conn) == []

    (again,) = tick(acme)
    assert again.attempt == 2


def test_a_released_refresh_starts_from_nothing(acme: sa.Engine) -> None:
    (request,) = tick(acme)
    release(acme, take(acme, "run-1", request), seconds=1500)

    (row,) = rows(acme, "select run_key, batch_id, sensor, asked_at, started_at, finished_at, "
                  "not_before, outages from bg.buyer_group_refresh_log")  # fmt: skip
    assert row == dict.fromkeys(row, None) | {"outages": 0}
    (second,) = tick(acme, 2000)
    take(acme, "run-2", second, seconds=2100)
    assert value(acme, "select started_at from bg.buyer_group_refresh_log") == at(2100)


def test_a_dead_refresh_keeps_when_it_started_and_says_when_it_ended(acme: sa.Engine) -> None:
    (request,) = tick(acme)
    release(acme, take(acme, "run-1", request), seconds=1500, most=1)

    (row,) = rows(acme, "select started_at, finished_at, run_id, run_key, asked_at "
                  "from bg.buyer_group_refresh_log")  # fmt: skip
    assert row == {
        "started_at": at(1000), "finished_at": at(1500), "run_id": "run-1", "run_key": None,
        "asked_at": None,
    }  # fmt: skip


def test_a_refresh_dies_with_its_last_attempt_and_not_before(acme: sa.Engine) -> None:
    (request,) = tick(acme)
    again, dead = release(acme, take(acme, "run-1", request), most=2)
    assert (len(again), len(dead)) == (1, 0)
    (request,) = tick(acme)
    again, dead = release(acme, take(acme, "run-2", request), most=2)
    assert (len(again), len(dead)) == (0, 1)


def test_an_outage_is_tried_again_ever_later_and_under_a_key_of_its_own(acme: sa.Engine) -> None:
    (request,) = tick(acme)
    keys, waits, now = [request.run_key], [], 1000.0
    for number in range(9):
        held = take(acme, f"run-{number}", request, now)
        assert value(acme, "select not_before from bg.buyer_group_refresh_log") is None
        again, dead = release(acme, held, now, most=1, outage=True)
        assert (len(again), dead) == (1, [])
        later = value(acme, "select not_before from bg.buyer_group_refresh_log")
        waits.append((later - at(now)).total_seconds())
        assert tick(acme, now + waits[-1] - 0.1) == []
        now += waits[-1]
        (request,) = tick(acme, now)
        keys.append(request.run_key)

    assert waits == [5, 10, 20, 40, 80, 160, 300, 300, 300]
    assert keys == [f"{request.refresh_id}:{attempt}" for attempt in range(1, 11)]
    assert pending(acme) == 1


def test_only_attempts_that_no_outage_ended_count(acme: sa.Engine) -> None:
    ends = [True, False, True, True, False, True, False]
    for number, outage in enumerate(ends):
        assert statuses(acme) != ["dead"]
        (request,) = tick(acme, 10_000 * (number + 1))
        held = take(acme, f"run-{number}", request, 10_000 * (number + 1))
        release(acme, held, 10_000 * (number + 1), most=3, outage=outage)

    assert statuses(acme) == ["dead"]
    assert rows(acme, "select attempt, outages from bg.buyer_group_refresh_log") == [
        {"attempt": 7, "outages": 4}
    ]


def test_a_failure_after_an_outage_is_tried_again_at_once(acme: sa.Engine) -> None:
    (request,) = tick(acme)
    release(acme, take(acme, "run-1", request), outage=True)
    (request,) = tick(acme, 2000)
    release(acme, take(acme, "run-2", request), 2000)

    assert [one.attempt for one in tick(acme, 2000)] == [3]


def test_a_run_by_hand_waits_for_no_delay_after_an_outage(acme: sa.Engine) -> None:
    (request,) = tick(acme)
    release(acme, take(acme, "run-1", request), outage=True)

    (held,) = take_by_hand(acme, "by-hand", ["acme"])
    assert complete(acme, "by-hand", [held]) == {"acme"}


def die(engine: sa.Engine, seconds: float = 1000) -> None:
    """Let acme fail at that time until it is dead."""
    for attempt in range(1, steps.MAX_ATTEMPTS + 1):
        (request,) = tick(engine, seconds)
        assert request.attempt == attempt
        release(engine, take(engine, f"run-{attempt}", request, seconds), seconds)


def test_after_the_last_attempt_a_refresh_is_dead_keeps_its_changes_and_is_not_claimed(
    acme: sa.Engine,
) -> None:
    die(acme)

    (row,) = rows(acme, LOG)
    assert row == {
        "company_id": "acme", "status": "dead", "attempt": 3, "run_id": "run-3",
        "error": "the run is gone",
    }  # fmt: skip
    assert (pending(acme), unhandled(acme)) == (0, 1)
    assert tick(acme, 10**6) == []


def test_a_new_change_takes_the_changes_of_the_dead_along(acme: sa.Engine) -> None:
    die(acme)
    change(acme, "acme", 5)
    (request,) = tick(acme, 1060)
    held = take(acme, "run-9", request)

    assert value(acme, "select count(*) from bg.changes where refresh_id = cast(:id as uuid)",
                 id=held[0].refresh_id) == 2  # fmt: skip
    assert complete(acme, "run-9", held) == {"acme"}
    assert unhandled(acme) == 0
    assert sorted(statuses(acme)) == ["completed", "failed"]


def test_who_dies_twice_keeps_all_changes(acme: sa.Engine) -> None:
    die(acme)
    change(acme, "acme", 5)
    die(acme, 1060)

    assert statuses(acme) == ["dead", "dead"]
    assert (pending(acme), unhandled(acme)) == (0, 2)
    change(acme, "acme", 6)
    (request,) = tick(acme, 1180)
    complete(acme, "run-9", take(acme, "run-9", request))
    assert unhandled(acme) == 0
    assert sorted(statuses(acme)) == ["completed", "failed", "failed"]


def test_a_change_after_a_death_waits_twice_as_long_after_each_up_to_a_day(acme: sa.Engine) -> None:
    now, rests = 1000.0, []
    for _ in range(14):
        die(acme, now)
        change(acme, "acme", 5)
        later = value(acme, "select max(not_before) from bg.buyer_group_refresh_log")
        rests.append((later - at(now)).total_seconds())
        assert tick(acme, now + rests[-1] - 0.1) == []
        now += rests[-1]
    assert rests == [60.0 * 2**death for death in range(11)] + [86400.0] * 3


def test_a_success_ends_the_rests(acme: sa.Engine) -> None:
    for now in (1000, 1060):
        change(acme, "acme", 5)
        die(acme, now)
    change(acme, "acme", 5)
    (request,) = tick(acme, 1180)
    assert complete(acme, "run-9", take(acme, "run-9", request)) == {"acme"}
    run(acme, "update bg.buyer_group_refresh_log set starts_interval = false")
    change(acme, "acme", 5)
    die(acme, 1180)

    assert value(acme, "select not_before from bg.buyer_group_refresh_log "
                 "where status = 'dead'") == at(1240)  # fmt: skip


def test_whoever_asks_by_hand_waits_for_no_rest_and_other_companies_have_none(
    acme: sa.Engine,
) -> None:
    die(acme)
    change(acme, "bolt", 5)
    change(acme, "acme", 5, kind="resync", source="template")
    assert [one.companies for one in tick(acme)] == [("bolt",)]
    change(acme, "acme", 5, kind="resync", source="manual")
    assert [one.companies for one in tick(acme)] == [("acme",)]


def test_each_attempt_that_failed_is_kept_with_its_run_and_error_but_not_an_outages(
    acme: sa.Engine,
) -> None:
    (request,) = tick(acme)
    release(acme, take(acme, "away", request), outage=True)
    for run_id in ("run-1", "run-2", "run-3"):
        (request,) = tick(acme, 2000)
        release(acme, take(acme, run_id, request, 2000), 2000)

    assert rows(acme, "select attempt, run_id, ended_at, error from bg.refresh_attempts "
                "order by attempt") == [
        {"attempt": attempt, "run_id": f"run-{attempt - 1}", "ended_at": at(2000),
         "error": "the run is gone"}
        for attempt in (2, 3, 4)
    ]  # fmt: skip
    assert statuses(acme) == ["dead"]


def test_a_run_by_hand_takes_the_changes_of_the_dead_too(acme: sa.Engine) -> None:
    die(acme)
    held = take_by_hand(acme, "by-hand", ["acme"])
    complete(acme, "by-hand", held)

    assert unhandled(acme) == 0
    assert sorted(statuses(acme)) == ["completed", "failed"]


def test_a_requeue_makes_the_changes_of_the_dead_pending_and_waits_for_nothing(
    acme: sa.Engine,
) -> None:
    refresh(acme, "acme", "completed", starts_interval=True, finished_at=at(999))
    change(acme, "acme", 1, kind="resync", source="manual")
    die(acme)
    with acme.begin() as conn:
        assert refreshes.requeue(conn, ["acme", "bolt"]) == ["acme"]

    assert pending(acme) == 3
    # The manual change is stamped by the server's own clock, and a manual one need not settle.
    (request,) = tick(acme)
    assert request.attempt == 1
    assert complete(acme, "run-9", take(acme, "run-9", request)) == {"acme"}
    assert "dead" not in statuses(acme)


def test_a_requeue_of_what_is_not_dead_does_nothing(acme: sa.Engine) -> None:
    tick(acme)
    with acme.begin() as conn:
        assert refreshes.requeue(conn, ["acme", "bolt"]) == []

    assert unhandled(acme) == 1


def test_a_requeue_of_who_died_twice_asks_once(acme: sa.Engine) -> None:
    die(acme)
    change(acme, "acme", 5)
    die(acme, 1060)
    with acme.begin() as conn:
        assert refreshes.requeue(conn, ["acme"]) == ["acme"]

    assert value(acme, "select count(*) from bg.changes where source = 'manual'") == 1
    assert statuses(acme) == ["failed", "failed"]


def test_a_requeue_touches_no_other_company_and_no_other_state(acme: sa.Engine) -> None:
    refresh(acme, "acme", "completed", requested_at=at(-10))
    refresh(acme, "bolt", "dead", requested_at=at(2000))
    die(acme)
    with acme.begin() as conn:
        refreshes.requeue(conn, ["acme"])

    assert statuses(acme) == ["completed", "failed", "dead"]


def test_what_was_handled_is_not_given_back(acme: sa.Engine) -> None:
    (request,) = tick(acme)
    held = take(acme, "run-1", request)
    run(acme, "update bg.changes set handled_at = now()")
    change(acme, "acme", 5)
    release(acme, held)

    assert (pending(acme), unhandled(acme)) == (1, 1)


@pytest.mark.parametrize("status", ["completed", "failed", "dead", "cancelled"])
def test_what_is_over_is_not_released(engine: sa.Engine, status: str) -> None:
    refresh_id = refresh(engine, "acme", status)
    with engine.begin() as conn:
        assert refreshes.release(conn, [(refresh_id, 1)], "late", at(9), 1) == ([], [])

    assert statuses(engine) == [status]


def test_a_new_attempt_takes_no_error_along(acme: sa.Engine) -> None:
    (request,) = tick(acme)
    release(acme, take(acme, "run-1", request))
    (request,) = tick(acme)
    take(acme, "run-2", request)

    assert value(acme, "select error from bg.buyer_group_refresh_log") is None


def test_who_is_released_belongs_to_its_batch_no_more(engine: sa.Engine) -> None:
    for number in range(6):
        change(engine, f"c{number}")
    (request,) = tick(engine)
    release(engine, take(engine, "run-1", request)[:2])

    assert value(engine, "select count(batch_id) from bg.buyer_group_refresh_log") == 4
    assert take(engine, "run-2", request) == []
    with engine.connect() as conn:
        assert request.batch_id is not None
        assert len(refreshes.companies_of_batch(conn, request.batch_id)) == 4
