"""What a tick sees to beside changes is told with its numbers, and not where there was none."""

from datetime import UTC, timedelta

import pytest
import sqlalchemy as sa

from bg_assets.storage import claims
from bg_assets.storage.capture import dates, missed
from bg_assets.ticks import upkeep
from bg_assets_tests.storage.rows import company, forget_changes, run, value


@pytest.fixture
def acme(engine: sa.Engine) -> sa.Engine:
    """A company of three, two of whom had their last day two days ago; nobody has seen to it."""
    company(engine, "acme", ["ann", "bob", "eve"])
    with engine.connect() as conn:
        today = claims.database_now(conn).astimezone(UTC).date()
    ended = today - timedelta(days=2)
    run(engine, "update bg.people set end_date = :day where id in ('ann', 'bob')", day=ended)
    run(engine, "update bg.dates_passed set done_to = :day", day=ended)
    forget_changes(engine)
    return engine


def waiting(engine: sa.Engine) -> int:
    return int(value(engine, "select count(*) from bg.changes"))


def test_who_left_by_a_date_is_counted_over_all_portions_and_told_once(
    acme: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = dates.raise_changes
    monkeypatch.setattr(dates, "raise_changes", lambda conn, today: real(conn, today, 1))

    assert upkeep.see_to(acme) == ["people who joined or left by a date that came: 2"]
    assert waiting(acme) == 2
    assert upkeep.see_to(acme) == []
    assert waiting(acme) == 2


def test_what_was_missed_is_counted_over_all_portions_and_told_once(
    acme: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    upkeep.see_to(acme)
    company(acme, "bolt")
    forget_changes(acme)
    run(acme, "update bg.capture_watch set to_compare = true, compared_to = ''")
    real = missed.raise_changes
    monkeypatch.setattr(missed, "raise_changes", lambda conn: real(conn, 1))

    assert upkeep.see_to(acme) == [
        "companies that changed while capture was lost, to be refreshed now: 2"
    ]
    assert upkeep.see_to(acme) == []


def test_a_tick_without_time_left_leaves_it_to_the_next(
    acme: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "SECONDS", 0.0)
    run(acme, "update bg.capture_watch set to_compare = true, compared_to = ''")

    assert upkeep.see_to(acme) == []
    assert waiting(acme) == 0
