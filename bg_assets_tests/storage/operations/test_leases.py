"""A process that dies in the middle of a call blocks nobody for ever; its cost stays counted."""

import threading
import time
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal

import pytest
import sqlalchemy as sa

from bg_assets.domain.enrichment.asking import (
    Answer,
    NotChecked,
    PermanentFailure,
    TemporaryFailure,
)
from bg_assets.domain.enrichment.policy import Policy
from bg_assets.embedded.databases import DatabaseUnreachable
from bg_assets.storage.operations import answering, calls, health
from bg_assets_tests.storage.crashing import Crash, crash_at
from bg_assets_tests.storage.operations.conftest import Asker
from bg_assets_tests.storage.operations.playing import ANN, DOWN, POLICY, Played, about
from bg_assets_tests.storage.rows import rows, value

LEASE = POLICY.seconds + POLICY.margin
DEAR = replace(POLICY, daily={"": Decimal(1)})


def bill(ask: Asker) -> dict[str, object]:
    (row,) = rows(ask.engine, "select found, failed, lost, cost, uncertain from bg.provider_costs")
    return row


def test_who_asks_the_same_waits_for_a_bounded_time(ask: Asker) -> None:
    ask.left_behind("p1", price="1")
    policy = replace(POLICY, patience=10)
    provider = Played()
    with pytest.raises(TemporaryFailure, match="pdl: somebody else has been asking the same"):
        ask(provider, "p1", policy)
    assert provider.calls == []
    assert 9 < sum(ask.time.waits) <= 10
    assert max(ask.time.waits) <= 0.3


def test_the_question_of_a_process_that_is_gone_is_free_when_its_lease_has_passed(
    ask: Asker,
) -> None:
    ask.left_behind("p1", price="0.4")
    told = ask(Played(), "p1")
    assert LEASE <= sum(ask.time.waits) < LEASE + 0.5
    assert not told.cached
    assert bill(ask) == {
        "found": 1, "failed": 0, "lost": 1, "cost": 0, "uncertain": Decimal("0.4")
    }  # fmt: skip


def test_what_a_call_that_is_gone_may_have_cost_stays_reserved(ask: Asker) -> None:
    ask.left_behind("p1", price="0.6")
    dear = Played(costs=Decimal("0.6"))
    for seconds in (0, 10 * LEASE):
        ask.time.seconds = seconds
        with pytest.raises(NotChecked, match=r"0\.60 US dollars are spent or reserved"):
            ask(dear, "p2", DEAR)
    # And so when the same is asked again.
    ask(Played(costs=Decimal("0.4")), "p1", DEAR)
    with pytest.raises(NotChecked, match=r"0\.60 US dollars are spent or reserved"):
        ask(dear, "p2", DEAR)


def test_a_process_that_is_told_to_stop_lets_go_at_once_and_its_cost_stays(ask: Asker) -> None:
    stopped = Played([KeyboardInterrupt()], costs=Decimal("0.6"))
    with pytest.raises(KeyboardInterrupt):
        ask(stopped, "p1", DEAR)
    assert bill(ask)["uncertain"] == Decimal("0.6")
    ask(Played(costs=Decimal("0.4")), "p1", DEAR)
    assert ask.time.waits == []
    assert bill(ask)["lost"] == 1


def test_a_call_that_ends_after_its_lease_keeps_its_answer_if_nobody_else_asked(
    ask: Asker,
) -> None:
    def for_long() -> None:
        ask.time.seconds += 2 * LEASE

    ask(Played(while_asked=for_long), "p1")
    assert ask(Played(), "p1").cached


def test_a_late_call_writes_nothing_over_that_of_another(ask: Asker) -> None:
    late = Played([replace(ANN, cost=Decimal("0.3"))], costs=Decimal("0.3"))
    people = (replace(ANN.people[0], title="CEO"),)
    other = Played([replace(ANN, people=people, cost=Decimal("0.2"))], costs=Decimal("0.3"))

    def overtaken() -> None:
        ask.time.seconds += LEASE
        ask(other, "p1")

    late.while_asked = overtaken
    assert ask(late, "p1").answer.people == ANN.people
    assert ask(Played(), "p1").answer.people == people
    assert bill(ask) == {
        "found": 1, "failed": 0, "lost": 1, "cost": Decimal("0.2"), "uncertain": Decimal("0.3")
    }  # fmt: skip


def test_a_late_failure_changes_nothing_either(ask: Asker) -> None:
    def overtaken() -> None:
        ask.time.seconds += LEASE
        ask(Played(), "p1")

    with pytest.raises(PermanentFailure):
        ask(Played([PermanentFailure("odd")], while_asked=overtaken), "p1")
    assert ask(Played(), "p1").cached
    assert bill(ask)["failed"] == 0


