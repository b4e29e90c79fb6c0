"""`subscriptions` as it is typed: secrets are shown once, URLs are looked at first."""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import standardwebhooks

from bg_assets import settings
from bg_assets.encryption import load
from bg_assets.notifications.sender import Pace, Sender
from bg_assets.storage.notifications import outbox
from bg_assets_tests.cli.command import Command
from bg_assets_tests.notifications.receivers import Receiver, Said, receiving
from bg_assets_tests.storage.notifications.subscribers import due_now, news

URL = "https://hooks.example/in/some-token?key=other-token"
GIVEN = "whsec_" + base64.b64encode(b"a secret that somebody has chosen").decode()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


def tell(bg: Command, *companies: str, number: int = 1) -> None:
    with bg.engine.begin() as conn:
        outbox.write(conn, [news(one, number) for one in companies])


def send(bg: Command) -> None:
    """As the process does, until nothing is due."""
    sender = Sender(bg.engine, load(settings.read()), Pace(waits=(0.0, 1000.0)))
    while sender.turn() or sender.in_hand:
        sender.wait(5)


def only(bg: Command) -> Any:
    (one,) = bg.json("subscriptions", "list")["subscriptions"]
    return one


def test_before_anybody_subscribed_nobody_is_told(bg: Command) -> None:
    assert bg("subscriptions", "list").out == (
        "nobody is told: `bg-assets subscriptions add URL` adds somebody\n"
    )
    assert bg.json("subscriptions", "list") == {"subscriptions": []}
    assert bg.json("status")["notifications"] == {
        "subscriptions": {"active": 0, "disabled": 0, "failed": 0}, "pending": 0, "dead": 0,
    }  # fmt: skip
    assert "subscriptions" not in bg("status").out


def test_a_secret_is_shown_once_and_only_where_messages_go_is_listed(bg: Command) -> None:
    done = bg("subscriptions", "add", URL, "--product", "finance_system", "--kind", "joined",
              "--kind", "left", "--names")  # fmt: skip
    secret = done.out.strip()
    assert done.code == 0
    assert secret.startswith("whsec_")
    assert "subscription 1 to https://hooks.example added" in done.err
    listed, shown = bg("subscriptions", "list"), bg("subscriptions", "show", 1)
    assert listed.out == (
        "1 https://hooks.example: active; workspace default; products finance_system; "
        "kinds joined, left; 0 wait, 0 dead\n"
    )
    assert f"url           {URL}\n" in shown.out
    document = bg.json("subscriptions", "show", 1)
    assert (document["url"], document["products"]) == (URL, ["finance_system"])
    assert (document["kinds"], document["names"]) == (["joined", "left"], True)
    assert (document["status"], document["secrets"], document["waiting"]) == ("active", 1, 0)
    told = [listed, shown, bg("status"), bg("subscriptions", "list", "--json")]
    assert not any(secret in one.out + one.err for one in told)
    assert bg.rows("select count(*) from bg.audit_log where detail::text like '%token%'") == [(0,)]
    stored = bg.rows("select secret from bg.subscription_secrets")
    assert secret.encode() not in bytes(stored[0][0])


def test_a_secret_that_is_given_is_not_shown(bg: Command) -> None:
    done = bg("subscriptions", "add", URL, "--secret", "-", stdin=GIVEN + "\n")
    assert (done.code, done.out) == (0, "")
    assert bg("subscriptions", "add", URL, "--secret", "short").code == 2
    assert bg.json("subscriptions", "add", URL, "--secret", GIVEN) == {
        "subscription": 2, "secret": GIVEN,
    }  # fmt: skip


REFUSED = {
    ("http://hooks.example/",): "with http anybody on the way reads along",
    ("http://127.0.0.1:9/",): "private network: say --private",
    ("https://10.1.2.3/",): "private network: say --private",
    ("https://169.254.169.254/", "--private"): "never sent to",
    ("https://me:pass-1@hooks.example/",): "leave it out",
    ("ftp://hooks.example/",): "starts with https://",
    ("https://hooks.example/#part",): "goes nowhere",
    (URL, "--product", "finance_sytem"): "did you mean finance_system",
    (URL, "--kind", "hired"): "joined",
    (URL, "--workspace", " "): "printable",
}


