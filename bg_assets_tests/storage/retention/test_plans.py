"""A step reads its own rows, however long the past is, and whatever has gone before it."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from bg_assets.storage import database
from bg_assets.storage.retention import events, groups, step, told
from bg_assets_tests.conftest import Cluster
from bg_assets_tests.storage import plans
from bg_assets_tests.storage.rows import at, run

ROWS = step.ROWS
REFRESH = "('00000000-0000-4000-8000-' || lpad(({n})::text, 12, '0'))::uuid"
PAST = (
    f"""
    insert into bg.buyer_group_refresh_log (id, company_id, status, reason, triggered_by,
        requested_at, started_at, finished_at, starts_interval, run_id)
    select {REFRESH.format(n="g")}, 'c' || g % 10000, 'completed', 'role_change', 'change', t, t, t,
        true, 'run'
    from (select g, cast(:start as timestamptz) + make_interval(secs => g) as t
        from generate_series(0, 29999) as g) as s""",
    f"""
    insert into bg.changes (company_id, person_id, kind, source, priority, is_departure,
        occurred_at, refresh_id, handled_at)
    select 'c' || g % 10000, 'p' || g, 'role_change', 'people_table', 30, false, t,
        {REFRESH.format(n="g % 30000")}, t
    from (select g, cast(:start as timestamptz) + make_interval(secs => g) as t
        from generate_series(0, 59999) as g) as s""",
    f"""
    insert into bg.buyer_groups (company_id, product, refresh_id, template_hash, as_of,
        completeness, cohesion_reason, coverage)
    select 'c' || g, 'x', {REFRESH.format(n="g + 20000")}, 't', '2026-01-01', 1, 'few', 1
    from generate_series(0, 9999) as g""",
    """
    insert into bg.buyer_group_members
        (company_id, product, person_id, role, confidence, influence)
    select 'c' || g % 10000, 'x', 'p' || g, 'champion', 1, 1
    from generate_series(15000, 29999) as g""",
    f"""
    insert into bg.buyer_group_history (refresh_id, company_id, product, person_id, event, because)
    select {REFRESH.format(n="g % 30000")}, 'c' || g % 10000, 'x', 'p' || g, 'joined', 'x'
    from generate_series(0, 29999) as g""",
    """
    insert into bg.webhook_events (source, event_id, type, occurred_at, received_at,
        applied_at, status, payload)
    select 'crm', 'e' || g, 'person.left', t, t, t, 'applied',
        case when g < 15000 then '' else 'token' end::bytea
    from (select g, cast(:start as timestamptz) + make_interval(secs => g) as t
        from generate_series(1, 30000) as g) as s""",
    """
    insert into bg.kpi_values (name, at, state)
    select 'members', cast(:start as timestamptz) + make_interval(secs => g), 'unknown'
    from generate_series(1, 30000) as g""",
    """
    insert into bg.outbox (company_id, product, refresh_id, kinds, payload, created_at)
    select 'c', 'x', '00000000-0000-4000-8000-000000000000', '{joined}', '{}',
        cast(:start as timestamptz) + make_interval(secs => g)
    from generate_series(1, 30000) as g""",
)


@pytest.fixture(scope="module")
def past(postgres: Cluster, template: str) -> Iterator[sa.Engine]:
    """Some ten thousand rows of each kind, which PostgreSQL has looked at."""
    url = postgres.clone(template)
    engine = database.make_engine(url, pool_size=1)
    with engine.begin() as conn:
        run(conn, "set local session_replication_role = replica")
        for statement in PAST:
            run(conn, statement, **({"start": at(0)} if ":start" in statement else {}))
        run(conn, "analyze")
    yield engine
    engine.dispose()
    postgres.drop(url)


@pytest.fixture
def conn(past: sa.Engine) -> Iterator[sa.Connection]:
    with past.connect() as made:
        yield made
        made.rollback()


def test_a_step_of_changes_reads_a_page_by_the_primary_key(conn: sa.Connection) -> None:
    with plans.watched(conn) as reads:
        first = groups.remove_changes(conn, at(100_000), None)
        second = groups.remove_changes(conn, at(100_000), first.after)
        young = groups.remove_changes(conn, at(40_000), 50_000)
    assert (first.removed, second.removed, second.more) == (ROWS, ROWS, True)
    assert (young.removed, young.more) == (0, False)
    plans.check(reads, rows=ROWS * 8, pages=ROWS * 8)


def test_a_step_of_history_reads_a_page_and_some_probes_for_each(conn: sa.Connection) -> None:
    with plans.watched(conn) as reads:
        gone = groups.remove_history(conn, at(100_000), None)
        stay = groups.remove_history(conn, at(100_000), 20_000)
    assert (gone.removed, gone.more) == (ROWS, True)
    assert (stay.removed, stay.more) == (0, True)
    plans.check(reads, rows=ROWS * 10, pages=ROWS * 20)


def test_a_step_of_refreshes_reads_a_page_and_some_probes_for_each(conn: sa.Connection) -> None:
    run(conn, "delete from bg.changes where id <= 5000")
    run(conn, "delete from bg.changes where id between 30001 and 35000")
    run(conn, "delete from bg.buyer_group_history where id <= 5000")
    with plans.watched(conn) as reads:
        gone = groups.remove_refreshes(conn, at(100_000), None)
        more = groups.remove_refreshes(conn, at(100_000), gone.after)
        stay = groups.remove_refreshes(conn, at(100_000), at(22_000).isoformat())
    assert (gone.removed, more.removed, more.more) == (ROWS, ROWS, True)
    assert (stay.removed, stay.more) == (0, True)
    plans.check(reads, rows=ROWS * 20, pages=ROWS * 40)


def test_a_step_of_events_passes_by_what_went_before(conn: sa.Connection) -> None:
    with plans.watched(conn) as reads:
        assert events.remove_payloads(conn, at(100_000), None).removed == ROWS
    plans.check(reads, rows=ROWS * 6, pages=ROWS * 20)


def test_a_step_of_messages_or_values_reads_what_it_removes(conn: sa.Connection) -> None:
    with plans.watched(conn) as reads:
        assert told.remove_messages(conn, at(100_000), None).removed == ROWS
        assert told.remove_kpis(conn, at(100_000), None).removed == ROWS
    plans.check(reads, rows=ROWS * 5, pages=ROWS * 10)
