"""The counts of `status` and `--wait`: each company in one state, each change once."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bg_assets.storage.reports import counts as overview
from bg_assets_tests.storage.rows import at, change, group, refresh, run

HOUR = 3600.0


def counts(engine: sa.Engine, interval: float = HOUR) -> dict[str, Any]:
    """What is not zero."""
    with engine.connect() as conn:
        found = overview.read_overview(conn, interval)
    told = {name: getattr(found, name) for name in overview.Overview.__dataclass_fields__}
    return {name: value for name, value in told.items() if value and name != OLDEST}


OLDEST = "oldest_pending_seconds"


def oldest(engine: sa.Engine) -> float | None:
    with engine.connect() as conn:
        return overview.read_overview(conn, HOUR).oldest_pending_seconds


def ago(seconds: float) -> datetime:
    return datetime.now(UTC) - timedelta(seconds=seconds)


def taken(engine: sa.Engine, company_id: str, status: str, **columns: object) -> str:
    """A change that a refresh with this status has taken."""
    refresh_id = refresh(engine, company_id, status, **columns)
    change(engine, company_id)
    run(
        engine,
        "update bg.changes set refresh_id = cast(:id as uuid) "
        "where company_id = :c and refresh_id is null",
        id=refresh_id, c=company_id,
    )  # fmt: skip
    return refresh_id


@pytest.fixture
def deferring(engine: sa.Engine) -> sa.Engine:
    """A company of one member that was refreshed because of changes a minute ago."""
    group(engine, "acme", {"ann": "champion"})
    refresh(engine, "acme", "completed", finished_at=ago(60), starts_interval=True)
    return engine


def test_a_change_within_the_interval_is_deferred_and_behind_it_pending(
    deferring: sa.Engine,
) -> None:
    change(deferring, "acme", person="ann")
    assert counts(deferring) == {"changes": 1, "deferred": 1}
    assert counts(deferring, interval=30) == {"changes": 1, "companies": 1}


def test_the_departure_of_a_member_is_not_deferred_and_that_of_others_is(
    deferring: sa.Engine,
) -> None:
    group(deferring, "bolt", {"bob": "champion"})
    change(deferring, "acme", departure_of="bob")
    assert counts(deferring) == {"changes": 1, "deferred": 1}
    change(deferring, "acme", departure_of="ann")
    assert counts(deferring) == {"changes": 2, "companies": 1}


@pytest.mark.parametrize(
    ("status", "starts"), [("completed", False), ("failed", True), ("cancelled", True)]
)
def test_what_starts_no_interval_defers_nobody(
    engine: sa.Engine, status: str, *, starts: bool
) -> None:
    refresh(engine, "acme", status, finished_at=ago(60), starts_interval=starts)
    change(engine, "acme")
    assert counts(engine) == {"changes": 1, "companies": 1}


@pytest.mark.parametrize(
    ("status", "attempt", "state"),
    [
        ("requested", 1, "requested"),
        ("requested", 2, "failed"),
        ("running", 1, "running"),
        ("running", 2, "running"),
        ("dead", 3, "dead"),
    ],
)
def test_a_company_whose_refresh_is_not_over_is_in_its_state_alone(
    engine: sa.Engine, status: str, attempt: int, state: str
) -> None:
    taken(engine, "acme", status, attempt=attempt)
    assert counts(engine) == {"changes": 1, state: 1}
    change(engine, "acme")
    assert counts(engine) == {"changes": 2, state: 1}


def test_a_dead_company_that_is_being_tried_again_is_not_dead(engine: sa.Engine) -> None:
    taken(engine, "acme", "dead")
    taken(engine, "acme", "dead")
    assert counts(engine) == {"changes": 2, "dead": 1}
    taken(engine, "acme", "running")
    assert counts(engine) == {"changes": 3, "running": 1}


def test_what_is_handled_counts_for_nothing(engine: sa.Engine) -> None:
    for status in ("running", "dead", "completed"):
        taken(engine, status, status)
    run(engine, "update bg.changes set handled_at = now()")
    assert counts(engine) == {"running": 1, "dead": 1}
    assert oldest(engine) is None


def test_the_oldest_change_is_one_that_a_refresh_will_still_see_to(engine: sa.Engine) -> None:
    taken(engine, "dead", "dead")
    assert oldest(engine) is None
    change(engine, "acme")
    run(engine, "update bg.changes set occurred_at = :at where company_id = 'acme'", at=ago(500))
    assert oldest(engine) == pytest.approx(500, abs=60)
    taken(engine, "bolt", "running")
    run(engine, "update bg.changes set occurred_at = :at where company_id = 'bolt'", at=ago(5000))
    assert oldest(engine) == pytest.approx(5000, abs=60)


def progress(engine: sa.Engine, *companies: str) -> tuple[int, int]:
    with engine.connect() as conn:
        return overview.read_progress(conn, companies)


def test_progress_is_of_the_companies_asked_for_and_of_what_was_asked_for_by_hand(
    engine: sa.Engine,
) -> None:
    change(engine, "other", kind="resync", source="manual")
    change(engine, "acme")
    change(engine, "acme", kind="resync", source="schedule")
    change(engine, "bolt", source="manual")
    assert progress(engine, "acme", "bolt") == (0, 0)
    change(engine, "acme", kind="resync", source="manual")
    assert progress(engine, "acme", "bolt") == (1, 0)


@pytest.mark.parametrize(
    ("status", "expected"),
    [("requested", (1, 0)), ("running", (1, 0)), ("dead", (0, 1)), ("completed", (0, 0))],
)
def test_progress_ends_with_the_refresh(
    engine: sa.Engine, status: str, expected: tuple[int, int]
) -> None:
    taken(engine, "acme", status)
    assert progress(engine, "acme") == expected


def test_a_dead_company_that_is_tried_again_is_under_way(engine: sa.Engine) -> None:
    taken(engine, "acme", "dead")
    change(engine, "acme", kind="resync", source="manual")
    assert progress(engine, "acme") == (1, 0)


def test_the_dead_are_told_newest_first_without_what_outages_ended(engine: sa.Engine) -> None:
    refresh(engine, "acme", "dead", attempt=5, outages=2, error="a", finished_at=at(1))
    refresh(engine, "bolt", "dead", attempt=1, error="b", finished_at=at(3))
    refresh(engine, "cord", "dead", attempt=1, error="old", finished_at=at(0), not_before=at(5))
    refresh(engine, "cord", "dead", attempt=1, error="c", finished_at=at(2), not_before=at(9))
    refresh(engine, "done", "failed", error="d", finished_at=at(4))
    with engine.connect() as conn:
        found = overview.read_dead(conn)
        assert [row["company_id"] for row in overview.read_dead(conn, 2)] == ["bolt", "cord"]
    assert [tuple(row.values()) for row in found] == [
        ("bolt", 1, "b", None), ("cord", 1, "c", at(9)), ("acme", 3, "a", None),
    ]  # fmt: skip


def test_only_what_waits_after_an_outage_is_told_of_outages(engine: sa.Engine) -> None:
    refresh(engine, "acme", "running", attempt=2, outages=1)
    refresh(engine, "bolt", "requested", attempt=3, outages=1)
    refresh(engine, "cord", "dead", attempt=3, outages=1, not_before=at(1))
    with engine.connect() as conn:
        assert overview.read_outages(conn) is None
    for name, outages, later in (("dash", 1, 20), ("echo", 4, 30)):
        refresh(
            engine, name, "requested", attempt=5, outages=outages, not_before=at(later), error=name
        )
    with engine.connect() as conn:
        assert overview.read_outages(conn) == overview.Outages(2, 4, at(20), "echo")
