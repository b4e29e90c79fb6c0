"""Whom to tell when: once, again after hours, worse, over; quiet hours, silences, tries."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bg_assets.domain.alerts.kinds import CRITICAL, WARNING
from bg_assets.domain.alerts.lives import Alert
from bg_assets.domain.alerts.telling import (
    LONGEST_WAIT,
    BadQuietHours,
    Quiet,
    Rules,
    Told,
    What,
    begun,
    due,
    failed,
    quiet_hours,
    succeeded,
    turn,
)

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
RULES = Rules(WARNING, 4 * 3600)
NIGHT = Rules(WARNING, 4 * 3600, quiet_hours("11:00-13:00"))
ALERT = Alert("disk-low", "a", WARNING, "low", "free some", NOW, NOW, NOW)
GRAVE = replace(ALERT, severity=CRITICAL)
OVER = replace(ALERT, resolved_at=NOW)
NOTHING = Told()
JUST = Told(NOW, WARNING)


def hours(number: float) -> datetime:
    return NOW + timedelta(hours=number)


@pytest.mark.parametrize(
    ("alert", "told", "rules", "silenced", "now", "what"),
    [
        (ALERT, NOTHING, RULES, False, NOW, What.RAISED),
        (replace(ALERT, raised_at=None), NOTHING, RULES, False, NOW, None),
        (ALERT, JUST, RULES, False, hours(3.9), None),
        (ALERT, JUST, RULES, False, hours(4), What.AGAIN),
        (GRAVE, JUST, RULES, False, NOW, What.WORSE),
        (ALERT, Told(NOW, CRITICAL), RULES, False, NOW, None),
        (OVER, JUST, RULES, False, NOW, What.OVER),
        (OVER, Told(NOW, WARNING, NOW), RULES, False, hours(9), None),
        (OVER, NOTHING, RULES, False, NOW, None),
        (ALERT, NOTHING, replace(RULES, least=CRITICAL), False, NOW, None),
        (GRAVE, NOTHING, replace(RULES, least=CRITICAL), False, NOW, What.RAISED),
        (GRAVE, NOTHING, RULES, True, NOW, None),
        (OVER, JUST, RULES, True, NOW, What.OVER),
        (ALERT, NOTHING, NIGHT, False, NOW, None),
        (ALERT, NOTHING, NIGHT, False, hours(1), What.RAISED),
        (GRAVE, NOTHING, NIGHT, False, NOW, What.RAISED),
        (OVER, JUST, NIGHT, False, NOW, None),
        (OVER, JUST, NIGHT, False, hours(1), What.OVER),
        (OVER, Told(NOW, CRITICAL), NIGHT, False, NOW, What.OVER),
        (ALERT, Told(try_at=hours(1)), RULES, False, NOW, None),
        (ALERT, Told(try_at=hours(1)), RULES, False, hours(1), What.RAISED),
    ],
)
def test_what_a_channel_is_told(
    alert: Alert, told: Told, rules: Rules, silenced: bool, now: datetime, what: What | None
) -> None:
    assert due(alert, told, rules, silenced, now) is what


@given(
    begin=st.times(), end=st.times(), now=st.datetimes(timezones=st.just(UTC)),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns"]),
)  # fmt: skip
def test_a_moment_is_quiet_where_the_next_of_both_times_to_come_is_the_end(
    begin: object, end: object, now: datetime, zone: str
) -> None:
    """Told by going round the clock, not by comparing."""
    first, last = (one.replace(microsecond=0, second=0) for one in (begin, end))  # type: ignore[attr-defined]
    if first == last:
        return
    place = ZoneInfo(zone)
    here = now.astimezone(place)
    passed = here.hour * 3600 + here.minute * 60 + here.second + here.microsecond / 1e6
    until = [
        (one.hour * 3600 + one.minute * 60 - passed) % 86_400 or 86_400 for one in (first, last)
    ]
    assert Quiet(first, last, place).holds(now) == (until[1] < until[0])


@given(
    severity=st.sampled_from([WARNING, CRITICAL]), told=st.sampled_from([NOTHING, JUST]),
    over=st.booleans(), minutes=st.integers(0, 3 * 24 * 60),
)  # fmt: skip
def test_in_quiet_hours_nobody_hears_of_a_warning_and_nothing_grave_waits(
    severity: str, told: Told, over: bool, minutes: int
) -> None:
    now = NOW + timedelta(minutes=minutes)
    alert = replace(ALERT, severity=severity, resolved_at=NOW if over else None)
    what, in_the_night = (due(alert, told, rules, False, now) for rules in (RULES, NIGHT))
    assert NIGHT.quiet is not None
    if severity == CRITICAL or not NIGHT.quiet.holds(now):
        assert in_the_night is what
    else:
        assert in_the_night is None


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("22-7", "takes hours like"),
        ("22:00-07:00 Europe/Nowhere", "zone"),
        ("22:00-07:00 ../../etc/passwd", "zone"),
        ("22:00-22:00", "different times"),
        ("24:00-07:00", "takes hours like"),
    ],
)
def test_what_names_no_quiet_hours_is_refused_in_words(text: str, word: str) -> None:
    with pytest.raises(BadQuietHours, match=word):
        quiet_hours(text)


def test_quiet_hours_follow_the_clocks_of_their_zone() -> None:
    night = quiet_hours("22:00-07:00 Europe/Berlin")
    assert night is not None
    # 23:30 in Berlin in winter, 22:30 UTC; in summer 00:30.
    assert night.holds(datetime(2026, 1, 5, 22, 30, tzinfo=UTC))
    assert not night.holds(datetime(2026, 1, 5, 20, 30, tzinfo=UTC))
    assert night.holds(datetime(2026, 7, 5, 20, 30, tzinfo=UTC))
    assert quiet_hours(" ") is None


def test_a_try_that_failed_is_made_again_ever_later_and_as_late_as_was_asked() -> None:
    waits = []
    told = NOTHING
    for _ in range(12):
        told = failed(told, "503", NOW)
        assert told.try_at is not None
        waits.append((told.try_at - NOW).total_seconds())
    assert waits[:3] == [15, 30, 60]
    assert waits[-1] == LONGEST_WAIT
    asked = failed(NOTHING, "429", NOW, 120).try_at
    assert asked == NOW + timedelta(seconds=120)
    endless = failed(NOTHING, "429", NOW, 1e9).try_at
    assert endless == NOW + timedelta(hours=1)


def test_a_try_that_succeeded_forgets_those_that_failed() -> None:
    told = succeeded(failed(NOTHING, "503", NOW), What.RAISED, CRITICAL, NOW)
    assert told == Told(NOW, CRITICAL)
    assert succeeded(told, What.OVER, CRITICAL, hours(1)) == Told(NOW, CRITICAL, hours(1))


def test_who_may_have_heard_of_the_beginning_is_told_it_again_and_of_the_end() -> None:
    unsure = begun(NOTHING, WARNING)
    assert due(ALERT, unsure, RULES, False, NOW) is What.RAISED
    assert due(OVER, unsure, RULES, False, NOW) is What.OVER
    assert due(OVER, failed(unsure, "no answer", NOW), RULES, False, hours(1)) is What.OVER
    assert due(OVER, failed(NOTHING, "503", NOW), RULES, False, hours(1)) is None
    assert begun(JUST, CRITICAL) == JUST


@given(
    first=st.sampled_from([NOTHING, JUST, begun(NOTHING, WARNING), failed(JUST, "503", NOW)]),
    second=st.sampled_from([NOTHING, JUST, begun(NOTHING, WARNING), failed(NOTHING, "503", NOW)]),
    over=st.booleans(), minutes=st.integers(0, 9 * 60),
)  # fmt: skip
def test_no_end_of_an_older_alert_follows_the_beginning_of_a_newer_one(
    first: Told, second: Told, over: bool, minutes: int
) -> None:
    now = NOW + timedelta(minutes=minutes)
    older = replace(OVER, id=1)
    newer = replace(ALERT, since=NOW + timedelta(seconds=1), resolved_at=NOW if over else None)
    steps = turn([(older, first), (newer, second)], RULES, False, now)
    assert [one for one, _ in steps] == sorted([one for one, _ in steps], key=lambda o: o.since)
    if second.has_heard:
        assert older not in [one for one, _ in steps]
    elif first.owes_end and any(what is not What.OVER for _, what in steps):
        assert steps[0] == (older, What.OVER)
