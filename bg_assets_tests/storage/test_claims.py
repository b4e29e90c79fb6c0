"""Which companies a tick claims, when, and in which order: the clock is passed in."""

import threading
from dataclasses import replace

import pytest
import sqlalchemy as sa

from bg_assets.storage import claims
from bg_assets.storage.claims import Policy
from bg_assets_tests.storage.rows import at, change, group, insert, refresh, rows, run

HOUR = 3600
POLICY = Policy(settle=2, refresh_interval=HOUR, claim_limit=100)


def claim(
    engine: sa.Engine, seconds: float, policy: Policy = POLICY, sensor: str = "s"
) -> set[str]:
    """Claim at a moment; the companies that have a refresh now and had none before."""
    before = _requested(engine)
    with engine.begin() as conn:
        number = claims.claim(conn, policy, sensor, at(seconds))
    found = _requested(engine) - before
    assert len(found) == number
    return found


def _requested(engine: sa.Engine) -> set[str]:
    return {
        row["company_id"]
        for row in rows(
            engine,
            "select company_id from bg.buyer_group_refresh_log where status = 'requested'",
        )
    }


def completed(engine: sa.Engine, company_id: str, seconds: float, *, starts: bool) -> None:
    refresh(
        engine, company_id, "completed", requested_at=at(seconds - 10), finished_at=at(seconds),
        starts_interval=starts,
    )  # fmt: skip


def test_nothing_pending_is_nothing_due(engine: sa.Engine) -> None:
    assert claim(engine, 0) == set()


def test_a_company_is_due_once_it_has_settled(engine: sa.Engine) -> None:
    change(engine, "acme", 0)
    change(engine, "acme", 1)

    assert claim(engine, 2.9) == set()
    assert claim(engine, 3) == {"acme"}


def test_a_stream_of_changes_settles_no_longer_than_half_a_minute(engine: sa.Engine) -> None:
    for second in range(31):
        change(engine, "acme", second)

    assert claim(engine, 29.9) == set()
    assert claim(engine, 30) == {"acme"}


def test_without_settling_a_change_is_due_at_once(engine: sa.Engine) -> None:
    change(engine, "acme", 0)

    assert claim(engine, 0, replace(POLICY, settle=0)) == {"acme"}


def test_the_interval_counts_from_the_end_of_the_last_refresh_because_of_changes(
    engine: sa.Engine,
) -> None:
    completed(engine, "acme", 100, starts=True)
    completed(engine, "acme", 500, starts=False)
    change(engine, "acme", 110)

    assert claim(engine, 100 + HOUR - 1) == set()
    assert claim(engine, 100 + HOUR) == {"acme"}


def test_the_latest_of_several_intervals_counts(engine: sa.Engine) -> None:
    completed(engine, "acme", 0, starts=True)
    completed(engine, "acme", 2000, starts=True)
    change(engine, "acme", 2100)

    assert claim(engine, HOUR + 100) == set()
    assert claim(engine, 2000 + HOUR) == {"acme"}


@pytest.mark.parametrize("status", ["failed", "dead", "cancelled"])
def test_a_refresh_that_did_not_complete_starts_no_interval(engine: sa.Engine, status: str) -> None:
    refresh(engine, "acme", status, finished_at=at(0), starts_interval=True)
    change(engine, "acme", 1)

    assert claim(engine, 10) == {"acme"}


def test_first_builds_backfills_and_manual_refreshes_start_no_interval(engine: sa.Engine) -> None:
    completed(engine, "acme", 0, starts=False)
    change(engine, "acme", 1)

    assert claim(engine, 10) == {"acme"}


def test_a_manual_refresh_waits_neither_for_the_interval_nor_to_settle(engine: sa.Engine) -> None:
    completed(engine, "acme", 0, starts=True)
    change(engine, "acme", 9)
    change(engine, "acme", 10, kind="resync", source="manual", priority=100)

    assert claim(engine, 10) == {"acme"}
    (row,) = rows(engine, "select triggered_by, priority, reason from bg.buyer_group_refresh_log "
                  "where status = 'requested'")  # fmt: skip
    assert row == {"triggered_by": "manual", "priority": 100, "reason": "resync, role_change"}


def test_a_changed_template_waits_for_no_interval_and_takes_along_what_waits(
    engine: sa.Engine,
) -> None:
    completed(engine, "acme", 0, starts=True)
    change(engine, "acme", 5)
    change(engine, "acme", 10, kind="resync", source="template", priority=-5)

    assert claim(engine, 11) == set()
    assert claim(engine, 12) == {"acme"}
    (row,) = rows(engine, "select triggered_by, priority, reason from bg.buyer_group_refresh_log "
                  "where status = 'requested'")  # fmt: skip
    assert row == {"triggered_by": "change", "priority": 30, "reason": "resync, role_change"}


@pytest.mark.parametrize("source", ["manual", "template"])
def test_a_change_of_people_waits_whoever_wrote_it(engine: sa.Engine, source: str) -> None:
    """Only a refresh that was asked for waits for nothing: a writer may call itself anything."""
    completed(engine, "acme", 0, starts=True)
    change(engine, "acme", 10, source=source)

    assert claim(engine, HOUR - 1) == set()
    assert claim(engine, HOUR) == {"acme"}


