"""Which channels there are, by variables or a file; a mistake is told, and costs itself alone."""

from pathlib import Path

import pytest

from bg_assets import settings
from bg_assets.alerting import configured
from bg_assets.alerting.channels.mail import Mail
from bg_assets.alerting.channels.pagerduty import PagerDuty
from bg_assets.alerting.channels.slack import Slack
from bg_assets.domain.alerts.kinds import CRITICAL, WARNING
from bg_assets.domain.webhooks import secrets

SECRET = secrets.from_random("standard", bytes(range(32)))
HIDDEN = "https://hooks.example.com/hidden"


def of(**variables: str) -> configured.Configured:
    """The channels by these variables, without their prefix."""
    return configured.read(
        settings.read({f"BG_ALERTS{name}": value for name, value in variables.items()})
    )


def of_file(tmp_path: Path, text: str) -> configured.Configured:
    path = tmp_path / "alerts.yaml"
    path.write_text(text)
    return of(_FILE=str(path))


def test_nothing_is_configured_by_default() -> None:
    found = of()
    assert (found.channels, found.quiet, found.mistakes, found.anything) == ((), None, (), False)


def test_variables_make_channels() -> None:
    found = of(
        **{"": "slack, email"}, _SLACK_URL=HIDDEN, _SLACK_SEVERITY="critical",
        _EMAIL_HOST="smtp.example.com", _EMAIL_FROM="bg@example.com",
        _EMAIL_TO="a@example.com, b@example.com", _QUIET="22:00-07:00 Europe/Berlin",
    )  # fmt: skip
    assert found.mistakes == ()
    assert found.quiet is not None
    slack, letter = found.channels
    assert slack == Slack("slack", CRITICAL, HIDDEN)
    assert isinstance(letter, Mail)
    assert (letter.port, letter.tls, letter.to) == (
        587, "starttls", ("a@example.com", "b@example.com"),
    )  # fmt: skip


def test_a_file_makes_channels_whose_secrets_are_in_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPS_URL", HIDDEN)
    monkeypatch.setenv("PAGER", "routing")
    monkeypatch.setenv("HOOK", SECRET)
    found = of_file(
        tmp_path,
        "channels:\n"
        "  ops: {type: slack, url: 'env:OPS_URL'}\n"
        "  oncall: {type: pagerduty, key: 'env:PAGER', severity: critical}\n"
        "  hook: {type: webhook, url: https://example.com/in, secret: 'env:HOOK'}\n"
        "  mail: {type: email, host: localhost, tls: none, from: a@b.c, to: [d@e.f, g@h.i]}\n",
    )
    assert found.mistakes == ()
    assert found.channels[:2] == (
        Slack("ops", WARNING, HIDDEN), PagerDuty("oncall", CRITICAL, "routing"),
    )  # fmt: skip
    assert [one.type for one in found.channels] == ["slack", "pagerduty", "webhook", "email"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ("{type: slak}", "there is no type 'slak'; did you mean slack?"),
        ("{type: slack}", "url is missing"),
        ("{type: slack, url: 'https://hooks.example.com/hidden'}", "url takes env:NAME"),
        ("{type: slack, url: 'env:NOT_SET_AT_ALL'}", "the variable NOT_SET_AT_ALL is not set"),
        ("{type: slack, url: 'env:OPS_URL', urll: x}", "slack has no field urll"),
        ("{type: slack, url: 'env:OPS_URL', colour: x}", "no field colour; allowed: severity, url"),
        ("{type: slack, url: 'env:OPS_URL', severty: x}", "did you mean severity?"),
        ("{type: slack, url: 'env:PLAIN'}", "url takes https; http is for this machine alone"),
        ("{type: slack, url: 'env:NO_URL'}", "url takes an address like https"),
        ("{type: slack, url: 'env:WITH_PASSWORD'}", "url takes no user and password"),
        ("{type: slack, url: 'env:OPS_URL', severity: grave}", "severity takes warning, critical"),
        ("{type: webhook, url: 'https://a.example', secret: 'env:NO_URL'}", "secret takes whsec_"),
        ("{type: email, from: a@b.c, to: d@e.f}", "host is missing"),
        ("{type: email, host: h, from: a@b.c}", "to is missing"),
        ("{type: email, host: h, from: a, to: d@e.f}", "from and to take addresses"),
        ("{type: email, host: h, tls: none, from: a@b.c, to: d@e.f}", "on this machine alone"),
        ("{type: email, host: h, port: x, from: a@b.c, to: d@e.f}", "port takes a number"),
        ("{type: email, host: h, trusted: /no, from: a@b.c, to: d@e.f}", "there is no file /no"),
    ],
)
def test_a_mistake_is_told_without_what_is_hidden_and_costs_itself_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fields: str, said: str
) -> None:
    for name, value in (
        ("OPS_URL", HIDDEN), ("PLAIN", "http://example.com/hidden"), ("NO_URL", "hidden"),
        ("WITH_PASSWORD", "https://u:hidden@example.com/"), ("PAGER", "routing"),
    ):  # fmt: skip
        monkeypatch.setenv(name, value)
    found = of_file(
        tmp_path,
        f"channels:\n  wrong: {fields}\n  oncall: {{type: pagerduty, key: 'env:PAGER'}}\n",
    )
    (mistake,) = found.mistakes
    assert "channel wrong: " in mistake
    assert said in mistake
    assert "hidden" not in mistake
    assert [one.name for one in found.channels] == ["oncall"]
    assert found.anything


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("channels: [", "is no YAML, line 1"),
        ("channels: [a, b]", "takes `channels:`"),
        ("just text", "takes `channels:`"),
        ("channels: {a: 5}", "takes `channels:`"),
    ],
)
def test_a_file_that_is_none_is_told(tmp_path: Path, text: str, said: str) -> None:
    (mistake,) = of_file(tmp_path, text).mistakes
    assert said in mistake


def test_a_file_that_is_not_there_and_odd_quiet_hours_are_told() -> None:
    found = of(_FILE="/nowhere/alerts.yaml", _QUIET="at night")
    assert [one.split(" ")[0] for one in found.mistakes] == ["BG_ALERTS_FILE:", "BG_ALERTS_QUIET"]
    assert "No such file" in found.mistakes[0]


def test_two_of_a_name_are_one_and_a_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAGER", "other")
    path = tmp_path / "alerts.yaml"
    path.write_text("channels:\n  pagerduty: {type: pagerduty, key: 'env:PAGER'}\n")
    found = of(**{"": "pagerduty"}, _PAGERDUTY_KEY="routing", _FILE=str(path))
    assert found.channels == (PagerDuty("pagerduty", WARNING, "routing"),)
    assert "there are two of this name" in found.mistakes[0]


def test_settings_and_channels_show_no_secret() -> None:
    config = settings.read({"BG_ALERTS": "slack", "BG_ALERTS_SLACK_URL": HIDDEN})
    assert "hidden" not in f"{config!r} {configured.read(config)!r}"
