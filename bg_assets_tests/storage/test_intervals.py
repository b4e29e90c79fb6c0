"""Which refreshes start an interval, in which the next changes wait."""

import pytest
import sqlalchemy as sa

from bg_assets.domain.groups.outcome import Outcome
from bg_assets_tests.storage import steps
from bg_assets_tests.storage.rows import change, company, rows, run, value
from bg_assets_tests.storage.steps import complete, finish, held_by_a_run, take_by_hand


def test_a_first_build_starts_no_interval_and_the_next_one_does(acme: sa.Engine) -> None:
    complete(acme, "run-1", held_by_a_run(acme))
    (first,) = rows(acme, "select not_before, starts_interval from bg.buyer_group_refresh_log")
    change(acme, "acme")
    complete(acme, "run-2", held_by_a_run(acme, "run-2"), interval=60)
    second = rows(
        acme,
        "select starts_interval, extract(epoch from not_before - finished_at)::int as waits "
        "from bg.buyer_group_refresh_log where run_id = 'run-2'",
    )

    assert first == {"not_before": None, "starts_interval": False}
    assert second == [{"starts_interval": True, "waits": 60}]


def starts_interval(engine: sa.Engine, run_id: str) -> bool:
    found = value(
        engine,
        "select starts_interval from bg.buyer_group_refresh_log where run_id = :run_id",
        run_id=run_id,
    )
    assert isinstance(found, bool)
    return found


def test_the_first_build_that_has_people_in_it_starts_no_interval(engine: sa.Engine) -> None:
    """Companies that were imported before their people have groups of nobody."""
    company(engine, "acme")
    change(engine, "acme", kind="company_profile_change")
    complete(engine, "run-1", held_by_a_run(engine))
    run(engine, "insert into bg.people (id, company_id, title) values ('ann', 'acme', 'CFO')")
    complete(engine, "run-2", held_by_a_run(engine, "run-2", 10**9))
    run(engine, "update bg.people set title = 'CEO'")
    complete(engine, "run-3", held_by_a_run(engine, "run-3", 10**9))

    assert [starts_interval(engine, f"run-{n}") for n in (1, 2, 3)] == [False, False, True]


def test_a_group_without_members_is_not_a_group_of_nobody(engine: sa.Engine) -> None:
    """People whom no product wants are people: their changes wait like others."""
    company(engine, "acme", ["ann"])
    change(engine, "acme")
    (held,) = held_by_a_run(engine)
    finish(engine, [(held, Outcome((steps.group(()),), ()))])
    change(engine, "acme")
    complete(engine, "run-2", held_by_a_run(engine, "run-2"))

    assert starts_interval(engine, "run-2")


@pytest.mark.parametrize("source", ["manual", "template"])
def test_what_was_asked_for_starts_no_interval_whatever_it_took_along(
    built: sa.Engine, source: str
) -> None:
    """What a template takes along would have waited: it must not make the next wait longer."""
    change(built, "acme", kind="resync", source=source)
    complete(built, "run-2", held_by_a_run(built, "run-2"))

    assert not starts_interval(built, "run-2")


@pytest.mark.parametrize("source", ["manual", "schedule", "template"])
def test_a_change_of_people_starts_the_interval_whoever_wrote_it(
    acme: sa.Engine, source: str
) -> None:
    complete(acme, "run-1", held_by_a_run(acme))
    change(acme, "acme", source=source)
    complete(acme, "run-2", held_by_a_run(acme, "run-2"))

    assert starts_interval(acme, "run-2")


@pytest.mark.parametrize("source", ["manual", "schedule", "template"])
def test_a_refresh_that_was_asked_for_starts_no_interval(acme: sa.Engine, source: str) -> None:
    complete(acme, "run-1", held_by_a_run(acme))
    change(acme, "acme", kind="resync", source=source)
    complete(acme, "run-2", held_by_a_run(acme, "run-2"))

    assert value(acme, "select bool_or(starts_interval) from bg.buyer_group_refresh_log") is False


@pytest.mark.parametrize(("source", "starts"), [("manual", False), ("schedule", True)])
def test_changes_beside_a_request_start_the_interval_unless_somebody_asked_by_hand(
    built: sa.Engine, source: str, *, starts: bool
) -> None:
    change(built, "acme", kind="resync", source=source)
    complete(built, "run-2", held_by_a_run(built, "run-2"))

    assert value(built, "select starts_interval from bg.buyer_group_refresh_log "
                 "where run_id = 'run-2'") is starts  # fmt: skip


def test_a_backfill_starts_no_interval_though_it_takes_changes(built: sa.Engine) -> None:
    complete(built, "by-hand", take_by_hand(built, "by-hand", ["acme"]))

    assert value(built, "select bool_or(starts_interval) from bg.buyer_group_refresh_log") is False
    assert value(built, "select count(*) from bg.changes where handled_at is null") == 0
