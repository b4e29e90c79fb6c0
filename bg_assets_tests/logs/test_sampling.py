"""What comes too often is thinned out, and the counts add up whatever comes when."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bg_assets.logs import catalogue, sampling, setup
from bg_assets.logs.lean import structlog
from bg_assets.logs.log import logger
from bg_assets_tests.logs.conftest import Lines

OFTEN = sorted(catalogue.OFTEN)
LOG = logger("bg_assets.test")


class Clock:
    """A clock that is set."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def _offer(sampler: sampling.Sampler, name: str, kind: str) -> int | None:
    """What the event says of those left out before it; None where it is left out itself."""
    try:
        event = sampler(None, "info", {"event": name, "kind": kind})
    except structlog.DropEvent:
        return None
    return int(event.get(sampling.LEFT_OUT, 0))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(OFTEN[:2]), st.sampled_from(["a", "b"]), st.integers(1, 250),
            st.sampled_from([0.0, 1.0, 59.0, 60.0, 300.0]), st.booleans(),
        ),
        max_size=12,
    )
)  # fmt: skip
def test_what_is_written_and_what_is_said_to_be_left_out_adds_up(
    bursts: list[tuple[str, str, int, float, bool]],
) -> None:
    clock = Clock()
    sampler = sampling.Sampler(clock)
    came: Counter[tuple[str, str]] = Counter()
    told: Counter[tuple[str, str]] = Counter()
    for name, kind, number, pause, asks in bursts:
        clock.now += pause
        for _ in range(number):
            came[name, kind] += 1
            missing = _offer(sampler, name, kind)
            if missing is not None:
                told[name, kind] += 1 + missing
        if asks:
            for one, its_kind, left_out in sampler.take_left_out():
                told[one, its_kind] += left_out
    for one, its_kind, left_out in sampler.take_left_out(at_the_end=True):
        told[one, its_kind] += left_out
    assert told == came
    assert sampler.take_left_out(at_the_end=True) == []


def test_each_minute_begins_with_the_first_twenty_and_then_one_in_a_hundred_is_written() -> None:
    clock = Clock()
    sampler = sampling.Sampler(clock)
    first = [_offer(sampler, OFTEN[0], "a") for _ in range(220)]
    assert first[:20] == [0] * 20
    assert [one for one in first[20:] if one is not None] == [99, 99]
    assert _offer(sampler, OFTEN[0], "b") == 0
    clock.now = 61
    assert _offer(sampler, OFTEN[0], "a") == 0


def test_what_comes_seldom_is_never_left_out() -> None:
    sampler = sampling.Sampler(Clock())
    assert [_offer(sampler, "run_ended", "") for _ in range(500)] == [0] * 500


def test_what_was_left_out_is_told_on_a_line_of_its_own_at_the_end(written: Lines) -> None:
    for _ in range(50):
        LOG.info("webhook_refused", kind="signature")
    assert len(written()) == 20
    setup.end()
    (line,) = written()
    told = {name: line[name] for name in ("event", "of", "kind", "left_out")}
    assert told == {
        "event": "lines_left_out", "of": "webhook_refused", "kind": "signature", "left_out": 30,
    }  # fmt: skip


@pytest.mark.parametrize("level", ["debug", "info"])
def test_what_is_below_the_level_counts_as_nothing(written: Lines, level: str) -> None:
    setup.LOG.info("run_ended")
    written()
    for _ in range(25):
        getattr(LOG, level)("webhook_accepted" if level == "debug" else "webhook_duplicate")
    setup.end()
    assert sum(1 + line.get("left_out", 0) for line in written()) == 26
