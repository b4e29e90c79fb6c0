"""A provider that fails is left alone: by everybody, and tried again by one."""

from decimal import Decimal

import pytest

from bg_assets.domain.enrichment.asking import (
    Answer,
    Failure,
    NotChecked,
    PermanentFailure,
    TemporaryFailure,
)
from bg_assets.storage.operations import calls
from bg_assets_tests.storage.operations.conftest import Asker
from bg_assets_tests.storage.operations.playing import ANN, DOWN, POLICY, Played
from bg_assets_tests.storage.rows import rows, value

WRONG_KEY = PermanentFailure("the key is wrong", whole_provider=True)
OPENS_FOR = POLICY.opens_for


def fail(ask: Asker, provider: Played, *people: str) -> None:
    for who in people:
        with pytest.raises(Failure):
            ask(provider, who)


def opened(ask: Asker) -> None:
    """Let the breaker be open since now."""
    fail(ask, Played([WRONG_KEY]), *(f"w{number}" for number in range(5)))


def test_the_breaker_opens_after_five_calls_in_a_row_that_failed(ask: Asker) -> None:
    provider = Played([DOWN])
    fail(ask, provider, "p1", "p2", "p3", "p4")
    # The second question's third try was the sixth call: it is not made.
    assert len(provider.calls) == 5
    assert len(ask.time.waits) == 3
    with pytest.raises(NotChecked, match="pdl: its breaker is open after 5 failures in a row"):
        ask(provider, "p5")


def test_a_failure_of_the_whole_provider_counts_and_that_of_a_question_does_not(
    ask: Asker,
) -> None:
    odd = Played([PermanentFailure("an odd answer")])
    fail(ask, odd, *(f"p{number}" for number in range(9)))
    assert len(odd.calls) == 9
    wrong = Played([WRONG_KEY])
    fail(ask, wrong, *(f"q{number}" for number in range(9)))
    assert len(wrong.calls) == 5


@pytest.mark.parametrize("between", [ANN, Answer()])
def test_an_answer_ends_the_row(ask: Asker, between: Answer) -> None:
    provider = Played([WRONG_KEY] * 4 + [between] + [WRONG_KEY] * 4 + [between])
    for number in range(10):
        if number % 5 < 4:
            fail(ask, provider, f"p{number}")
        else:
            ask(provider, f"p{number}")


def test_an_open_breaker_says_when_it_is_tried_and_concerns_one_provider(ask: Asker) -> None:
    opened(ask)
    ask.time.seconds += 10
    with pytest.raises(NotChecked, match="tried again in 20 s"):
        ask(Played(), "p1")
    assert ask.time.waits == []
    ask(Played(name="csv"), "p1")


def test_what_is_in_the_cache_is_told_while_the_breaker_is_open(ask: Asker) -> None:
    ask(Played(), "p1")
    opened(ask)
    assert ask(Played(), "p1").cached


def test_one_probe_is_made_after_a_while_and_its_success_closes(ask: Asker) -> None:
    opened(ask)
    ask.time.seconds += OPENS_FOR

    def others() -> None:
        with pytest.raises(NotChecked, match="a probe is under way"):
            ask(Played(), "p2")

    probe = Played(while_asked=others)
    ask(probe, "p1")
    assert len(probe.calls) == 1
    ask(Played(), "p2")
    fail(ask, Played([WRONG_KEY]), "p3", "p4", "p5", "p6")
    ask(Played(), "p7")


@pytest.mark.parametrize("failure", [DOWN, WRONG_KEY, PermanentFailure("odd"), KeyError("x")])
def test_a_probe_that_fails_opens_again_and_is_not_tried_twice(
    ask: Asker, failure: Exception
) -> None:
    opened(ask)
    for _ in range(3):
        ask.time.seconds += OPENS_FOR
        probe = Played([failure])
        fail(ask, probe, "p1")
        assert len(probe.calls) == 1
        with pytest.raises(NotChecked, match="breaker"):
            ask(Played(), "p2")
    ask.time.seconds += OPENS_FOR
    ask(Played(), "p1")


