"""Episodes of one alert come in their order to each channel, whoever fails or dies between."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from bg_assets import process
from bg_assets.alerting import away
from bg_assets.alerting.watch import Watch
from bg_assets.domain.alerts.kinds import CRITICAL, DATABASE_AWAY, GONE_SECONDS, KINDS, WARNING
from bg_assets.domain.alerts.lives import Alert, Look, Sight
from bg_assets.domain.alerts.telling import Rules, Told, What, quiet_hours, turn
from bg_assets.storage import alerts, database
from bg_assets_tests.alerting.running import eventually, heard, running
from bg_assets_tests.alerting.scenes import Scene, scene, settled_for
from bg_assets_tests.alerting.servers import Web
from bg_assets_tests.cli.command import Command

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
LOST = "capture-lost"
FAILS: list[tuple[int, dict[str, str]]] = [(500, {})]


def lose(found: Scene) -> None:
    """What raises the alert."""
    found.execute("alter table bg.people disable trigger capture_people_delete")


def mend(found: Scene) -> None:
    """What ends it."""
    database.migrate(found.engine.url.render_as_string(hide_password=False))


def till_its_end_has_failed(found: Scene) -> None:
    """Raised and told, over, and its end is answered 500 three times."""
    lose(found)
    assert found.pass_by(0) == [("raised", LOST)]
    mend(found)
    found.vendor.answers = FAILS * 3
    found.pass_by(GONE_SECONDS)
    for _ in range(2):
        found.pass_by(100)
    assert found.vendor.answers == []


def test_an_end_that_could_not_be_told_goes_before_the_next_beginning(
    installation: str, engine: sa.Engine, vendor: Web, tmp_path: Path
) -> None:
    with scene(LOST, engine, vendor, tmp_path) as found:
        till_its_end_has_failed(found)
        lose(found)
        assert found.pass_by(1) == [("over", LOST), ("raised", LOST)]
        assert found.pass_by(1000) == []
        mend(found)
        assert found.until_over() == [("over", LOST)]


def test_a_channel_that_still_fails_hears_of_both_in_order_once_it_is_back(
    installation: str, engine: sa.Engine, vendor: Web, tmp_path: Path
) -> None:
    with scene(LOST, engine, vendor, tmp_path) as found:
        till_its_end_has_failed(found)
        lose(found)
        vendor.answers = FAILS * 2
        assert [found.pass_by(seconds) for seconds in (1, 5, 15)] == [
            [("over", LOST)], [], [("over", LOST)],
        ]  # fmt: skip
        assert found.pass_by(30) == [("over", LOST), ("raised", LOST)]
        assert found.pass_by(2000) == []


def test_a_beginning_waits_for_no_end_that_is_refused_and_is_followed_by_none(
    installation: str, engine: sa.Engine, vendor: Web, tmp_path: Path
) -> None:
    with scene(LOST, engine, vendor, tmp_path) as found:
        till_its_end_has_failed(found)
        lose(found)
        vendor.answers = [(400, {})]
        assert found.pass_by(1) == [("over", LOST), ("raised", LOST)]
        # The alert is open for whoever heard that; the end of the one before would close it.
        assert [found.pass_by(1000) for _ in range(6)] == [[]] * 6


def test_a_beginning_goes_alone_after_three_tries_to_tell_the_end_before_it(
    installation: str, engine: sa.Engine, vendor: Web, tmp_path: Path
) -> None:
    with scene(LOST, engine, vendor, tmp_path) as found:
        till_its_end_has_failed(found)
        lose(found)
        vendor.answers = FAILS * 4
        assert [len(found.pass_by(100)) for _ in range(3)] == [1, 1, 1]
        assert found.pass_by(200) == [("over", LOST), ("raised", LOST)]
        assert [found.pass_by(1000) for _ in range(6)] == [[]] * 6
        assert found.bg.value("select count(*) from bg.alerts where kind = 'delivery-failing'") == 0


def test_after_quiet_hours_the_end_of_the_evening_comes_before_the_alert_of_the_night(
    installation: str, engine: sa.Engine, vendor: Web, tmp_path: Path
) -> None:
    begin = datetime.now(UTC)
    night = [f"{begin + timedelta(minutes=minutes):%H:%M}" for minutes in (10, 360)]
    sight = Sight("runs-failing", "", WARNING, "three runs", "look")
    with scene("runs-failing", engine, vendor, tmp_path) as found:
        found.watch = Watch(settled_for(vendor, BG_ALERTS_QUIET="-".join(night)), [])

        def look(hours: float, *sights: Sight) -> list[tuple[str, str]]:
            with found.engine.begin() as conn:
                now = begin + timedelta(hours=hours)
                alerts.observe(conn, Look(now, "", sights, frozenset({"runs-failing"})))
            return found.pass_by(hours * 3600 - found.seconds)

        assert look(0, sight) == [("raised", "runs-failing")]
        assert look(1) == []
        assert look(2, sight) == []
        assert look(6.1, sight) == [("over", "runs-failing"), ("raised", "runs-failing")]


def test_an_end_that_waits_goes_along_with_what_is_grave_in_quiet_hours() -> None:
    alert = Alert("disk-low", "a", WARNING, "low", "", NOW, NOW, NOW, NOW, 1)
    later = replace(alert, since=NOW, severity=CRITICAL, resolved_at=None, id=2)
    rules = Rules(WARNING, 3600, quiet_hours("11:00-13:00"))
    known = [(alert, Told(NOW, WARNING)), (later, Told())]
    assert turn(known, rules, False, NOW) == [(alert, What.OVER), (later, What.RAISED)]
    # Of which nobody is told now, or ever: the end waits by itself.
    assert turn([known[0], (replace(later, severity=WARNING), Told())], rules, False, NOW) == []


def told(vendor: Web, watch: Watch, seconds: float) -> list[tuple[str, str]]:
    """What the vendor is told by a look, so many seconds from the beginning."""
    before = len(vendor.requests)
    watch.ahead = timedelta(seconds=seconds)
    watch.round()
    return [(one["type"][6:], one["data"]["key"]) for one in vendor.documents[before:]]


def test_the_end_of_a_database_that_was_away_is_told_though_it_goes_away_again(
    vendor: Web, installation: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, lasts = f"{DATABASE_AWAY}:{process.host()}", KINDS[DATABASE_AWAY].lasts
    config = settled_for(vendor)
    gone = f"postgresql://x@/nothing?host={tmp_path}"

    def look(seconds: float, url: str) -> list[tuple[str, str]]:
        monkeypatch.setenv("BG_DATABASE_URL", url)
        # Each is another process, which knows what the file says.
        return told(vendor, Watch(config), seconds)

    assert look(0, gone) == []
    assert look(lasts, gone) == [("raised", key)]
    vendor.answers = FAILS * 2
    assert look(600, installation) == [("over", key)]
    assert look(610, gone) == []
    # A blink, which nobody is told of.
    assert look(620, installation) == [("over", key)]
    assert look(700, gone) == [("over", key)]
    assert look(700 + lasts, gone) == [("raised", key)]
    assert look(2000, installation) == [("over", key)]
    assert not (config.home / away.FILE).exists()


@pytest.mark.slow
def test_who_is_killed_while_a_beginning_is_told_leaves_an_end_that_is_told(
    installation: str, engine: sa.Engine, vendor: Web, tmp_path: Path
) -> None:
    bg = Command(engine, tmp_path)
    vendor.answers = [(0, {})]
    bg.execute("alter table bg.people disable trigger capture_people_delete")
    with running(tmp_path / "a", vendor) as one:
        eventually("it is sent", 60, lambda: heard(vendor) == [("raised", LOST)])
        one.kill()
        one.wait()
    bg.execute("alter table bg.people enable trigger capture_people_delete")
    bg.execute("update bg.alerts set since = since - interval '1 hour', "
               "seen_at = seen_at - interval '1 hour'")  # fmt: skip
    bg.execute("update bg.alert_sender set until = clock_timestamp()")
    with running(tmp_path / "b", vendor):
        eventually("its end is told", 60, lambda: len(heard(vendor)) == 2)
    assert heard(vendor)[1] == ("over", LOST)


@pytest.mark.slow
def test_who_is_killed_while_an_end_is_told_leaves_it_to_come_before_the_next_beginning(
    installation: str, engine: sa.Engine, vendor: Web, tmp_path: Path
) -> None:
    bg = Command(engine, tmp_path)
    with scene(LOST, engine, vendor, tmp_path) as found:
        lose(found)
        assert found.pass_by(0) == [("raised", LOST)]
        mend(found)
        found.watch.end()
    bg.execute("update bg.alerts set since = since - interval '1 hour', "
               "seen_at = seen_at - interval '1 hour'")  # fmt: skip
    vendor.answers = [(0, {})]
    with running(tmp_path / "a", vendor) as one:
        eventually("it is sent", 60, lambda: len(heard(vendor)) == 2)
        one.kill()
        one.wait()
    bg.execute("update bg.alert_sender set until = clock_timestamp()")
    bg.execute("alter table bg.people disable trigger capture_people_delete")
    with running(tmp_path / "b", vendor):
        eventually("the next is told", 60, lambda: ("raised", LOST) in heard(vendor)[2:])
    assert heard(vendor) == [
        ("raised", LOST), ("over", LOST), ("over", LOST), ("raised", LOST),
    ]  # fmt: skip
