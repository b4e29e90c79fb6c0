"""One message of a company is in hand at a time, in order; what is not recorded is sent again."""

import random
import threading
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from bg_assets.storage.notifications import deliveries, listing, subscriptions
from bg_assets_tests.storage.notifications.subscribers import (
    claim,
    companies,
    due_now,
    record,
    result,
    statuses,
    subscribe,
    tell,
)
from bg_assets_tests.storage.rows import company, rows, run, value

EVER = datetime(2000, 1, 1, tzinfo=UTC), 0


@pytest.fixture
def told(engine: sa.Engine) -> sa.Engine:
    """Two pieces of news of a, one of b, on their way to the subscription 1."""
    company(engine, "a")
    company(engine, "b")
    assert subscribe(engine) == 1
    tell(engine, "a", number=1)
    tell(engine, "a", "b", number=2)
    return engine


def ready(engine: sa.Engine) -> list[int]:
    with engine.begin() as conn:
        return deliveries.ready(conn)


def replay(engine: sa.Engine, number: int = 1, most: int = 2000) -> list[int]:
    """Replay everything; how many each round made wait."""
    made: list[int] = []
    after = EVER
    while True:
        with engine.begin() as conn:
            again, last = listing.replay(
                conn, number, after, datetime.now(UTC) + timedelta(hours=1), most
            )
        if last is None:
            return made
        made.append(again)
        after = last


def test_of_a_company_the_first_message_is_sent_alone(told: sa.Engine) -> None:
    first = claim(told, 1)
    assert companies(first) == ["a", "b"]
    assert first[0].message.refresh_id.endswith("1")
    assert claim(told, 1) == []
    record(told, *map(result, first))
    (second,) = claim(told, 1)
    assert second.message.refresh_id.endswith("2")
    record(told, result(second))
    assert statuses(told) == ["delivered"] * 3
    assert ready(told) == []


def test_a_message_that_fails_holds_back_its_company_alone(told: sa.Engine) -> None:
    of_a, of_b = claim(told, 1)
    record(told, result(of_a, accepted=False, error="HTTP 500"), result(of_b))
    tell(told, "b", number=3)
    assert companies(claim(told, 1)) == ["b"]
    assert claim(told, 1) == []
    due_now(told)
    again, _ = claim(told, 1)
    assert (again.outbox_id, again.attempts) == (of_a.outbox_id, 1)


def test_what_waits_for_another_is_put_off_until_that_is_tried_again(told: sa.Engine) -> None:
    of_a, of_b = claim(told, 1)
    record(told, result(of_a, accepted=False, wait=7200.0), result(of_b))
    run(told, "update bg.deliveries set next_attempt_at = now() where lease is null "
        "and status = 'pending' and attempts = 0")  # fmt: skip
    assert claim(told, 1) == []
    assert ready(told) == []
    moments = rows(told, "select next_attempt_at as at from bg.deliveries where status = 'pending'")
    assert moments[0]["at"] == moments[1]["at"]


def test_after_a_dead_message_the_next_of_its_company_goes_on(told: sa.Engine) -> None:
    of_a, of_b = claim(told, 1)
    record(told, result(of_a, accepted=False, wait=None, error="HTTP 500"), result(of_b))
    (second,) = claim(told, 1)
    assert second.message.refresh_id.endswith("2")
    assert statuses(told) == ["dead", "pending", "delivered"]
    with told.begin() as conn:
        (dead,) = listing.deliveries(conn, 1, 10, "dead")
        assert listing.overview(conn)["dead"] == 1
    assert (dead.company_id, dead.attempts, dead.last_error) == ("a", 1, "HTTP 500")


def test_a_message_whose_sender_died_is_sent_again_once_its_lease_is_over(told: sa.Engine) -> None:
    before = claim(told, 1, seconds=60)
    assert ready(told) == []
    due_now(told)
    assert ready(told) == [1]
    again = claim(told, 1)
    assert [(one.outbox_id, one.message_id) for one in again] == [
        (one.outbox_id, one.message_id) for one in before
    ]
    record(told, *[result(one, accepted=False, wait=None) for one in before])
    assert set(statuses(told)) == {"pending"}, "whoever is too late has no say"
    record(told, *map(result, again))
    assert statuses(told) == ["delivered", "pending", "delivered"]


