"""What a question costs the database does not grow with the questions that were ever asked."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from bg_assets.cli import operations_report
from bg_assets.storage import database
from bg_assets.storage.operations import asking, bill, calls, health, purging, reading
from bg_assets.storage.operations.answering import CLOCK
from bg_assets.storage.operations.reading import Narrowed
from bg_assets_tests.conftest import Cluster
from bg_assets_tests.storage import plans
from bg_assets_tests.storage.operations.playing import POLICY, Played, about
from bg_assets_tests.storage.rows import run

# As many questions, each about a person of one of a tenth as many companies, over a hundred days;
# most were answered, some failed, and of a tenth the answer is still there.
FILL = """
insert into bg.pipeline_operations (
    key, provider, kind, company_id, person_id, status, found, output, failure, error, cost,
    started_at, finished_at, expires_at)
select encode(sha256(n::text::bytea), 'hex'), 'pdl',
    case when n % 10 = 0 then 'discovery' else 'person' end, 'c' || n % 6000, 'p' || n,
    case when n % 50 = 7 then 'failed' else 'done' end, true,
    case when n % 10 = 1 then '{"people": [], "company": null}'::jsonb end,
    case when n % 50 = 7 then 'temporary' end, case when n % 50 = 7 then 'down' end, 0.1,
    now() - n * interval '144 seconds', now() - n * interval '144 seconds',
    now() - n * interval '144 seconds' + interval '1 day'
from generate_series(1, 60000) as n
"""
BILLED = """
insert into bg.provider_costs (provider, day, kind, found, cost)
select 'pdl', (now() at time zone 'UTC')::date - n, kind, 10, 1
from generate_series(0, 3000) as n, unnest(array['person', 'discovery', 'company']) as kind
"""


@pytest.fixture(scope="module")
def past(postgres: Cluster, template: str) -> Iterator[sa.Engine]:
    """A database with a long past, shared by the tests here: each rolls back what it does."""
    url = postgres.clone(template)
    engine = database.make_engine(url, pool_size=1)
    run(engine, FILL)
    run(engine, BILLED)
    run(engine, "insert into bg.provider_health (provider, refused_price) values ('pdl', 9999)")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        run(conn, "vacuum analyze bg.pipeline_operations, bg.provider_costs, bg.provider_health")
    yield engine
    engine.dispose()
    postgres.drop(url)


@pytest.fixture
def conn(past: sa.Engine) -> Iterator[sa.Connection]:
    with past.connect() as made:
        yield made
        made.rollback()


def test_a_question_reads_its_own_row_and_the_bill_of_its_month(conn: sa.Connection) -> None:
    asked = asking.asked(Played(costs=Decimal("0.1")), about())
    with plans.watched(conn) as reads:
        assert calls.peek(conn, asked, None, POLICY, CLOCK) is None
        call = calls.begin(conn, asked, "me", POLICY, CLOCK)
        assert isinstance(call, calls.Call)
        failed = calls.NotAnswered("temporary", "down", 1.0, counts=True, again=1.0)
        assert calls.settle_failed(conn, call, failed, POLICY, CLOCK)
        call = calls.begin(conn, asked, "me", POLICY, CLOCK)
        assert isinstance(call, calls.Call)
        found = calls.Answered('{"people": [], "company": null}', False, Decimal(0), 60, 1.0)
        calls.settle_answered(conn, call, found, POLICY, CLOCK)
        assert isinstance(calls.peek(conn, asked, None, POLICY, CLOCK), calls.Known)
        health.locked(conn, "pdl")

    # A month has 93 rows, which go through three nodes.
    plans.check(reads, rows=700, pages=60)


def test_what_status_tells_reads_a_month_of_the_bill(conn: sa.Connection) -> None:
    with plans.watched(conn) as reads:
        (note,) = operations_report.notes(conn, POLICY, CLOCK.now(conn))
    assert "9,999.00" in note
    plans.check(reads, rows=700, pages=60)


def test_the_last_questions_are_found_without_a_look_at_all(conn: sa.Connection) -> None:
    now = CLOCK.now(conn)
    since = now - timedelta(days=30)
    with plans.watched(conn) as reads:
        assert len(reading.operations(conn, Narrowed(since, 20), now)) == 20
        assert len(reading.operations(conn, Narrowed(since, 20, "pdl"), now)) == 20
        assert reading.operations(conn, Narrowed(since, 20, None, "c7"), now)
        assert reading.of_company(conn, Narrowed(since, 20, None, "c7"), now)
        assert len(reading.failures(conn, Narrowed(since, 20), now)) == 20
        assert reading.underway(conn, now) == {}
        assert bill.spent(conn, "pdl", now).today > 0
    plans.check(reads, rows=700, pages=100)


def test_answers_are_looked_up_by_their_keys(conn: sa.Connection) -> None:
    questions = [about(f"p{number}") for number in range(100)]
    with plans.watched(conn) as reads:
        assert reading.known(conn, Played(), questions, CLOCK.now(conn)) == {}
    plans.check(reads, rows=200, pages=500)


def test_a_purge_reads_what_it_lets_go_of(conn: sa.Connection) -> None:
    now = CLOCK.now(conn)
    with plans.watched(conn) as reads:
        assert purging.purge_person(conn, "p11", now, "me") == 1
        assert purging.close_gone(conn, now) == 0
    plans.check(reads, rows=100, pages=200)
    with plans.watched(conn) as reads:
        assert purging.purge_expired(conn, now, now, "me") == 2000
        assert purging.purge_expired(conn, None, now, "me") == 2000
    plans.check(reads, rows=12_000, pages=60_000)
