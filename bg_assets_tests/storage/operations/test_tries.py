"""Only what may work later is tried again, within a bounded time; nothing personal is told."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from bg_assets.domain.enrichment.asking import (
    Answer,
    Failure,
    NotChecked,
    PermanentFailure,
    Question,
    TemporaryFailure,
)
from bg_assets.domain.enrichment.policy import DAY
from bg_assets_tests.storage.operations.conftest import Asker
from bg_assets_tests.storage.operations.playing import ANN, DOWN, POLICY, Played
from bg_assets_tests.storage.rows import rows, value


def slow(seconds: float | None) -> TemporaryFailure:
    return TemporaryFailure("the server answers 429", retry_after=seconds)


def test_a_temporary_failure_is_tried_again_after_growing_waits(ask: Asker) -> None:
    provider = Played([DOWN, DOWN, ANN])
    told = ask(provider)
    assert told.answer.people == ANN.people
    assert ask.time.waits == [0.5, 1.0]
    (row,) = rows(ask.engine, "select attempts, status, error from bg.pipeline_operations")
    assert row == {"attempts": 3, "status": "done", "error": None}


def test_waits_differ_from_process_to_process(ask: Asker) -> None:
    waits = []
    for chance, who in ((0.0, "p1"), (1.0, "p2")):
        ask.time.waits.clear()
        ask.chance = chance
        ask(Played([DOWN, ANN]), who)
        waits += ask.time.waits
    assert waits == [0.25, 0.75]


def test_the_tries_end_and_the_last_failure_is_told(ask: Asker) -> None:
    provider = Played([DOWN])
    with pytest.raises(TemporaryFailure, match="pdl: the server answers 503"):
        ask(provider)
    assert len(provider.calls) == 3
    (row,) = rows(ask.engine, "select status, failure, attempts, error from bg.pipeline_operations")
    assert row == {
        "status": "failed", "failure": "temporary", "attempts": 3,
        "error": "pdl: the server answers 503: wait",
    }  # fmt: skip


@pytest.mark.parametrize(
    "failure", [PermanentFailure("wrong key", whole_provider=True), NotChecked("x"), ValueError()]
)
def test_nothing_else_is_tried_again(ask: Asker, failure: Exception) -> None:
    provider = Played([failure])
    with pytest.raises(Failure):
        ask(provider)
    assert (len(provider.calls), ask.time.waits) == (1, [])


def test_a_provider_is_left_alone_for_as_long_as_it_says(ask: Asker) -> None:
    ask(Played([slow(7), ANN]))
    assert ask.time.waits == [7.5]


def test_a_longer_rest_than_there_is_time_ends_the_tries_and_everybody_keeps_it(ask: Asker) -> None:
    provider = Played([slow(300), ANN])
    with pytest.raises(TemporaryFailure) as ended:
        ask(provider)
    assert ended.value.retry_after == 300
    ask.time.seconds = 200
    with pytest.raises(NotChecked, match="left alone for another 100 s"):
        ask(provider, "p2")
    assert len(provider.calls) == 1
    ask.time.seconds = 299
    ask(provider, "p2")
    assert (ask.time.waits, len(provider.calls)) == ([1.0], 2)


@pytest.mark.parametrize("odd", [float("inf"), float("nan"), -5.0, "soon", None, True])
def test_an_odd_wish_to_be_left_alone_is_none(ask: Asker, odd: Any) -> None:
    ask(Played([slow(odd), ANN]))
    assert ask.time.waits == [0.5]


def test_nobody_is_left_alone_for_longer_than_a_day_at_a_time(ask: Asker) -> None:
    with pytest.raises(TemporaryFailure):
        ask(Played([slow(1e9)]))
    ask.time.seconds = DAY
    assert not ask(Played(), "p2").cached


def test_each_call_gets_the_time_that_is_left(ask: Asker) -> None:
    policy = replace(POLICY, seconds=20, patience=30)

    def takes() -> None:
        ask.time.seconds += 18

    provider = Played([DOWN], while_asked=takes)
    with pytest.raises(TemporaryFailure):
        ask(provider, policy=policy)
    assert provider.allowed == [20, 11.5]


def test_a_provider_that_breaks_is_told_by_the_class_of_its_error_alone(ask: Asker) -> None:
    provider = Played([KeyError("Ann Lee")], costs=Decimal(2))
    with pytest.raises(PermanentFailure, match=r"^pdl: it failed with KeyError$") as told:
        ask(provider)
    assert told.value.__cause__ is None
    assert value(ask.engine, "select error from bg.pipeline_operations") == str(told.value)
    # Nobody knows whether that was billed.
    assert value(ask.engine, "select uncertain from bg.provider_costs") == 2


@pytest.mark.parametrize("failure", [TemporaryFailure, PermanentFailure, NotChecked, Failure])
def test_messages_are_one_line_without_what_the_question_tells(
    ask: Asker, failure: type[Failure]
) -> None:
    message = "no ANN LEE\n at acme anvils (ann@acme.example, acme.example, Vienna)" + "x" * 900
    with pytest.raises(failure if failure is not Failure else PermanentFailure) as told:
        ask(Played([failure(message)]), policy=replace(POLICY, tries=1))
    assert str(told.value).startswith(
        "pdl: no (hidden) at (hidden) ((hidden), (hidden), (hidden))xxx"
    )
    assert len(str(told.value)) < 520
    assert value(ask.engine, "select error from bg.pipeline_operations") == str(told.value)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (None, "it is a NoneType and no Answer"),
        (Answer(people=("Ann Lee",)), "people holds a str"),  # type: ignore[arg-type]
        (replace(ANN, cost=Decimal("nan")), "cost is no amount"),
        (replace(ANN, cost=Decimal(-1)), "cost is no amount"),
        (replace(ANN, cost=0.1), "cost is no amount"),  # type: ignore[arg-type]
    ],
)
def test_an_answer_of_another_shape_is_refused_and_may_have_been_paid(
    ask: Asker, given: Any, told: str
) -> None:
    with pytest.raises(PermanentFailure, match=told):
        ask(Played([given], costs=Decimal(3)))
    (row,) = rows(ask.engine, "select failed, cost, uncertain from bg.provider_costs")
    assert row == {"failed": 1, "cost": 0, "uncertain": 3}


@pytest.mark.parametrize(
    ("price", "failure"),
    [
        (None, NotChecked),
        (0.5, PermanentFailure),
        (Decimal(-1), PermanentFailure),
        (Decimal("inf"), PermanentFailure),
    ],
)
def test_a_provider_without_a_price_is_not_asked(
    ask: Asker, price: Any, failure: type[Failure]
) -> None:
    provider = Played(costs=price)
    with pytest.raises(failure):
        ask(provider)
    assert provider.calls == []


def test_a_provider_whose_price_breaks_or_that_has_no_name_is_not_asked(ask: Asker) -> None:
    class Broken(Played):
        def price(self, question: Question) -> Decimal | None:
            raise KeyError(question.person and question.person.name)

    with pytest.raises(PermanentFailure, match=r"^pdl: its price or version failed with KeyError$"):
        ask(Broken())
    for name in ("", "two words", "x" * 99, None):
        with pytest.raises(PermanentFailure, match="name"):
            ask(Played(name=name))  # type: ignore[arg-type]
