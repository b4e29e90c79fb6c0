"""How requested refreshes become runs: alone, in batches, and once more."""

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from bg_assets import settings
from bg_assets.storage import claims
from bg_assets.storage.claims import MOST_RUNS, Policy, Request
from bg_assets_tests.storage.rows import at, change, refresh, rows, run, value

POLICY = Policy(settle=2, refresh_interval=3600, claim_limit=10_000, batch_from=5, batch_size=100)


def requested(
    engine: sa.Engine, number: int, attempt: int = 1, start: int = 0, outages: int = 0
) -> None:
    run(
        engine,
        "insert into bg.buyer_group_refresh_log "
        "(company_id, status, reason, triggered_by, attempt, requested_at, outages) "
        "select 'c' || lpad(g::text, 5, '0'), 'requested', 'role_change', 'change', :attempt, :at, "
        ":outages "
        "from generate_series(:start, :start + :number - 1) as g",
        number=number, attempt=attempt, at=at(0), start=start, outages=outages,
    )  # fmt: skip


def ask(
    engine: sa.Engine, seconds: float = 0, policy: Policy = POLICY, sensor: str = "s"
) -> list[Request]:
    with engine.begin() as conn:
        return claims.ask(conn, policy, sensor, at(seconds))


def ask_again(engine: sa.Engine, seconds: float, sensor: str = "s") -> list[Request]:
    with engine.begin() as conn:
        return claims.ask_again(conn, sensor, at(seconds))


def test_one_due_company_is_a_run_of_its_own(engine: sa.Engine) -> None:
    refresh_id = refresh(engine, "acme", "requested", priority=50, reason="person_left, resync")
    (request,) = ask(engine)

    assert request == Request(
        run_key=f"{refresh_id}:1",
        companies=("acme",),
        priority=50,
        reasons={"person_left": 1, "resync": 1},
        refresh_id=refresh_id,
    )


def test_who_says_nothing_of_batches_has_those_of_the_settings() -> None:
    policy, config = Policy(settle=0, refresh_interval=0, claim_limit=1), settings.read({})
    assert (policy.batch_from, policy.batch_size) == (config.batch_from, config.batch_size)


def test_fewer_than_the_batch_limit_are_single_runs(engine: sa.Engine) -> None:
    requested(engine, POLICY.batch_from - 1)
    found = ask(engine)

    assert [len(one.companies) for one in found] == [1] * (POLICY.batch_from - 1)
    assert all(one.batch_id is None for one in found)


def test_from_the_batch_limit_on_they_go_together(engine: sa.Engine) -> None:
    requested(engine, POLICY.batch_from)
    (request,) = ask(engine)

    assert request.companies == tuple(f"c{number:05}" for number in range(5))
    assert request.run_key == request.batch_id
    assert request.refresh_id is None
    assert request.reasons == {"role_change": 5}
    stored = rows(engine, "select distinct run_key, batch_id::text from bg.buyer_group_refresh_log")
    assert stored == [{"run_key": request.batch_id, "batch_id": request.batch_id}]


def test_batches_hold_no_more_than_their_size_and_no_company_twice(engine: sa.Engine) -> None:
    requested(engine, 250)
    found = ask(engine)

    assert [len(one.companies) for one in found] == [84, 84, 82]
    assert len({company for one in found for company in one.companies}) == 250
    assert len({one.run_key for one in found}) == 3


@pytest.mark.parametrize(
    ("number", "sizes"),
    [
        (199, [199]),
        (200, [100, 100]),
        (1000, [334, 334, 332]),
        (3001, [501] * 5 + [496]),
    ],
)
def test_batches_are_as_many_as_run_at_once_and_of_one_size(
    engine: sa.Engine, number: int, sizes: list[int]
) -> None:
    requested(engine, number)

    assert [len(one.companies) for one in ask(engine, 0, replace(POLICY, batch_size=1000))] == sizes


def test_a_batch_of_one_is_an_ordinary_run(engine: sa.Engine) -> None:
    requested(engine, 5)
    found = ask(engine, 0, replace(POLICY, batch_size=2, runs_at_once=1))

    assert [(len(one.companies), one.batch_id is None) for one in found] == [
        (2, False),
        (2, False),
        (1, True),
    ]


def test_urgent_companies_are_in_the_first_batch(engine: sa.Engine) -> None:
    requested(engine, 150)
    refresh(engine, "zulu", "requested", priority=90)
    found = ask(engine)

    assert found[0].companies[0] == "zulu"
    assert [one.priority for one in found] == [90, 0]


def test_who_has_waited_longest_is_asked_for_first(engine: sa.Engine) -> None:
    refresh(engine, "acme", "requested", requested_at=at(5))
    refresh(engine, "zulu", "requested", requested_at=at(0))

    assert [one.companies for one in ask(engine, 10)] == [("zulu",), ("acme",)]


