"""What the sender asks all the time reads what waits, however much was delivered before."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from bg_assets.storage import database
from bg_assets.storage.notifications import deliveries, listing, outbox, subscriptions
from bg_assets.storage.tallies import told
from bg_assets_tests.conftest import Cluster
from bg_assets_tests.storage import plans
from bg_assets_tests.storage.notifications.subscribers import news, result, subscribe
from bg_assets_tests.storage.rows import rows, run, value

pytestmark = pytest.mark.slow

SUBSCRIPTIONS, MESSAGES = 5, 200_000
COMPANIES = 20_000
PAST = (
    f"""insert into bg.companies (id, name)
        select 'c' || g, 'Company' from generate_series(0, {COMPANIES - 1}) as g""",
    f"""insert into bg.company_people (company_id, person_id, title, confidence)
        select 'c' || g % {COMPANIES}, 'p' || g, 'CFO', 1
        from generate_series(1, {2 * COMPANIES}) as g""",
    f"""insert into bg.changes (company_id, kind, source, priority, refresh_id, handled_at)
        select 'c' || g % {COMPANIES}, 'role_change', 'people_table', 30, gen_random_uuid(), now()
        from generate_series(1, {2 * COMPANIES}) as g""",
    f"""insert into bg.outbox (workspace, company_id, product, refresh_id, kinds, payload,
            created_at)
        select 'default', 'c' || g % {COMPANIES}, 'finance_system', gen_random_uuid(),
            array['joined'], '{{"joined": []}}', now() - interval '29 days' + g * interval '10 s'
        from generate_series(1, {MESSAGES}) as g""",
    f"""insert into bg.deliveries (subscription_id, outbox_id, company_id, status, attempts,
            next_attempt_at, finished_at, last_code)
        select s, id, company_id, 'delivered', 1, created_at, created_at, 204
        from bg.outbox, generate_series(1, {SUBSCRIPTIONS}) as s""",
)
# Dead ones of a bad day: next to nothing among so many.
DEAD = "update bg.deliveries set status = 'dead' where outbox_id % 5000 = 0"
INDEXES = """
    select indexname, indexdef from pg_indexes
    where schemaname = 'bg' and tablename in ('outbox', 'deliveries')
        and indexname not like '%_pkey'
"""


@pytest.fixture(scope="module")
def past(postgres: Cluster, template: str) -> Iterator[sa.Engine]:
    """A million messages that were delivered, shared by the tests here: each rolls back."""
    url = postgres.clone(template)
    engine = database.make_engine(url, pool_size=1)
    for wish in ({}, *[{"workspace": "west"}] * (SUBSCRIPTIONS - 1)):
        subscribe(engine, **wish)
    with engine.begin() as conn:
        run(conn, "set local session_replication_role = replica")
        indexes = rows(conn, INDEXES)
        for index in indexes:
            run(conn, f"drop index bg.{index['indexname']}")
        for statement in (*PAST, DEAD):
            run(conn, statement)
        for index in indexes:
            run(conn, index["indexdef"])
        run(conn, "analyze")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        run(conn, "vacuum bg.deliveries")
    yield engine
    engine.dispose()
    postgres.drop(url)


@pytest.fixture
def conn(past: sa.Engine) -> Iterator[sa.Connection]:
    with past.connect() as made:
        yield made
        made.rollback()


def tell(conn: sa.Connection, companies: int, each: int = 1) -> None:
    """So many messages of so many companies, in one commit."""
    pairs = [(f"c{one}", number) for number in range(each) for one in range(companies)]
    outbox.write(conn, [news(*pair) for pair in pairs])


def test_a_look_while_nothing_waits_reads_next_to_nothing(conn: sa.Connection) -> None:
    with plans.watched(conn) as reads:
        assert deliveries.ready(conn) == []
        assert listing.overview(conn)["dead"] == SUBSCRIPTIONS * MESSAGES // 5000
        assert list(listing.problems(conn)) == []
        assert told.outbox(conn).oldest_seconds == 0

    plans.check(reads, rows=300, pages=60)


def test_writing_claiming_and_noting_read_what_they_are_about(conn: sa.Connection) -> None:
    """On figures from before, when nothing was pending."""
    with plans.watched(conn) as reads:
        tell(conn, 500)
    plans.check(reads, rows=12_000, pages=30_000)

    with plans.watched(conn) as reads:
        assert deliveries.ready(conn) == [1]
        assert deliveries.lock(conn, 1) is not None
        claimed = deliveries.claim(conn, 1, 8, 60)
        deliveries.known(conn, [one.message.company_id for one in claimed], [])
        deliveries.record(conn, [result(one) for one in claimed], 1e6)
    assert len(claimed) == 8
    plans.check(reads, rows=4000, pages=6000)


@pytest.mark.parametrize("fresh", [False, True], ids=["old figures", "new figures"])
def test_a_burst_of_10000_groups_is_claimed_by_what_is_taken_of_it(
    conn: sa.Connection, *, fresh: bool
) -> None:
    tell(conn, 10_000)
    if fresh:
        run(conn, "analyze bg.outbox, bg.deliveries")
    for _ in range(3):
        with plans.watched(conn) as reads:
            assert deliveries.ready(conn) == [1]
            claimed = deliveries.claim(conn, 1, 8, 60)
            deliveries.record(conn, [result(one) for one in claimed], 1e6)
        assert len(claimed) == 8
        plans.check(reads, rows=4000, pages=6000)


def test_a_company_with_many_messages_that_wait_is_looked_at_in_steps(conn: sa.Connection) -> None:
    tell(conn, 1, each=2000)
    for _ in range(12):
        with plans.watched(conn) as reads:
            claimed = deliveries.claim(conn, 1, 8, 60)
            deliveries.record(conn, [result(one, accepted=False) for one in claimed], 1e6)
        plans.check(reads, rows=4000, pages=12_000)
    with plans.watched(conn) as reads:
        assert deliveries.ready(conn) == []
    # What was put off in this transaction leaves its old places in the index until it commits.
    plans.check(reads, rows=100, pages=400)


def test_replaying_a_day_and_listing_read_what_they_show(conn: sa.Connection) -> None:
    now = value(conn, "select max(created_at) from bg.outbox")
    with plans.watched(conn) as reads:
        made, last = listing.replay(conn, 1, (now - timedelta(days=6), 0), now)
        assert made == 2000
        assert last is not None
        listing.replay(conn, 1, last, now)
    plans.check(reads, rows=30_000, pages=120_000)

    with plans.watched(conn) as reads:
        assert len(listing.deliveries(conn, 1, 20)) == 20
        assert len(listing.deliveries(conn, 1, 20, "dead")) == 20
        assert listing.missed(conn, 1, now - timedelta(hours=1)) == 0
    plans.check(reads, rows=15_000, pages=30_000)


def test_a_step_of_the_retention_reads_what_it_removes(conn: sa.Connection) -> None:
    with plans.watched(conn) as reads:
        assert outbox.remove_old(conn, 28 * 86_400.0) == 2000
        assert outbox.remove_subscriptions(conn) == 0
        run(conn, "update bg.subscriptions set status = 'removed'")
        assert outbox.remove_subscriptions(conn) == 2000
        assert len(subscriptions.read(conn)) == 0
    plans.check(reads, rows=30_000, pages=60_000)