def test_what_can_not_be_subscribed_is_refused_with_the_reason(bg: Command) -> None:
    for arguments, said in REFUSED.items():
        done = bg("subscriptions", "add", *arguments)
        assert (done.code, said in done.err) == (2, True), done.err
        assert "pass-1" not in done.err
    assert bg.json("subscriptions", "list")["subscriptions"] == []


def test_an_unknown_subscription_ends_with_code_2_and_those_that_there_are(bg: Command) -> None:
    plain = ("show", "enable", "disable", "remove", "rotate", "test", "deliveries")
    commands = [*((one,) for one in plain), ("replay", "--from", "1d")]
    for there in ("`bg-assets subscriptions add` adds one", "there are: 1"):
        for command, *more in commands:
            done = bg("subscriptions", command, 7, *more)
            assert (done.code, f"no subscription 7; {there}" in done.err) == (2, True), command
        bg("subscriptions", "add", URL)


def test_a_test_message_tells_what_the_receiver_says(bg: Command, receiver: Receiver) -> None:
    bg("subscriptions", "add", receiver.url, "--private", "--secret", GIVEN)
    done = bg("subscriptions", "test", 1)
    assert (done.code, done.out) == (0, f"http://127.0.0.1:{receiver.port} took it: 204\n")
    (got,) = receiver.got
    told = standardwebhooks.Webhook(GIVEN).verify(got.body.decode(), dict(got.headers))
    assert told["data"] == {"subscription": 1, "workspace": "default"}
    receiver.answer = lambda got, handler: Said(500)
    assert bg.json("subscriptions", "test", 1, code=1) == {
        "to": f"http://127.0.0.1:{receiver.port}", "accepted": False, "code": 500,
        "error": "HTTP 500",
    }  # fmt: skip


def test_after_a_rotation_both_secrets_sign_for_a_while(bg: Command, receiver: Receiver) -> None:
    bg("subscriptions", "add", receiver.url, "--private", "--secret", GIVEN)
    done = bg("subscriptions", "rotate", 1, "--keep", "1h")
    assert "1 of its old ones signs too, for 1h" in done.err
    bg("subscriptions", "test", 1)
    for secret in (GIVEN, done.out.strip()):
        standardwebhooks.Webhook(secret).verify(
            receiver.got[0].body.decode(), dict(receiver.got[0].headers)
        )
    assert only(bg)["secrets"] == 2
    assert bg("subscriptions", "rotate", 1, "--secret", GIVEN).code == 2
    assert "its old ones ended" in bg("subscriptions", "rotate", 1, "--keep", "0").err
    assert only(bg)["secrets"] == 1


def test_messages_are_listed_with_what_became_of_them(bg: Command, receiver: Receiver) -> None:
    bg("subscriptions", "add", receiver.url, "--private")
    bg.companies("acme", "bolt")
    tell(bg, "acme", "bolt")
    receiver.answer = lambda got, handler: Said(500 if b'"acme"' in got.body else 204)
    send(bg)
    newest, oldest = bg.json("subscriptions", "deliveries", 1)["deliveries"]
    assert (newest["company_id"], newest["status"], newest["attempts"]) == ("bolt", "delivered", 1)
    assert (oldest["status"], oldest["last_code"], oldest["last_error"]) == (
        "pending", 500, "HTTP 500",
    )  # fmt: skip
    assert oldest["webhook_id"] in {got.headers["webhook-id"] for got in receiver.got}
    assert oldest["next_attempt_at"] is not None
    assert (only(bg)["waiting"], only(bg)["dead"]) == (1, 0)

    due_now(bg.engine)
    send(bg)
    said = bg("subscriptions", "deliveries", 1, "--status", "dead")
    assert "acme finance_system joined" in said.out
    assert "dead after 2 attempts: HTTP 500" in said.out
    assert "bg-assets subscriptions replay 1 --from" in said.err
    status = bg("status")
    assert "messages dead             1" in status.out
    assert "see dead messages with `bg-assets subscriptions deliveries ID --status dead`" in (
        status.out
    )
    assert bg.json("status")["notifications"]["dead"] == 1


