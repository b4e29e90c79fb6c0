"""An alert is raised once it has lasted, and over once nothing was seen of it for a while."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bg_assets.domain.alerts.kinds import CRITICAL, GONE_SECONDS, KINDS, WARNING
from bg_assets.domain.alerts.lives import Alert, Look, Sight, after, at_host

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
ALL = frozenset(KINDS)
LOST = Sight("capture-lost", "", CRITICAL, "lost", "migrate")
LOW = Sight("disk-low", at_host("a", "/data"), WARNING, "low", "free some")


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def look(seconds: float, *sights: Sight, kinds: frozenset[str] = ALL, host: str = "a") -> Look:
    return Look(at(seconds), host, sights, kinds)


def lived(*looks: Look) -> list[Alert]:
    """What there is after these looks, those that are over included."""
    known: dict[str, Alert] = {}
    over: list[Alert] = []
    for one in looks:
        changed = after(one, known.values())
        for key in changed.forgotten:
            del known[key]
        for alert in changed.kept:
            known[alert.key] = alert
            if alert.resolved_at is not None:
                over.append(known.pop(alert.key))
    return [*over, *known.values()]


def test_what_must_not_last_is_raised_at_once() -> None:
    (alert,) = lived(look(0, LOST))
    assert (alert.since, alert.raised_at, alert.resolved_at) == (NOW, NOW, None)


def test_what_must_last_is_raised_when_it_has() -> None:
    lasts = KINDS["disk-low"].lasts
    (early,) = lived(look(0, LOW), look(lasts - 1, LOW))
    assert early.raised_at is None
    (late,) = lived(look(0, LOW), look(lasts, LOW))
    assert (late.since, late.raised_at) == (NOW, at(lasts))


def test_what_did_not_last_is_forgotten_and_begins_anew() -> None:
    assert lived(look(0, LOW), look(30)) == []
    (alert,) = lived(look(0, LOW), look(30), look(70, LOW))
    assert (alert.since, alert.raised_at) == (at(70), None)


def test_what_comes_and_goes_is_one_alert() -> None:
    (alert,) = lived(
        look(0, LOST), look(30), look(60), look(90, LOST), look(90 + GONE_SECONDS - 1)
    )  # fmt: skip
    assert (alert.since, alert.raised_at, alert.resolved_at) == (NOW, NOW, None)


def test_it_is_over_when_nothing_was_seen_for_a_while() -> None:
    (alert,) = lived(look(0, LOST), look(GONE_SECONDS))
    assert alert.resolved_at == at(GONE_SECONDS)


def test_a_check_that_could_not_look_ends_nothing() -> None:
    (alert,) = lived(look(0, LOST), look(GONE_SECONDS * 9, kinds=ALL - {"capture-lost"}))
    assert alert.resolved_at is None


def test_what_another_machine_sees_by_itself_is_not_over_because_this_one_sees_nothing() -> None:
    (alert,) = lived(look(0, LOW), look(60, LOW), look(600, host="b"))
    assert alert.resolved_at is None
    # That machine is gone.
    (gone,) = lived(look(0, LOW), look(60, LOW), look(60 + 3600, host="b"))
    assert gone.resolved_at is not None


def test_several_of_one_key_are_one_alert_with_the_gravest_severity() -> None:
    two = replace(LOST, said="other", severity=WARNING)
    (alert,) = lived(look(0, two, LOST, two))
    assert (alert.severity, alert.said) == (CRITICAL, "lost (and 2 more)")


def test_words_and_severity_are_those_of_the_last_look() -> None:
    (alert,) = lived(look(0, LOST), look(30, replace(LOST, said="two are lost")))
    assert (alert.said, alert.since, alert.seen_at) == ("two are lost", NOW, at(30))


@given(st.lists(st.tuples(st.integers(1, 90), st.booleans()), max_size=30))
def test_an_alert_is_raised_by_the_look_at_which_it_has_lasted(
    steps: list[tuple[int, bool]],
) -> None:
    looks, now, first = [], 0.0, None
    lasts = KINDS["disk-low"].lasts
    raised = False
    for wait, is_seen in steps:
        now += wait
        looks.append(look(now, *([LOW] if is_seen else [])))
        # Unbroken sight from the first; once raised, a gap must be long to end it.
        first = (now if first is None else first) if is_seen else (first if raised else None)
        raised = raised or (is_seen and first is not None and now - first >= lasts)
        alerts = lived(*looks)
        assert any(one.raised_at is not None for one in alerts) == raised
        if any(one.resolved_at is not None for one in alerts):
            return
