"""When a group is renewed and why not sooner, for every state that a company can be in."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bg_assets.domain.groups.renewal import LastRefresh, Pending, Renewal, Rules, in_words, renewal

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
RULES = Rules(settle=2, interval=3600, max_attempts=3)
DONE = LastRefresh("completed", 1, 0, None, "r1", None)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def pending(settled: float, *, by_hand: bool = False, waits: bool = True) -> Pending:
    return Pending(ago(settled), by_hand, waits)


DEFERRED = "it was renewed because of changes at 11:10:00 UTC, and that is done once in 1 h"
DUE = "it is due: the next look takes it"
SETTLING = "it waits for 2 s without a further change"
LATE = "it is due since {}: `bg-assets status` tells what holds it up"


@pytest.mark.parametrize(
    ("changes", "deferred_since", "expected"),
    [
        (pending(58), ago(3000), Renewal(ago(-600), DEFERRED, "refresh")),
        (pending(58, waits=False), ago(3000), Renewal(None, DUE)),
        (pending(58), ago(3600), Renewal(None, DUE)),
        (pending(58), None, Renewal(None, DUE)),
        (pending(-1), None, Renewal(ago(-1), SETTLING)),
        (pending(-1, waits=False), ago(10), Renewal(ago(-1), SETTLING)),
        (pending(-1, by_hand=True, waits=False), ago(10), Renewal(None, DUE)),
        (pending(0), None, Renewal(None, DUE)),
        (pending(-1), ago(3599.5), Renewal(ago(-1), SETTLING)),
        (pending(60), None, Renewal(None, DUE)),
        (pending(61), None, Renewal(None, LATE.format("61 s"))),
        (pending(4998), ago(3661), Renewal(None, LATE.format("61 s"))),
        (pending(4998), ago(3660), Renewal(None, DUE)),
    ],
)
def test_what_waits_says_until_when_and_for_what(
    changes: Pending, deferred_since: datetime | None, expected: Renewal
) -> None:
    assert renewal(NOW, changes, DONE, deferred_since, RULES) == expected


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (
            LastRefresh("requested", 1, 0, None, None, None),
            Renewal(None, "it is asked for, and its run is on its way or in the queue"),
        ),
        (
            LastRefresh("running", 1, 0, None, "r7", None),
            Renewal(None, "it is being renewed now, by run r7"),
        ),
        (
            LastRefresh("requested", 2, 1, None, None, "run r1 ended as FAILURE"),
            Renewal(None, "attempt 2 of 3 is asked for, after this: run r1 ended as FAILURE"),
        ),
        (
            LastRefresh("requested", 1, 2, ago(-40), None, "run r1 is gone"),
            Renewal(
                ago(-40), "run r1 is gone, which is no fault of the company: tried again by itself"
            ),
        ),
        (
            LastRefresh("requested", 1, 2, ago(0), None, "run r1 is gone"),
            Renewal(
                None, "run r1 is gone, which is no fault of the company: tried again by itself"
            ),
        ),
    ],
)
def test_what_is_under_way_is_told_whatever_waits_behind_it(
    last: LastRefresh, expected: Renewal
) -> None:
    assert renewal(NOW, None, last, ago(10), RULES) == expected
    assert renewal(NOW, pending(58), last, ago(10), RULES) == expected


def test_what_failed_for_good_says_what_to_do_until_something_happens() -> None:
    dead = LastRefresh("dead", 3, 1, None, "r1", "run r1 ended as FAILURE")
    because = "its refresh failed for good after 3 attempts: run r1 ended as FAILURE"
    assert renewal(NOW, None, dead, None, RULES) == Renewal(None, because, "requeue")
    once = renewal(NOW, None, replace(dead, tried=1), None, RULES)
    assert once is not None
    assert "after 1 attempt:" in once.because
    assert renewal(NOW, pending(58), dead, None, RULES) == Renewal(None, DUE)


def test_where_all_is_well_there_is_nothing_to_say() -> None:
    assert renewal(NOW, None, DONE, ago(10), RULES) is None
    assert renewal(NOW, None, None, None, RULES) is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.5, "0.5 s"), (2, "2 s"), (99, "99 s"), (100, "2 min"), (3540, "59 min"),
        (3600, "1 h"), (3900, "1 h 5 min"), (86400, "24 h"),
    ],
)  # fmt: skip
def test_durations_are_in_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words
