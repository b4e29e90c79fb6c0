"""A refresh that somebody cancels: over at once, nothing lost, not asked for again by itself."""

import pytest
import sqlalchemy as sa

from bg_assets.storage import cancelling, companies, database, resync, templates
from bg_assets.storage.refreshes import Held
from bg_assets.storage.reports import counts, shown
from bg_assets_tests.storage import steps
from bg_assets_tests.storage.rows import at, change, company, group, rows, run, value
from bg_assets_tests.storage.steps import (
    complete,
    pending,
    release,
    statuses,
    take,
    take_by_hand,
    tick,
    unhandled,
)


def cancel(engine: sa.Engine, *names: str) -> list[str]:
    with engine.begin() as conn:
        pairs = [(one.id, one.attempt) for one in cancelling.of_companies(conn, names)]
        return cancelling.cancel(conn, pairs, "cancelled by ann", at(1001))


def state(engine: sa.Engine) -> dict[str, int]:
    with engine.connect() as conn:
        found = counts.read_overview(conn, 3600)
    names = ("changes", "companies", "deferred", "requested", "running", "dead", "cancelled")
    return {name: getattr(found, name) for name in names if getattr(found, name)}


@pytest.mark.parametrize("begun", [False, True], ids=["requested", "running"])
def test_what_is_cancelled_is_not_asked_for_again_until_something_new_comes(
    acme: sa.Engine, *, begun: bool
) -> None:
    (request,) = tick(acme)
    held = take(acme, "run-1", request) if begun else []
    assert cancel(acme, "acme") == ["acme"]

    assert statuses(acme) == ["cancelled"]
    assert (pending(acme), unhandled(acme)) == (0, 1)
    assert state(acme) == {"changes": 1, "cancelled": 1}
    assert tick(acme, 5000) == []
    assert complete(acme, "run-1", held) == set()
    assert take(acme, "run-1", request) == []
    with acme.connect() as conn:
        assert shown.count_pending(conn, "acme") == 1

    change(acme, "acme", 1002)
    assert state(acme) == {"changes": 2, "companies": 1}
    (again,) = tick(acme, 5000)
    assert again.attempt == 1
    complete(acme, "run-2", take(acme, "run-2", again, 5000))
    assert unhandled(acme) == 0
    assert state(acme) == {}
    assert sorted(statuses(acme)) == ["cancelled", "completed"]


def test_a_run_by_hand_takes_what_was_cancelled(acme: sa.Engine) -> None:
    tick(acme)
    cancel(acme, "acme")
    complete(acme, "run-2", take_by_hand(acme, "run-2", ["acme"]))

    assert unhandled(acme) == 0


def test_what_came_while_the_run_was_under_way_is_news(acme: sa.Engine) -> None:
    (request,) = tick(acme)
    take(acme, "run-1", request)
    change(acme, "acme", 1000)
    cancel(acme, "acme")

    (again,) = tick(acme, 5000)
    assert len(take(acme, "run-2", again, 5000)) == 1
    assert value(acme, "select count(distinct refresh_id) from bg.changes") == 1


def test_of_a_batch_one_company_is_cancelled_and_the_others_are_completed(
    engine: sa.Engine,
) -> None:
    names = [f"c{number}" for number in range(6)]
    for name in names:
        company(engine, name)
    for name in names:
        change(engine, name)
    (request,) = tick(engine)
    held = take(engine, "run-1", request)
    with engine.connect() as conn:
        assert {one.of_run for one in cancelling.of_companies(conn, names)} == {6}
    assert cancel(engine, "c3", "nobody") == ["c3"]

    done = complete(engine, "run-1", held)
    assert len(done) == 5
    assert state(engine) == {"changes": 1, "cancelled": 1}


