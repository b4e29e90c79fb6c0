"""What is measured of a time costs what happened in it, however much happened before."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from bg_assets.storage import database
from bg_assets.storage.measures import groups, kpis, latency, receiver, refreshes, webhooks
from bg_assets_tests.conftest import Cluster
from bg_assets_tests.storage import plans
from bg_assets_tests.storage.bulk import REFRESH_ID
from bg_assets_tests.storage.rows import run

# One every two minutes over two months, of a thousand companies, with a change each; a failure and
# a group of every tenth. 30 of them ended in the last hour.
PAST = 43_200
AGO = f"clock_timestamp() - make_interval(secs => 120 * ({PAST} - g))"
FILL = (
    f"""insert into bg.buyer_group_refresh_log (id, company_id, status, reason, triggered_by,
        requested_at, started_at, finished_at, starts_interval, not_before, run_id)
    select {REFRESH_ID.format(n="g")}, 'c' || g % 1000, 'completed', 'x', 'change', {AGO}, {AGO},
        {AGO}, true, {AGO}, 'run'
    from generate_series(1, {PAST}) as g""",
    f"""insert into bg.changes (company_id, kind, source, occurred_at, refresh_id, handled_at)
    select 'c' || g % 1000, 'role_change', 'people_table', {AGO}, {REFRESH_ID.format(n="g")}, {AGO}
    from generate_series(1, {PAST}) as g""",
    f"""insert into bg.refresh_attempts (refresh_id, attempt, ended_at, error)
    select {REFRESH_ID.format(n="g")}, 1, {AGO}, 'x'
    from generate_series(10, {PAST}, 10) as g""",
    f"""insert into bg.buyer_groups (company_id, product, refresh_id, template_hash, as_of,
        completeness, cohesion_reason, coverage, updated_at)
    select 'c' || g, 'finance_system', {REFRESH_ID.format(n="g")}, 't', '2026-01-01', 1, 'x', 1,
        {AGO}
    from generate_series(10, {PAST}, 10) as g""",
    f"""insert into bg.kpi_values (name, at, value, state)
    select name, {AGO}, 1, 'met'
    from generate_series(10, {PAST}, 10) as g,
        unnest(array['queue_depth', 'members', 'failed', 'cohesion']) as name""",
    """insert into bg.receiver_counts (minute, process, seconds_buckets)
    select date_trunc('minute', clock_timestamp()) - make_interval(mins => g), 'a/1',
        array[0,0,0,0,0,0,0,0,0,0,0,0,0,0]
    from generate_series(0, 4320) as g""",
)


@pytest.fixture(scope="module")
def past(postgres: Cluster, template: str) -> Iterator[sa.Engine]:
    """A database with a long past."""
    url = postgres.clone(template)
    engine = database.make_engine(url, pool_size=1)
    with engine.begin() as conn:
        for statement in FILL:
            run(conn, statement)
        run(conn, "analyze")
    yield engine
    engine.dispose()
    postgres.drop(url)


def test_refreshes_and_latency_read_what_ended_in_the_time(past: sa.Engine) -> None:
    with past.begin() as conn, plans.watched(conn) as reads:
        of = {one.name: one.of for one in refreshes.measure(conn, 3600)}
        of |= {one.name: one.of for one in latency.measure(conn, 3600)}
    assert of["latency_p50"] == of["mean_refresh"] == 30
    plans.check(reads, rows=600, pages=700)


def test_latency_looks_at_the_newest_of_many(
    past: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(latency, "MOST", 20)
    with past.begin() as conn, plans.watched(conn) as reads:
        (p50, _) = latency.measure(conn, 30 * 86_400)
    assert p50.of == 20
    plans.check(reads, rows=400, pages=500)


def test_the_last_values_of_kpis_are_read_by_their_time(past: sa.Engine) -> None:
    with past.begin() as conn, plans.watched(conn) as reads:
        assert kpis.latest(conn)
    plans.check(reads, rows=30, pages=20)


def test_counts_of_receivers_are_read_by_their_minutes(past: sa.Engine) -> None:
    with past.begin() as conn, plans.watched(conn) as reads:
        webhooks.measure(conn, 3600)
        run(conn, "delete from bg.chores")
        receiver.fold_if_due(conn)
    plans.check(reads, rows=400, pages=200)


def test_the_oldest_group_is_one_probe(past: sa.Engine) -> None:
    with past.begin() as conn, plans.watched(conn) as reads:
        (age,) = groups.oldest(conn)
    assert age.value == pytest.approx(60, abs=0.1)
    plans.check(reads, rows=10, pages=10)


def test_kept_values_are_read_and_forgotten_by_their_times(past: sa.Engine) -> None:
    with past.connect() as conn, plans.watched(conn) as reads:
        found = kpis.course(conn, ("queue_depth", "failed"), 86_400)
        kpis.keep(conn, [], conn.execute(sa.text("select now()")).scalar_one(), 59.9 * 86_400)
        conn.rollback()
    assert [len(found[name]) for name in ("queue_depth", "failed")] == [72, 72]
    plans.check(reads, rows=500, pages=300)
