"""What each KPI is measured as, from the rows of the tables."""

import json
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from bg_assets.domain.kpis import catalogue
from bg_assets.domain.kpis.catalogue import KPIS
from bg_assets.storage import claims
from bg_assets.storage.measures import kpis, receiver
from bg_assets.storage.measures.kpis import Point
from bg_assets.storage.measures.receiver import Counts
from bg_assets_tests.storage.rows import change, company, group, insert, refresh, run, value

DAY = 86_400.0
INTERVAL = 3600.0


def measured(engine: sa.Engine, seconds: float = 3600.0) -> dict[str, float | None]:
    """The values by KPI, those of products by both."""
    with engine.begin() as conn:
        found = kpis.measure(conn, INTERVAL, seconds)
    return {f"{one.name} {one.product}" if one.product else one.name: one.value for one in found}


def now(engine: sa.Engine) -> datetime:
    found = value(engine, "select clock_timestamp()")
    assert isinstance(found, datetime)
    return found


def ended(
    engine: sa.Engine, company_id: str, ago: float, *, status: str = "completed",
    took: float = 1.0, waited: float = 0.0, interval: float | None = None, **columns: object,
) -> str:  # fmt: skip
    """A refresh that ended so many seconds ago; with ``interval`` its end starts one."""
    end = now(engine) - timedelta(seconds=ago)
    if interval is not None:
        columns |= {"starts_interval": True, "not_before": end + timedelta(seconds=interval)}
    return refresh(
        engine,
        company_id,
        status,
        requested_at=end - timedelta(seconds=took + waited),
        started_at=end - timedelta(seconds=took),
        finished_at=end,
        run_id="run",
        **columns,
    )


def taken(
    engine: sa.Engine, refresh_id: str, company_id: str, ago: float, kind: str = "role_change",
    *, departure: bool = False,
) -> None:  # fmt: skip
    """A change of so many seconds ago that the refresh has handled."""
    insert(
        engine,
        "bg.changes",
        company_id=company_id,
        kind=kind,
        source="people_table",
        is_departure=departure,
        occurred_at=now(engine) - timedelta(seconds=ago),
        refresh_id=refresh_id,
        handled_at=now(engine),
    )


def test_an_empty_system_has_every_kpi_and_nothing_to_measure(engine: sa.Engine) -> None:
    found = measured(engine)
    assert set(found) == set(KPIS)
    assert {name: value for name, value in found.items() if value is not None} == {
        "queue_depth": 0,
        "processing_rate": 0,
        "provider_cost": 0,
    }


def test_the_queue_holds_who_is_due_asked_for_or_tried_again_and_not_who_waits_or_runs(
    engine: sa.Engine,
) -> None:
    for name in ("due", "asked", "again", "running", "waiting"):
        company(engine, name)
    change(engine, "due")
    refresh(engine, "asked", "requested")
    refresh(engine, "again", "requested", attempt=2)
    refresh(engine, "running", "running")
    ended(engine, "waiting", 10, interval=INTERVAL)
    change(engine, "waiting")
    assert measured(engine)["queue_depth"] == 3


def test_latency_goes_from_the_first_change_to_the_commit(engine: sa.Engine) -> None:
    for number, seconds in enumerate((2.0, 4.0, 30.0)):
        one = ended(engine, f"c{number}", 60)
        taken(engine, one, f"c{number}", 60 + seconds)
        taken(engine, one, f"c{number}", 60 + seconds / 2)
    found = measured(engine)
    assert found["latency_p50"] == pytest.approx(4, abs=0.2)
    assert found["latency_p95"] == pytest.approx(27.4, abs=0.2)


def test_who_waited_out_the_interval_is_late_from_its_end_on(engine: sa.Engine) -> None:
    ended(engine, "acme", 3000, interval=2000)
    one = ended(engine, "acme", 990, took=1, waited=2)
    taken(engine, one, "acme", 2900)
    assert measured(engine)["latency_p50"] == pytest.approx(10, abs=0.5)


def test_a_departure_that_does_not_wait_counts_from_itself(engine: sa.Engine) -> None:
    ended(engine, "acme", 3000, interval=3600)
    one = ended(engine, "acme", 100)
    taken(engine, one, "acme", 2000)
    taken(engine, one, "acme", 105, departure=True)
    assert measured(engine)["latency_p50"] == pytest.approx(5, abs=0.5)


def test_what_was_asked_for_before_its_changes_were_due_has_no_latency(engine: sa.Engine) -> None:
    ended(engine, "acme", 3000, interval=3600)
    one = ended(engine, "acme", 100)
    taken(engine, one, "acme", 2000)
    taken(engine, one, "acme", 105, "resync")
    bolt = ended(engine, "bolt", 100)
    taken(engine, bolt, "bolt", 500, "resync")
    assert measured(engine)["latency_p50"] is None


