"""What a round of events reads, with a long past: what waits and what that is about, no more."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from bg_assets.storage import database
from bg_assets.storage.webhooks import applying
from bg_assets_tests.conftest import Cluster
from bg_assets_tests.storage import plans, told
from bg_assets_tests.storage.rows import at, run, value

OLD = 1_000_000
COMPANIES = 20_000
PEOPLE = 200_000

PAST = f"""
    insert into bg.companies (id, name, domain)
        select 'c' || g, 'Company', 'c' || g || '.example' from generate_series(0, {COMPANIES - 1})
        as g;
    insert into bg.people (id, company_id, title, email, observed_at)
        select 'p' || g, 'c' || g % {COMPANIES}, 'CFO', 'P' || g || '@c.example', null
        from generate_series(0, {PEOPLE - 1}) as g;
    insert into bg.webhook_identities (source, kind, external_id, our_id)
        select 'crm', 'person', 'x' || g, 'p' || g from generate_series(0, {PEOPLE - 1}) as g;
    insert into bg.webhook_events
        (source, event_id, type, occurred_at, received_at, status, payload, applied_at)
        select 'crm', 'old-' || g, 'person.role_change', t, t, 'applied', '\\x00', t
        from (select g, cast('2026-03-01' as timestamptz) - make_interval(secs => g) as t
            from generate_series(1, {OLD}) as g) as s;
"""


@pytest.fixture(scope="module")
def past(postgres: Cluster, template: str) -> Iterator[sa.Engine]:
    """A database with a million applied events, shared by the tests here."""
    url = postgres.clone(template)
    engine = database.make_engine(url, pool_size=1)
    with engine.begin() as conn:
        run(conn, "set local session_replication_role = replica")
        told.source(conn, "crm", may_create=True)
        run(conn, PAST)
        run(conn, "analyze")
        old = "select count(*) from bg.webhook_events where applied_at < :at"
        assert value(conn, old, at=at(0)) == OLD
    yield engine
    engine.dispose()
    postgres.drop(url)


def pending(conn: sa.Connection, number: int, first: int) -> None:
    """Events about people known by identity, by our id, by e-mail or not at all."""
    for n in range(first, first + number):
        person = (
            {"id": f"x{n}"},
            {"id": f"p{n}"},
            {"id": f"y{n}", "email": f"p{n}@c.example"},
            {"id": f"z{n}", "email": f"z{n}@c.example"},
        )[n % 4]
        firm = f"c{n % COMPANIES}"
        company = {"id": f"f{n}" if n % 3 else firm, "name": "Firm", "domain": f"{firm}.example"}
        told.event(conn, "person.role_change", person | {"newTitle": "CEO"}, company, seconds=n)


def test_to_ask_whether_anything_waits_reads_next_to_nothing(past: sa.Engine) -> None:
    with past.connect() as conn, plans.watched(conn) as reads:
        assert not applying.anything_pending(conn)
    plans.check(reads, rows=2, pages=10)


@pytest.mark.parametrize("fresh", [False, True], ids=["old figures", "new figures"])
def test_a_round_reads_what_waits_and_whom_it_is_about(past: sa.Engine, *, fresh: bool) -> None:
    """Each of 1,000 events costs some probes, none a look at what is long over."""
    number, first = 1000, 5000 if fresh else 1000
    with past.begin() as conn:
        pending(conn, number, first)
    if fresh:
        run(past, "analyze bg.webhook_events, bg.people, bg.webhook_identities")
    with plans.watched(past) as reads:
        done = told.apply(past)

    assert (done.applied, done.looked_at) == (number, number)
    plans.check(reads, rows=30 * number, pages=60 * number)


def test_one_event_reads_a_few_pages(past: sa.Engine) -> None:
    with past.begin() as conn:
        pending(conn, 1, 9002)
    with plans.watched(past) as reads:
        assert told.apply(past).applied == 1
    plans.check(reads, rows=60, pages=150)


def test_a_mailbox_of_a_crowd_is_not_read_to_the_end(past: sa.Engine) -> None:
    run(past, "update bg.people set email = 'info@c.example' where id like 'p1999%'")
    with past.begin() as conn:
        person = {"id": "y", "email": "info@c.example"}
        told.event(conn, "person.role_change", person, "c1", seconds=1e6)
    crowd = "select count(*) from bg.people where email = 'info@c.example'"
    assert value(past, crowd) > 100
    with plans.watched(past) as reads:
        assert told.apply(past).dead == 1
    plans.check(reads, rows=80, pages=200)


def test_people_of_whom_the_planner_knows_nothing_yet_are_not_scanned(engine: sa.Engine) -> None:
    """Just imported: on guesses, a scan of all companies for each e-mail looked cheap."""
    number = 500
    with engine.begin() as conn:
        run(conn, "set local session_replication_role = replica")
        run(conn, "alter table bg.people set (autovacuum_enabled = false)")
        told.source(conn, "crm", may_create=True)
        run(conn, PAST.replace(str(OLD), "5").replace(str(PEOPLE), "30000"))
        pending(conn, number, 0)
    with plans.watched(engine) as reads:
        assert told.apply(engine).applied == number
    plans.check(reads, rows=30 * number, pages=60 * number)


def test_parts_and_merges_cost_some_probes_each(past: sa.Engine) -> None:
    number = 300
    with past.begin() as conn:
        for n in range(number):
            news = {"title": {"new": f"Chief {n}"}}
            told.event(conn, "person.changed", {"id": f"x{20_000 + n}"}, seconds=1e6 + n,
                       changes=news)  # fmt: skip
        for n in range(20):
            told.event(conn, "person.merged", {"id": f"x{30_000 + n}"}, seconds=1e6,
                       into=f"x{40_000 + n}")  # fmt: skip
    with plans.watched(past) as reads:
        done = told.apply(past)
    assert done.looked_at == number + 20
    plans.check(reads, rows=60 * number, pages=120 * number)


def test_events_about_companies_and_their_mergers_cost_some_probes_each(past: sa.Engine) -> None:
    number, merged = 300, 20
    told_of = {"industry": {"new": "Mining"}, "country": {"new": "DE"}}
    with past.begin() as conn:
        run(conn, "update bg.companies set observed_at = null where id like 'c1%'")
        for n in range(number):
            told.event(conn, "company.changed", None, {"id": f"c1{1000 + n}"}, seconds=2e6,
                       changes=told_of)  # fmt: skip
        for n in range(merged):
            told.event(conn, "company.merged", None, {"id": f"c1{3000 + n}"}, seconds=2e6,
                       into=f"c1{4000 + n}")  # fmt: skip
    with plans.watched(past) as reads:
        done = told.apply(past)
    assert done.applied == number + merged
    # Ten people at each, in their places.
    plans.check(reads, rows=60 * number, pages=120 * number)