def test_no_more_is_taken_than_asked_for_and_the_oldest_first(engine: sa.Engine) -> None:
    names = [f"c{number}" for number in range(9)]
    for name in names:
        company(engine, name)
    number = subscribe(engine)
    tell(engine, *names)
    assert companies(claim(engine, number, most=4)) == names[:4]
    assert companies(claim(engine, number, most=4)) == names[4:8]


def test_while_one_claims_for_a_subscription_no_other_does(told: sa.Engine) -> None:
    with told.begin() as one, told.begin() as other:
        assert deliveries.lock(one, 1) is not None
        assert deliveries.lock(other, 1) is None


def test_a_replay_sends_again_under_the_same_id_what_is_over_and_in_order(told: sa.Engine) -> None:
    before = claim(told, 1)
    record(told, *map(result, before))
    assert replay(told, most=2) == [1, 1]
    again = claim(told, 1)
    assert [one.message_id for one in again] == [one.message_id for one in before]
    assert [one.attempts for one in again] == [0, 0]


def test_a_replay_brings_what_a_subscription_was_never_to_be_sent(told: sa.Engine) -> None:
    late = subscribe(told)
    other = subscribe(told, workspace="west")
    with told.begin() as conn:
        assert listing.missed(conn, late, EVER[0]) == 3
        assert listing.missed(conn, other, EVER[0]) == 0
    assert sum(replay(told, late)) == 3
    assert sum(replay(told, other)) == 0
    assert companies(claim(told, late)) == ["a", "b"]


def test_a_replay_is_of_a_time(told: sa.Engine) -> None:
    run(told, "update bg.outbox set created_at = now() - id * interval '1 day'")
    record(told, *map(result, claim(told, 1)))
    with told.begin() as conn:
        now = value(conn, "select now()")
        since = now - timedelta(days=2.5), 0
        assert listing.replay(conn, 1, since, now - timedelta(days=1.5))[0] == 0
        assert listing.replay(conn, 1, (now - timedelta(days=1.5), 0), now)[0] == 1


def test_what_is_replayed_is_not_sent_while_another_of_its_company_is(told: sa.Engine) -> None:
    record(told, *map(result, claim(told, 1)))
    (second,) = claim(told, 1)
    replay(told)
    assert companies(claim(told, 1)) == ["b"]
    record(told, result(second))
    due_now(told)
    first, _ = claim(told, 1)
    assert first.message.refresh_id.endswith("1")


def test_a_subscription_that_took_nothing_for_days_is_switched_off(told: sa.Engine) -> None:
    first, _ = claim(told, 1)
    assert record(told, result(first, accepted=False)) == []
    run(told, "update bg.subscriptions set failing_since = now() - interval '5 days 1 minute'")
    due_now(told)
    first, _ = claim(told, 1)
    assert record(told, result(first, accepted=False, error="HTTP 500")) == [1]
    assert ready(told) == []
    with told.begin() as conn:
        (found,) = subscriptions.read(conn)
        (line,) = listing.problems(conn)
        assert deliveries.lock(conn, 1) is None
    assert found.status == "failed"
    assert found.status_reason == "it took nothing for 5 days (HTTP 500)"
    assert line.startswith("subscription 1 (https://hooks.example) has been switched off since")
    assert line.endswith("`bg-assets subscriptions enable 1`")
    assert (
        value(told, "select count(*) from bg.audit_log where action = 'subscription.failed'") == 1
    )


def test_one_success_ends_the_days_of_failure(told: sa.Engine) -> None:
    first, other = claim(told, 1)
    record(told, result(first, accepted=False))
    run(told, "update bg.subscriptions set failing_since = now() - interval '6 days'")
    assert record(told, result(other)) == []
    due_now(told)
    (again,) = claim(told, 1)
    assert record(told, result(again, accepted=False)) == []


def test_who_answers_gone_is_switched_off_at_once(told: sa.Engine) -> None:
    first, other = claim(told, 1)
    assert record(told, result(other), result(first, accepted=False, gone=True)) == [1]
    with told.begin() as conn:
        (found,) = subscriptions.read(conn)
    assert (found.status, found.status_reason) == ("failed", "it answered 410 Gone")


