"""`keys new|rotate` and `receiver`: what they say, and that no key is ever repeated."""

import os
import socket
from typing import Any

import pytest

from bg_assets.settings import FERNET_KEY
from bg_assets_tests.cli.command import Command


def test_new_prints_another_key_each_time_and_keeps_none(bg: Command) -> None:
    made = [bg("keys", "new").out.removesuffix("\n") for _ in range(2)]
    assert all(FERNET_KEY.fullmatch(key) for key in made)
    assert made[0] != made[1]
    assert not (bg.folder / "home").exists()


def test_rotating_the_variable_goes_by_its_first_key(
    bg: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    bg("webhook", "add-source", "crm", "--scheme", "plain")
    old, new = os.environ["BG_ENCRYPTION_KEYS"], bg("keys", "new").out.strip()
    monkeypatch.setenv("BG_ENCRYPTION_KEYS", f"{new},{old}")
    done = bg("keys", "rotate")
    assert (done.code, done.out) == (
        0,
        "1 secret and 0 payloads encrypted anew, with the newest key\n",
    )
    assert "all but the first can go" in done.err
    assert old not in done.err
    monkeypatch.setenv("BG_ENCRYPTION_KEYS", new)
    nothing = dict.fromkeys(("secrets", "payloads", "up_to_date", "unreadable"), 0)
    assert bg.json("keys", "rotate") == nothing
    path = bg.file("e.json", '{"id": "e-1"}')
    sent = bg("webhook", "send", path, "--source", "crm", "--tries", 1, "--url", "http://[::1]:9/")
    assert "no connection" in sent.out


def test_a_key_that_is_missing_is_told_and_nothing_is_lost(
    bg: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    bg("webhook", "add-source", "crm", "--scheme", "plain")
    before = bg.rows("select secret from bg.webhook_secrets")
    monkeypatch.setenv("BG_ENCRYPTION_KEYS", bg("keys", "new").out.strip())
    done = bg("keys", "rotate")
    assert (done.code, "a key that is not here" in done.err) == (1, True)
    assert _bytes(bg.rows("select secret from bg.webhook_secrets")) == _bytes(before)
    path = bg.file("e.json", '{"id": "e-1"}')
    sent = bg("webhook", "send", path, "--source", "crm")
    assert (sent.code, "no valid secret" in sent.err) == (1, True)


def test_the_receiver_without_keys_does_not_start(
    bg: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BG_ENCRYPTION_KEYS", "")
    done = bg("receiver")
    assert (done.code, "`bg-assets keys new`" in done.err) == (2, True)
    assert len(done.err.splitlines()) == 1


def test_the_receiver_on_a_busy_port_names_the_variable(
    bg: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        monkeypatch.setenv("BG_RECEIVER_PORT", str(busy.getsockname()[1]))
        done = bg("receiver")
    assert (done.code, "BG_RECEIVER_PORT" in done.err) == (2, True)


def _bytes(rows: list[tuple[Any, ...]]) -> list[bytes]:
    return [bytes(row[0]) for row in rows]