def test_a_call_is_settled_once_however_often_it_is_told(ask: Asker) -> None:
    call = ask.left_behind("p1", price="0.3")
    answered = calls.Answered('{"people": [], "company": null}', False, Decimal("0.1"), 60, 0.2)
    failed = calls.NotAnswered("temporary", "down", 0.2, cost=Decimal("0.1"), counts=True)
    for _ in range(3):
        with ask.engine.begin() as conn:
            calls.settle_answered(conn, call, answered, POLICY, ask.time.clock())
            assert not calls.settle_failed(conn, call, failed, POLICY, ask.time.clock())
    assert value(ask.engine, "select cost from bg.provider_costs") == Decimal("0.1")
    assert value(ask.engine, "select not_found + failed from bg.provider_costs") == 1
    assert value(ask.engine, "select failures from bg.provider_health") == 0


def test_a_try_that_is_settled_again_does_not_settle_the_next_one(ask: Asker) -> None:
    first = ask.left_behind("p1", price="0.3")
    failed = calls.NotAnswered("temporary", "down", 0.2, cost=Decimal("0.1"), again=1.0)
    with ask.engine.begin() as conn:
        assert calls.settle_failed(conn, first, failed, POLICY, ask.time.clock())
    second = ask.left_behind("p1", price="0.3")
    assert second.attempt == 2
    with ask.engine.begin() as conn:
        assert calls.settle_failed(conn, first, failed, POLICY, ask.time.clock())
    assert value(ask.engine, "select reserved from bg.pipeline_operations") == Decimal("0.3")
    assert bill(ask)["cost"] == Decimal("0.1")


@pytest.mark.parametrize("kill", [True, False], ids=["connection", "process"])
@pytest.mark.parametrize("script", [[ANN], [DOWN, ANN]], ids=["answer", "failure first"])
def test_whatever_ends_at_whichever_place_every_call_is_on_the_bill_once(
    ask: Asker, script: list[Answer | BaseException], *, kill: bool
) -> None:
    made = []
    # All places of the longer script, and some beyond.
    for place in range(32):
        made.append(Played(script))
        with (
            crash_at(ask.engine, place, kill=kill),
            suppress(Crash, DatabaseUnreachable),
        ):
            ask(made[-1], f"p{place}")
        ask.time.seconds += LEASE
        called = len(made[-1].calls)
        again = ask(made[-1], f"p{place}")
        # What was paid is not paid again, but where the process itself is gone.
        assert again.cached or not kill or called < len(script)
    calls_made = sum(len(one.calls) for one in made)
    assert (
        value(ask.engine, "select sum(found + not_found + failed + lost) from bg.provider_costs")
        == calls_made
    )
    assert (
        value(ask.engine, "select count(*) from bg.pipeline_operations where reserved is not null")
        == 0
    )


def test_two_who_ask_the_same_at_once_make_one_call(engine: sa.Engine) -> None:
    provider = Played(while_asked=lambda: time.sleep(0.2))
    found: list[answering.Told] = []

    def work() -> None:
        found.append(answering.answer(engine, provider, about(), Policy()))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(provider.calls) == 1
    assert sorted(told.cached for told in found) == [False, *[True] * 7]
    assert {told.answer.people for told in found} == {ANN.people}


def test_who_waits_for_a_call_that_fails_is_told_its_failure_and_does_not_call_again(
    engine: sa.Engine,
) -> None:
    provider = Played([PermanentFailure("odd", whole_provider=True)],
                      while_asked=lambda: time.sleep(0.2))  # fmt: skip
    found: list[PermanentFailure] = []

    def work() -> None:
        try:
            answering.answer(engine, provider, about(), Policy())
        except PermanentFailure as err:
            found.append(err)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(provider.calls) == 1
    assert [(str(err), err.whole_provider) for err in found] == [("pdl: odd", True)] * 6


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_server_whose_clock_is_set_by_an_hour_blocks_no_question_and_no_provider(
    ask: Asker, hours: int
) -> None:
    ask.time.seconds = 7200
    ask.left_behind("p1")
    wrong_key = PermanentFailure("the key is wrong", whole_provider=True)
    for number in range(5):
        with pytest.raises(PermanentFailure):
            ask(Played([wrong_key]), f"w{number}")
    with pytest.raises(NotChecked):
        ask(Played(), "p2")
    ask.time.seconds += 3600 * hours
    ask(Played(), "p2")
    ask(Played(), "p1")
    assert ask.time.waits == []


def test_a_session_that_keeps_the_row_of_a_provider_locked_holds_nobody_up_for_ever(
    ask: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    sooner = sa.text("select set_config('lock_timeout', '100ms', true)")
    monkeypatch.setattr(health, "_BOUNDS", sooner)
    ask(Played(), "p1")
    with ask.engine.begin() as holder:
        value(holder, "select provider from bg.provider_health for update")
        with pytest.raises(TemporaryFailure, match="pg_stat_activity"):
            ask(Played(), "p2")
        assert ask(Played(), "p1").cached
    ask(Played(), "p2")