def test_a_probe_that_a_cap_forbids_is_none(ask: Asker) -> None:
    opened(ask)
    ask.time.seconds += OPENS_FOR
    dear = Played(costs=10 * POLICY.daily[""])
    with pytest.raises(NotChecked, match="costs up to"):
        ask(dear, "p1")
    ask(Played(), "p2")


def test_a_probe_whose_process_was_stopped_is_free_at_once(ask: Asker) -> None:
    opened(ask)
    ask.time.seconds += OPENS_FOR
    with pytest.raises(KeyboardInterrupt):
        ask(Played([KeyboardInterrupt()]), "p1")
    ask(Played(), "p2")


def test_a_probe_whose_process_is_gone_frees_itself(ask: Asker) -> None:
    opened(ask)
    ask.time.seconds += OPENS_FOR
    left = ask.left_behind("p1")
    assert left.probe
    ask.time.seconds += POLICY.seconds + POLICY.margin - 1
    with pytest.raises(NotChecked, match="a probe is under way"):
        ask(Played(), "p2")
    ask.time.seconds += 1
    ask(Played(), "p2")
    assert value(ask.engine, "select opened_at from bg.provider_health") is None


def test_a_probe_that_ends_late_does_not_disturb_the_next_one(ask: Asker) -> None:
    opened(ask)
    ask.time.seconds += OPENS_FOR
    late = ask.left_behind("p1")
    ask.time.seconds += POLICY.seconds + POLICY.margin

    def ends() -> None:
        failed = calls.NotAnswered("temporary", "down", 60.0, counts=True)
        with ask.engine.begin() as conn:
            calls.settle_failed(conn, late, failed, POLICY, ask.time.clock())

    ask(Played(while_asked=ends), "p2")
    ask(Played(), "p3")


def test_an_answer_that_comes_after_the_probe_was_given_up_closes_nothing(ask: Asker) -> None:
    opened(ask)
    ask.time.seconds += OPENS_FOR
    late = ask.left_behind("p1")
    ask.time.seconds += POLICY.seconds + POLICY.margin

    def ends() -> None:
        answered = calls.Answered('{"people": [], "company": null}', False, Decimal(0), 60, 60.0)
        with ask.engine.begin() as conn:
            calls.settle_answered(conn, late, answered, POLICY, ask.time.clock())
        with pytest.raises(NotChecked, match="a probe is under way"):
            ask(Played(), "p3")

    ask(Played(while_asked=ends), "p2")


def test_calls_of_before_the_breaker_opened_neither_close_nor_prolong_it(ask: Asker) -> None:
    def meanwhile() -> None:
        opened(ask)
        ask.time.seconds += 10

    ask(Played(while_asked=meanwhile), "p1")
    with pytest.raises(NotChecked, match="tried again in 20 s"):
        ask(Played(), "p2")
    ask.time.seconds += 20
    ask(Played(), "p2")

    def once_more() -> None:
        opened(ask)
        ask.time.seconds += 10

    fail(ask, Played([WRONG_KEY], while_asked=once_more), "p3")
    with pytest.raises(NotChecked, match="tried again in 20 s"):
        ask(Played(), "p4")


def test_tries_end_when_others_have_opened_the_breaker_meanwhile(ask: Asker) -> None:
    ask.time.on_wait = lambda: opened(ask) if len(ask.time.waits) == 1 else None
    provider = Played([DOWN])
    with pytest.raises(TemporaryFailure, match="503"):
        ask(provider, "p1")
    assert len(provider.calls) == 1
    (row,) = rows(ask.engine, "select status, error, leased_until from bg.pipeline_operations "
                  "where person_id = 'p1'")  # fmt: skip
    assert row == {
        "status": "failed", "error": "pdl: the server answers 503: wait", "leased_until": None
    }  # fmt: skip


def test_the_last_failure_of_the_provider_is_kept_with_its_time(ask: Asker) -> None:
    fail(ask, Played([WRONG_KEY]), "p1")
    fail(ask, Played([PermanentFailure("an odd answer")]), "p2")
    assert value(ask.engine, "select error from bg.provider_health") == "pdl: the key is wrong"
