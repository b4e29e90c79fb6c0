"""What an import reads where there is much: probes for each row that is sought, and no scan."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from bg_assets.domain.values.names import person_key
from bg_assets.files.clues import FOUND_BY
from bg_assets.storage import database, import_results, imports
from bg_assets.storage.recognition import rows
from bg_assets.storage.recognition.search import Search
from bg_assets_tests.conftest import Cluster
from bg_assets_tests.storage import plans
from bg_assets_tests.storage.rows import run

pytestmark = pytest.mark.slow

COLUMNS = ("id", "company_id", "name", "email")
COMPANIES = 20_000
PEOPLE = 100_000
ROWS = 600
# A number as a name.
DIGITS, AS_LETTERS = "0123456789", "vcxfghwklz"
LETTERS = f"translate(g::text, '{DIGITS}', '{AS_LETTERS}')"

PAST = f"""
    insert into bg.companies (id, name, domain)
        select 'c' || g, 'Firm ' || g || ' Inc', 'firm' || g || '.example'
        from generate_series(0, {COMPANIES - 1}) as g;
    insert into bg.company_keys (company_id, name, key, rules)
        select id, name, 'firm' || substr(id, 2), 1 from bg.companies;
    insert into bg.people (id, company_id, name, title, email, observed_at)
        select 'p' || g, 'c' || g % {COMPANIES}, 'Lee ' || {LETTERS}, 'CFO',
            'P' || g || '@c.example', null
        from generate_series(0, {PEOPLE - 1}) as g;
    insert into bg.webhook_identities (source, kind, external_id, our_id)
        select 'crm', 'person', 'x' || g, 'p' || g from generate_series(0, {PEOPLE - 1}) as g
        union all
        select 'crm', 'company', 'f' || g, 'c' || g from generate_series(0, {COMPANIES - 1}) as g;
    insert into bg.buyer_group_refresh_log (company_id, status, reason, triggered_by, requested_at,
        started_at, finished_at, starts_interval, run_id)
        select 'c' || g % {COMPANIES}, 'completed', 'role_change', 'change', t, t, t, true, 'run'
        from (select g, now() - make_interval(secs => 7200 + g) as t
            from generate_series(0, {PEOPLE - 1}) as g) as s;
    insert into bg.buyer_groups (company_id, product, refresh_id, template_hash, as_of,
        completeness, cohesion_reason, coverage)
        select company_id, 'finance_system', (array_agg(id))[1], 't', '2026-01-01', 1, 'few', 1
        from bg.buyer_group_refresh_log group by company_id;
    insert into bg.buyer_group_members
        (company_id, product, person_id, role, confidence, influence)
        select 'c' || g % {COMPANIES}, 'finance_system', 'p' || g, 'champion', 1, 1
        from generate_series(0, {PEOPLE - 1}) as g;
    insert into bg.changes (company_id, kind, source, priority, refresh_id, handled_at)
        select 'c' || g % {COMPANIES}, 'role_change', 'people_table', 0, gen_random_uuid(), now()
        from generate_series(0, {PEOPLE - 1}) as g;
"""


@pytest.fixture(scope="module")
def past(postgres: Cluster, template: str) -> Iterator[sa.Engine]:
    url = postgres.clone(template)
    engine = database.make_engine(url, pool_size=1)
    with engine.begin() as conn:
        run(conn, "set local session_replication_role = replica")
        run(conn, PAST)
        run(conn, "analyze")
    yield engine
    engine.dispose()
    postgres.drop(url)


def staged(number: int) -> Iterator[tuple[object, ...]]:
    """People known by their source, by an e-mail, by company and name, and new ones in turn."""
    for n in range(number):
        person = n * 7
        firm = f"firm{person % COMPANIES}"
        theirs = f"x{person}" if n % 4 == 0 else None
        email = f"p{person}@c.example" if n % 4 == 1 else None
        number = person if n % 4 < 3 else person + PEOPLE
        name = "Lee " + str(number).translate(str.maketrans(DIGITS, AS_LETTERS))
        key = person_key(name)
        company = f"f{person % COMPANIES}" if n % 3 == 0 else None
        domain = f"{firm}.example" if n % 3 == 1 else None
        clue = "\x1f".join((company or "", domain or "", firm, ""))
        found = (theirs, company, firm, domain, firm, None, None, key, clue)
        yield (n + 2, None, None, None, None, name, email, *found)


@pytest.mark.parametrize(("create", "short_ids"), [(True, 0), (False, 2)])
def test_a_search_reads_some_pages_for_each_row_whatever_is_known(
    past: sa.Engine, create: bool, short_ids: int
) -> None:
    search = Search("people", "default", "crm", create_companies=create, short_ids=short_ids)
    with past.connect() as conn:
        imports.stage(conn, "people", COLUMNS, staged(ROWS), beside=FOUND_BY)
        with plans.watched(conn) as reads:
            assert imports.judge(conn, "people", search).rows == 0
        # Which names of companies are new is asked once for all of them.
        once = [read for read in reads if "company_keys as k on k.company_id = c.id where c" in
                read.statement]  # fmt: skip
        assert len(once) == 1
        plans.check([read for read in reads if read not in once], rows=60 * ROWS, pages=60 * ROWS)
        found = rows.counted(conn, search)
        assert (found.by_source, found.by_email, found.by_name, found.new) == (150, 150, 150, 150)
        assert (found.companies_known, found.companies_new) == (ROWS, 0)


def test_what_waits_after_an_import_is_asked_of_pending_changes_alone(past: sa.Engine) -> None:
    with past.connect() as conn:
        columns = ("id", "company_id")
        known = [(n + 2, None, None, f"p{n}", f"c{n}") for n in range(ROWS)]
        imports.stage(conn, "people", columns, known)
        run(
            conn,
            "insert into bg.changes (company_id, kind, source, priority) "
            "select 'c' || g, 'role_change', 'people_table', 0 from generate_series(0, 99) as g",
        )
        for everywhere in (False, True):
            with plans.watched(conn) as reads:
                waiting = import_results.waiting(conn, "people", 3600, everywhere=everywhere)
            assert waiting.companies == 100
            plans.check(reads, rows=20 * ROWS, pages=20 * ROWS)