def test_what_was_asked_for_is_not_asked_for_twice(engine: sa.Engine) -> None:
    requested(engine, 7)

    assert len(ask(engine)) == 1
    assert ask(engine, 1) == []


def test_a_few_second_attempts_go_alone_and_many_in_small_batches(engine: sa.Engine) -> None:
    requested(engine, 4 * POLICY.batch_from - 1, attempt=2)
    few = ask(engine)
    requested(engine, 4 * POLICY.batch_from, attempt=2, start=1000)
    many = ask(engine)

    assert [len(one.companies) for one in few] == [1] * 19
    assert [len(one.companies) for one in many] == [5, 5, 5, 5]
    assert {one.attempt for one in few + many} == {2}


def test_what_an_outage_ended_comes_in_as_large_batches_as_before(engine: sa.Engine) -> None:
    requested(engine, 90, attempt=4, outages=3)
    requested(engine, 20, attempt=4, outages=2, start=1000)
    found = ask(engine)

    assert [len(one.companies) for one in found] == [90, 5, 5, 5, 5]


def test_what_is_delayed_is_asked_for_when_its_delay_is_over(engine: sa.Engine) -> None:
    refresh(engine, "acme", "requested", attempt=2, outages=1, not_before=at(5))

    assert ask(engine, 4.9) == []
    assert [one.companies for one in ask(engine, 5)] == [("acme",)]


def test_second_attempts_go_alone_where_batches_are_small(engine: sa.Engine) -> None:
    requested(engine, 4 * POLICY.batch_from, attempt=2)

    assert [len(one.companies) for one in ask(engine, 0, replace(POLICY, batch_size=19))] == [
        1
    ] * 20


def test_small_batches_hold_a_twentieth_of_a_batch(engine: sa.Engine) -> None:
    requested(engine, 42, attempt=2)

    assert [len(one.companies) for one in ask(engine, 0, replace(POLICY, batch_size=400))] == [
        20, 20, 2,
    ]  # fmt: skip


def test_third_attempts_go_alone_and_not_more_at_once_than_a_tick_can_submit(
    engine: sa.Engine,
) -> None:
    requested(engine, MOST_RUNS + 10, attempt=3)
    first, second = ask(engine), ask(engine, 1)

    assert [len(one.companies) for one in first] == [1] * MOST_RUNS
    assert len(second) == 10
    assert first[0].run_key.endswith(":3")
    assert len({one.run_key for one in first + second}) == MOST_RUNS + 10


def test_first_and_later_attempts_together_are_no_more_than_a_tick_can_submit(
    engine: sa.Engine,
) -> None:
    requested(engine, POLICY.batch_from - 1)
    requested(engine, MOST_RUNS, attempt=3, start=1000)

    assert (len(ask(engine)), len(ask(engine, 1))) == (MOST_RUNS, POLICY.batch_from - 1)


def test_reasons_are_told_in_one_order(engine: sa.Engine) -> None:
    refresh(engine, "acme", "requested", reason="role_change, person_left, resync")
    (request,) = ask(engine)

    assert list(request.reasons) == ["person_left", "resync", "role_change"]


def test_single_runs_of_many_companies_are_spread_over_ticks(engine: sa.Engine) -> None:
    requested(engine, 120)
    policy = replace(POLICY, batch_size=1)
    numbers = [len(ask(engine, tick, policy)) for tick in range(4)]

    assert numbers == [MOST_RUNS, MOST_RUNS, 20, 0]


def test_attempts_do_not_mix_in_a_batch(engine: sa.Engine) -> None:
    requested(engine, 6)
    requested(engine, 2, attempt=2, start=100)
    found = ask(engine)

    assert sorted((one.attempt, len(one.companies)) for one in found) == [(1, 6), (2, 1), (2, 1)]


def test_a_run_that_did_not_come_to_be_is_asked_for_again_by_the_same_sensor_only(
    engine: sa.Engine,
) -> None:
    requested(engine, 8)
    refresh(engine, "acme", "requested", attempt=2)
    asked = ask(engine)

    assert ask_again(engine, 14.9) == []
    assert ask_again(engine, 15, sensor="other") == []
    again = ask_again(engine, 15)
    assert sorted(again, key=lambda one: one.run_key) == sorted(asked, key=lambda one: one.run_key)
    assert ask_again(engine, 16) == []
    assert len(ask_again(engine, 30)) == 2


def test_what_was_asked_for_first_is_asked_for_again_first(engine: sa.Engine) -> None:
    for number in range(6):
        refresh(engine, f"c{number}", "requested")
        ask(engine, 10 - number)

    found = ask_again(engine, 100)
    assert [one.companies[0] for one in found] == ["c5", "c4", "c3", "c2", "c1", "c0"]


def test_a_batch_is_asked_for_again_at_the_priority_of_its_most_urgent(engine: sa.Engine) -> None:
    requested(engine, 6)
    refresh(engine, "zulu", "requested", priority=90)
    (first,) = ask(engine)
    (again,) = ask_again(engine, 20)

    assert first.priority == again.priority == 90


