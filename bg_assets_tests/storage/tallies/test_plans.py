"""Advancing the sums reads what is new, however long the history is; and what stands by indexes."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from bg_assets.storage import database
from bg_assets.storage.tallies import advancing, standing, sums
from bg_assets.storage.tallies.sums import Walk
from bg_assets_tests.conftest import Cluster
from bg_assets_tests.storage import plans
from bg_assets_tests.storage.bulk import COMPANY, REFRESH_ID
from bg_assets_tests.storage.rows import at, run

# A refresh a second up to START, of three changes each; and the door's events.
REFRESHES, EACH = 30_000, 3
PAST = (
    f"""insert into bg.buyer_group_refresh_log (id, company_id, status, reason, triggered_by,
        requested_at, started_at, finished_at, run_id)
    select {REFRESH_ID.format(n="n")}, {COMPANY.format(n="n % 9000")}, 'completed', 'r', 'change',
        t, t, t, 'run-' || n
    from (select n, cast(:start as timestamptz) - make_interval(secs => {REFRESHES} - n) as t
        from generate_series(1, {REFRESHES}) as n) as s""",
    f"""insert into bg.changes (company_id, kind, source, occurred_at, refresh_id, handled_at)
    select {COMPANY.format(n=f"(n / {EACH} % 9000)")}, 'role_change', 'people_table', :start,
        {REFRESH_ID.format(n=f"1 + n / {EACH}")}, :start
    from generate_series(0, {REFRESHES * EACH - 1}) as n""",
    """insert into bg.webhook_events (source, event_id, type, occurred_at, received_at, status,
        applied_at, payload)
    select 'crm', n::text, 't', :start, :start, 'applied', :start, ''
    from generate_series(1, 20000) as n""",
    """insert into bg.buyer_group_history (refresh_id, company_id, product, event, because)
    select id, company_id, 'finance_system', 'joined', 'why' from bg.buyer_group_refresh_log
    where finished_at < :start""",
)


@pytest.fixture(scope="module")
def past(postgres: Cluster, template: str) -> Iterator[sa.Engine]:
    """A database with a past, shared by the tests here: each rolls back what it does."""
    url = postgres.clone(template)
    engine = database.make_engine(url, pool_size=1)
    with engine.begin() as conn:
        run(conn, "set local session_replication_role = replica")
        for statement in PAST:
            run(conn, statement, start=at(0))
        run(conn, "analyze")
    yield engine
    engine.dispose()
    postgres.drop(url)


@pytest.fixture
def conn(past: sa.Engine) -> Iterator[sa.Connection]:
    with past.connect() as made:
        advancing.advance(made)
        yield made
        made.rollback()


@pytest.mark.parametrize("turn", [0.0, 9.0], ids=["one portion", "all that is new"])
def test_sums_are_advanced_by_what_is_new(conn: sa.Connection, turn: float) -> None:
    found = sums.locked(conn, at(0))
    assert found is not None
    ended = 1000 if turn == 0 else 500
    found.ended_to = at(0) - timedelta(seconds=5000 if turn == 0 else ended)
    head = found.walks["changes"].head
    found.walks["changes"] = Walk(head - 5000, head, at(0))
    sums.keep(conn, found)
    with plans.watched(conn) as reads:
        found = advancing.advance(conn, turn_seconds=turn)

    assert found is not None
    assert found.counts["refreshes"] == {("completed",): ended}
    assert found.counts["changes"] == {("role_change", "people_table"): 5000}
    assert sum(map(sum, (one.buckets for one in found.times["change"].values()))) == EACH * ended
    plans.check(reads, rows=50_000, pages=20_000)


def test_what_is_told_every_few_seconds_is_read_by_indexes(conn: sa.Connection) -> None:
    with plans.watched(conn) as reads:
        advancing.advance(conn)
        assert standing.open_events(conn) == {"pending": 0, "dead": 0}

    plans.check(reads, rows=100, pages=60)
