"""The database lets nobody in for a while: no company loses an attempt by it."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
import sqlalchemy as sa

from bg_assets import repair
from bg_assets.assets import buyer_groups, company_people
from bg_assets.embedded.databases import DatabaseUnreachable
from bg_assets.storage import claims, database
from bg_assets_tests.conftest import Cluster
from bg_assets_tests.refreshing import World


@pytest.fixture
def guest(postgres: Cluster, world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[sa.Engine]:
    """The job connects as a role of which two connections are let in; an engine of that role."""
    role = f"guest_{uuid.uuid4().hex[:8]}"
    world.sql(f"create role {role} login password 'x' connection limit 2")
    world.sql(f"grant all on schema bg to {role}")
    world.sql(f"grant all on all tables in schema bg to {role}")
    url = sa.make_url(world.engine.url).set(username=role, password="x")
    monkeypatch.setenv("BG_DATABASE_URL", url.render_as_string(hide_password=False))
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    yield engine
    world.sql(f"drop owned by {role}")
    postgres.run(f"drop role {role}")


@contextmanager
def exhausted(guest: sa.Engine) -> Iterator[None]:
    """Somebody else has all the connections."""
    with guest.connect(), guest.connect():
        yield


def _run(world: World, *, ok: bool) -> claims.Request:
    (request,) = world.claim()
    result = world.run(request, ok=ok)
    if not ok:
        # As a tick would, by which time the run has a key that it is found by.
        world.instance.add_run_tags(result.run_id, {"dagster/run_key": request.run_key})
    return request


def _repair(world: World) -> list[str]:
    """What a tick does about it, once it does not take the run to be just on its way."""
    with world.engine.connect() as conn:
        later = claims.database_now(conn) + timedelta(seconds=20)
    return repair.repair(world.instance, world.engine, max_attempts=1, now=later)


def _log(world: World, columns: str) -> tuple[object, ...]:
    (row,) = world.sql(f"select {columns} from bg.buyer_group_refresh_log")
    return tuple(row)


def test_attempts_while_all_connections_are_taken_count_for_nothing(
    world: World, guest: sa.Engine
) -> None:
    world.add("acme")
    keys = []
    for outage in (1, 2, 3, 4):
        with exhausted(guest):
            keys.append(_run(world, ok=False).run_key)
        (line,) = _repair(world)
        assert "ended as FAILURE before it began to work: 1 to be tried again, 0 dead" in line
        found = _log(world, "status, attempt, outages, not_before > now()")
        assert found == ("requested", outage + 1, outage, True)
        assert world.claim() == []
        world.sql("update bg.buyer_group_refresh_log set not_before = now()")
    keys.append(_run(world, ok=True).run_key)
    assert world.status("acme") == ["completed"]
    assert world.pending() == 0
    assert len(set(keys)) == 5


def test_what_the_job_gets_wrong_counts_as_before(world: World, guest: sa.Engine) -> None:
    world.add("acme")
    world.sql("alter table bg.company_people add check (title <> 'Finance Director') not valid")
    with pytest.MonkeyPatch.context() as patch:
        for asset in (company_people.company_people, buyer_groups.buyer_groups):
            patch.setattr(asset.op, "_retry_policy", None)
        _run(world, ok=False)
    _repair(world)
    rests = "not_before - finished_at = interval '1 minute'"
    assert _log(world, f"status, attempt, outages, {rests}") == ("dead", 1, 0, True)


def test_a_connection_lost_in_the_middle_of_a_step_counts_for_nothing(
    world: World, guest: sa.Engine
) -> None:
    world.add("acme")
    world.sql("""
        create function bg.cut() returns trigger language plpgsql security definer as $$ begin
        perform pg_terminate_backend(pg_backend_pid()); return new; end $$""")
    world.sql("create trigger cut before insert on bg.buyer_groups "
              "for each row execute function bg.cut()")  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        for asset in (company_people.company_people, buyer_groups.buyer_groups):
            patch.setattr(asset.op, "_retry_policy", None)
        _run(world, ok=False)
    (line,) = _repair(world)
    assert "ended as FAILURE by DatabaseUnreachable: 1 to be tried again, 0 dead" in line
    assert _log(world, "status, attempt, outages") == ("requested", 2, 1)


@pytest.mark.parametrize(
    ("code", "said"),
    [("53100", "disk_full"), ("58030", "io_error"), ("25006", "read_only_sql_transaction")],
)
def test_a_server_that_can_not_go_on_is_no_fault_of_a_company(
    engine: sa.Engine, code: str, said: str
) -> None:
    with pytest.raises(DatabaseUnreachable, match=code), database.connect(engine) as conn:
        conn.exec_driver_sql(f"do $$ begin raise {said}; end $$")
