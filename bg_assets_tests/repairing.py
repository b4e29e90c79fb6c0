"""A refresh that a run of Dagster holds or was asked for, for tests of what becomes of it."""

from collections.abc import Sequence
from datetime import datetime

import dagster as dg
import sqlalchemy as sa

from bg_assets.definitions import defs
from bg_assets.instance.private import names
from bg_assets.instance.worker import Worker
from bg_assets.storage import claims, refreshes

Status = dg.DagsterRunStatus


def make_run(
    instance: dg.DagsterInstance, status: Status, key: str, worker: Worker | None = None
) -> str:
    tag = {names.WORKER_TAG: worker.to_tag()} if worker else {}
    made = instance.create_run_for_job(
        defs.resolve_job_def("refresh_buyer_groups"),
        status=status,
        tags={"dagster/run_key": key, **tag},
    )
    return made.run_id


def claimed(engine: sa.Engine) -> tuple[claims.Request, datetime]:
    with engine.begin() as conn:
        conn.execute(sa.text("insert into bg.companies (id, name) values ('acme', 'Acme')"))
        conn.execute(sa.text("update bg.changes set occurred_at = now() - interval '1 hour'"))
        policy = claims.Policy(settle=0, refresh_interval=3600, claim_limit=10)
        now = claims.database_now(conn)
        claims.claim(conn, policy, "due_companies_1", now)
        (request,) = claims.ask(conn, policy, "due_companies_1", now)
    return request, now


def taken(
    engine: sa.Engine,
    instance: dg.DagsterInstance,
    status: Status,
    worker: Worker | None = None,
    events: Sequence[str] = (),
) -> datetime:
    """A refresh that is held by a run with this status."""
    request, now = claimed(engine)
    run_id = make_run(instance, status, request.run_key, worker)
    for one in events:
        event = dg.DagsterEvent(one, "refresh_buyer_groups", step_key="company_people")
        instance.report_dagster_event(event, run_id)
    with engine.begin() as conn:
        refreshes.take(conn, run_id, now, refresh=(request.refresh_id or "", 1))
    assert refresh(engine) == ("running", 1, 0)
    return now


def refresh(engine: sa.Engine) -> tuple[str, int, int]:
    """Status and attempt of the refresh, and how many changes no refresh has."""
    with engine.connect() as conn:
        row = conn.execute(
            sa.text(
                "select status, attempt, "
                "(select count(*) from bg.changes where refresh_id is null) "
                "from bg.buyer_group_refresh_log"
            )
        ).one()
    return row[0], row[1], row[2]


def outages(engine: sa.Engine) -> int:
    with engine.connect() as conn:
        found = conn.execute(sa.text("select outages from bg.buyer_group_refresh_log"))
        return int(found.scalar_one())
