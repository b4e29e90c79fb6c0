"""The page on notifications shows a message as it is really sent, and says the true figures."""

import json
import re

import sqlalchemy as sa

from bg_assets.domain.notifications import messages, schedule
from bg_assets.encryption import Keys
from bg_assets.notifications.sender import Pace, Sender
from bg_assets.storage.notifications import outbox
from bg_assets_tests.conftest import ROOT
from bg_assets_tests.notifications.receivers import receiving
from bg_assets_tests.storage.notifications.subscribers import KEYS, subscribe
from bg_assets_tests.storage.rows import insert, run

PAGE = (ROOT / "docs" / "notifications.md").read_text(encoding="utf-8")


def test_the_example_is_what_a_receiver_gets(engine: sa.Engine) -> None:
    (text,) = re.findall(r"```json\n(.*?)```", PAGE, re.S)
    example = json.loads(text)
    shown = example["data"]
    company = shown["company"]["id"]
    insert(engine, "bg.companies", id=company, name=shown["company"]["name"])
    events = []
    for kind in messages.KINDS:
        for one in shown[kind]:
            if one.get("title"):
                insert(engine, "bg.company_people", company_id=company, confidence=1,
                       person_id=one["person_id"], title=one["title"])  # fmt: skip
            now = {name: one.get(name) for name in ("role", "function", "confidence", "pinned")}
            before = kind in {"left", "gap_closed"}
            old = {"role": one["old_role"]} if kind == "role_changed" else now if before else None
            events.append(
                {"company_id": company, "product": shown["product"], "event": kind, "old": old,
                 "refresh_id": shown["refresh_id"], "person_id": one.get("person_id"),
                 "new": None if before else now, "because": one["reason"]}
            )  # fmt: skip
    with receiving() as receiver:
        subscribe(engine, receiver.url, private=True)
        with engine.begin() as conn:
            outbox.write(conn, events)
        run(engine, "update bg.outbox set created_at = :at", at=example["timestamp"])
        send(engine, KEYS)
    (got,) = receiver.got
    assert json.loads(got.body) == example
    assert list(json.loads(got.body)["data"]["joined"][0]) == list(shown["joined"][0])


def send(engine: sa.Engine, keys: Keys) -> None:
    sender = Sender(engine, keys, Pace())
    while sender.turn() or sender.in_hand:
        sender.wait(5)


def test_the_attempts_and_kinds_that_are_told_are_the_true_ones() -> None:
    assert len(schedule.SCHEDULE) == 10
    hours = [seconds / 3600 for seconds in schedule.SCHEDULE[4:]]
    told = ", ".join(f"{one:g}" for one in hours[:-1]) + f" and {hours[-1]:g} h"
    assert f"after 5 s, 5 min, 30 min, {told}" in " ".join(PAGE.split())
    assert all(f"`{kind}`" in PAGE for kind in messages.KINDS)
    assert schedule.DISABLED_AFTER == 5 * 86_400
