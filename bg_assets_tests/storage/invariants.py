"""What must hold in the tables at any moment, whatever was interrupted; and how to finish."""

from typing import Any

import sqlalchemy as sa

from bg_assets.storage import refreshes
from bg_assets_tests.storage.rows import at, rows
from bg_assets_tests.storage.steps import complete, take, tick

# Later than anything that happens in a test, so that no company waits.
LATER = 10.0**9

BROKEN = {
    "a taken change belongs to a refresh that is running or dead": """
        select c.id, r.status from bg.changes as c
        join bg.buyer_group_refresh_log as r on r.id = c.refresh_id
        where c.handled_at is null and r.status not in ('running', 'dead')""",
    "a handled change belongs to a completed refresh of its company": """
        select c.id, r.status from bg.changes as c
        join bg.buyer_group_refresh_log as r on r.id = c.refresh_id
        where c.handled_at is not null
            and (r.status <> 'completed' or r.company_id <> c.company_id)""",
    "a company has one refresh under way at most": """
        select company_id from bg.buyer_group_refresh_log
        where status in ('requested', 'running') group by company_id having count(*) > 1""",
    "a group was written by a completed refresh": """
        select g.company_id, r.status from bg.buyer_groups as g
        join bg.buyer_group_refresh_log as r on r.id = g.refresh_id
        where r.status <> 'completed' or r.company_id <> g.company_id""",
    "the members are those whom the history tells of": """
        select company_id, person_id from (
            select company_id, product, person_id from bg.buyer_group_members
            union all
            select company_id, product, person_id from bg.buyer_group_history
            group by company_id, product, person_id
            having sum(case event when 'joined' then 1 when 'left' then -1 else 0 end) = 1
        ) as both_sides
        group by company_id, product, person_id having count(*) <> 2""",
    "nobody joined twice without leaving": """
        select company_id, person_id from bg.buyer_group_history
        group by company_id, product, person_id
        having sum(case event when 'joined' then 1 when 'left' then -1 else 0 end)
            not in (0, 1)""",
    "the history belongs to completed refreshes": """
        select h.id from bg.buyer_group_history as h
        join bg.buyer_group_refresh_log as r on r.id = h.refresh_id
        where r.status <> 'completed'""",
}

CHECK = " union all ".join(
    f"select '{name}' as name where exists ({query})" for name, query in BROKEN.items()
)

# Groups as the tests' rules would build them from people: everybody employed is a member.
STALE = """
    select company_id, person_id from (
        select company_id, person_id from bg.buyer_group_members
        union all
        select p.company_id, p.id from bg.people as p
        join bg.companies as c on c.id = p.company_id and c.deleted_at is null
        where p.status = 'active' and p.deleted_at is null
    ) as both_sides
    group by company_id, person_id having count(*) <> 2
"""


def check(engine: sa.Engine) -> None:
    """Fail with the name of what is broken."""
    broken = [row["name"] for row in rows(engine, CHECK)]
    assert not broken, broken


def members(engine: sa.Engine) -> dict[str, list[str]]:
    """Who is in which company's group."""
    found = rows(
        engine,
        "select g.company_id, array_agg(m.person_id order by m.person_id) "
        "filter (where m.person_id is not null) as who from bg.buyer_groups as g "
        "left join bg.buyer_group_members as m using (company_id, product) group by g.company_id",
    )
    return {row["company_id"]: row["who"] or [] for row in found}


def release_all(engine: sa.Engine, max_attempts: int = 99) -> None:
    """What repair does when every run is gone."""
    with engine.begin() as conn:
        for held in refreshes.under_way(conn):
            refreshes.release(conn, held.refreshes, "the run is gone", at(LATER), max_attempts)


def finish(engine: sa.Engine) -> int:
    """Carry out all that is pending with new runs until nothing is left; returns how many runs."""
    runs = 0
    release_all(engine)
    with engine.begin() as conn:
        dead = rows(conn, "select company_id from bg.buyer_group_refresh_log where status = 'dead'")
        refreshes.requeue(conn, [row["company_id"] for row in dead])
    # Late enough for what an outage ended, too.
    while requests := tick(engine, LATER + 10_000):
        for request in requests:
            runs += 1
            run_id = f"finish-{runs}"
            held = take(engine, run_id, request)
            assert complete(engine, run_id, held) == {one.company_id for one in held}
        assert runs < 1000
    check(engine)
    assert unhandled(engine) == []
    assert rows(engine, STALE) == []
    return runs


def unhandled(engine: sa.Engine) -> list[dict[str, Any]]:
    """The changes that no group reflects yet."""
    return rows(engine, "select id, company_id from bg.changes where handled_at is null")
