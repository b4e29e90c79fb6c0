"""What holds refreshes for too long is told, and a silent holder is let go of."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from bg_assets.storage import refreshes, stuck
from bg_assets.storage.stuck import LongRun
from bg_assets_tests.storage.rows import change, company, refresh, value
from bg_assets_tests.storage.steps import complete_on, take, take_on, tick


def ago(seconds: float) -> datetime:
    return datetime.now(UTC) - timedelta(seconds=seconds)


def test_runs_that_hold_refreshes_for_too_long_are_told_with_since_when(engine: sa.Engine) -> None:
    since = ago(900)
    for number in range(3):
        started = since + timedelta(seconds=number)
        refresh(engine, f"c{number}", "running", run_id="old", started_at=started)
    refresh(engine, "young", "running", run_id="young", started_at=ago(300))
    refresh(engine, "done", "completed", run_id="done", started_at=ago(9000))
    with engine.connect() as conn:
        (one,) = stuck.running(conn)
    assert one == stuck.Stuck("old", "c0", 3, since)


def test_a_requested_refresh_is_stuck_when_its_run_began_long_ago_and_not_while_it_queues(
    engine: sa.Engine,
) -> None:
    refresh(engine, "queued", "requested", run_key="k1", requested_at=ago(7000))
    refresh(engine, "held", "requested", run_key="k2", requested_at=ago(7000))
    refresh(engine, "taken", "running", run_key="k3", requested_at=ago(7000))
    since = ago(800)
    began = since.timestamp()
    runs = [LongRun("r2", "k2", began), LongRun("r3", "k3", began), LongRun("r9", "k9", began)]
    with engine.connect() as conn:
        assert stuck.any_requested(conn)
        assert stuck.requested(conn, []) == []
        (one,) = stuck.requested(conn, runs)
    assert (one.run_id, one.company_id, one.companies) == ("r2", "held", 1)
    assert abs(one.since - since) < timedelta(milliseconds=1)


def test_a_requested_refresh_is_not_looked_into_before_it_has_waited_long(
    engine: sa.Engine,
) -> None:
    refresh(engine, "fresh", "requested", run_key="k1", requested_at=ago(300))
    refresh(engine, "unasked", "requested", requested_at=ago(5000))
    with engine.connect() as conn:
        assert not stuck.any_requested(conn)


def test_a_session_that_keeps_a_refresh_locked_is_told_and_a_reader_is_not(
    engine: sa.Engine,
) -> None:
    refresh(engine, "acme", "running")
    lock = sa.text("select from bg.buyer_group_refresh_log for update")
    with engine.connect() as reader, engine.connect() as holder, engine.connect() as conn:
        reader.execute(sa.text("select from bg.buyer_group_refresh_log"))
        holder.execute(lock)
        pid = value(holder, "select pg_backend_pid()")
        assert stuck.locked(conn) == []
        (one,) = stuck.locked(conn, 0.0)
        assert (one.pid, one.state) == (pid, "idle in transaction")


def test_a_transaction_that_holds_refreshes_ends_when_its_client_falls_silent(
    engine: sa.Engine,
) -> None:
    company(engine, "acme", ["ann"])
    change(engine, "acme")
    (request,) = tick(engine)
    limit = "show idle_in_transaction_session_timeout"
    with engine.begin() as conn:
        take_on(conn, "run-1", request)
        assert value(conn, limit) == "10min"
    held = take(engine, "run-1", request)
    with engine.begin() as conn:
        assert complete_on(conn, "run-1", held) == {"acme"}
        assert value(conn, limit) == "10min"
    with engine.begin() as conn:
        assert refreshes.under_way(conn) == []
        assert value(conn, limit) == "0"
