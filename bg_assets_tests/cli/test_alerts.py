"""`alerts`: channels are tried, what is wrong is listed, silences are kept with who said them."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from bg_assets.alerting.watch import Watch
from bg_assets.cli import doctor
from bg_assets.domain.alerts.kinds import KINDS
from bg_assets.storage import alerts
from bg_assets_tests.alerting import servers
from bg_assets_tests.alerting.scenes import SECRET, settled_for
from bg_assets_tests.alerting.servers import Web
from bg_assets_tests.cli.command import Command


@pytest.fixture
def vendor(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    """A server that is told by Slack's protocol and by a webhook."""
    with servers.web() as made:
        monkeypatch.setenv("BG_ALERTS", "slack,webhook")
        monkeypatch.setenv("BG_ALERTS_SLACK_URL", f"{made.url}/hidden")
        monkeypatch.setenv("BG_ALERTS_WEBHOOK_URL", made.url)
        monkeypatch.setenv("BG_ALERTS_WEBHOOK_SECRET", SECRET)
        yield made


@pytest.fixture
def some_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of doctor that the tests here are about; others start processes."""
    some = tuple(one for one in doctor.CHECKS if one[0] in ("database", "triggers", "alerts"))
    monkeypatch.setattr(doctor, "CHECKS", some)


def lose(bg: Command, vendor: Web) -> None:
    """Let a look find that capture is lost."""
    bg.execute("alter table bg.people disable trigger capture_people_update")
    watch = Watch(settled_for(vendor, BG_ALERTS="slack,webhook"))
    watch.round()
    with bg.engine.begin() as conn:
        alerts.release(conn, watch.holder)


def test_a_trial_reaches_all_channels_or_those_named(bg: Command, vendor: Web) -> None:
    done = bg("alerts", "test")
    assert (done.code, done.out) == (0, "slack (slack): told\nwebhook (webhook): told\n")
    assert "[bg_assets] test: a message to try it" in vendor.documents[0]["text"]
    assert bg("alerts", "test", "webhook").out == "webhook (webhook): told\n"
    assert len(vendor.requests) == 3


def test_a_trial_that_fails_says_why_and_ends_with_1(bg: Command, vendor: Web) -> None:
    vendor.answers = [(403, {})]
    found = bg.json("alerts", "test", code=1)
    assert [one["error"] for one in found["channels"]] == [
        "it refuses with 403: check the secret and address", None,
    ]  # fmt: skip
    assert "hidden" not in json.dumps(found)


def test_a_trial_needs_no_database(
    bg: Command, vendor: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BG_DATABASE_URL", "postgresql://x@127.0.0.1:1/nothing")
    assert bg("alerts", "test").code == 0


@pytest.mark.parametrize("command", [("test",), ("run",)])
def test_where_nobody_is_configured_that_is_said(
    bg: Command, some_checks: None, command: tuple[str, ...]
) -> None:
    done = bg("alerts", *command)
    assert done.code == 2
    assert "none configured: BG_ALERTS or BG_ALERTS_FILE" in done.err
    assert "alerts                      none configured\n" in bg("status").out
    (one,) = [one for one in bg.json("doctor")["findings"] if one["check"] == "alerts"]
    assert (one["level"], one["said"][:15]) == ("ok", "none configured")


def test_an_unknown_channel_and_one_with_a_mistake_are_told(
    bg: Command, vendor: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = bg("alerts", "test", "slak")
    assert (done.code, "did you mean slack?" in done.err) == (2, True)
    monkeypatch.setenv("BG_ALERTS_WEBHOOK_SECRET", "hidden")
    done = bg("alerts", "test", "webhook")
    assert (done.code, "secret takes whsec_" in done.err) == (2, True)
    done = bg("alerts", "test")
    assert done.code == 1
    assert "left out: BG_ALERTS: channel webhook: secret takes whsec_" in done.out
    assert "hidden" not in done.out + done.err


def test_what_is_wrong_is_listed_with_what_to_do_and_who_was_told(bg: Command, vendor: Web) -> None:
    assert "nothing is wrong" in bg("alerts", "list").out
    vendor.answers = [(500, {})]
    lose(bg, vendor)
    found = bg.json("alerts", "list")
    (alert,) = found["alerts"]
    assert (alert["key"], alert["severity"], alert["state"]) == ("capture-lost", "critical", "open")
    assert alert["remedy"] == "docs/alerts.md#capture-lost"
    told = {one["channel"]: one for one in alert["told"]}
    assert told["webhook"]["told_at"] is not None
    assert (told["slack"]["error"], told["slack"]["told_at"]) == ("it answered 500", None)
    out = bg("alerts", "list").out
    assert "open    critical capture-lost, since " in out
    assert "-> run `bg-assets migrate`; see docs/alerts.md#capture-lost\n" in out
    assert "slack: not told, 1 times: it answered 500; tried again in 1" in out
    assert re.search(r"^ +webhook: told 20\d\d-\d\d-\d\d \d\d:\d\d UTC$", out, re.M)
    assert "1 open, told to slack, webhook" in bg("status").out


def test_what_is_over_is_listed_when_asked_for(bg: Command, vendor: Web) -> None:
    lose(bg, vendor)
    bg.execute("alter table bg.people enable trigger capture_people_update")
    watch = Watch(settled_for(vendor))
    watch.ahead = timedelta(hours=1)
    watch.round()
    assert bg.json("alerts", "list")["alerts"] == []
    (alert,) = bg.json("alerts", "list", "--all")["alerts"]
    assert (alert["state"], alert["key"]) == ("over", "capture-lost")
    out = bg("alerts", "list", "--all").out
    when = r"20\d\d-\d\d-\d\d \d\d:\d\d UTC"
    assert re.search(rf"^ +webhook: told {when}, its end {when}$", out, re.M)
    assert re.search(rf"^ +slack: told {when}, not told its end; due at the next look$", out, re.M)


def test_a_warning_that_waits_for_the_morning_is_listed_with_the_hours_and_their_zone(
    bg: Command, vendor: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC)
    begin, end = (now + timedelta(hours=hours) for hours in (-1, 2))
    monkeypatch.setenv("BG_ALERTS_QUIET", f"{begin:%H:%M}-{end:%H:%M}")
    monkeypatch.setenv("BG_ALERTS_SLACK_SEVERITY", "critical")
    bg.execute(
        "insert into bg.alerts (kind, severity, said, since, seen_at, raised_at) "
        "values ('runs-failing', 'warning', 'three', now(), now(), now())"
    )
    out = bg("alerts", "list").out
    assert f"quiet hours: {begin:%H:%M}-{end:%H:%M} UTC; now: warnings wait\n" in out
    assert f" webhook: not told; quiet hours until {end:%H:%M} UTC\n" in out
    assert " slack: not told; wants critical alone\n" in out
    found = bg.json("alerts", "list")
    assert found["quiet"]["now"] is True
    (alert,) = found["alerts"]
    assert alert["untold"][1]["waits_for"] == f"quiet hours until {end:%H:%M} UTC"


def test_a_silence_is_kept_with_who_said_it_until_it_is_taken_back(
    bg: Command, vendor: Web
) -> None:
    done = bg("alerts", "silence", "capture-lost", "--for", "2h", "--reason", "a  load")
    assert done.code == 0
    assert done.out.startswith("nobody is told of capture-lost until 20")
    lose(bg, vendor)
    assert vendor.requests == []
    found = bg.json("alerts", "list")
    assert found["alerts"][0]["silenced"] is True
    assert [(one["key"], one["reason"]) for one in found["silences"]] == [
        ("capture-lost", "a load")
    ]
    assert bg("alerts", "unsilence", "capture-lost").out == "capture-lost is told again\n"
    lose(bg, vendor)
    assert len(vendor.requests) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("silence", "captur-lost", "--for", "2h", "--reason", "x"), "did you mean capture-lost?"),
        (("silence", "disk-low", "--for", "soon", "--reason", "x"), "--for takes a length"),
        (("silence", "disk-low", "--for", "90d", "--reason", "x"), "30d at most"),
        (("silence", "disk-low", "--for", "2h", "--reason", " "), "--reason takes 1 to 500"),
        (("unsilence", "disk-low"), "disk-low is not silenced"),
    ],
)
def test_what_can_not_be_meant_is_refused_in_words(
    bg: Command, arguments: tuple[str, ...], said: str
) -> None:
    done = bg("alerts", *arguments)
    assert (done.code, said in done.err) == (2, True)


def test_the_kinds_are_listed(bg: Command) -> None:
    found = bg.json("alerts", "list", "--kinds")
    assert [one["kind"] for one in found] == list(KINDS)
    assert len(bg("alerts", "list", "--kinds").out.splitlines()) == len(KINDS)


def test_doctor_tells_mistakes_and_that_nobody_looks(
    bg: Command, vendor: Web, some_checks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BG_ALERTS_QUIET", "at night")
    findings = [one for one in bg.json("doctor", code=1)["findings"] if one["check"] == "alerts"]
    assert [one["level"] for one in findings] == ["fail", "warn"]
    assert "BG_ALERTS_QUIET takes hours like" in findings[0]["said"]
    assert findings[1]["said"] == "slack, webhook: nobody looks"
    lose(bg, vendor)
    monkeypatch.delenv("BG_ALERTS_QUIET")
    (one,) = [one for one in bg.json("doctor", code=1)["findings"] if one["check"] == "alerts"]
    assert (one["level"], one["said"]) == ("ok", "1 open, told to slack, webhook")
    (lost,) = [one for one in bg.json("doctor", code=1)["findings"] if one["check"] == "triggers"]
    assert lost["alert"] == "capture-lost"
