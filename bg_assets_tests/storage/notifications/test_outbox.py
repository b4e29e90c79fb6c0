"""The outbox is written with the group or not at all, for those who want it, and without names."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bg_assets.domain.groups.difference import Event
from bg_assets.domain.groups.outcome import Outcome
from bg_assets.storage import groups
from bg_assets.storage.notifications import outbox, subscriptions
from bg_assets.tracing import spans
from bg_assets_tests.storage.notifications.subscribers import (
    KEYS,
    SECRET,
    messages,
    news,
    statuses,
    subscribe,
    tell,
)
from bg_assets_tests.storage.rows import change, company, rows, run, value
from bg_assets_tests.storage.steps import PRODUCT, complete, held_by_a_run, outcome

ROLE = {"role": "champion", "confidence": 0.5, "pinned": False}
GAP = {"role": "blocker", "function": "legal", "reason": "nobody in legal"}


def switch(engine: sa.Engine, number: int, status: str) -> None:
    run(engine, "update bg.subscriptions set status = :status where id = :id",
        id=number, status=status)  # fmt: skip


def test_the_commit_of_a_group_writes_a_message_with_its_news(acme: sa.Engine) -> None:
    number = subscribe(acme)
    run(acme, "update bg.people set title = 'CFO', name = 'Ann Secret' where id = 'ann'")
    (held,) = held_by_a_run(acme)
    complete(acme, "run-1", [held])

    (message,) = rows(acme, "select * from bg.outbox")
    assert message["workspace"] == "default"
    assert (message["company_id"], message["product"]) == ("acme", PRODUCT)
    assert (str(message["refresh_id"]), message["kinds"]) == (held.refresh_id, ["joined"])
    assert message["payload"] == {
        "joined": [
            {"person_id": who, "title": "CFO", "role": "stakeholder", "confidence": None,
             "pinned": False, "reason": "new"}
            for who in ("ann", "bob")
        ]
    }  # fmt: skip
    assert "Secret" not in json.dumps(message, default=str)
    (delivery,) = rows(acme, "select * from bg.deliveries")
    assert (delivery["subscription_id"], delivery["outbox_id"]) == (number, message["id"])
    assert (delivery["company_id"], delivery["status"]) == ("acme", "pending")


def test_a_commit_that_fails_leaves_no_message(acme: sa.Engine) -> None:
    subscribe(acme)
    (held,) = held_by_a_run(acme)
    with acme.connect() as conn:
        assert groups.complete(conn, "run-1", [outcome(held, ["ann"])], 0)
        assert value(conn, "select count(*) from bg.deliveries") == 1
        conn.rollback()

    assert (messages(acme), statuses(acme)) == (0, [])
    complete(acme, "run-1", [held])
    assert messages(acme) == 1


def test_a_run_that_lost_its_refresh_tells_nobody(acme: sa.Engine) -> None:
    subscribe(acme)
    (held,) = held_by_a_run(acme)
    late = replace(held, attempt=held.attempt + 1)
    assert complete(acme, "run-1", [late]) == set()
    assert messages(acme) == 0


def test_a_group_that_stays_as_it_is_writes_no_message(built: sa.Engine) -> None:
    subscribe(built)
    complete(built, "run-1", held_by_a_run(built))
    assert messages(built) == 0


@pytest.mark.parametrize("status", ["none", "disabled", "removed"])
def test_nothing_is_written_while_nobody_subscribes(acme: sa.Engine, status: str) -> None:
    if status != "none":
        switch(acme, subscribe(acme), status)
    complete(acme, "run-1", held_by_a_run(acme))
    assert messages(acme) == 0


def test_news_for_a_failed_subscription_are_kept_and_not_queued(acme: sa.Engine) -> None:
    switch(acme, subscribe(acme), "failed")
    complete(acme, "run-1", held_by_a_run(acme))
    assert (messages(acme), statuses(acme)) == (1, [])


def test_who_is_told_is_decided_by_workspace_product_and_kind(engine: sa.Engine) -> None:
    company(engine, "here")
    company(engine, "there")
    run(engine, "update bg.companies set workspace = 'west' where id = 'there'")
    wishes: dict[str, dict[str, Any]] = {
        "all": {}, "west": {"workspace": "west"}, "hr": {"products": ("hr_system",)},
        "both": {"products": ("hr_system", PRODUCT)}, "left": {"kinds": ("left",)},
        "gaps": {"kinds": ("gap_closed", "gap_opened")},
    }  # fmt: skip
    numbers = {subscribe(engine, **wish): name for name, wish in wishes.items()}
    told = [
        news("here"),
        news("here", event="gap_opened", person_id=None, new=GAP),
        news("here", product="hr_system", event="left", old=ROLE, new=None),
        news("there"),
    ]
    with engine.begin() as conn:
        outbox.write(conn, told)

    found: dict[tuple[str, str], set[str]] = {}
    for row in rows(engine, "select o.company_id, product, subscription_id from bg.deliveries "
                    "as d join bg.outbox as o on o.id = outbox_id"):  # fmt: skip
        key = (row["company_id"], row["product"])
        found.setdefault(key, set()).add(numbers[row["subscription_id"]])
    assert found == {
        ("here", PRODUCT): {"all", "both", "gaps"},
        ("here", "hr_system"): {"all", "hr", "both", "left"},
        ("there", PRODUCT): {"west"},
    }


def test_news_that_nobody_wants_are_not_written(engine: sa.Engine) -> None:
    company(engine, "acme")
    subscribe(engine, kinds=("left",))
    subscribe(engine, workspace="west")
    subscribe(engine, products=("hr_system",))
    tell(engine, "acme")
    assert messages(engine) == 0


def test_the_end_of_a_company_that_is_deleted_for_good_is_told_in_all_workspaces(
    acme: sa.Engine,
) -> None:
    complete(acme, "run-0", held_by_a_run(acme, "run-0"))
    subscribe(acme)
    subscribe(acme, workspace="west")
    run(acme, "delete from bg.companies")
    run(acme, "delete from bg.people")
    change(acme, "acme")
    complete(acme, "run-1", held_by_a_run(acme, "run-1", 2000))
    assert rows(acme, "select workspace, kinds from bg.outbox") == [
        {"workspace": None, "kinds": ["left"]}
    ]
    assert statuses(acme) == ["pending", "pending"]


def test_news_of_every_kind_are_told_with_their_reasons(acme: sa.Engine) -> None:
    subscribe(acme)
    (held,) = held_by_a_run(acme)
    events = (
        Event("joined", "ann", None, ROLE, "why"),
        Event("left", "zoe", {"role": "blocker"}, None, "no longer at the company"),
        Event("role_changed", "bob", {"role": "blocker"}, ROLE, "promoted"),
        Event("gap_opened", None, None, GAP, GAP["reason"]),
        Event("gap_closed", None, {**GAP, "role": None}, None, "no longer missing"),
    )
    with acme.begin() as conn:
        groups.complete(
            conn, "run-1", [(held, Outcome((), tuple((PRODUCT, e) for e in events)))], 0
        )
    (payload,) = (row["payload"] for row in rows(acme, "select payload from bg.outbox"))
    who = {"title": "CFO", "role": "champion", "confidence": 0.5, "pinned": False}
    assert payload == {
        "joined": [{"person_id": "ann", "reason": "why", **who}],
        "left": [{"person_id": "zoe", "title": None, "role": "blocker",
                  "reason": "no longer at the company"}],
        "role_changed": [{"person_id": "bob", "old_role": "blocker", "reason": "promoted", **who}],
        "gap_opened": [{"role": "blocker", "function": "legal", "reason": "nobody in legal"}],
        "gap_closed": [{"role": None, "function": "legal", "reason": "no longer missing"}],
    }  # fmt: skip


def test_a_message_carries_the_trace_of_the_commit_or_else_of_the_newest_change(
    acme: sa.Engine,
) -> None:
    subscribe(acme)
    run(acme, "update bg.changes set trace_id = 'of the change'")
    complete(acme, "run-1", held_by_a_run(acme))
    with acme.begin() as conn:
        run(conn, "set local bg.trace_id = 'of the commit'")
        outbox.write(conn, [news("acme")])
    traces = rows(acme, "select trace_id from bg.outbox order by id")
    assert [row["trace_id"] for row in traces] == ["of the change", "of the commit"]


def test_where_spans_are_sent_a_message_carries_the_place_of_its_commit(
    acme: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    monkeypatch.setattr(spans, "here", lambda: place)
    subscribe(acme)
    tell(acme, "acme")
    assert value(acme, "select trace_id from bg.outbox") == place


def test_old_messages_go_in_steps_with_what_became_of_them(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    company(engine, "acme")
    subscribe(engine)
    for number in range(5):
        tell(engine, "acme", number=number)
    run(engine, "update bg.outbox set created_at = now() - interval '31 days' "
        "where id < (select max(id) from bg.outbox)")  # fmt: skip
    monkeypatch.setattr(outbox, "_STEP", 3)
    gone = []
    for _ in range(3):
        with engine.begin() as conn:
            gone.append(outbox.remove_old(conn, 30 * 86_400.0))
    assert gone == [3, 1, 0]
    assert (messages(engine), statuses(engine)) == (1, ["pending"])


def test_what_belongs_to_a_removed_subscription_goes_in_steps_and_then_itself(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    company(engine, "acme")
    number, other = subscribe(engine), subscribe(engine)
    for turn in range(4):
        tell(engine, "acme", number=turn)
    with engine.begin() as conn:
        subscriptions.remove(conn, number, "tester")
    secrets = rows(engine, "select subscription_id from bg.subscription_secrets")
    assert [row["subscription_id"] for row in secrets] == [other]
    monkeypatch.setattr(outbox, "_STEP", 3)
    gone = []
    for _ in range(4):
        with engine.begin() as conn:
            gone.append(outbox.remove_subscriptions(conn))
    assert gone == [3, 1, 1, 0]
    assert value(engine, "select id from bg.subscriptions") == other
    assert statuses(engine) == ["pending"] * 4
    with engine.begin() as conn, pytest.raises(subscriptions.NoSuchSubscription):
        subscriptions.rotate(conn, KEYS, number, SECRET, timedelta(), "tester")
