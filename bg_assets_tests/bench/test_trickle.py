"""What the bench of a trickle tells of the times and of the backlog."""

import json

import pytest

from bench import running, trickle
from bench.trickle import Trickle


def _found(waited: list[int]) -> Trickle:
    times = [0.1 * number for number in range(1, 21)]
    parts = dict.fromkeys(trickle.PARTS, times)
    return Trickle(companies=20, people=1400, every=1, late=0.25, parts=parts, waited=waited)


def test_quantiles_are_times_that_were_measured() -> None:
    assert running.quantiles([3, 1, 2]) == (2, 3, 3)
    assert running.quantiles([5]) == (5, 5, 5)


@pytest.mark.parametrize(
    ("waited", "told"),
    [
        ([1, 2, 1, 3, 4, 6], "6 at most, 2 in the first half, 6 at the end"),
        ([2, 1, 0, 1, 1, 0], "2 at most, 2 in the first half, 0 at the end"),
        ([], "0 at most, 0 in the first half, 0 at the end"),
    ],
)
def test_whether_the_system_falls_behind_can_be_seen(waited: list[int], told: str) -> None:
    assert told in trickle._as_text(_found(waited))


def test_the_document_has_the_quantiles_and_not_each_time() -> None:
    told = json.loads(trickle._as_json(_found([1])))
    assert told["changes"] == 20
    assert told["seconds"]["total"] == pytest.approx({"p50": 1.0, "p95": 1.9, "max": 2.0})
    assert "parts" not in told
