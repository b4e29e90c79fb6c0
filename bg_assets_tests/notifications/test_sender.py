"""What receivers get: signed as the reference libraries want it, in order, and no more than asked.

The sender works in this process here, on a real database, and posts to real servers.
"""

import base64
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import standardwebhooks
import svix

from bg_assets import encryption
from bg_assets.embedded.databases import DatabaseUnreachable
from bg_assets.encryption import Keys
from bg_assets.notifications import testing
from bg_assets.notifications.sender import Pace, Sender
from bg_assets.storage import database
from bg_assets.storage.notifications import outbox, subscriptions
from bg_assets.tracing import spans
from bg_assets_tests.notifications.receivers import Got, Receiver, Said, receiving
from bg_assets_tests.storage.notifications.subscribers import (
    KEYS,
    SECRET,
    due_now,
    news,
    statuses,
    subscribe,
    tell,
)
from bg_assets_tests.storage.rows import company, insert, rows, run, value
from bg_assets_tests.tracing import sending

PACE = Pace(waits=(0.0, 0.1, 0.1, 0.1), attempt_seconds=2, lease_seconds=4)
NEW = "whsec_" + base64.b64encode(b"another secret, after a rotation").decode()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


def deliver(
    engine: sa.Engine, until: Callable[[], bool] | None = None, pace: Pace = PACE,
    seconds: float = 20, keys: Keys = KEYS,
) -> None:  # fmt: skip
    """Send until nothing is pending, or until what a test waits for."""
    sender = Sender(engine, keys, pace)
    over = until or (lambda: "pending" not in statuses(engine))
    end = time.monotonic() + seconds
    while not over() or sender.in_hand:
        assert time.monotonic() < end, "it was not done in time"
        if not sender.turn(claiming=not over()):
            sender.wait(0.02)
    sender.turn(claiming=False)


def document(got: Got) -> Any:
    return json.loads(got.body)


def test_the_reference_libraries_accept_every_message(
    engine: sa.Engine, receiver: Receiver
) -> None:
    """With each of two secrets, while the one follows the other."""
    company(engine, "acme")
    number = subscribe(engine, receiver.url, private=True)
    tell(engine, "acme")
    deliver(engine)
    with engine.begin() as conn:
        subscriptions.rotate(conn, KEYS, number, NEW, timedelta(hours=1), "tester")
    tell(engine, "acme", number=2)
    deliver(engine)

    first, second = receiver.got
    assert len(first.headers["webhook-signature"].split(" ")) == 1
    for got, secrets in ((first, [SECRET]), (second, [SECRET, NEW])):
        for secret in secrets:
            text = got.body.decode()
            headers = dict(got.headers)
            assert standardwebhooks.Webhook(secret).verify(text, headers) == document(got)
            svix.Webhook(secret).verify(text, headers)
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(NEW).verify(first.body.decode(), dict(first.headers))


def test_a_secret_whose_time_is_over_signs_nothing_more(
    engine: sa.Engine, receiver: Receiver
) -> None:
    company(engine, "acme")
    number = subscribe(engine, receiver.url, private=True)
    with engine.begin() as conn:
        assert subscriptions.rotate(conn, KEYS, number, NEW, timedelta(), "tester") == 0
    tell(engine, "acme")
    deliver(engine)
    (got,) = receiver.got
    assert len(got.headers["webhook-signature"].split(" ")) == 1
    standardwebhooks.Webhook(NEW).verify(got.body.decode(), dict(got.headers))


def test_names_are_said_only_where_asked_for_and_read_as_the_message_is_sent(
    engine: sa.Engine, receiver: Receiver
) -> None:
    company(engine, "acme")
    insert(engine, "bg.people", id="ann", company_id="acme", name="Ann Before", title="CFO")
    with receiving() as other:
        subscribe(engine, receiver.url, private=True)
        subscribe(engine, other.url, private=True, names=True)
        with engine.begin() as conn:
            gone = news("acme", event="left", person_id="bob", old={"role": "blocker"}, new=None)
            outbox.write(conn, [news("acme"), gone])
        run(engine, "update bg.people set name = 'Ann After'")
        deliver(engine)
        (named,) = other.got
    (bare,) = receiver.got
    assert b"Ann" not in bare.body
    told = document(named)["data"]
    assert [told["joined"][0]["name"], told["left"][0]["name"]] == ["Ann After", None]
    assert "Ann" not in str(rows(engine, "select * from bg.outbox"))


