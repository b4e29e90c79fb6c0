"""What is old and over goes; what somebody still needs stays, however old it is."""

import json
from hashlib import sha256

import pytest
import sqlalchemy as sa

from bg_assets import encryption, settings
from bg_assets.settings import BadSetting
from bg_assets.storage import encrypted, key_rotation
from bg_assets.storage.retention.policy import policy
from bg_assets.storage.webhooks import events
from bg_assets.storage.webhooks.events import NewEvent
from bg_assets_tests.storage.retention.playing import ago, kept, round_of
from bg_assets_tests.storage.rows import company, group, insert, refresh, rows, run, value


def old_refresh(engine: sa.Engine, company_id: str, days: float, status: str = "completed") -> str:
    when = ago(engine, days)
    return refresh(engine, company_id, status, requested_at=when, finished_at=when)


def old_change(engine: sa.Engine, person: str, days: float, *, handled: bool = True,
               of: str | None = None) -> None:  # fmt: skip
    when = ago(engine, days)
    if handled and of is None:
        of = old_refresh(engine, "acme", days)
    insert(
        engine, "bg.changes", company_id="acme", person_id=person, kind="role_change",
        source="people_table", priority=1, is_departure=False, occurred_at=when,
        handled_at=when if handled else None, refresh_id=of,
    )  # fmt: skip


def left(engine: sa.Engine, column: str, table: str) -> list[str]:
    return sorted(str(row["it"]) for row in rows(engine, f"select {column} as it from {table}"))


def test_handled_changes_go_and_those_that_nobody_has_handled_stay(engine: sa.Engine) -> None:
    company(engine, "acme")
    dead = old_refresh(engine, "acme", 300, "dead")
    aside = old_refresh(engine, "acme", 299, "cancelled")
    done = old_refresh(engine, "acme", 298)
    old_change(engine, "handled long ago", 100, of=done)
    old_change(engine, "handled lately", 80, of=done)
    old_change(engine, "pending", 100, handled=False)
    old_change(engine, "held by a dead refresh", 100, handled=False, of=dead)
    old_change(engine, "set aside", 100, handled=False, of=aside)
    assert round_of(engine, "changes") == {"changes": 1}
    assert left(engine, "person_id", "bg.changes") == [
        "handled lately", "held by a dead refresh", "pending", "set aside",
    ]  # fmt: skip


def test_a_change_that_was_handled_late_goes_in_a_later_round_though_others_came_after(
    engine: sa.Engine,
) -> None:
    company(engine, "acme")
    old_change(engine, "late", 200, handled=False)
    old_change(engine, "other", 199)
    assert round_of(engine, "changes") == {"changes": 1}
    run(engine, "update bg.changes set handled_at = now() - interval '91 d', refresh_id = ("
        "select id from bg.buyer_group_refresh_log)")  # fmt: skip
    assert round_of(engine, "changes") == {"changes": 1}


def test_a_refresh_goes_once_another_has_completed_and_nothing_refers_to_it(
    engine: sa.Engine,
) -> None:
    company(engine, "acme")
    company(engine, "bolt")
    named = {
        "superseded": old_refresh(engine, "acme", 400),
        "cancelled": old_refresh(engine, "acme", 399, "cancelled"),
        "dead": old_refresh(engine, "acme", 398, "dead"),
        "of a change": old_refresh(engine, "acme", 397),
        "of history": old_refresh(engine, "acme", 396),
        "of the group": old_refresh(engine, "acme", 395),
        "last": old_refresh(engine, "acme", 394),
        "last completed": old_refresh(engine, "bolt", 390),
        "last cancelled": old_refresh(engine, "bolt", 389, "cancelled"),
    }
    under_way = refresh(engine, "acme", "running", requested_at=ago(engine, 393))
    old_change(engine, "p", 300, of=named["of a change"], handled=False)
    group(engine, "acme", {}, named["of the group"])
    insert(
        engine, "bg.buyer_group_history", refresh_id=named["of history"], company_id="acme",
        product="finance_system", person_id="p", event="joined", because="x",
    )  # fmt: skip
    insert(
        engine, "bg.refresh_attempts", refresh_id=named["superseded"], attempt=1,
        ended_at=ago(engine, 400), error="gone",
    )  # fmt: skip
    assert round_of(engine, "refreshes") == {"refreshes": 2}
    gone = {"superseded", "cancelled"}
    expected = {one for name, one in named.items() if name not in gone} | {under_way}
    assert set(left(engine, "id", "bg.buyer_group_refresh_log")) == expected
    assert value(engine, "select count(*) from bg.refresh_attempts") == 0