def test_a_change_of_people_settles_whoever_wrote_it(engine: sa.Engine) -> None:
    change(engine, "acme", 10, source="manual")

    assert claim(engine, 11) == set()


@pytest.mark.parametrize("source", ["people_table", "schedule"])
def test_any_other_resync_waits_like_a_change(engine: sa.Engine, source: str) -> None:
    completed(engine, "acme", 0, starts=True)
    change(engine, "acme", 10, kind="resync", source=source, priority=0)

    assert claim(engine, 100) == set()
    assert claim(engine, HOUR) == {"acme"}


def test_the_departure_of_a_member_settles_but_waits_for_no_interval(engine: sa.Engine) -> None:
    group(engine, "acme", {"ann": "champion"})
    completed(engine, "acme", 0, starts=True)
    change(engine, "acme", 10, departure_of="ann", priority=50)

    assert claim(engine, 11) == set()
    assert claim(engine, 12) == {"acme"}


def test_another_change_of_a_member_waits(engine: sa.Engine) -> None:
    group(engine, "acme", {"ann": "champion"})
    completed(engine, "acme", 0, starts=True)
    change(engine, "acme", 10, person="ann")

    assert claim(engine, 100) == set()


def test_the_departure_of_somebody_outside_the_group_waits(engine: sa.Engine) -> None:
    group(engine, "acme", {"ann": "champion"})
    group(engine, "bolt", {"bob": "champion"})
    completed(engine, "acme", 0, starts=True)
    change(engine, "acme", 10, departure_of="bob", priority=50)
    change(engine, "acme", 10, kind="role_change")

    assert claim(engine, 100) == set()


@pytest.mark.parametrize("status", ["requested", "running"])
def test_a_refresh_under_way_blocks_the_next(engine: sa.Engine, status: str) -> None:
    refresh(engine, "acme", status)
    change(engine, "acme", 0, kind="resync", source="manual")
    change(engine, "bolt", 0)

    assert claim(engine, 100) == {"bolt"}


@pytest.mark.parametrize("status", ["requested", "running"])
def test_who_is_under_way_takes_no_place_of_those_who_are_due(
    engine: sa.Engine, status: str
) -> None:
    refresh(engine, "acme", status)
    change(engine, "acme", 0, priority=90)
    change(engine, "bolt", 0)

    assert claim(engine, 100, replace(POLICY, claim_limit=1)) == {"bolt"}


@pytest.mark.parametrize("status", ["running", "dead"])
def test_what_another_refresh_has_taken_is_not_pending(engine: sa.Engine, status: str) -> None:
    taker = refresh(engine, "acme", status)
    change(engine, "acme", 0)
    run(engine, "update bg.changes set refresh_id = :id", id=taker)

    assert claim(engine, 100) == set()


def test_a_new_change_of_a_dead_company_is_claimed(engine: sa.Engine) -> None:
    refresh(engine, "acme", "dead")
    change(engine, "acme", 0)

    assert claim(engine, 100) == {"acme"}


def test_the_most_urgent_come_first_and_then_the_oldest(engine: sa.Engine) -> None:
    for number, (priority, seconds) in enumerate([(10, 0), (30, 5), (30, 4), (50, 9), (20, 1)]):
        change(engine, f"c{number}", seconds, priority=priority)
    policy = replace(POLICY, claim_limit=4)

    assert claim(engine, 60, policy) == {"c3", "c2", "c1", "c4"}
    assert claim(engine, 60, policy) == {"c0"}


def test_of_the_equally_urgent_the_oldest_comes_first(engine: sa.Engine) -> None:
    change(engine, "acme", 5)
    change(engine, "bolt", 0)

    assert claim(engine, 60, replace(POLICY, claim_limit=1)) == {"bolt"}


def test_the_priority_of_a_company_is_that_of_its_most_urgent_change(engine: sa.Engine) -> None:
    change(engine, "acme", 0, priority=10)
    change(engine, "acme", 1, priority=40)
    change(engine, "bolt", 0, priority=30)

    assert claim(engine, 60, replace(POLICY, claim_limit=1)) == {"acme"}


def test_a_fifth_goes_to_the_oldest_so_that_nothing_starves(engine: sa.Engine) -> None:
    for number in range(20):
        change(engine, f"low{number:02}", number, priority=0)
        change(engine, f"high{number:02}", 100 + number, priority=50)
    found = claim(engine, 500, replace(POLICY, claim_limit=10))

    assert found == {"low00", "low01"} | {f"high{number:02}" for number in range(8)}


@pytest.mark.parametrize(("limit", "expected"), [(1, 1), (4, 4), (5, 5), (7, 7), (9, 9)])
def test_a_claim_takes_as_many_as_the_limit_allows(
    engine: sa.Engine, limit: int, expected: int
) -> None:
    for number in range(9):
        change(engine, f"c{number}", number)

    assert len(claim(engine, 60, replace(POLICY, claim_limit=limit))) == expected