def test_a_replay_sends_again_what_was_told_since_a_time(bg: Command, receiver: Receiver) -> None:
    bg("subscriptions", "add", receiver.url, "--private")
    bg.companies("acme")
    tell(bg, "acme", number=1)
    bg.execute("update bg.outbox set created_at = now() - interval '2 days'")
    tell(bg, "acme", number=2)
    send(bg)
    before = [got.headers["webhook-id"] for got in receiver.got]
    assert bg("subscriptions", "replay", 1, "--from", "1d").out == "1 message is to be sent again\n"
    send(bg)
    assert [got.headers["webhook-id"] for got in receiver.got] == [*before, before[1]]
    since = (datetime.now(UTC) - timedelta(days=3)).date().isoformat()
    assert bg.json("subscriptions", "replay", 1, "--from", since) == {
        "subscription": 1, "replayed": 2,
    }  # fmt: skip
    assert bg("subscriptions", "replay", 1, "--from", "last week").code == 2
    assert bg("subscriptions", "replay", 1).code == 2


def test_one_that_was_switched_off_is_a_problem_until_it_is_on_again(
    bg: Command, receiver: Receiver
) -> None:
    bg("subscriptions", "add", receiver.url, "--private")
    bg.companies("acme", "bolt")
    tell(bg, "acme")
    receiver.answer = lambda got, handler: Said(410)
    send(bg)
    tell(bg, "bolt")
    document = bg.json("status", code=1)
    assert document["notifications"]["subscriptions"]["failed"] == 1
    (problem,) = document["problems"]
    assert "has been switched off since" in problem
    assert problem.endswith("once it is mended, `bg-assets subscriptions enable 1`")
    assert "failed since" in bg("subscriptions", "show", 1).out

    receiver.answer = lambda got, handler: Said()
    done = bg("subscriptions", "enable", 1)
    assert done.out == "subscription 1 is active\n"
    assert "messages that were not sent meanwhile: 1; `bg-assets subscriptions replay 1" in done.err
    command = done.err.partition("`bg-assets ")[2].partition("`")[0].split()
    assert bg(*command).code == 0
    send(bg)
    assert sorted(b'"acme"' in got.body for got in receiver.got[1:]) == [False, True]
    assert bg("status").code == 0


def test_switching_off_and_removing_say_what_they_did(bg: Command) -> None:
    bg("subscriptions", "add", URL)
    assert bg("subscriptions", "disable", 1).out == "subscription 1 is disabled\n"
    assert bg("subscriptions", "disable", 1).out == "subscription 1 is disabled already\n"
    assert bg.json("subscriptions", "enable", 1) == {
        "subscription": 1, "status": "active", "changed": True, "missed": 0,
    }  # fmt: skip
    assert bg("subscriptions", "remove", 1).out == "subscription 1 is removed\n"
    assert bg("subscriptions", "show", 1).code == 2
    actions = [row[0] for row in bg.rows("select action from bg.audit_log order by id")]
    assert actions == [f"subscription.{one}" for one in ("added", "disabled", "enabled", "removed")]


def test_keys_that_are_rotated_still_open_the_secrets_of_subscriptions(
    bg: Command, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    bg("subscriptions", "add", receiver.url, "--private", "--secret", GIVEN)
    newest = bg("keys", "new").out.strip()
    monkeypatch.setenv("BG_ENCRYPTION_KEYS", f"{newest},{settings.read().encryption_keys[0]}")
    assert bg("keys", "rotate").code == 0
    monkeypatch.setenv("BG_ENCRYPTION_KEYS", newest)
    assert bg("subscriptions", "test", 1).code == 0
    monkeypatch.setenv("BG_ENCRYPTION_KEYS", bg("keys", "new").out.strip())
    done = bg("subscriptions", "test", 1)
    assert (done.code, "no secret of subscription 1 can be read" in done.err) == (1, True)
