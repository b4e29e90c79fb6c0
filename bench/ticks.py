"""What a tick asks PostgreSQL, beside a long past: when nothing is due, and when very much is.

The database has 100,000 companies, a million handled changes and as many finished refreshes
(`--companies N`, `--past N`), written by SQL. An idle tick is what a sensor does once: templates,
capture, dates, events, runs that are over, what is due; its seconds are those of its statements.
Then every company has a change, and a claim takes 500 of them (`--claim N`), as often as `--rounds
N` (10) says, each behind the one before. `--json` prints one document.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from statistics import median

import dagster as dg
import sqlalchemy as sa

from bench.scratch import scratch
from bg_assets import sensors, settings
from bg_assets.products import in_force
from bg_assets.storage import claims, database
from bg_assets.ticks import upkeep

# Ids are made of numbers, so that rows find each other without a join.
_ID = "('00000000-0000-4000-8000-' || lpad(g::text, 12, '0'))::uuid"
_PAST = (
    """
    insert into bg.companies (id, name)
    select 'c' || g, 'Company' from generate_series(0, {companies} - 1) as g
    """,
    f"""
    insert into bg.buyer_group_refresh_log (id, company_id, status, reason, triggered_by,
        requested_at, started_at, finished_at, starts_interval, run_id)
    select {_ID}, 'c' || mod(g, {{companies}}), 'completed', 'role_change', 'change', t, t, t, true,
        'run'
    from (select g, now() - interval '1 d' - make_interval(secs => {{past}} - g) as t
        from generate_series(0, {{past}} - 1) as g) as s
    """,
    f"""
    insert into bg.changes (company_id, person_id, kind, source, old, new, priority, occurred_at,
        refresh_id, handled_at)
    select 'c' || mod(g, {{companies}}), 'p' || g, 'role_change', 'people_table',
        '{{{{"title": "CFO"}}}}', '{{{{"title": "CEO"}}}}', 30, t, {_ID}, t
    from (select g, now() - interval '1 d' - make_interval(secs => {{past}} - g) as t
        from generate_series(0, {{past}} - 1) as g) as s
    """,
)
_GROUPS = """
    insert into bg.buyer_groups (company_id, product, refresh_id, template_hash, as_of,
        completeness, cohesion_reason, coverage)
    select c.id, t.name, r.id, t.hash, '2026-01-01', 1, 'few', 1
    from bg.companies as c cross join bg.templates as t cross join lateral (
        select id from bg.buyer_group_refresh_log as r where r.company_id = c.id limit 1) as r
"""
_PENDING = """
    insert into bg.changes (company_id, person_id, kind, source, priority, occurred_at)
    select id, id || '-1', 'role_change', 'people_table', 30, now() - interval '1 minute'
    from bg.companies
"""


@dataclass(frozen=True, slots=True)
class Figures:
    """Seconds: of an idle tick's statements, and their number; of claims, and how many each took.

    Each with the longest of its rounds.
    """

    companies: int
    past: int
    idle: float
    idle_longest: float
    statements: int
    claim: float
    claim_longest: float
    claimed: int


def main(arguments: Sequence[str]) -> None:
    """Fill a database and print milliseconds, or all as JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench ticks", description=__doc__)
    parser.add_argument("--companies", type=int, default=100_000)
    parser.add_argument("--past", type=int, default=1_000_000)
    parser.add_argument("--claim", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    with _filled(options.companies, options.past) as engine:
        idle, statements = _idle(engine, options.rounds)
        took, claimed = _claims(engine, options.claim, options.rounds)
    figures = Figures(
        options.companies, options.past, median(idle), max(idle), statements, median(took),
        max(took), claimed,
    )  # fmt: skip
    if options.json:
        json.dump(asdict(figures), sys.stdout, indent=2)
    else:
        sys.stdout.write(
            f"idle tick   {1e3 * figures.idle:7.1f} ms in {statements} statements, "
            f"at most {1e3 * figures.idle_longest:.1f} ms\n"
            f"claim       {1e3 * figures.claim:7.1f} ms for {claimed} of {options.companies:,} "
            f"companies, at most {1e3 * figures.claim_longest:.1f} ms\n"
        )


@contextmanager
def _filled(companies: int, past: int) -> Iterator[sa.Engine]:
    with scratch() as made:
        engine = made.engine
        unset = {one.name: "" for one in settings.VARIABLES}
        products = {"BG_PRODUCTS": "finance_system"}
        os.environ |= {**unset, **products, "BG_HOME": str(made.folder / "home")}
        with engine.begin() as conn:
            conn.exec_driver_sql("set local session_replication_role = replica")
            for statement in _PAST:
                conn.exec_driver_sql(statement.format(companies=companies, past=past))
        in_force.keep(engine, None, ["finance_system"])
        with engine.begin() as conn:
            conn.exec_driver_sql(_GROUPS)
        with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as conn:
            conn.exec_driver_sql("vacuum analyze")
        yield engine


def _idle(engine: sa.Engine, rounds: int) -> tuple[list[float], int]:
    """Seconds of the statements of each round, and how many there were in the last."""
    took: list[float] = []
    with dg.DagsterInstance.ephemeral() as instance, _watched(engine) as spent:
        for number in range(rounds + 1):
            spent.clear()
            sensors.follow_templates(engine)
            upkeep.see_to(engine)
            requests, _ = sensors.tick(instance, engine, "bench", poll_seconds=0)
            assert not requests
            # The first keeps the templates.
            if number:
                took.append(sum(spent))
    return took, len(spent)


@contextmanager
def _watched(engine: sa.Engine) -> Iterator[list[float]]:
    """The seconds of each statement, as its caller waits for it."""
    spent: list[float] = []
    began = 0.0

    def before(*_: object) -> None:
        nonlocal began
        began = time.monotonic()

    def after(*_: object) -> None:
        spent.append(time.monotonic() - began)

    sa.event.listen(engine, "before_cursor_execute", before)
    sa.event.listen(engine, "after_cursor_execute", after)
    yield spent
    sa.event.remove(engine, "before_cursor_execute", before)
    sa.event.remove(engine, "after_cursor_execute", after)


def _claims(engine: sa.Engine, most: int, rounds: int) -> tuple[list[float], int]:
    """Seconds of each claim with its commit, and how many companies it took."""
    policy = replace(sensors.policy_of(settings.read()), claim_limit=most)
    with engine.begin() as conn:
        conn.exec_driver_sql(_PENDING)
    took, claimed = [], 0
    for _ in range(rounds):
        began = time.monotonic()
        with database.connect(engine) as conn:
            now = claims.database_now(conn)
            claimed = claims.claim(conn, policy, "bench", now)
            asked = claims.ask(conn, policy, "bench", now)
        took.append(time.monotonic() - began)
        assert sum(len(one.companies) for one in asked) == claimed
    return took, claimed
