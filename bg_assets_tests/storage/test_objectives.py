"""What is late and what failed is counted once, by the minute it ended; waiting is not late."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from bg_assets.domain.objectives import DAY, HOUR, LATENCY, LENGTHS, MINUTE, SUCCESS, Count
from bg_assets.storage import database, objectives
from bg_assets.storage.objectives import Promise
from bg_assets_tests.conftest import Cluster
from bg_assets_tests.storage import bulk, plans
from bg_assets_tests.storage.rows import at, change, group, insert, refresh, run, value

PROMISE = Promise(latency=60, refresh_interval=3600, settle=2)
BEHIND = objectives.BEHIND.total_seconds()


@pytest.fixture
def counted(engine: sa.Engine) -> sa.Engine:
    """A database whose counting begins a day before START."""
    run(engine, "update bg.objective_watch set counted_to = :day", day=at(-DAY))
    return engine


def completed(
    engine: sa.Engine,
    company: str,
    *,
    changed: float = 0.0,
    requested: float = 3.0,
    finished: float = 4.0,
    changes: int = 1,
    kind: str = "role_change",
    starts_interval: bool = True,
) -> None:
    """A refresh that completed, with its changes."""
    made = refresh(
        engine, company, "completed", requested_at=at(requested), finished_at=at(finished),
        starts_interval=starts_interval,
    )  # fmt: skip
    for _ in range(changes):
        insert(
            engine, "bg.changes", company_id=company, kind=kind, source="people_table",
            occurred_at=at(changed), refresh_id=made, handled_at=at(finished),
        )  # fmt: skip


def count(engine: sa.Engine, seconds: float, promise: Promise = PROMISE) -> None:
    """Count all that has ended, so many seconds from START."""
    more = True
    while more:
        with engine.begin() as conn:
            more = objectives.advance(conn, promise, at(seconds))


def of_an_hour(engine: sa.Engine, seconds: float, objective: str = LATENCY) -> Count:
    with engine.begin() as conn:
        return objectives.read(conn, PROMISE, at(seconds))[objective][HOUR]


def test_a_change_whose_group_stood_in_time_is_good_and_a_late_one_bad(counted: sa.Engine) -> None:
    completed(counted, "a", finished=61.9, changes=3)
    completed(counted, "b", finished=62.1, changes=2)
    count(counted, 120)
    assert of_an_hour(counted, 120) == Count(3, 2)


def test_who_waited_out_an_interval_is_reckoned_from_its_end(counted: sa.Engine) -> None:
    completed(counted, "a", finished=4)
    # Changed at 10 s, due at 3604 s, asked for a second later.
    completed(counted, "a", changed=10, requested=3605, finished=3650)
    completed(counted, "b", finished=4)
    completed(counted, "b", changed=10, requested=3605, finished=3670)
    count(counted, 3800)
    assert of_an_hour(counted, 3800) == Count(1, 1)


def test_what_waits_for_no_interval_is_reckoned_from_the_change(counted: sa.Engine) -> None:
    completed(counted, "a", finished=4)
    completed(counted, "a", changed=10, requested=12, finished=200)
    count(counted, 300)
    assert of_an_hour(counted, 300) == Count(1, 1)


def test_a_burst_is_due_when_it_has_settled(counted: sa.Engine) -> None:
    """A change at 0 s and one at 25 s: due at 27 s, in time up to 87 s."""
    completed(counted, "a", finished=86)
    run(
        counted,
        "insert into bg.changes (company_id, kind, source, occurred_at, refresh_id, handled_at) "
        "select company_id, kind, source, :late, refresh_id, handled_at from bg.changes",
        late=at(25),
    )
    count(counted, 200)
    assert of_an_hour(counted, 200) == Count(2, 0)


@pytest.mark.parametrize("odd", [{"kind": "resync"}, {"starts_interval": False}])
def test_first_builds_and_what_was_asked_for_promise_no_time(
    counted: sa.Engine, odd: dict[str, object]
) -> None:
    completed(counted, "a", finished=900, **odd)  # type: ignore[arg-type]
    count(counted, 1000)
    assert of_an_hour(counted, 1000) == Count()
    assert of_an_hour(counted, 1000, SUCCESS) == Count(1, 0)


def test_what_completed_is_a_success_and_each_attempt_that_failed_none(
    counted: sa.Engine,
) -> None:
    completed(counted, "a")
    dead = refresh(counted, "b", "dead", attempt=2, finished_at=at(9))
    for attempt in (1, 2):
        insert(
            counted, "bg.refresh_attempts", refresh_id=dead, attempt=attempt,
            ended_at=at(attempt), error="it broke",
        )  # fmt: skip
    count(counted, 60)
    assert of_an_hour(counted, 60, SUCCESS) == Count(1, 2)


def test_nothing_is_counted_twice_nor_before_it_must_be_committed(counted: sa.Engine) -> None:
    completed(counted, "a", finished=4)
    count(counted, 3)
    assert of_an_hour(counted, 3) == Count()
    for seconds in (5 + BEHIND, 6 + BEHIND, 400):
        count(counted, seconds)
        assert of_an_hour(counted, seconds) == Count(1, 0)


def test_two_who_count_at_once_count_once(counted: sa.Engine) -> None:
    completed(counted, "a")
    with counted.begin() as one, counted.begin() as other:
        objectives.advance(one, PROMISE, at(60))
        assert objectives.advance(other, PROMISE, at(60)) is False
    count(counted, 60)
    assert of_an_hour(counted, 60) == Count(1, 0)


def test_windows_end_now_and_reach_back_as_far_as_they_say(counted: sa.Engine) -> None:
    completed(counted, "a", finished=4)
    count(counted, 60)
    with counted.begin() as conn:
        found = objectives.read(conn, PROMISE, at(6 * HOUR - 60))[LATENCY]
    assert [length for length in LENGTHS if found[length].good] == [
        6 * HOUR, 3 * DAY, 30 * DAY,
    ]  # fmt: skip
    assert found[5 * MINUTE] == Count()


def test_an_outage_is_caught_up_with_for_three_days_at_most(counted: sa.Engine) -> None:
    run(counted, "update bg.objective_watch set counted_to = :then", then=at(-9 * DAY))
    completed(counted, "a", finished=-4 * DAY, requested=-4 * DAY, changed=-4 * DAY)
    completed(counted, "b", finished=-2 * DAY, requested=-2 * DAY, changed=-2 * DAY)
    count(counted, 0)
    with counted.begin() as conn:
        assert objectives.read(conn, PROMISE, at(0))[LATENCY][30 * DAY] == Count(1, 0)
    assert value(counted, "select counted_to from bg.objective_watch") == at(-BEHIND)


def test_what_is_older_than_a_period_is_let_go(counted: sa.Engine) -> None:
    insert(
        counted, "bg.objective_minutes", objective=LATENCY, minute=at(-32 * DAY), good=1, bad=1
    )  # fmt: skip
    count(counted, 0)
    assert value(counted, "select count(*) from bg.objective_minutes") == 0


def test_what_is_late_and_still_waits_is_bad_now(engine: sa.Engine) -> None:
    """Settled at 30 s at the latest, so late from 90 s on."""
    for name in ("waits", "rests", "deferred"):
        group(engine, name, {})
        change(engine, name, 0)
    change(engine, "new", 0)
    group(engine, "under way", {})
    under_way = refresh(engine, "under way", "running", requested_at=at(3))
    for _ in range(2):
        insert(
            engine, "bg.changes", company_id="under way", kind="role_change",
            source="people_table", occurred_at=at(0), refresh_id=under_way,
        )  # fmt: skip
    refresh(engine, "deferred", "completed", finished_at=at(-5), starts_interval=True)
    refresh(engine, "rests", "dead", finished_at=at(-5), not_before=at(9000))
    late = {}
    for seconds in (60, 70, 100, 3594, 3700):
        with engine.begin() as conn:
            late[seconds] = objectives.late(conn, PROMISE, at(seconds))
    assert late == {60: 0, 70: 2, 100: 3, 3594: 3, 3700: 4}


@pytest.fixture(scope="module")
def past(postgres: Cluster, template: str) -> Iterator[sa.Engine]:
    """A database with a million handled changes, of two days and a half."""
    url = postgres.clone(template)
    made = database.make_engine(url, pool_size=1)
    with made.begin() as conn:
        bulk.fill(conn)
        run(
            conn,
            "insert into bg.refresh_attempts (refresh_id, attempt, ended_at, error) "
            "select id, 1, finished_at, 'it broke' from bg.buyer_group_refresh_log "
            "where company_id < 'c002000'",
        )
        run(conn, "analyze bg.refresh_attempts")
    yield made
    made.dispose()
    postgres.drop(url)


@pytest.mark.slow
def test_an_hour_is_counted_by_its_own_rows_and_windows_are_read_by_the_minute(
    past: sa.Engine,
) -> None:
    end, hour = at(-7200), "interval '1 hour'"
    conn = past.connect()
    run(conn, f"update bg.objective_watch set counted_to = cast(:end as timestamptz) - {hour}",
        end=end)  # fmt: skip
    run(
        conn,
        "insert into bg.objective_minutes select 'latency', m, 9, 1 from generate_series("
        f"cast(:end as timestamptz) - interval '30 days', cast(:end as timestamptz) - {hour}, "
        "interval '1 minute') as m",
        end=end,
    )
    promise = objectives.Promise(latency=60, refresh_interval=3600, settle=2)
    with plans.watched(conn) as reads:
        objectives.advance(conn, promise, end + objectives.BEHIND)
        found = objectives.read(conn, promise, end)

    # One a second; the first minute begins before the hour.
    assert found["success"][3600].good == 3540
    plans.check(reads, rows=250_000, pages=60_000)
    conn.close()
