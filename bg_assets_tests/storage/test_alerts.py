"""Alerts in the tables: looks of several machines, what channels know, silences, who tells."""

import threading
from dataclasses import replace

import sqlalchemy as sa

from bg_assets.domain.alerts.kinds import CRITICAL, GONE_SECONDS, KINDS, WARNING
from bg_assets.domain.alerts.lives import Alert, Look, Sight, at_host
from bg_assets.domain.alerts.telling import Told
from bg_assets.storage import alerts
from bg_assets_tests.storage.rows import at, value

LOST = Sight("capture-lost", "", CRITICAL, "lost", "migrate")
LOW = Sight("disk-low", at_host("a", "/data"), WARNING, "low", "free some")


def see(engine: sa.Engine, seconds: float, *sights: Sight, host: str = "a") -> None:
    """A look of everything."""
    with engine.begin() as conn:
        alerts.observe(conn, Look(at(seconds), host, sights, frozenset(KINDS)))


def opened(engine: sa.Engine) -> dict[str, Alert]:
    with engine.begin() as conn:
        return {one.key: one for one in alerts.read_open(conn)}


def test_what_is_seen_is_kept_raised_ended_and_seen_anew(engine: sa.Engine) -> None:
    see(engine, 0, LOST, LOW)
    see(engine, 60, replace(LOST, said="two are lost"), LOW)
    found = opened(engine)
    assert found.keys() == {"capture-lost", "disk-low:a /data"}
    lost = found["capture-lost"]
    assert (lost.said, lost.since, lost.seen_at, lost.raised_at) == (
        "two are lost", at(0), at(60), at(0),
    )  # fmt: skip
    see(engine, 60 + GONE_SECONDS)
    assert opened(engine) == {}
    with engine.begin() as conn:
        over = alerts.read_over(conn, at(0))
    assert {one.resolved_at for one in over} == {at(60 + GONE_SECONDS)}
    see(engine, 500, LOST)
    assert opened(engine)["capture-lost"].id not in {one.id for one in over}


def test_what_did_not_last_leaves_no_row(engine: sa.Engine) -> None:
    see(engine, 0, LOW)
    see(engine, 30)
    assert value(engine, "select count(*) from bg.alerts") == 0


def test_machines_that_look_at_the_same_time_see_one_alert(engine: sa.Engine) -> None:
    start = threading.Barrier(4)

    def look(number: int) -> None:
        start.wait()
        for seconds in range(20):
            see(engine, seconds, LOST, host=f"host-{number}")

    threads = [threading.Thread(target=look, args=(number,)) for number in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    (alert,) = opened(engine).values()
    assert alert.raised_at is not None
    assert value(engine, "select count(*) from bg.alerts") == 1


def test_what_a_channel_knows_is_kept_by_alert_and_channel(engine: sa.Engine) -> None:
    see(engine, 0, LOST)
    (alert,) = opened(engine).values()
    told = Told(at(1), CRITICAL, None, 2, at(9), "503")
    with engine.begin() as conn:
        alerts.note(conn, alert.id, "ops", Told())
        alerts.note(conn, alert.id, "ops", told)
        alerts.note(conn, alert.id, "mail", Told(at(3), WARNING))
        assert alerts.read_told(conn, [alert.id]) == {
            (alert.id, "ops"): told, (alert.id, "mail"): Told(at(3), WARNING),
        }  # fmt: skip
        assert alerts.read_told(conn, []) == {}


def test_a_silence_ends_by_itself_or_by_hand(engine: sa.Engine) -> None:
    see(engine, 0, LOW)
    (alert,) = opened(engine).values()
    with engine.begin() as conn:
        alerts.silence(conn, "disk-low", at(100), "ann", "being mended", at(0))
        assert alerts.is_silenced(alert, alerts.silences(conn, at(99)))
        assert not alerts.is_silenced(alert, alerts.silences(conn, at(100)))
        alerts.silence(conn, alert.key, at(100), "ann", "again", at(0))
        assert alerts.unsilence(conn, "disk-low", at(5))
        assert not alerts.unsilence(conn, "disk-low", at(5))
        assert [one.reason for one in alerts.silences(conn, at(5)).values()] == ["again"]
        assert alerts.is_silenced(alert, alerts.silences(conn, at(5)))


def test_one_process_tells_until_it_stops_or_falls_silent(engine: sa.Engine) -> None:
    def lease(holder: str, seconds: float) -> bool:
        with engine.begin() as conn:
            return alerts.lease(conn, holder, at(seconds), 100)

    assert lease("a", 0)
    assert not lease("b", 99)
    assert lease("a", 99)
    assert not lease("b", 198)
    assert lease("b", 199)
    assert not lease("a", 200)
    with engine.begin() as conn:
        alerts.release(conn, "a")
    assert not lease("a", 200)
    with engine.begin() as conn:
        alerts.release(conn, "b")
    assert lease("a", 200)


def test_what_was_over_long_ago_is_let_go_with_what_channels_knew(engine: sa.Engine) -> None:
    see(engine, 0, LOST)
    (alert,) = opened(engine).values()
    with engine.begin() as conn:
        alerts.note(conn, alert.id, "ops", Told())
        alerts.silence(conn, "x", at(9), "ann", "why", at(0))
    see(engine, 1000)
    with engine.begin() as conn:
        alerts.purge(conn, at(999), at(999))
        assert len(alerts.read_over(conn, at(0))) == 1
        alerts.purge(conn, at(1001), at(1001))
    assert value(engine, "select count(*) from bg.alert_deliveries") == 0
    assert value(engine, "select count(*) from bg.alert_silences") == 0