def test_a_message_says_only_the_kinds_that_were_asked_for(
    engine: sa.Engine, receiver: Receiver
) -> None:
    company(engine, "acme")
    subscribe(engine, receiver.url, private=True, kinds=("joined",))
    with engine.begin() as conn:
        gone = news("acme", event="left", person_id="bob", old={"role": "blocker"}, new=None)
        outbox.write(conn, [news("acme"), gone])
    deliver(engine)
    (got,) = receiver.got
    told = document(got)
    assert (told["type"], set(told["data"])) == (
        "buyer_group.updated", {"company", "product", "refresh_id", "joined"},
    )  # fmt: skip
    assert told["data"]["company"] == {"id": "acme", "name": "Company acme"}
    moment = value(engine, "select created_at from bg.outbox")
    assert told["timestamp"] == moment.isoformat().replace("+00:00", "Z")


def test_a_trace_goes_along_where_it_is_one(engine: sa.Engine, receiver: Receiver) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    company(engine, "acme")
    subscribe(engine, receiver.url, private=True)
    for number, stored in enumerate((trace, "somebody's own")):
        with engine.begin() as conn:
            run(conn, "select set_config('bg.trace_id', :trace, true)", trace=stored)
            outbox.write(conn, [news("acme", number)])
    deliver(engine)
    first, second = receiver.got
    assert first.headers["traceparent"].startswith(f"00-{trace}-")
    assert "traceparent" not in second.headers


