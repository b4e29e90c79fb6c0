"""What each channel sends, to a server of this machine, and what it says where that fails."""

import socket
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import standardwebhooks
import svix

from bg_assets.alerting.channels import datadog, mail, sending
from bg_assets.alerting.channels.cloudwatch import CloudWatch
from bg_assets.alerting.channels.datadog import Datadog
from bg_assets.alerting.channels.mail import Mail
from bg_assets.alerting.channels.pagerduty import PagerDuty
from bg_assets.alerting.channels.sending import Channel, NotSent
from bg_assets.alerting.channels.slack import Slack
from bg_assets.alerting.channels.webhook import Webhook
from bg_assets.domain.alerts.kinds import CRITICAL, WARNING
from bg_assets.domain.alerts.lives import Alert
from bg_assets.domain.alerts.telling import Told, What
from bg_assets.domain.alerts.wording import message_of, trial_message
from bg_assets.domain.webhooks import secrets
from bg_assets_tests.alerting import servers
from bg_assets_tests.alerting.servers import Web

NOW = datetime.now(UTC)
ALERT = Alert("disk-full", "db1", CRITICAL, "<it> is full & done", "free some", NOW, NOW, NOW)
RAISED = message_of(ALERT, What.RAISED, Told(), "prod", NOW)
OVER = message_of(replace(ALERT, resolved_at=NOW), What.OVER, Told(NOW), "prod", NOW)
TRIAL = trial_message("prod", "ops", NOW)
SECRET = secrets.from_random("standard", bytes(range(32)))


def test_slack_gets_one_text_without_markup_of_others(vendor: Web) -> None:
    Slack("ops", WARNING, f"{vendor.url}/services/T/B/X").send(RAISED)
    (request,) = vendor.requests
    assert request.path == "/services/T/B/X"
    assert request.json == {
        "text": "*[prod] critical: a disk is full*\n&lt;it&gt; is full &amp; done\n"
        f"what to do: free some\nsince {NOW:%Y-%m-%d %H:%M} UTC\n"
        "disk-full:db1; see docs/alerts.md#disk-full"
    }


def test_pagerduty_opens_and_resolves_one_incident(vendor: Web) -> None:
    channel = PagerDuty("oncall", WARNING, "routing", f"{vendor.url}/v2/enqueue")
    channel.send(RAISED)
    channel.send(OVER)
    raised, over = vendor.documents
    assert raised["event_action"] == "trigger"
    assert raised["payload"]["severity"] == "critical"
    assert raised["payload"]["summary"].startswith("[prod] critical: a disk is full: <it> is full")
    assert raised["payload"]["custom_details"]["remedy"] == "docs/alerts.md#disk-full"
    assert over == {
        "routing_key": "routing", "event_action": "resolve", "dedup_key": "prod:disk-full:db1",
    }  # fmt: skip
    assert raised["dedup_key"] == over["dedup_key"]


def test_a_trial_leaves_no_incident_open(vendor: Web) -> None:
    PagerDuty("oncall", WARNING, "routing", vendor.url).send(TRIAL)
    raised, over = vendor.documents
    assert (raised["payload"]["severity"], over["event_action"]) == ("info", "resolve")


def test_a_key_that_pagerduty_would_refuse_for_its_length_is_a_digest(vendor: Web) -> None:
    long = replace(ALERT, subject="x" * 300)
    channel = PagerDuty("oncall", WARNING, "routing", vendor.url)
    channel.send(message_of(long, What.RAISED, Told(), "prod", NOW))
    channel.send(message_of(replace(long, resolved_at=NOW), What.OVER, Told(NOW), "prod", NOW))
    first, second = (one["dedup_key"] for one in vendor.documents)
    assert (first, len(first)) == (second, 64)


def test_datadog_gets_events_of_one_group(vendor: Web) -> None:
    channel = Datadog("dd", WARNING, f"{vendor.url}/api/v1/events", "key")
    channel.send(RAISED)
    channel.send(OVER)
    assert [one["alert_type"] for one in vendor.documents] == ["error", "success"]
    assert len({one["aggregation_key"] for one in vendor.documents}) == 1
    assert vendor.requests[0].headers["dd-api-key"] == "key"
    assert "alert:disk-full" in vendor.documents[0]["tags"]
    assert datadog.url_of("datadoghq.eu") == "https://api.datadoghq.eu/api/v1/events"