def test_claims_of_the_last_minute_count_against_the_cap(engine: sa.Engine) -> None:
    policy = replace(POLICY, claim_per_minute=3)
    for number in range(5):
        change(engine, f"c{number}", number)

    assert claim(engine, 100, policy) == {"c0", "c1", "c2"}
    assert claim(engine, 159, policy) == set()
    assert claim(engine, 160, policy) == {"c3", "c4"}


def test_the_limit_of_a_tick_holds_within_the_cap_of_a_minute(engine: sa.Engine) -> None:
    policy = replace(POLICY, claim_limit=1, claim_per_minute=3)
    for number in range(5):
        change(engine, f"c{number}", number)

    assert claim(engine, 100, policy) == {"c0"}


def test_what_runs_by_hand_opened_does_not_count_against_the_cap(engine: sa.Engine) -> None:
    for number in range(3):
        refresh(engine, f"d{number}", "running", triggered_by="dagster", requested_at=at(99))
    change(engine, "acme", 0)

    assert claim(engine, 100, replace(POLICY, claim_per_minute=1)) == {"acme"}


def test_a_second_claim_finds_nothing_more(engine: sa.Engine) -> None:
    change(engine, "acme", 0)

    assert claim(engine, 10) == {"acme"}
    assert claim(engine, 20) == set()


def test_a_move_claims_both_companies(engine: sa.Engine) -> None:
    for company_id in ("acme", "bolt"):
        insert(engine, "bg.companies", id=company_id, name="Company")
    insert(engine, "bg.people", id="ann", company_id="acme")
    run(engine, "update bg.changes set handled_at = now(), refresh_id = :id",
        id=refresh(engine, "other", "completed"))  # fmt: skip
    run(engine, "update bg.people set company_id = 'bolt'")
    run(engine, "update bg.changes set occurred_at = :at where handled_at is null", at=at(0))

    assert claim(engine, 60) == {"acme", "bolt"}


def test_two_ticks_at_once_never_claim_a_company_twice(engine: sa.Engine) -> None:
    for number in range(300):
        change(engine, f"c{number}", number % 7, priority=number % 3)
    barrier = threading.Barrier(4)
    numbers: list[int] = []

    def tick(sensor: str) -> None:
        with engine.begin() as conn:
            barrier.wait()
            numbers.append(claims.claim(conn, POLICY, sensor, at(60)))
            numbers.append(claims.claim(conn, replace(POLICY, claim_limit=200), sensor, at(60)))

    threads = [threading.Thread(target=tick, args=(f"s{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert len(numbers) == 8
    assert sum(numbers) == len(_requested(engine)) == 300


def test_a_claim_writes_in_the_order_of_companies_whatever_their_urgency(
    engine: sa.Engine,
) -> None:
    """Two ticks at once then wait for each other; in two orders they would lock each other out."""
    for number in (3, 1, 4, 5, 9, 2, 6, 8, 7, 0):
        change(engine, f"c{number}", 10 - number % 3, priority=10 * (number % 4))
    claim(engine, 60, replace(POLICY, claim_limit=8))

    written = rows(engine, "select company_id from bg.buyer_group_refresh_log order by ctid")
    names = [row["company_id"] for row in written]
    assert len(names) == 8
    assert names == sorted(names)


def test_a_claim_waits_for_the_one_before_and_takes_the_rest(engine: sa.Engine) -> None:
    for number in range(40):
        change(engine, f"c{number:02}", number, priority=number)
    taken: list[int] = []

    def second() -> None:
        with engine.begin() as conn:
            taken.append(claims.claim(conn, POLICY, "second", at(60)))

    with engine.begin() as conn:
        assert claims.claim(conn, replace(POLICY, claim_limit=10), "first", at(60)) == 10
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.2)
        assert thread.is_alive()
    thread.join(10)

    assert taken == [30]


def test_a_change_stamped_by_a_clock_that_was_set_back_since_is_not_waited_for(
    engine: sa.Engine,
) -> None:
    change(engine, "acme", HOUR)
    change(engine, "soon", 61)

    assert claim(engine, 0) == {"acme", "soon"}


def test_two_clocks_that_disagree_by_less_than_a_minute_are_no_clock_set_back(
    engine: sa.Engine,
) -> None:
    change(engine, "acme", 59)

    assert claim(engine, 0) == set()
    assert claim(engine, 61) == {"acme"}


def test_an_interval_that_begins_in_the_future_holds_nobody_up(engine: sa.Engine) -> None:
    completed(engine, "acme", HOUR, starts=True)
    completed(engine, "within", 59, starts=True)
    change(engine, "acme", 0)
    change(engine, "within", 0)

    assert claim(engine, 10) == {"acme"}


def test_the_limit_by_the_minute_counts_no_refreshes_of_the_future(engine: sa.Engine) -> None:
    refresh(engine, "other", "running", requested_at=at(HOUR))
    change(engine, "acme", 0)

    assert claim(engine, 10, replace(POLICY, claim_per_minute=1)) == {"acme"}