def test_a_receiver_that_asks_for_a_pause_gets_nothing_meanwhile(told: sa.Engine) -> None:
    first, other = claim(told, 1)
    record(told, result(first, accepted=False, pause=600.0), result(other))
    due_now(told)
    assert ready(told) == []
    run(told, "update bg.subscriptions set paused_until = now() - interval '1 s'")
    assert ready(told) == [1]


def test_what_waited_while_a_subscription_was_off_goes_on_once_it_is_on(told: sa.Engine) -> None:
    first, _ = claim(told, 1)
    record(told, result(first, accepted=False))
    with told.begin() as conn:
        assert subscriptions.disable(conn, 1, "tester")
        assert not subscriptions.disable(conn, 1, "tester")
    tell(told, "b", number=3)
    assert ready(told) == []
    with told.begin() as conn:
        assert subscriptions.enable(conn, 1, "tester")
        assert not subscriptions.enable(conn, 1, "tester")
    first, other = claim(told, 1)
    assert (first.attempts, other.attempts) == (0, 0)
    assert len(statuses(told)) == 3


def test_nobody_who_sends_is_noticed(told: sa.Engine) -> None:
    def lines() -> list[str]:
        with told.begin() as conn:
            return list(listing.problems(conn))

    assert lines() == []
    run(told, "update bg.deliveries set next_attempt_at = now() - interval '10 minutes'")
    (line,) = lines()
    assert "nobody has sent what waits for subscription 1" in line
    claim(told, 1, most=1)
    assert lines() == []


@pytest.fixture
def many(engine: sa.Engine) -> sa.Engine:
    """Sixty messages of ten companies, for two subscriptions."""
    names = [f"c{number}" for number in range(10)]
    for name in names:
        company(engine, name)
    subscribe(engine)
    subscribe(engine)
    for number in range(6):
        tell(engine, *names, number=number)
    return engine


def test_senders_side_by_side_send_each_message_once_and_each_company_in_order(
    many: sa.Engine,
) -> None:
    """Four at once, some of whose attempts fail; in hand is never more than one of a company."""
    engine = sa.create_engine(many.url, pool_size=4)
    in_hand: set[tuple[int, str]] = set()
    sent: dict[tuple[int, str], list[int]] = {}
    guard = threading.Lock()
    broken: list[str] = []

    def turn(chance: random.Random) -> None:
        for number in ready(engine):
            with engine.begin() as conn:
                found = (
                    deliveries.claim(conn, number, 3, 60) if deliveries.lock(conn, number) else []
                )
            with guard:
                keys = [(one.subscription_id, one.message.company_id) for one in found]
                broken.extend(f"two of {key}" for key in keys if key in in_hand)
                in_hand.update(keys)
            results = [result(one, accepted=chance.random() > 0.3, wait=0.0) for one in found]
            with guard:
                in_hand.difference_update(keys)
                taken = [key for key, came in zip(keys, results, strict=True) if came.accepted]
                ids = [came.outbox_id for came in results if came.accepted]
                for key, outbox_id in zip(taken, ids, strict=True):
                    sent.setdefault(key, []).append(outbox_id)
            record(engine, *results)

    def work(seed: int) -> None:
        chance = random.Random(seed)
        while value(engine, "select count(*) from bg.deliveries where status = 'pending'"):
            turn(chance)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    engine.dispose()
    assert broken == []
    assert len(sent) == 20
    assert all(ids == sorted(set(ids)) and len(ids) == 6 for ids in sent.values())
    assert set(statuses(many)) == {"delivered"}


def test_a_receiver_that_takes_nothing_for_an_hour_is_told_until_it_does(engine: sa.Engine) -> None:
    number = subscribe(engine)
    tell(engine, "acme")
    (mine,) = claim(engine, number)
    record(engine, result(mine, accepted=False))

    def told() -> list[str]:
        with engine.begin() as conn:
            return list(listing.problems(conn))

    assert told() == []
    run(engine, "update bg.subscriptions set failing_since = now() - interval '61 minutes'")
    (line,) = told()
    assert "has taken no message for 61 min; what waits is tried again" in line
    due_now(engine)
    (mine,) = claim(engine, number)
    record(engine, result(mine))
    assert told() == []