def test_each_attempt_leaves_a_span_in_the_trace_of_the_commit(
    engine: sa.Engine, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    company(engine, "acme")
    subscribe(engine, receiver.url, private=True)
    with sending.to_collector(monkeypatch) as collector:
        with spans.span("commit groups") as commit, engine.begin() as conn:
            outbox.write(conn, [news("acme")])
        deliver(engine)
        spans.close()
    (one,) = collector.named("send message")
    assert (one.trace_id, one.parent_id) == tuple((commit.traceparent or "").split("-")[1:3])
    assert one.attributes == {"bg.company_id": "acme", "bg.attempt": 1}
    assert [got.headers["traceparent"] for got in receiver.got] == [one.traceparent]


def test_a_message_that_fails_is_sent_again_under_its_id_and_the_next_waits(
    engine: sa.Engine, receiver: Receiver
) -> None:
    company(engine, "acme")
    company(engine, "bolt")
    subscribe(engine, receiver.url, private=True)
    answers = iter([Said(500), Said(503), Said()])

    def answer(got: Got, handler: BaseHTTPRequestHandler) -> Said:
        return next(answers, Said()) if b'"acme"' in got.body else Said()

    receiver.answer = answer
    tell(engine, "acme", number=1)
    tell(engine, "acme", "bolt", number=2)
    deliver(engine)
    of_acme = [got for got in receiver.got if b'"acme"' in got.body]
    ids = [got.headers["webhook-id"] for got in of_acme]
    assert len(of_acme) == 4
    assert ids[0] == ids[1] == ids[2] != ids[3]
    assert [document(got)["data"]["refresh_id"][-1] for got in of_acme] == ["1", "1", "1", "2"]
    assert set(statuses(engine)) == {"delivered"}


def test_after_its_last_attempt_a_message_is_dead_and_the_next_goes_on(
    engine: sa.Engine, receiver: Receiver
) -> None:
    company(engine, "acme")
    subscribe(engine, receiver.url, private=True)
    receiver.answer = lambda got, handler: Said(400 if b"0001" in got.body else 204)
    tell(engine, "acme", number=1)
    tell(engine, "acme", number=2)
    deliver(engine)
    assert statuses(engine) == ["dead", "delivered"]
    attempts = rows(engine, "select attempts, last_error from bg.deliveries order by outbox_id")
    assert [(row["attempts"], row["last_error"]) for row in attempts] == [
        (4, "HTTP 400"),
        (1, None),
    ]


def test_what_a_receiver_asks_to_wait_is_waited(engine: sa.Engine, receiver: Receiver) -> None:
    company(engine, "acme")
    company(engine, "bolt")
    subscribe(engine, receiver.url, private=True)
    receiver.answer = lambda got, handler: Said(429, {"retry-after": "600"})
    tell(engine, "acme", "bolt")
    deliver(engine, until=lambda: value(
        engine, "select min(attempts) from bg.deliveries") == 1)  # fmt: skip
    waits = "select min(extract(epoch from next_attempt_at - now())) from bg.deliveries"
    assert 500 < value(engine, waits) <= 600
    pause = "select extract(epoch from paused_until - now()) from bg.subscriptions"
    assert 500 < value(engine, pause) <= 600


def test_whoever_answers_gone_gets_nothing_more(engine: sa.Engine, receiver: Receiver) -> None:
    company(engine, "acme")
    subscribe(engine, receiver.url, private=True)
    receiver.answer = lambda got, handler: Said(410)
    tell(engine, "acme")
    status = "select status from bg.subscriptions"
    deliver(engine, until=lambda: value(engine, status) == "failed")
    due_now(engine)
    assert Sender(engine, KEYS, PACE).turn() == 0
    assert len(receiver.got) == 1


def test_a_receiver_that_hangs_takes_nothing_from_another(
    engine: sa.Engine, receiver: Receiver
) -> None:
    """Once it has failed it gets two attempts at a time; the other has all of its messages soon."""
    names = [f"c{number}" for number in range(12)]
    for name in names:
        company(engine, name)
    with receiving() as slow:
        hanging, released = threading.Semaphore(0), threading.Event()

        def hang(got: Got, handler: BaseHTTPRequestHandler) -> Said:
            hanging.release()
            released.wait(20)
            return Said()

        slow.answer = hang
        subscribe(engine, slow.url, private=True)
        subscribe(engine, receiver.url, private=True)
        run(engine, "update bg.subscriptions set failing_since = now() where id = 1")
        tell(engine, *names)
        sender = Sender(engine, KEYS, Pace(at_once=6, of_one=4))
        end = time.monotonic() + 20
        while len(receiver.got) < len(names) and time.monotonic() < end:
            if not sender.turn():
                sender.wait(0.02)
        assert len(receiver.got) == len(names)
        assert len(slow.got) == 2
        released.set()
        while sender.in_hand and time.monotonic() < end:
            sender.turn(claiming=False)
            sender.wait(0.02)
        assert not sender.in_hand


def test_what_no_key_can_sign_waits(engine: sa.Engine, receiver: Receiver) -> None:
    company(engine, "acme")
    subscribe(engine, receiver.url, private=True)
    tell(engine, "acme")
    sender = Sender(engine, Keys((encryption.new_key(),)), PACE)
    assert sender.turn() == 0
    assert (receiver.got, statuses(engine)) == ([], ["pending"])
    deliver(engine)
    assert len(receiver.got) == 1


def test_what_is_recorded_while_the_database_is_away_is_recorded_later(
    engine: sa.Engine, receiver: Receiver
) -> None:
    company(engine, "acme")
    subscribe(engine, receiver.url, private=True)
    tell(engine, "acme")
    other = database.make_engine(
        engine.url.render_as_string(hide_password=False), pool_size=1, name="sender"
    )
    sender = Sender(other, KEYS, PACE)
    assert sender.turn() == 1
    sender.wait(10)
    name = other.url.database
    run(engine, "select pg_terminate_backend(pid) from pg_stat_activity "
        "where application_name = 'sender' and datname = :name", name=name)  # fmt: skip
    end = time.monotonic() + 10
    while sender.in_hand and time.monotonic() < end:
        try:
            sender.turn(claiming=False)
        except DatabaseUnreachable:
            continue
    other.dispose()
    assert statuses(engine) == ["delivered"]
    assert len(receiver.got) == 1


def test_a_test_message_is_signed_and_noted_nowhere(engine: sa.Engine, receiver: Receiver) -> None:
    number = subscribe(engine, receiver.url, private=True)
    with engine.begin() as conn:
        (one,) = subscriptions.read(conn, number)
        keys = subscriptions.signing_keys(conn, KEYS, number)
    assert testing.send(one, keys).accepted
    (got,) = receiver.got
    told = standardwebhooks.Webhook(SECRET).verify(got.body.decode(), dict(got.headers))
    assert told["type"] == "buyer_group.test"
    assert value(engine, "select count(*) from bg.outbox") == 0


@pytest.mark.slow
def test_the_process_sends_gives_signs_of_life_and_ends_soon_when_told(
    engine: sa.Engine, database_url: str, receiver: Receiver, tmp_path: Path
) -> None:
    company(engine, "acme")
    key = encryption.new_key()
    with engine.begin() as conn:
        wish = subscriptions.Wish(receiver.url, "default", private=True)
        subscriptions.add(conn, Keys((key,)), wish, SECRET, "tester")
    tell(engine, "acme")
    program = str(Path(sys.executable).with_name("bg-assets"))
    env = {**os.environ, "BG_DATABASE_URL": database_url, "BG_ENCRYPTION_KEYS": key,
           "BG_HOME": str(tmp_path)}  # fmt: skip
    log = tmp_path / "log"
    with log.open("wb") as out:
        process = subprocess.Popen([program, "notifications"], env=env, stdout=out, stderr=out)
    beats = "select count(*) from bg.workers where kind = 'notifications' and ended_at is null"
    end = time.monotonic() + 30
    while time.monotonic() < end and not (receiver.got and value(engine, beats)):
        time.sleep(0.02)
    told_at = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    assert time.monotonic() - told_at < 3
    assert statuses(engine) == ["delivered"]
    assert value(engine, beats) == 0
    text = log.read_text()
    assert "Traceback" not in text
    assert SECRET.removeprefix("whsec_") not in text