def test_refreshes_are_told_by_how_they_ended_in_the_time(engine: sa.Engine) -> None:
    for number in range(6):
        ended(engine, f"c{number}", 60, took=10)
    ended(engine, "slow", 60, took=80)
    ended(engine, "d", 60, status="dead")
    # Dead, and then handed on.
    one = ended(engine, "e", 60, status="failed")
    ended(engine, "f", 60, status="cancelled")
    ended(engine, "earlier", 3 * 3600, took=1000)
    for attempt in (1, 2):
        insert(engine, "bg.refresh_attempts", refresh_id=one, attempt=attempt,
               ended_at=now(engine), error="x")  # fmt: skip

    found = measured(engine)
    assert found["mean_refresh"] == pytest.approx(20)
    assert found["processing_rate"] == pytest.approx(7 / 60)
    assert found["refresh_success"] == pytest.approx(100 * 7 / 9)
    assert found["failed"] == pytest.approx(100 * 2 / 9)
    assert measured(engine, 4 * 3600)["processing_rate"] == pytest.approx(8 / 240)


def test_webhooks_are_told_by_the_counts_of_all_receivers(engine: sa.Engine) -> None:
    counts = Counts(received=50, accepted=40, duplicates=5)
    counts.refused.update({"wrong-signature": 2, "unknown-source": 1, "rate": 2})
    for _ in range(50):
        counts.took(0.3)
    with engine.begin() as conn:
        receiver.add(conn, "a/1", counts)
        receiver.add(conn, "b/1", counts)
    found = measured(engine)
    assert found["webhook_time"] == pytest.approx(485)
    assert found["invalid_signatures"] == pytest.approx(6)
    assert found["webhook_duplicates"] == pytest.approx(10)


def verdict(engine: sa.Engine, company_id: str, fails: list[str], **figures: float | None) -> None:
    insert(
        engine,
        "bg.group_verdicts",
        company_id=company_id,
        product="finance_system",
        refresh_id="00000000-0000-4000-8000-000000000000",
        fails=fails,
        **{"completeness": 1.0, "confidence": 0.9, "cohesion": None, **figures},
    )


def test_groups_are_told_by_product(engine: sa.Engine) -> None:
    roles = ("decision_maker", "champion", "stakeholder", "blocker")
    group(engine, "acme", {f"p{n}": role for n, role in enumerate(roles)})
    group(engine, "bolt", {"q1": "champion", "q2": "stakeholder"})
    group(engine, "ghost", {})
    run(engine, "update bg.buyer_groups set of_nobody = true where company_id = 'ghost'")
    gaps = [
        {"role": "blocker", "function": "legal", "reason": "x"},
        {"role": "blocker", "function": "it", "reason": "x"},
        {"role": None, "function": "it", "reason": "a pin is suspended"},
    ]
    run(engine, "update bg.buyer_groups set gaps = cast(:gaps as jsonb), "
        "updated_at = now() - interval '3 days' where company_id = 'bolt'",
        gaps=json.dumps(gaps))  # fmt: skip
    verdict(engine, "acme", [], cohesion=8.0)
    verdict(engine, "bolt", ["size_within_target"], completeness=0.5, confidence=0.7)

    found = measured(engine)
    assert found["members finance_system"] == 3
    assert found["members_in_band finance_system"] == 50
    assert found["confidence finance_system"] == pytest.approx(80)
    assert found["cohesion finance_system"] == 8
    assert found["completeness finance_system"] == 75
    assert found["gaps_blocker finance_system"] == pytest.approx(100 / 3)
    assert found["gaps_champion finance_system"] == 0
    assert found["oldest_group"] == pytest.approx(3, abs=0.01)


def test_the_cost_of_today_is_what_was_paid_and_may_have_been(engine: sa.Engine) -> None:
    today = value(engine, "select (clock_timestamp() at time zone 'UTC')::date")
    for provider, day in (("pdl", today), ("csv", today), ("pdl", today - timedelta(days=1))):
        insert(engine, "bg.provider_costs", provider=provider, day=day, kind="person", cost=1.25,
               uncertain=0.25)  # fmt: skip
    assert measured(engine)["provider_cost"] == 3


def test_values_are_kept_with_their_targets_for_as_long_as_was_asked(engine: sa.Engine) -> None:
    with engine.begin() as conn:
        values = catalogue.judge(kpis.measure(conn, INTERVAL), catalogue.targets_by(""))
    at = now(engine)
    for ago in (2 * DAY, 3 * 3600.0, 0.0):
        with engine.begin() as conn:
            kpis.keep(conn, values, at - timedelta(seconds=ago), kept_seconds=DAY)
    assert value(engine, "select count(*) from bg.kpi_values") == 2 * len(KPIS)
    assert value(engine, "select string_agg(distinct target || ' ' || state, ',') "
                 "from bg.kpi_values where name = 'queue_depth'") == "< 100 met"  # fmt: skip
    with engine.begin() as conn:
        names = ("queue_depth", "latency_p50")
        assert kpis.course(conn, names, 3600) == {
            "queue_depth": [Point(at, 0.0)],
            "latency_p50": [Point(at, None)],
        }
        assert [one.at for one in kpis.course(conn, names, DAY)["queue_depth"]] == [
            at - timedelta(hours=3),
            at,
        ]


def test_what_was_just_kept_is_the_end_of_the_course(engine: sa.Engine) -> None:
    with engine.begin() as conn:
        values = catalogue.judge(kpis.measure(conn, INTERVAL), catalogue.targets_by(""))
        at = claims.database_now(conn)
        kpis.keep(conn, values, at, kept_seconds=DAY)
        assert kpis.course(conn, ("queue_depth",), DAY) == {"queue_depth": [Point(at, 0.0)]}
