"""When a process hangs, and that waiting for a database is none of it."""

import pytest

from bg_assets.local.hanging import Seen, due, state, verdict


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        (Seen("code", 999), ""),
        (Seen("code", 999, stopped=14.9), ""),
        (Seen("code", 15, stopped=15.0), "was stopped for 15 s"),
        (Seen("webserver", 999, unanswered=59.9), ""),
        (Seen("webserver", 59.9, unanswered=70.0), ""),
        (Seen("webserver", 60, unanswered=60.0), "took connections and gave no answer for 60 s"),
        (Seen("daemon", 999, silent=179.9, could_beat=999), ""),
        (Seen("daemon", 999, silent=None, could_beat=999), ""),
        (Seen("daemon", 180, silent=180.0, could_beat=180), "gave no sign of life for 180 s"),
        (Seen("daemon", 170, silent=999.0, could_beat=999), ""),
    ],
)
def test_what_shows_no_sign_for_long_enough_hangs(seen: Seen, why: str) -> None:
    assert bool(verdict(seen)) == bool(why)
    assert verdict(seen).startswith(why)


@pytest.mark.parametrize(("stopped", "left"), [(0.0, None), (4.0, 11.0), (15.0, 0.0), (99.0, 0.0)])
def test_a_stopped_process_hangs_when_its_time_is_over_and_others_never_for_that(
    stopped: float, left: float | None
) -> None:
    assert due(Seen("daemon", 999, stopped=stopped)) == left


@pytest.mark.parametrize("away_until", [0.0, 1.0, 179.0])
def test_who_waits_for_a_database_that_was_away_does_not_hang(away_until: float) -> None:
    assert verdict(Seen("daemon", 9999, silent=9999.0, could_beat=away_until)) == ""


@pytest.mark.parametrize(
    ("seen", "word"),
    [
        (Seen("code", 999), ""),
        (Seen("code", 999, stopped=0.001), "stopped"),
        (Seen("code", 999, unanswered=5.0), "no answer"),
        (Seen("daemon", 999, silent=500.0), ""),
    ],
)
def test_what_is_the_matter_is_told_before_it_counts_as_hanging(seen: Seen, word: str) -> None:
    assert state(seen) == word
