"""An attached table is looked up by its indexes, also where its ids are no texts."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from bg_assets.storage import database, staff
from bg_assets.storage.attach import attaching, catalog, choosing
from bg_assets.storage.capture import dates, missed, watch
from bg_assets.storage.reports import finding
from bg_assets.storage.webhooks import known
from bg_assets_tests.conftest import Cluster
from bg_assets_tests.storage import plans
from bg_assets_tests.storage.rows import at, rows, run, value

COMPANIES, EACH = 1600, 25
TABLES = f"""
    create table firms (id bigint primary key, name text not null, domain text);
    create table people (id uuid primary key default gen_random_uuid(), org_id bigint,
        full_name text, job_title varchar(90), email text, hired_at date, left_at timestamptz,
        deleted_at timestamptz);
    insert into firms select g, 'Firm ' || g, 'f' || g || '.example'
    from generate_series(1, {COMPANIES}) as g;
    insert into people (org_id, full_name, job_title, email, hired_at)
    select 1 + g % {COMPANIES}, 'Some One', 'CFO', 'p' || g || '@x.example',
        date '2020-01-01' + g % 900
    from generate_series(1, {COMPANIES * EACH}) as g;
"""


@pytest.fixture(scope="module")
def crm(postgres: Cluster, template: str) -> Iterator[sa.Engine]:
    """40,000 people at 1,600 companies, attached after the indexes that were asked for."""
    url = postgres.clone(template)
    engine = database.make_engine(url, pool_size=1)
    with engine.begin() as conn:
        conn.exec_driver_sql(TABLES.replace("%", "%%"))
        for kind, name in (("companies", "firms"), ("people", "people")):
            table = catalog.read(conn, name)
            choice = choosing.choose(table, kind, {})
            for index in attaching.preview(conn, table, choice).indexes:
                conn.exec_driver_sql(index.statement.replace("concurrently ", ""))
            assert attaching.preview(conn, table, choice).indexes == ()
            attaching.attach(conn, table, choice, "tester")
        # Of every tenth something was told.
        conn.exec_driver_sql(
            "select bg.take_people(array(select id::text from people limit "
            f"{COMPANIES * EACH // 10}), true)"
        )
        conn.exec_driver_sql("delete from bg.changes")
        conn.exec_driver_sql("analyze")
    yield engine
    engine.dispose()
    postgres.drop(url)


@pytest.fixture
def conn(crm: sa.Engine) -> Iterator[sa.Connection]:
    with crm.connect() as made:
        yield made
        made.rollback()


def check(reads: list[plans.Read], *, rows: int, pages: int) -> None:
    """Each statement read within these bounds, and scanned none of the large tables."""
    assert reads
    for read in reads:
        assert not {"people", "firms", "observed_people"} & {*read.scanned}, read.statement
        assert read.rows <= rows, read
        assert read.pages <= pages, read


def test_the_people_of_companies_and_each_of_them_are_read_by_index(conn: sa.Connection) -> None:
    person = value(conn, "select id::text from people limit 1")
    with plans.watched(conn) as reads:
        assert len(staff.read_people(conn, ["7", "1234"])) == 2 * EACH
        assert set(staff.read_companies(conn, ["7"])) == {"7"}
        assert finding.find_person(conn, person)
        found = finding.near_people(conn, "7", "zzz")
        staff.read_staff(conn, ["7"])

    assert found == []
    check(reads, rows=20 * EACH, pages=500)


def test_the_look_for_what_was_missed_goes_portion_by_portion(conn: sa.Connection) -> None:
    with plans.watched(conn) as reads:
        compared = missed.compare(conn, "20", 100)

    assert (compared.number, len(compared.differing)) == (100, 100)
    check(reads, rows=30 * 100 * EACH, pages=20_000)


def test_dates_that_pass_are_looked_for_by_index(conn: sa.Connection) -> None:
    run(conn, "update bg.dates_passed set done_to = '2021-05-05'")
    with plans.watched(conn) as reads:
        passed = dates.raise_changes(conn, at(0).date())

    assert passed.more
    check(reads, rows=3000, pages=3000)


def test_events_find_people_and_companies_by_index(conn: sa.Connection) -> None:
    run(conn, "set local enable_seqscan = off")
    run(conn, "set local enable_bitmapscan = off")
    places = [("default", "p77@x.example")], [("default", "f9.example")]
    with plans.watched(conn) as reads:
        by_email = known._places(conn, known._BY_EMAIL, places[0])
        by_domain = known._places(conn, known._BY_DOMAIN, places[1])

    assert len(by_email) == len(by_domain) == 1
    check(reads, rows=20, pages=60)


def test_a_statement_of_many_rows_is_captured_by_one_insert(conn: sa.Connection) -> None:
    run(conn, "delete from bg.observed_people")
    run(conn, "update people set job_title = 'CEO' where org_id <= :most", most=COMPANIES // 2)

    changed = rows(conn, "select kind, count(*) as n, min(new::text) as new from bg.changes "
                   "group by kind")  # fmt: skip
    assert changed == [{"kind": "resync", "n": COMPANIES // 2, "new": '{"people": 25}'}]
    assert value(conn, "select count(distinct xmin::text || cmin::text) from bg.changes") == 1


def test_a_look_whether_all_fits_costs_a_few_rows(conn: sa.Connection) -> None:
    with plans.watched(conn) as reads:
        assert watch.problems(conn) == []

    check(reads, rows=20_000, pages=2000)