def test_cloudwatch_gets_a_metric_that_is_one_while_it_lasts(
    vendor: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    channel = CloudWatch("aws", WARNING, "eu-central-1", url=vendor.url)
    channel.send(RAISED)
    channel.send(OVER)
    raised, over = (one["MetricData"][0] for one in vendor.documents)
    assert vendor.documents[0]["Namespace"] == "bg_assets"
    assert (raised["Value"], over["Value"]) == (1.0, 0.0)
    assert raised["Dimensions"] == over["Dimensions"] == [
        {"Name": "Installation", "Value": "prod"}, {"Name": "Kind", "Value": "disk-full"},
        {"Name": "Alert", "Value": "disk-full:db1"},
    ]  # fmt: skip
    assert "Credential=testing/" in vendor.requests[0].headers["authorization"]


def test_cloudwatch_that_is_refused_says_why_in_a_word(
    vendor: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    vendor.answers = [(403, {})]
    with pytest.raises(NotSent, match="refuses"):
        CloudWatch("aws", WARNING, "eu-central-1", url=vendor.url).send(RAISED)
    assert len(vendor.requests) == 1


def test_the_reference_libraries_accept_the_webhook(vendor: Web) -> None:
    key = secrets.key_of("standard", SECRET)
    assert key is not None
    Webhook("hook", WARNING, f"{vendor.url}/in", key).send(RAISED)
    (request,) = vendor.requests
    svix.Webhook(SECRET).verify(request.body, request.headers)
    document = standardwebhooks.Webhook(SECRET).verify(request.body, request.headers)
    assert document["type"] == "alert.raised"
    assert document["data"]["key"] == "disk-full:db1"
    assert request.headers["webhook-id"] == RAISED.id


def every(url: str, port: int) -> list[Channel]:
    key = bytes(range(32))
    return [
        Slack("slack", WARNING, f"{url}/hidden"),
        PagerDuty("pagerduty", WARNING, "hidden", url),
        Datadog("datadog", WARNING, url, "hidden"),
        Webhook("webhook", WARNING, f"{url}/hidden", key),
        Mail(
            "email", WARNING, "localhost", port, mail.NONE, "a@example.com", ("b@example.com",),
            "user", "hidden",
        ),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "why", "wait"),
    [
        ((500, {}), "it answered 500", None),
        ((503, {"retry-after": "120"}), "it answered 503", 120.0),
        ((429, {"retry-after": "7"}), "it answered 429", 7.0),
        ((403, {}), "it refuses with 403: check the secret and address", 3600.0),
        ((302, {"location": "http://127.0.0.1:1/"}), "redirects are not followed", 3600.0),
    ],
)
def test_what_was_answered_is_told_without_what_is_hidden(
    vendor: Web, answer: tuple[int, dict[str, str]], why: str, wait: float | None
) -> None:
    for channel in every(vendor.url, 1)[:4]:
        vendor.requests.clear()
        vendor.answers = [answer]
        with pytest.raises(NotSent) as err:
            channel.send(RAISED)
        assert why in str(err.value)
        assert err.value.wait == wait
        assert len(vendor.requests) == 1
        assert "hidden" not in str(err.value)


def test_who_never_answers_is_given_up_on(vendor: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "ANSWER_SECONDS", 0.2)
    vendor.answers = [(0, {})]
    with pytest.raises(NotSent, match="no answer in time"):
        Slack("ops", WARNING, vendor.url).send(RAISED)


def test_who_is_not_there_is_told_without_what_is_hidden() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    for channel in every(f"http://127.0.0.1:{port}", port):
        with pytest.raises(NotSent) as err:
            channel.send(RAISED)
        assert "no connection" in str(err.value)
        assert "hidden" not in f"{err.value} {channel!r}"


@pytest.mark.parametrize("tls", [mail.STARTTLS, mail.TLS])
def test_mail_goes_out_over_tls_to_a_server_that_is_trusted(tmp_path: Path, tls: str) -> None:
    trusted = servers.certificate(tmp_path)
    with servers.post(trusted, at_once=tls == mail.TLS) as server:
        letter = Mail(
            "mail", WARNING, "localhost", server.port, tls, "bg@example.com",
            ("ops@example.com", "b@example.com"), "user", "pass", str(trusted),
        )  # fmt: skip
        letter.send(RAISED)
        letter.send(OVER)
        assert server.tls == [True, True]
        first, second = server.letters
        assert first["subject"] == "[prod] critical: a disk is full"
        assert first["to"] == "ops@example.com, b@example.com"
        assert "what to do: free some" in first.get_content()
        assert first["references"] == second["references"]
        assert first["message-id"] != second["message-id"]
        assert len(server.logins) == 2
        with pytest.raises(NotSent, match="SSL"):
            replace(letter, trusted=None).send(RAISED)
        assert len(server.letters) == 2


def test_mail_whose_recipients_are_refused_says_so(tmp_path: Path) -> None:
    with servers.post(None) as server:
        server.recipient = "550 no"
        letter = Mail(
            "mail", WARNING, "localhost", server.port, mail.NONE, "bg@example.com", ("o@a.com",)
        )
        with pytest.raises(NotSent, match="refuses the recipients"):
            letter.send(RAISED)
        server.recipient = "250 ok"
        letter.send(RAISED)
        assert len(server.letters) == 1


def test_mail_is_not_sent_where_tls_is_wanted_and_not_there() -> None:
    with servers.post(None) as server:
        letter = Mail(
            "mail", WARNING, "localhost", server.port, mail.STARTTLS, "a@a.com", ("b@a.com",)
        )
        with pytest.raises(NotSent):
            letter.send(RAISED)
        assert server.letters == []