def test_what_has_a_run_is_not_asked_for_again(engine: sa.Engine) -> None:
    refresh(engine, "acme", "requested", run_id="r", run_key="k", sensor="s", asked_at=at(0))

    assert ask_again(engine, 100) == []
    assert ask(engine, 100) == []


@pytest.mark.parametrize("status", ["running", "completed", "failed", "dead", "cancelled"])
def test_what_a_run_has_taken_or_ended_is_not_asked_for_again(
    engine: sa.Engine, status: str
) -> None:
    refresh_id = refresh(engine, "acme", "requested")
    ask(engine)
    run(
        engine,
        "update bg.buyer_group_refresh_log set status = :status, run_id = 'r', started_at = now(), "
        "finished_at = now() where id = cast(:id as uuid)",
        status=status, id=refresh_id,
    )  # fmt: skip

    assert ask_again(engine, 100) == []


def test_repeating_is_spread_over_ticks_too(engine: sa.Engine) -> None:
    requested(engine, MOST_RUNS + 5, attempt=3)
    ask(engine, 0)
    ask(engine, 1)
    first, second = ask_again(engine, 100), ask_again(engine, 100)

    assert (len(first), len(second)) == (MOST_RUNS, 5)


def test_a_repeat_does_not_wait_for_a_run_that_is_taking_the_refresh(engine: sa.Engine) -> None:
    requested(engine, 6)
    ask(engine)
    with engine.begin() as taking:
        run(
            taking,
            "select 1 from bg.buyer_group_refresh_log where company_id = 'c00003' for update",
        )
        with engine.begin() as conn:
            run(conn, "set local lock_timeout = '2s'")
            (again,) = claims.ask_again(conn, "s", at(20))

    assert len(again.companies) == 6


def asked_at(engine: sa.Engine) -> dict[str, Any]:
    found = rows(engine, "select company_id, asked_at from bg.buyer_group_refresh_log")
    return {row["company_id"]: row["asked_at"] for row in found}


def test_what_waits_in_dagsters_queue_is_asked_for_again_only_once_it_is_seen_no_more(
    engine: sa.Engine,
) -> None:
    for one, key in (("a", "seen"), ("b", "lost")):
        refresh(engine, one, "requested", run_key=key, sensor="s", asked_at=at(0))
    with engine.begin() as conn:
        claims.seen(conn, ["seen"], at(14))

    assert [one.run_key for one in ask_again(engine, 28)] == ["lost"]
    assert [one.run_key for one in ask_again(engine, 29)] == ["seen"]


def test_seeing_writes_what_is_queued_once_in_five_seconds_and_nothing_that_has_a_run(
    engine: sa.Engine,
) -> None:
    queued = {"run_key": "k", "sensor": "s"}
    refresh(engine, "due", "requested", asked_at=at(0), **queued)
    refresh(engine, "lately", "requested", asked_at=at(0.1), **queued)
    refresh(engine, "taken", "requested", asked_at=at(0), run_id="r", **queued)
    refresh(engine, "running", "running", asked_at=at(0), run_id="r", **queued)
    with engine.begin() as conn:
        claims.seen(conn, [], at(5))
        claims.seen(conn, ["k"], at(5))

    assert asked_at(engine) == {
        "due": at(5), "lately": at(0.1), "taken": at(0), "running": at(0),
    }  # fmt: skip


def test_seeing_does_not_wait_for_a_run_that_is_taking_the_refresh(engine: sa.Engine) -> None:
    requested(engine, 6)
    (batch,) = ask(engine)
    with engine.begin() as taking:
        run(
            taking,
            "select 1 from bg.buyer_group_refresh_log where company_id = 'c00003' for update",
        )
        with engine.begin() as conn:
            run(conn, "set local lock_timeout = '2s'")
            claims.seen(conn, [batch.run_key], at(20))

    assert asked_at(engine) == {f"c0000{n}": at(0 if n == 3 else 20) for n in range(6)}


def test_two_ticks_at_once_ask_for_each_refresh_once(engine: sa.Engine) -> None:
    requested(engine, 30)
    with engine.begin() as one:
        first = claims.ask(one, POLICY, "one", at(0))
        with engine.begin() as other:
            run(other, "set local lock_timeout = '2s'")
            second = claims.ask(other, POLICY, "two", at(0))

    assert (len(first), second) == (1, [])


def test_a_tick_that_dies_before_its_commit_leaves_all_to_the_next(engine: sa.Engine) -> None:
    change(engine, "acme", 0)
    with engine.connect() as conn:
        assert claims.claim(conn, POLICY, "s", at(60)) == 1
        assert len(claims.ask(conn, POLICY, "s", at(60))) == 1
        conn.rollback()

    assert value(engine, "select count(*) from bg.buyer_group_refresh_log") == 0
    with engine.begin() as conn:
        assert claims.claim(conn, POLICY, "s", at(61)) == 1
