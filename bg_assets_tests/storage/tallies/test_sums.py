"""Sums over all that happened: each thing counts once, when it is over, and none is passed by."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa

from bg_assets.storage.tallies import advancing, settled, sums
from bg_assets.storage.tallies.advancing import Portions
from bg_assets.storage.tallies.sums import BOUNDS, Sums
from bg_assets_tests.storage.rows import at, change, insert, refresh, run, value

ALL = Portions()


@pytest.fixture(autouse=True)
def _begun(engine: sa.Engine) -> None:
    """Counting began long before what the tests do."""
    begun(engine)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is one clock, and no slack is needed."""
    monkeypatch.setattr(settled, "SLACK", timedelta(0))


def begun(engine: sa.Engine) -> None:
    advance(engine)
    with engine.begin() as conn:
        found = sums.locked(conn, at(-5000))
        assert found is not None
        found.ended_to = at(-5000)
        sums.keep(conn, found)


def advance(engine: sa.Engine, portions: Portions = ALL, seconds: float = 10.0) -> Sums:
    with engine.begin() as conn:
        found = advancing.advance(conn, portions, seconds)
    assert found is not None
    return found


def handled(engine: sa.Engine, refresh_id: str, seconds: float, source: str = "webhook") -> None:
    """A change that the refresh led into a group, which occurred so long before START."""
    insert(
        engine, "bg.changes", company_id="acme", kind="role_change", source=source,
        occurred_at=at(-seconds), refresh_id=refresh_id, handled_at=at(0),
    )  # fmt: skip


def bucket(seconds: float) -> list[int]:
    """One that took so long."""
    place = sum(bound < seconds for bound in BOUNDS)
    return [int(number == place) for number in range(len(BOUNDS) + 1)]


def test_what_ended_counts_once_however_often_somebody_asks(engine: sa.Engine) -> None:
    for status in ("completed", "completed", "dead", "failed", "cancelled"):
        refresh(engine, "acme", status, finished_at=at(0), attempt=4, outages=1)
    refresh(engine, "acme", "running")
    for _ in range(3):
        found = advance(engine)
    assert found.counts["refreshes"] == {("completed",): 2, ("dead",): 2, ("cancelled",): 1}
    assert found.counts["retries"] == {(): 10}
    assert found.counts["outages"] == {(): 5}


def test_a_death_still_counts_once_its_refresh_is_requeued_or_purged(engine: sa.Engine) -> None:
    refresh(engine, "acme", "dead", finished_at=at(0))
    before = advance(engine)
    run(engine, "update bg.buyer_group_refresh_log set status = 'failed'")
    assert advance(engine).counts == before.counts
    run(engine, "delete from bg.buyer_group_refresh_log")
    assert advance(engine).counts == before.counts


@pytest.mark.parametrize("seconds", [0.0, 0.1, 0.11, 2.5, 3600.0, 3601.0, 90_000.0])
def test_the_time_from_a_change_to_its_group_falls_into_its_bucket(
    engine: sa.Engine, seconds: float
) -> None:
    handled(engine, refresh(engine, "acme", "completed", finished_at=at(0)), seconds)
    (found,) = advance(engine).times["change"].items()
    assert found[0] == ("webhook",)
    assert found[1].buckets == bucket(seconds)
    assert found[1].seconds == pytest.approx(seconds)


def test_who_names_itself_in_many_ways_is_one_writer(engine: sa.Engine) -> None:
    one = refresh(engine, "acme", "completed", finished_at=at(0))
    for source in ("nightly-7", "nightly-8", "provider:pdl", "provider:csv", "import"):
        handled(engine, one, 1.0, source)
    found = advance(engine)
    found = advance(engine)
    expected = {("other",): 2, ("provider",): 2, ("import",): 1}
    assert {who: sum(one.buckets) for who, one in found.times["change"].items()} == expected
    assert found.counts["changes"] == {("role_change", *who): n for who, n in expected.items()}


def test_a_refresh_tells_how_long_it_waited_and_worked(engine: sa.Engine) -> None:
    refresh(
        engine, "acme", "completed",
        requested_at=at(-9), started_at=at(-5), finished_at=at(0), run_id="r",
    )  # fmt: skip
    found = advance(engine).times
    assert found["wait"][()].buckets == bucket(4)
    assert found["refresh"][()].buckets == bucket(5)
    assert found["run"][()].buckets == bucket(5)


def test_a_run_counts_once_when_the_last_of_its_companies_is_done(engine: sa.Engine) -> None:
    for number, end in enumerate((0, 20, 40)):
        refresh(
            engine, f"c{number}", "completed", run_id="r", started_at=at(-5), finished_at=at(end)
        )
    portions = Portions(refreshes=1)
    found = advance(engine, portions, seconds=0)
    assert sum(found.times["refresh"][()].buckets) == 1
    assert "run" not in found.times
    found = advance(engine, portions)
    assert found.times["run"][()].buckets == bucket(45)


def test_a_run_does_not_count_while_a_company_of_it_is_under_way(
    engine: sa.Engine, at_once: None
) -> None:
    refresh(engine, "c7", "running", run_id="s", started_at=at(0))
    refresh(engine, "c8", "completed", run_id="s", started_at=at(0), finished_at=at(60))
    assert "run" not in advance(engine).times
    run(engine, "update bg.buyer_group_refresh_log set status = 'completed', "
        "finished_at = clock_timestamp() where status = 'running'")  # fmt: skip
    assert sum(advance(engine).times["run"][()].buckets) == 1