def test_what_refers_to_a_refresh_goes_before_it_in_one_round(engine: sa.Engine) -> None:
    company(engine, "acme")
    first = old_refresh(engine, "acme", 400)
    old_refresh(engine, "acme", 300)
    old_change(engine, "p", 400, of=first)
    gone = round_of(engine)
    assert (gone["changes"], gone["refreshes"]) == (1, 1)


def test_history_goes_but_for_those_who_are_in_the_group(engine: sa.Engine) -> None:
    company(engine, "acme", ["ann", "bob"])
    long_ago, lately = old_refresh(engine, "acme", 1200), old_refresh(engine, "acme", 1000)
    group(engine, "acme", {"ann": "champion"}, lately)
    for of, who, event in (
        (long_ago, "ann", "joined"), (long_ago, "bob", "joined"), (long_ago, "bob", "left"),
        (long_ago, None, "gap_opened"), (lately, "cid", "left"),
    ):  # fmt: skip
        insert(
            engine, "bg.buyer_group_history", refresh_id=of, company_id="acme",
            product="finance_system", person_id=who, event=event, because="x",
        )  # fmt: skip
    assert round_of(engine, "history") == {"history": 3}
    assert left(engine, "person_id", "bg.buyer_group_history") == ["ann", "cid"]


def arrived(engine: sa.Engine, keys: encryption.Keys, *ids: str, body: bytes = b"{}") -> int:
    """Take in events of these ids as the door does; returns how many were new."""
    hasher = encryption.Hasher(encryption.new_key())
    new = [
        NewEvent("crm", one, "person.left", "acme", "p1", ago(engine, 1).isoformat(), None,
                 events.sealed(keys, body), hasher.digest(body))
        for one in ids
    ]  # fmt: skip
    with engine.begin() as conn:
        return len(events.insert(conn, new))


@pytest.fixture
def keys(tmp_path_factory: pytest.TempPathFactory) -> encryption.Keys:
    return encryption.load(settings.read({"BG_ENCRYPTION_KEYS": encryption.new_key()}))


def test_of_an_event_that_is_over_the_payload_goes_and_its_id_still_counts_once(
    engine: sa.Engine, keys: encryption.Keys
) -> None:
    arrived(engine, keys, "applied", "ignored", "dead", "pending", "late")
    run(engine, "update bg.webhook_events set status = event_id, status_reason = 'why', "
        "applied_at = now() - interval '91 d' "
        "where event_id in ('applied', 'ignored', 'dead')")  # fmt: skip
    run(engine, "update bg.webhook_events set status = 'applied', applied_at = now() "
        "where event_id = 'late'")  # fmt: skip
    assert round_of(engine, "events") == {"events": 2}
    assert rows(engine, "select event_id, body_digest, person_ref, company_ref from "
                "bg.webhook_events where payload = '' order by 1") == [
        {"event_id": one, "body_digest": None, "person_ref": None, "company_ref": None}
        for one in ("applied", "ignored")
    ]  # fmt: skip
    assert arrived(engine, keys, "applied", "ignored", "dead", "pending") == 0
    with engine.begin() as conn:
        assert events.find(conn, [("crm", "applied")])["crm", "applied"].digest is None


