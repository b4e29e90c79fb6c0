"""When a message is tried again: as the standard recommends, and never sooner than asked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bg_assets.domain.notifications.schedule import (
    JITTER,
    LONGEST_WAIT,
    SCHEDULE,
    Answer,
    wait,
)

CHANCES = st.floats(0, 1)


@given(attempts=st.integers(0, 9), chance=CHANCES)
def test_each_wait_is_that_of_the_schedule_give_or_take_a_fifth(
    attempts: int, chance: float
) -> None:
    found = wait(attempts, Answer(500, "HTTP 500"), chance)
    assert found == pytest.approx(SCHEDULE[attempts], rel=JITTER + 1e-9)


@given(attempts=st.integers(10, 100), chance=CHANCES, asked=st.none() | st.floats(0, 1e9))
def test_after_ten_attempts_there_is_no_other(
    attempts: int, chance: float, asked: float | None
) -> None:
    assert wait(attempts, Answer(503, "HTTP 503", asked), chance) is None


@given(attempts=st.integers(0, 9), chance=CHANCES, asked=st.floats(0, 1e12))
def test_what_a_receiver_asks_for_is_never_undercut_up_to_a_day(
    attempts: int, chance: float, asked: float
) -> None:
    found = wait(attempts, Answer(500, "HTTP 500", asked), chance)
    assert found is not None
    assert found >= min(asked, LONGEST_WAIT)
    assert found <= max(asked, SCHEDULE[attempts] * (1 + JITTER))


@pytest.mark.parametrize(
    ("answer", "accepted", "gone", "pause"),
    [
        (Answer(200), True, False, None),
        (Answer(299), True, False, None),
        (Answer(None, "no connection"), False, False, None),
        (Answer(300, "redirect"), False, False, None),
        (Answer(410, "gone"), False, True, None),
        (Answer(429, "HTTP 429", 7.0), False, False, 7.0),
        (Answer(503, "HTTP 503", 7.0), False, False, 7.0),
        (Answer(500, "HTTP 500", 7.0), False, False, None),
    ],
)
def test_what_an_answer_means(
    answer: Answer, accepted: bool, gone: bool, pause: float | None
) -> None:
    assert (answer.accepted, answer.gone, answer.pause) == (accepted, gone, pause)