def test_cancelling_a_run_keeps_what_it_has_completed(engine: sa.Engine) -> None:
    names = [f"c{number}" for number in range(6)]
    for name in names:
        company(engine, name)
    for name in names:
        change(engine, name)
    (request,) = tick(engine)
    held = take(engine, "run-1", request)
    complete(engine, "run-1", held[:2])
    with engine.begin() as conn:
        of_run = cancelling.of_run(conn, "run-1", None)
        pairs = [(one.id, one.attempt) for one in of_run]
        assert cancelling.cancel(conn, pairs, "why", at(1001)) == names[2:]

    assert sorted(statuses(engine)) == 4 * ["cancelled"] + 2 * ["completed"]
    assert value(engine, "select count(*) from bg.changes where handled_at is not null") == 2


def test_a_queued_run_is_found_by_its_key_and_finds_nothing_to_do(acme: sa.Engine) -> None:
    (request,) = tick(acme)
    with acme.begin() as conn:
        assert cancelling.of_run(conn, "run-1", "another key") == []
        (one,) = cancelling.of_run(conn, "run-1", request.run_key)
        assert one.run == (None, request.run_key)
        cancelling.cancel(conn, [(one.id, one.attempt)], "why", at(1001))
    assert take(acme, "run-1", request) == []


def test_what_is_being_completed_this_moment_is_left_alone(acme: sa.Engine) -> None:
    (request,) = tick(acme)
    held = take(acme, "run-1", request)
    with acme.begin() as completing:
        assert steps.complete_on(completing, "run-1", held) == {"acme"}
        assert cancel(acme, "acme") == []

    assert statuses(acme) == ["completed"]


def test_another_attempt_than_the_one_seen_is_left_alone(acme: sa.Engine) -> None:
    (request,) = tick(acme)
    (held,) = take(acme, "run-1", request)
    release(acme, [held])
    with acme.begin() as conn:
        stale = [(held.refresh_id, held.attempt)]
        assert cancelling.cancel(conn, stale, "why", at(1001)) == []
    assert statuses(acme) == ["requested"]


def test_a_released_refresh_that_is_cancelled_keeps_what_it_had_given_back(
    acme: sa.Engine,
) -> None:
    (request,) = tick(acme)
    release(acme, take(acme, "run-1", request))
    assert pending(acme) == 1
    cancel(acme, "acme")

    assert (pending(acme), unhandled(acme)) == (0, 1)
    assert tick(acme, 5000) == []


def test_a_template_does_not_ask_again_for_whom_its_refresh_was_cancelled(
    engine: sa.Engine,
) -> None:
    company(engine, "acme")
    group(engine, "acme", {})
    with engine.begin() as conn:
        templates.write(conn, [("finance_system", "new", "text")])
        assert resync.raise_changes(conn, {"finance_system": "new"}, {}, []) == 1
    run(engine, "update bg.changes set occurred_at = :at", at=at(0))
    tick(engine)
    assert cancel(engine, "acme") == ["acme"]
    with engine.begin() as conn:
        for _ in range(2):
            assert resync.raise_changes(conn, {"finance_system": "new"}, {}, []) == 0
        newer = {"finance_system": "newer"}
        templates.write(conn, [("finance_system", "newer", "text")])
        assert sum(resync.raise_changes(conn, newer, {}, []) for _ in range(2)) == 1


def test_a_deleted_company_whose_farewell_was_cancelled_is_still_of_use(acme: sa.Engine) -> None:
    run(acme, "update bg.companies set deleted_at = now() where id = 'acme'")
    tick(acme)
    cancel(acme, "acme")
    with acme.connect() as conn:
        assert companies.of_no_use(conn, ["acme"]) == []


def test_a_take_and_a_cancel_at_once_never_both_win(acme: sa.Engine) -> None:
    (request,) = tick(acme)

    def both(conn: sa.Connection) -> list[Held]:
        held = steps.take_on(conn, "run-1", request)
        assert cancel(acme, "acme") == []
        return held

    assert len(database.repeatable_read(acme, both)) == 1
    assert statuses(acme) == ["running"]
    assert rows(acme, "select error from bg.buyer_group_refresh_log") == [{"error": None}]