def test_keys_are_rotated_and_looked_for_past_payloads_that_went(engine: sa.Engine) -> None:
    old, new = encryption.new_key(), encryption.new_key()
    arrived(engine, encryption.load(settings.read({"BG_ENCRYPTION_KEYS": old})), "gone", "kept")
    run(engine, "update bg.webhook_events set status = 'applied', applied_at = now() - "
        "interval '91 d' where event_id = 'gone'")  # fmt: skip
    assert round_of(engine, "events") == {"events": 1}
    both = settings.read({"BG_ENCRYPTION_KEYS": f"{new},{old}"})
    with engine.begin() as conn:
        assert encrypted.unreadable(conn, encryption.load(both))[1] == 1, "of another digest"
    done = key_rotation.rotate(engine, both, "tester", lambda done, total: None)
    assert (done.payloads, done.unreadable) == (1, 0)
    with engine.begin() as conn:
        assert encrypted.unreadable(conn, encryption.load(both)) == (0, 0)
        run(conn, "delete from bg.webhook_events where event_id = 'kept'")
        assert not encrypted.anything(conn)


def test_answers_and_questions_go_once_they_have_long_expired(engine: sa.Engine) -> None:
    for key, asked, expires, output in (
        ("expired", 200, 150, "{}"), ("failed", 200, None, None), ("lasts", 200, -30, "{}"),
        ("expired lately", 200, 20, "{}"), ("young", 20, 10, "{}"), ("paid", 200, -1, None),
    ):  # fmt: skip
        insert(
            engine, "bg.pipeline_operations", key=sha256(key.encode()).hexdigest(),
            provider="csv", kind="person", company_id="acme", person_id=key,
            status="done" if output else "failed", output=output, found=True if output else None,
            failure=None if output else "permanent", error=None if output else "why",
            started_at=ago(engine, asked), finished_at=ago(engine, asked),
            expires_at=None if expires is None else ago(engine, expires),
        )  # fmt: skip
    round_of(engine, "operations")
    assert left(engine, "person_id", "bg.pipeline_operations") == [
        "expired lately", "lasts", "paid", "young",
    ]  # fmt: skip


def test_values_of_kpis_and_messages_go(engine: sa.Engine) -> None:
    for days in (100, 1):
        insert(engine, "bg.kpi_values", name="members", at=ago(engine, days), state="unknown")
        insert(
            engine, "bg.outbox", company_id="acme", product="x", payload=json.dumps({}),
            refresh_id="00000000-0000-4000-8000-000000000000", kinds=["joined"],
            created_at=ago(engine, days),
        )  # fmt: skip
    assert round_of(engine, "kpis", "outbox") == {"kpis": 1, "outbox": 1}


def test_forever_and_0_keep_everything(engine: sa.Engine) -> None:
    company(engine, "acme")
    old_change(engine, "p", 4000)
    assert round_of(engine, "changes", changes="forever") == {}
    assert round_of(engine, "changes", changes="0") == {}
    assert value(engine, "select count(*) from bg.changes") == 1


def test_what_would_go_is_counted_as_it_goes(engine: sa.Engine) -> None:
    company(engine, "acme")
    for days in (500, 400, 300, 20):
        old_refresh(engine, "acme", days)
        old_change(engine, f"p{days}", days)
    found = kept()
    until = {name: one.until(ago(engine, 0)) for name, one in found.items()}
    for name in ("changes", "refreshes", "history", "events", "operations", "outbox", "kpis"):
        count = found[name].count
        assert count is not None
        with engine.begin() as conn:
            number = count(conn, until[name] or ago(engine, 0))
        assert round_of(engine, name) == {name: number}


@pytest.mark.parametrize(
    ("name", "text"),
    [("changes", "1d"), ("history", "365d"), ("refreshes", "47h"), ("runs", "1s"), ("kpis", "x"),
     ("events", "-3d"), ("outbox", "never")],
)  # fmt: skip
def test_what_is_needed_or_makes_no_sense_is_refused(name: str, text: str) -> None:
    with pytest.raises(BadSetting, match=f"BG_RETENTION_{name.upper()} takes"):
        kept(**{name: text})


def test_a_refresh_is_kept_for_longer_than_the_interval_that_it_starts() -> None:
    env = {"BG_REFRESH_INTERVAL": str(10 * 86_400), "BG_RETENTION_REFRESHES": "2d"}
    (one,) = [kind for kind in policy(settings.read(env)) if kind.name == "refreshes"]
    assert one.seconds == 11 * 86_400
