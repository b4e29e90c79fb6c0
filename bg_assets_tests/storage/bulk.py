"""A database with a long past: a million handled changes, and what a test adds to it."""

import sqlalchemy as sa

from bg_assets_tests.storage.rows import at, rows, run

COMPANIES = 20_000
REFRESHES_EACH = 10
CHANGES_EACH = 5

# Ordered by time, as a real log is. The refresh ids are made from numbers, so that rows find each
# other without a join.
REFRESH_ID = "('00000000-0000-4000-8000-' || lpad(({n})::text, 12, '0'))::uuid"
COMPANY = "'c' || lpad(({n})::text, 6, '0')"

PAST = {
    "companies": f"""
        insert into bg.companies (id, name)
        select {COMPANY.format(n="g")}, 'Company' from generate_series(0, {COMPANIES - 1}) as g""",
    "people": f"""
        insert into bg.people (id, company_id, title)
        select 'p' || g, {COMPANY.format(n=f"(g % {COMPANIES})")}, 'CFO'
        from generate_series(0, {COMPANIES * 10 - 1}) as g""",
    "refreshes": f"""
        insert into bg.buyer_group_refresh_log (id, company_id, status, reason, triggered_by,
            requested_at, started_at, finished_at, starts_interval, run_id)
        select {REFRESH_ID.format(n="g")}, {COMPANY.format(n=f"(g % {COMPANIES})")}, 'completed',
            'role_change', 'change', t, t, t, true, 'run'
        from (select g, cast(:start as timestamptz)
                - make_interval(secs => 7200 + {COMPANIES * REFRESHES_EACH} - g) as t
            from generate_series(0, {COMPANIES * REFRESHES_EACH - 1}) as g) as s""",
    "changes": f"""
        insert into bg.changes (company_id, person_id, kind, source, old, new, priority,
            occurred_at, refresh_id, handled_at)
        select {COMPANY.format(n=f"(g / {CHANGES_EACH} % {COMPANIES})")}, 'p' || g, 'role_change',
            'people_table', '{{"title": "CFO"}}', '{{"title": "CEO"}}', 30, :start, r, :start
        from (select g, {REFRESH_ID.format(n=f"g / {CHANGES_EACH}")} as r
            from generate_series(0, {COMPANIES * REFRESHES_EACH * CHANGES_EACH - 1}) as g) as s""",
    "staff": f"""
        insert into bg.company_people (company_id, person_id, title, confidence)
        select {COMPANY.format(n=f"(g % {COMPANIES})")}, 'p' || g, 'CFO', 1
        from generate_series(0, {COMPANIES * 5 - 1}) as g""",
    "groups": f"""
        insert into bg.buyer_groups (company_id, product, refresh_id, template_hash, as_of,
            completeness, cohesion_reason, coverage)
        select {COMPANY.format(n="g")}, 'finance_system', {REFRESH_ID.format(n="g")}, 't',
            '2026-01-01', 1, 'few', 1
        from generate_series(0, {COMPANIES - 1}) as g""",
    "members": f"""
        insert into bg.buyer_group_members
            (company_id, product, person_id, role, confidence, influence)
        select {COMPANY.format(n=f"(g % {COMPANIES})")}, 'finance_system', 'p' || g, 'champion',
            1, 1
        from generate_series(0, {COMPANIES * 5 - 1}) as g""",
    "history": f"""
        insert into bg.buyer_group_history
            (refresh_id, company_id, product, person_id, event, because)
        select {REFRESH_ID.format(n="g")}, {COMPANY.format(n=f"(g % {COMPANIES})")},
            'finance_system', 'p' || g, case when g % 4 = 0 then 'left' else 'joined' end,
            'no longer at the company'
        from generate_series(0, {COMPANIES * 5 - 1}) as g""",
    "next_refreshes": f"""
        insert into bg.next_refreshes (company_id, at, rhythm, because)
        select {COMPANY.format(n="g")}, cast(:start as timestamptz) + make_interval(mins => g),
            'monthly', 'why' from generate_series(0, {COMPANIES - 1}) as g""",
    "writes": """
        insert into bg.writes (writer, names, counts, began_at, ended_at, told_at)
        select case g % 10 when 0 then 'import' else 'webhook' end, array['file ' || g], '{}',
            t, t + interval '30 seconds', t + interval '40 seconds'
        from (select g, cast(:start as timestamptz) - make_interval(secs => 2 * (99999 - g)) as t
            from generate_series(0, 99999) as g) as s""",
}


INDEXES = """
    select indexname, indexdef from pg_indexes
    where schemaname = 'bg' and tablename in ('changes', 'people', 'buyer_group_refresh_log')
        and indexname not like '%_pkey'
"""


def fill(conn: sa.Connection) -> None:
    """Write the past, past the triggers, and let PostgreSQL look at it: nothing is pending."""
    run(conn, "set local session_replication_role = replica")
    run(conn, "set local maintenance_work_mem = '256MB'")
    indexes = rows(conn, INDEXES)
    for index in indexes:
        run(conn, f"drop index bg.{index['indexname']}")
    for statement in PAST.values():
        parameters = {"start": at(0)} if ":start" in statement else {}
        run(conn, statement, **parameters)
    for index in indexes:
        run(conn, index["indexdef"])
    run(conn, "analyze")


def pending(
    conn: sa.Connection, companies: int, each: int, *, first: int = 0, departures: bool = False,
    source: str = "people_table",
) -> None:  # fmt: skip
    """Changes that wait, of so many companies from number ``first`` on."""
    kind, gone = ("person_left", "true") if departures else ("role_change", "false")
    run(
        conn,
        f"""insert into bg.changes (company_id, person_id, kind, source, priority, is_departure,
            occurred_at)
        select {COMPANY.format(n="n")}, 'p' || n, '{kind}', :source, 10 * (n % 4), {gone},
            :at
        from generate_series(:first, :last) as n, generate_series(1, :each) as g""",
        first=first, last=first + companies - 1, each=each, at=at(0), source=source,
    )  # fmt: skip


def deferred(conn: sa.Connection, companies: int, *, first: int = 0) -> None:
    """A change each of companies that were refreshed just now."""
    pending(conn, companies, 1, first=first)
    run(
        conn,
        f"""insert into bg.buyer_group_refresh_log (company_id, status, reason, triggered_by,
            requested_at, started_at, finished_at, starts_interval, run_id)
        select {COMPANY.format(n="n")}, 'completed', 'role_change', 'change', :at, :at, :at, true,
            'run'
        from generate_series(:first, :last) as n""",
        first=first, last=first + companies - 1, at=at(0),
    )  # fmt: skip
