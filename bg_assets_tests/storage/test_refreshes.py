"""Who holds a refresh: taking, adopting, releasing, dying, requeueing."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa

from bg_assets.storage import database, refreshes
from bg_assets_tests.storage import steps
from bg_assets_tests.storage.rows import at, change, company, insert, refresh, rows, run, value
from bg_assets_tests.storage.steps import (
    complete,
    pending,
    release,
    take,
    take_by_hand,
    tick,
    unhandled,
)


def test_a_run_takes_its_refresh_and_all_pending_changes(acme: sa.Engine) -> None:
    change(acme, "acme", 1)
    change(acme, "bolt", 1)
    (request, _) = tick(acme)
    change(acme, "acme", 2)
    (held,) = take(acme, "run-1", request)

    assert (held.company_id, held.attempt, held.refresh_id) == ("acme", 1, request.refresh_id)
    attached = rows(acme, "select company_id from bg.changes where refresh_id = cast(:id as uuid)",
                    id=held.refresh_id)  # fmt: skip
    assert [row["company_id"] for row in attached] == ["acme"] * 3
    assert unhandled(acme) == 4


def test_the_date_that_the_rules_see_is_that_of_the_last_take_in_utc(acme: sa.Engine) -> None:
    """Else a change of the new day, taken along, would count as handled and not be seen."""
    east = datetime(2026, 3, 3, 1, 0, tzinfo=timezone(timedelta(hours=9)))

    def work(conn: sa.Connection, now: datetime) -> date:
        (held,) = refreshes.take(conn, "run-1", now, companies=["acme"])
        return held.as_of

    days = [
        database.repeatable_read(acme, lambda conn: work(conn, east + timedelta(days=later)))  # noqa: B023
        for later in (0, 3, 1)
    ]
    assert days == [date(2026, 3, 2), date(2026, 3, 5), date(2026, 3, 5)]


def test_taking_twice_is_the_same_as_once(acme: sa.Engine) -> None:
    (request,) = tick(acme)
    first = take(acme, "run-1", request)
    change(acme, "acme", 5)
    second = take(acme, "run-1", request, seconds=2000)

    assert first == second
    assert pending(acme) == 0
    assert value(acme, "select started_at from bg.buyer_group_refresh_log") == at(1000)


def test_what_another_run_holds_is_left_alone(acme: sa.Engine) -> None:
    (request,) = tick(acme)
    take(acme, "run-1", request)
    change(acme, "acme", 5)

    assert take(acme, "run-2", request) == []
    assert take_by_hand(acme, "run-3", ["acme"]) == []
    assert pending(acme) == 1


def test_a_run_of_an_earlier_attempt_gets_nothing(acme: sa.Engine) -> None:
    (request,) = tick(acme)
    release(acme, take(acme, "run-1", request))

    assert take(acme, "run-1", request) == []
    assert take(acme, "run-9", request) == []


def test_a_batch_takes_all_its_companies(engine: sa.Engine) -> None:
    for number in range(7):
        company(engine, f"c{number}", [f"p{number}"])
    for number in range(7):
        change(engine, f"c{number}")
    (request,) = tick(engine)
    held = take(engine, "run-1", request)

    assert [one.company_id for one in held] == [f"c{number}" for number in range(7)]
    assert pending(engine) == 0
    with engine.connect() as conn:
        assert request.batch_id is not None
        assert refreshes.companies_of_batch(conn, request.batch_id) == list(request.companies)
        assert refreshes.held_by(conn, "run-1", request.companies) == held
        assert refreshes.held_by(conn, "run-1", ["c3"]) == [held[3]]
        assert refreshes.held_by(conn, "run-2", request.companies) == []


def test_a_batch_that_takes_again_gets_what_it_holds_and_what_no_run_has(engine: sa.Engine) -> None:
    """As where a step is retried."""
    for name in ("c1", "c2", "c3", "c4", "c5"):
        change(engine, name)
    (request,) = tick(engine)
    held = take(engine, "run-1", request)
    complete(engine, "run-1", held[:1])
    release(engine, held[1:2])

    assert [one.company_id for one in take(engine, "run-1", request)] == ["c3", "c4", "c5"]
    assert take(engine, "run-2", request) == []


def test_a_run_by_hand_opens_a_refresh(acme: sa.Engine) -> None:
    (held,) = take_by_hand(acme, "run-1", ["acme"])

    assert pending(acme) == 0
    assert complete(acme, "run-1", [held]) == {"acme"}
    (row,) = rows(acme, "select triggered_by, reason, starts_interval, not_before "
                  "from bg.buyer_group_refresh_log")  # fmt: skip
    assert row == {
        "triggered_by": "dagster", "reason": "by hand", "starts_interval": False,
        "not_before": None,
    }  # fmt: skip


def test_a_run_by_hand_adopts_what_is_requested_and_the_queued_run_then_gets_nothing(
    acme: sa.Engine,
) -> None:
    (request,) = tick(acme)
    (held,) = take_by_hand(acme, "by-hand", ["acme", "bolt"])[:1]

    assert held.refresh_id == request.refresh_id
    assert take(acme, "queued", request) == []
    assert complete(acme, "by-hand", [held]) == {"acme"}
    assert take(acme, "queued", request) == []


def test_a_company_of_a_batch_that_was_adopted_leaves_the_batch(engine: sa.Engine) -> None:
    for number in range(6):
        change(engine, f"c{number}")
    (request,) = tick(engine)
    take_by_hand(engine, "by-hand", ["c2"])

    assert len(take(engine, "queued", request)) == 5


def test_a_change_that_arrives_mid_run_stays_pending_and_starts_another_refresh(
    acme: sa.Engine,
) -> None:
    (request,) = tick(acme)
    held = take(acme, "run-1", request)
    change(acme, "acme", 5)

    assert tick(acme) == []
    assert complete(acme, "run-1", held) == {"acme"}
    assert pending(acme) == 1
    (another,) = tick(acme)
    assert another.refresh_id != request.refresh_id


def test_a_change_that_commits_while_a_run_takes_is_not_attached_unseen(acme: sa.Engine) -> None:
    """What is attached was in the people that were read: both come from one snapshot."""
    (request,) = tick(acme)
    with acme.connect().execution_options(isolation_level="REPEATABLE READ") as conn:
        value(conn, "select 1")
        run(acme, "update bg.people set title = 'CEO' where id = 'ann'")
        held = steps.take_on(conn, "run-1", request)
        conn.commit()

    assert pending(acme) == 1
    assert value(acme, "select title from bg.company_people where person_id = 'ann'") == "CFO"
    complete(acme, "run-1", held)
    assert pending(acme) == 1


def test_what_is_under_way_is_told_by_run(engine: sa.Engine) -> None:
    for number in range(6):
        change(engine, f"c{number}")
    (request,) = tick(engine)
    change(engine, "acme")
    (single,) = tick(engine, 2000)
    take(engine, "run-1", request)
    with engine.connect() as conn:
        found = {one.run_id: one for one in refreshes.under_way(conn)}

    assert {run_id: len(one.refreshes) for run_id, one in found.items()} == {"run-1": 6, None: 1}
    assert found["run-1"].run_key == request.run_key
    assert found[None].refreshes == ((single.refresh_id, 1),)
    assert found[None].asked_at == at(2000)


def test_asking_by_hand_is_a_change_like_any_other(engine: sa.Engine) -> None:
    with engine.begin() as conn:
        refreshes.request_by_hand(conn, ["acme", "bolt"])
        refreshes.request_by_hand(conn, ["cord"], writer="template", priority=0)

    found = rows(engine, "select company_id, kind, source, priority from bg.changes order by id")
    assert [tuple(row.values()) for row in found] == [
        ("acme", "resync", "manual", 100),
        ("bolt", "resync", "manual", 100),
        ("cord", "resync", "template", 0),
    ]


def test_the_tables_refuse_a_second_refresh_of_a_company_at_once(engine: sa.Engine) -> None:
    refresh(engine, "acme", "running")
    refresh(engine, "acme", "dead")
    with pytest.raises(sa.exc.IntegrityError, match="one_refresh_at_a_time"):
        refresh(engine, "acme", "requested")


@pytest.mark.parametrize(
    ("what", "values"),
    [
        ("a running one without a run", {"status": "running"}),
        ("an end without a time", {"status": "completed"}),
        ("an unknown status", {"status": "sleeping"}),
        ("an attempt before the first", {"status": "requested", "attempt": 0}),
        ("more outages than attempts are over", {"status": "requested", "outages": 1}),
    ],
)
def test_the_tables_refuse_half_a_refresh(
    engine: sa.Engine, what: str, values: dict[str, object]
) -> None:
    with pytest.raises(sa.exc.IntegrityError, match="check constraint"):
        insert(
            engine,
            "bg.buyer_group_refresh_log",
            **{"company_id": "acme", "reason": what, "triggered_by": "change"} | values,
        )


def test_the_tables_refuse_a_handled_change_without_its_refresh(acme: sa.Engine) -> None:
    with pytest.raises(sa.exc.IntegrityError, match="check constraint"):
        run(acme, "update bg.changes set handled_at = :now", now=datetime.now(UTC))


def test_a_batch_is_told_and_held_in_the_order_of_companies(engine: sa.Engine) -> None:
    for number in (3, 5, 1, 4, 2):
        change(engine, f"c{number}", number)
    (request,) = tick(engine)
    take(engine, "run-1", request)
    run(engine, "update bg.buyer_group_refresh_log set priority = 1 where company_id = 'c1'")
    with engine.connect() as conn:
        assert request.batch_id is not None
        told = refreshes.companies_of_batch(conn, request.batch_id)
        held = refreshes.held_by(conn, "run-1", request.companies)

    names = [f"c{number}" for number in (1, 2, 3, 4, 5)]
    assert told == names
    assert [one.company_id for one in held] == names


def test_a_run_holds_nothing_any_more_once_it_is_over(acme: sa.Engine) -> None:
    (request,) = tick(acme)
    held = take(acme, "run-1", request)
    complete(acme, "run-1", held)
    with acme.connect() as conn:
        assert refreshes.held_by(conn, "run-1", ["acme"]) == []


def test_what_a_run_has_taken_of_another_refresh_stays_there(acme: sa.Engine) -> None:
    other = refresh(acme, "acme", "completed")
    run(acme, "update bg.changes set refresh_id = cast(:id as uuid), handled_at = now()", id=other)
    change(acme, "acme", 5)
    (request,) = tick(acme)
    take(acme, "run-1", request)

    assert value(acme, "select count(*) from bg.changes where refresh_id = cast(:id as uuid)",
                 id=other) == 1  # fmt: skip


def test_what_was_asked_for_first_tells_how_long_a_request_waits(engine: sa.Engine) -> None:
    for number in range(6):
        change(engine, f"c{number}")
    tick(engine, 1000)
    run(engine, "update bg.buyer_group_refresh_log set asked_at = :at where company_id = 'c3'",
        at=at(2000))  # fmt: skip
    with engine.connect() as conn:
        (found,) = refreshes.under_way(conn)

    assert found.asked_at == at(1000)