def test_a_backlog_is_caught_up_in_portions_of_which_none_counts_twice(engine: sa.Engine) -> None:
    for second in range(23):
        for company in range(2):
            # Two end at the same moment: a portion ends behind both.
            one = refresh(engine, f"c{company}", "completed", finished_at=at(second))
            handled(engine, one, 1.0)
    advance(engine)
    turns = 0
    while True:
        before = advance(engine)
        after = advance(engine, Portions(refreshes=5, ids=7), seconds=0)
        turns += 1
        if before.counts == after.counts:
            break
    assert after.counts["refreshes"] == {("completed",): 46}
    assert after.counts["changes"] == {("role_change", "webhook"): 46}
    assert sum(after.times["change"][("webhook",)].buckets) == 46


def test_no_change_is_passed_by_that_is_written_and_not_committed_yet(engine: sa.Engine) -> None:
    with engine.connect() as slow:
        change(slow, "acme")
        # Drawn later, and there before the other.
        change(engine, "bolt")
        for _ in range(3):
            assert advance(engine).counts.get("changes") is None
        slow.commit()
    for _ in range(3):
        found = advance(engine)
    assert found.counts["changes"] == {("role_change", "people_table"): 2}


def test_no_end_is_passed_by_that_is_written_and_not_committed_yet(
    engine: sa.Engine, at_once: None
) -> None:
    for company in ("acme", "bolt"):
        refresh(engine, company, "running")
    finish = (
        "update bg.buyer_group_refresh_log set status = 'completed', "
        "finished_at = clock_timestamp() where company_id = :company"
    )
    with engine.connect() as slow:
        run(slow, finish, company="acme")
        run(engine, finish, company="bolt")
        assert "refreshes" not in advance(engine).counts
        slow.commit()
    assert advance(engine).counts["refreshes"] == {("completed",): 2}


def test_who_only_reads_for_long_holds_nothing_up(
    engine: sa.Engine, at_once: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settled, "DRAWING", timedelta(0))
    with engine.connect() as reader:
        value(reader, "select count(*) from bg.changes")
        change(engine, "acme")
        for _ in range(2):
            found = advance(engine)
        assert found.counts["changes"] == {("role_change", "people_table"): 1}


def test_who_writes_without_an_end_is_not_waited_for_without_an_end(
    engine: sa.Engine, at_once: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with engine.connect() as stuck:
        change(stuck, "acme")
        change(engine, "bolt")
        for _ in range(2):
            assert advance(engine).counts.get("changes") is None
        monkeypatch.setattr(settled, "PATIENCE", timedelta(0))
        for _ in range(2):
            found = advance(engine)
        assert found.counts["changes"] == {("role_change", "people_table"): 1}


def test_of_processes_that_ask_at_once_one_adds_and_the_others_tell_what_stands(
    engine: sa.Engine,
) -> None:
    for second in range(40):
        refresh(engine, "acme", "completed", finished_at=at(second))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: advance(engine, Portions(refreshes=3)), range(12)))
    assert advance(engine).counts["refreshes"] == {("completed",): 40}
    with engine.connect() as holder:
        assert sums.locked(holder, at(0)) is not None
        refresh(engine, "acme", "completed", finished_at=at(50))
        assert advance(engine).counts["refreshes"] == {("completed",): 40}


def test_an_event_counts_by_what_became_of_it_once_nothing_before_it_waits(
    engine: sa.Engine,
) -> None:
    for number, status in enumerate(("applied", "pending", "dead", "ignored")):
        insert(
            engine, "bg.webhook_events", source="crm", event_id=str(number), type="t",
            occurred_at=at(0), received_at=at(0), status=status, payload=b"",
            status_reason=None if status == "pending" else "why",
            applied_at=None if status == "pending" else at(2),
        )  # fmt: skip
    for _ in range(2):
        found = advance(engine)
    assert found.counts["events"] == {("crm",): 4}
    assert found.counts["settled"] == {("applied",): 1}
    assert found.times["applied"][()].buckets == bucket(2)
    run(engine, "update bg.webhook_events set status = 'applied', applied_at = :at "
        "where status = 'pending'", at=at(9))  # fmt: skip
    for _ in range(3):
        found = advance(engine)
    assert found.counts["settled"] == {("applied",): 2, ("dead",): 1, ("ignored",): 1}


def test_times_in_other_buckets_begin_anew_and_counts_go_on(engine: sa.Engine) -> None:
    handled(engine, refresh(engine, "acme", "completed", finished_at=at(0)), 1.0)
    advance(engine)
    run(engine, "update bg.chores set state = jsonb_set(state, '{bounds}', '[1, 2]') "
        "where name = :name", name=sums.CHORE)  # fmt: skip
    found = advance(engine)
    assert (found.times, found.counts["refreshes"]) == ({}, {("completed",): 1})


def test_what_is_good_and_bad_for_the_objectives_counts_by_whole_minutes_and_stays(
    engine: sa.Engine,
) -> None:
    run(engine, "update bg.objective_watch set counted_to = :at", at=at(0))
    with engine.begin() as conn:
        found = sums.locked(conn, at(0))
        assert found is not None
        found.minutes_to = at(0)
        sums.keep(conn, found)
    for second, good, bad in ((0, 5, 1), (60, 3, 0), (120, 9, 9)):
        insert(
            engine, "bg.objective_minutes",
            objective="latency", minute=at(second), good=good, bad=bad,
        )  # fmt: skip
    assert "objectives" not in advance(engine).counts
    run(engine, "update bg.objective_watch set counted_to = :at", at=at(150))
    for _ in range(2):
        counted = advance(engine).counts["objectives"]
        assert counted == {("latency", "good"): 8, ("latency", "bad"): 1}
    run(engine, "delete from bg.objective_minutes where minute < :at", at=at(120))
    run(engine, "update bg.objective_watch set counted_to = :at", at=at(180))
    counted = advance(engine).counts["objectives"]
    assert counted == {("latency", "good"): 17, ("latency", "bad"): 10}
