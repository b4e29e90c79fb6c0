"""Which companies are to be asked about: each once, by one run, again where a run was lost."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bg_assets.storage.enrichment import due
from bg_assets_tests.storage.rows import group, rows, run


def want(engine: sa.Engine, *companies: str) -> None:
    with engine.begin() as conn:
        due.want(conn, companies)


def take(engine: sa.Engine, most: int = 50) -> due.Batch | None:
    with engine.begin() as conn:
        return due.take(conn, most)


def taken(engine: sa.Engine) -> due.Batch:
    batch = take(engine)
    assert batch is not None
    return batch


def begin(engine: sa.Engine, batch: due.Batch, run_id: str = "run-1") -> list[str]:
    with engine.begin() as conn:
        return due.begin(conn, batch.batch_id, run_id)


def done(engine: sa.Engine, company: str, run_id: str | None = "run-1") -> None:
    with engine.begin() as conn:
        due.done(conn, company, run_id, datetime.now(UTC))


def not_done(engine: sa.Engine, company: str, run_id: str | None = "run-1") -> None:
    with engine.begin() as conn:
        due.not_done(conn, company, run_id, "pdl: its breaker is open")


def row(engine: sa.Engine, company: str) -> dict[str, Any]:
    (found,) = rows(
        engine,
        "select *, due_at - clock_timestamp() as wait from bg.enrichment_due "
        "where company_id = :id",
        id=company,
    )
    return found


def later(engine: sa.Engine, days: float) -> None:
    """Let so many days pass for all that is noted."""
    moved = ", ".join(
        f"{name} = {name} - make_interval(secs => :seconds)"
        for name in ("due_at", "wanted_at", "enriched_at", "taken_at")
    )
    run(engine, f"update bg.enrichment_due set {moved}", seconds=days * 86400)


def test_what_was_wanted_twice_is_due_once(engine: sa.Engine) -> None:
    want(engine, "b", "a")
    want(engine, "a")
    assert taken(engine).companies == ("a", "b")
    assert take(engine) is None


def test_who_has_been_due_the_longest_comes_first(engine: sa.Engine) -> None:
    want(engine, "b")
    want(engine, "a")
    batch = take(engine, 1)
    assert batch is not None
    assert batch.companies == ("b",)


def test_two_who_take_at_once_take_different_companies(engine: sa.Engine) -> None:
    want(engine, *(f"c{number}" for number in range(40)))
    with ThreadPoolExecutor(4) as pool:
        batches = list(pool.map(lambda _: take(engine, 10), range(4)))
    companies = [one for batch in batches if batch for one in batch.companies]
    assert len(companies) == len(set(companies)) == 40


def test_a_batch_is_one_run_s(engine: sa.Engine) -> None:
    want(engine, "a")
    batch = taken(engine)
    assert begin(engine, batch) == ["a"]
    assert begin(engine, batch, "run-2") == []
    assert begin(engine, batch) == ["a"]


def test_what_is_done_is_not_due_before_a_day_has_passed(engine: sa.Engine) -> None:
    want(engine, "a")
    begin(engine, taken(engine))
    done(engine, "a")
    assert row(engine, "a")["due_at"] is None
    want(engine, "a")
    assert row(engine, "a")["wait"] > timedelta(hours=23)
    assert take(engine) is None
    later(engine, 1)
    assert taken(engine).companies == ("a",)


def test_what_a_refresh_left_to_ask_meanwhile_is_not_forgotten(engine: sa.Engine) -> None:
    want(engine, "a")
    begin(engine, taken(engine))
    want(engine, "a")
    done(engine, "a")
    assert timedelta(hours=23) < row(engine, "a")["wait"] <= timedelta(hours=24)


def test_what_could_not_be_asked_is_tried_again_ever_later(engine: sa.Engine) -> None:
    want(engine, "a")
    waits = []
    for _ in range(11):
        batch = taken(engine)
        begin(engine, batch)
        not_done(engine, "a")
        waits.append(row(engine, "a")["wait"])
        later(engine, 1.01)
    minutes = [round(wait.total_seconds() / 60) for wait in waits]
    assert minutes[:4] == [5, 10, 20, 40]
    assert minutes[-1] == 24 * 60
    assert row(engine, "a")["error"] == "pdl: its breaker is open"
    begin(engine, taken(engine))
    done(engine, "a")
    assert (row(engine, "a")["failures"], row(engine, "a")["error"]) == (0, None)


def test_what_a_lost_run_left_comes_again_and_its_late_word_counts_for_nothing(
    engine: sa.Engine,
) -> None:
    want(engine, "a", "b")
    batch = taken(engine)
    begin(engine, batch)
    done(engine, "a")
    with engine.begin() as conn:
        assert due.release(conn, batch.batch_id, "run run-1 ended as FAILURE") == 1
    assert row(engine, "b")["wait"] < timedelta(minutes=6)
    later(engine, 0.01)
    second = taken(engine)
    assert second.companies == ("b",)
    begin(engine, second, "run-2")
    done(engine, "b")
    not_done(engine, "b")
    assert row(engine, "b")["run_id"] == "run-2"


def test_what_could_not_be_asked_three_times_is_told(engine: sa.Engine) -> None:
    want(engine, "a", "b")
    for time in range(3):
        with engine.begin() as conn:
            assert due.failing(conn) is None, time
        begin(engine, taken(engine))
        not_done(engine, "a")
        if time == 0:
            done(engine, "b")
        later(engine, 0.5)
    with engine.begin() as conn:
        found = due.failing(conn)
    assert found is not None
    assert (found.companies, found.times, found.error) == (1, 3, "pdl: its breaker is open")
    later(engine, 1)
    with engine.begin() as conn:
        assert due.failing(conn) is None


def test_what_a_slow_run_gives_back_is_due_at_once_and_counts_as_no_failure(
    engine: sa.Engine,
) -> None:
    want(engine, "a", "b")
    batch = taken(engine)
    begin(engine, batch)
    done(engine, "a")
    with engine.begin() as conn:
        due.give_back(conn, ["b"], "run-1")
    assert taken(engine).companies == ("b",)
    assert row(engine, "b")["failures"] == 0


def test_by_hand_nothing_is_taken_from_a_run_that_is_at_work(engine: sa.Engine) -> None:
    want(engine, "a")
    begin(engine, taken(engine))
    done(engine, "a", run_id=None)
    assert row(engine, "a")["run_id"] == "run-1"
    done(engine, "new", run_id=None)
    assert row(engine, "new")["due_at"] is None


def test_companies_from_before_are_spread_over_a_week_in_portions(engine: sa.Engine) -> None:
    for number in range(30):
        group(engine, f"c{number:02}", {})
    want(engine, "c00")
    begin(engine, taken(engine))
    done(engine, "c00")
    after, seen = "", []
    while True:
        with engine.begin() as conn:
            after, number = due.spread(conn, ["finance_system"], after, 12)
        seen.append(number)
        if number < 12:
            break
    assert seen == [12, 12, 6]
    waits = [
        one["wait"].total_seconds()
        for one in rows(engine, "select due_at - clock_timestamp() as wait from bg.enrichment_due")
        if one["wait"] is not None
    ]
    assert len(waits) == 29
    assert max(waits) < due.SPREAD
    assert max(waits) - min(waits) > due.SPREAD / 2
    with engine.begin() as conn:
        assert due.spread(conn, ["hr_system"], "", 12) == ("", 0)


@pytest.mark.parametrize("pending", [0, 3])
def test_when_the_next_one_is_due(engine: sa.Engine, pending: int) -> None:
    want(engine, *(f"c{number}" for number in range(pending)))
    with engine.begin() as conn:
        assert (due.next_due(conn) is not None) is bool(pending)
