"""What enrichment reads, among many companies: its own rows, by the indexes that serve them."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from bg_assets.domain.enrichment.asking import CompanyAsked, FoundCompany, FoundPerson, Kind
from bg_assets.storage import database
from bg_assets.storage.enrichment import due, reading
from bg_assets.storage.enrichment.writing import Settled, write
from bg_assets_tests.conftest import Cluster
from bg_assets_tests.storage import bulk, plans
from bg_assets_tests.storage.rows import run

C, R = bulk.COMPANY.format(n="g"), bulk.REFRESH_ID.format(n="g")
OF = bulk.COMPANY.format(n=f"g % {bulk.COMPANIES}")
PAST = f"""
    insert into bg.companies (id, name, domain)
        select {C}, 'Company', 'c' || g || '.com'
        from generate_series(0, {bulk.COMPANIES - 1}) as g;
    insert into bg.people (id, company_id, title, name, email)
        select 'p' || g, {OF}, 'CFO', 'Name ' || g, 'p' || g || '@acme.com'
        from generate_series(0, {bulk.COMPANIES * 3 - 1}) as g;
    insert into bg.company_people (company_id, person_id, title, confidence)
        select {OF}, 'p' || g, 'CFO', 1 from generate_series(0, {bulk.COMPANIES * 3 - 1}) as g;
    insert into bg.buyer_group_refresh_log
        (id, company_id, status, reason, triggered_by, finished_at)
        select {R}, {C}, 'completed', 'role_change', 'change', now()
        from generate_series(0, {bulk.COMPANIES - 1}) as g;
    insert into bg.buyer_groups (company_id, product, refresh_id, template_hash, as_of,
            completeness, cohesion_reason, coverage)
        select {C}, 'finance_system', {R}, 't', '2026-01-01', 1, 'few', 1
        from generate_series(0, {bulk.COMPANIES - 1}) as g;
    insert into bg.buyer_group_members
            (company_id, product, person_id, role, confidence, influence)
        select {OF}, 'finance_system', 'p' || g, 'champion', 1, 1
        from generate_series(0, {bulk.COMPANIES * 2 - 1}) as g;
    insert into bg.webhook_identities (source, kind, external_id, our_id)
        select 'provider:pdl', 'person', 'x' || id, id from bg.people;
    insert into bg.enrichment_due (company_id, due_at, enriched_at)
        select {C}, case when g % 2 = 0 then now() + make_interval(secs => 3600 + g) end, now()
        from generate_series(0, {bulk.COMPANIES - 1}) as g;
    insert into bg.enrichments (company_id, kind, person_id, provider, outcome, expires_at)
        select {OF}, 'person', 'p' || g, 'pdl', 'found', now() + interval '1 day'
        from generate_series(0, {bulk.COMPANIES * 2 - 1}) as g;
"""


@pytest.fixture(scope="module")
def past(postgres: Cluster, template: str) -> Iterator[sa.Engine]:
    """20,000 companies with groups, all of them asked about before; shared by the tests here."""
    url = postgres.clone(template)
    engine = database.make_engine(url, pool_size=1)
    with engine.begin() as conn:
        run(conn, "set local session_replication_role = replica")
        run(conn, PAST)
        run(conn, "analyze")
    yield engine
    engine.dispose()
    postgres.drop(url)


@pytest.fixture
def conn(past: sa.Engine) -> Iterator[sa.Connection]:
    """Each test rolls back what it does."""
    with past.connect() as made:
        yield made
        made.rollback()


def names(count: int, first: int = 0) -> list[str]:
    return [f"c{number:06}" for number in range(first, first + count)]


def test_a_quiet_tick_reads_next_to_nothing(conn: sa.Connection) -> None:
    with plans.watched(conn) as reads:
        assert due.take(conn, 50) is None
        assert due.under_way(conn) == []
        assert due.next_due(conn) is not None
    plans.check(reads, rows=10, pages=30)


@pytest.mark.parametrize("count", [1, 500])
def test_what_a_refresh_leaves_to_ask_costs_a_probe_each(conn: sa.Connection, count: int) -> None:
    with plans.watched(conn) as reads:
        due.want(conn, names(count))
    plans.check(reads, rows=5 * count + 5, pages=12 * count + 30)


def test_a_batch_reads_its_own_companies(conn: sa.Connection) -> None:
    run(conn, "update bg.enrichment_due set due_at = now() where company_id < 'c000300'")
    with plans.watched(conn) as reads:
        batch = due.take(conn, 50)
        assert batch is not None
        assert len(due.begin(conn, batch.batch_id, "run-1")) == 50
        due.done(conn, batch.companies[0], "run-1", datetime.now(UTC))
        due.not_done(conn, batch.companies[1], "run-1", "why")
        due.release(conn, batch.batch_id, "gone")
    plans.check(reads, rows=500, pages=1200)


def test_companies_from_before_are_read_in_portions(conn: sa.Connection) -> None:
    run(conn, "delete from bg.enrichment_due")
    with plans.watched(conn) as reads:
        last, number = due.spread(conn, ["finance_system"], "c000099", 2000)
    assert (last, number) == ("c002099", 2000)
    plans.check(reads, rows=25_000, pages=20_000)


def test_a_plan_reads_its_own_companies(conn: sa.Connection) -> None:
    with plans.watched(conn) as reads:
        found = reading.read(conn, names(50, 700), ["finance_system"])
    assert len(found.companies) == len(found.people) == len(found.lately) == 50
    plans.check(reads, rows=6000, pages=6000)


def test_writing_reads_whom_it_writes_and_the_staff_of_their_company(conn: sa.Connection) -> None:
    seen = FoundPerson(
        name="Eva Lund", title="CEO", email="eva@acme.com", key="k", employed_there=True,
        observed_at=datetime.now(UTC),
    )  # fmt: skip
    answers = [
        Settled(Kind.PERSON, "pdl", "found", 60, "p700", person=seen),
        Settled(Kind.DISCOVERY, "pdl", "found", 60, others=(seen,)),
        Settled(Kind.COMPANY, "pdl", "found", 60, company=FoundCompany(domain="c000700.com")),
    ]
    with plans.watched(conn) as reads:
        assert write(conn, CompanyAsked("c000700", "Company"), answers) is not None
    plans.check(reads, rows=100, pages=150)
