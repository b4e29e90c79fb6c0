"""Behind PgBouncer in transaction mode, where no two transactions need be of one session."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine, make_url

from bg_assets import settings
from bg_assets.embedded.databases import DatabaseUnreachable
from bg_assets.encryption import Keys, new_key
from bg_assets.receiver.link import Link
from bg_assets.storage import claims, database, key_rotation
from bg_assets.storage.webhooks import applying
from bg_assets_tests.pooler import in_front_of
from bg_assets_tests.receiver.doors import Door, as_a_process, event, free_port, wait_until
from bg_assets_tests.storage.rows import company, value


@pytest.fixture
def pooled(database_url: str) -> Iterator[str]:
    """The URL of a fresh database through the pooler."""
    with in_front_of(database_url) as url:
        yield url


@pytest.fixture
def through(pooled: str) -> Iterator[Engine]:
    """An engine of ours through the pooler."""
    made = database.make_engine(pooled)
    yield made
    made.dispose()


def test_the_door_stores_events_through_a_pooler_and_the_tick_applies_them(
    pooled: str, through: Engine, engine: Engine, tmp_path: Path
) -> None:
    port, key = free_port(), new_key()
    company(engine, "c-1", ["p-1"])
    door = Door(port, engine, Keys((key,)))
    door.add()
    with as_a_process(pooled, port, key, tmp_path) as running:
        wait_until(lambda: door.get("/readyz").status == 200)
        assert door.deliver(event(id="one")).status == 202
        assert door.deliver(event(id="one")).status == 200
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: door.deliver().status, range(80)))
        assert answers == [202] * 80
        assert door.send(b"{}", {}).status == 401
        wait_until(lambda: door.rows("select * from bg.audit_log where action like '%refused'"))
        assert running.stop() == 0
    assert b"PostgreSQL" not in running.log.read_bytes()
    assert applying.apply_pending(through, Keys((key,)).decrypt).applied == 81
    assert value(engine, "select title from bg.people") == "CFO"
    assert not applying.apply_pending(through, Keys((key,)).decrypt).looked_at


_SHOWN = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")


@pytest.mark.parametrize("way", ["direct", "pooled"])
def test_the_time_outs_of_the_door_hold_in_each_transaction_and_stay_with_nobody(
    database_url: str, pooled: str, through: Engine, way: str
) -> None:
    link = Link(settings.read({"BG_DATABASE_URL": pooled if way == "pooled" else database_url}))

    def shown(conn: sa.Connection) -> list[str]:
        return [conn.exec_driver_sql(f"show {name}").scalar_one() for name in _SHOWN]

    try:
        for _ in range(3):
            assert link.transact(shown) == ["10s", "5s", "30s"]
    finally:
        link.close()
    with through.connect() as conn:
        assert shown(conn) == ["0", "0", "0"]


@pytest.mark.parametrize(
    ("default", "durable"), [("off", "on"), ("local", "on"), ("remote_apply", "remote_apply")]
)
def test_an_event_is_on_the_disk_whatever_the_default_of_the_server_is(
    database_url: str, engine: Engine, default: str, durable: str
) -> None:
    name = make_url(database_url).database
    with engine.connect() as conn:
        conn.exec_driver_sql(f"alter database {name} set synchronous_commit = '{default}'")
        conn.commit()
    link = Link(settings.read({"BG_DATABASE_URL": database_url}))
    try:
        found = link.transact(
            lambda conn: conn.exec_driver_sql("show synchronous_commit").scalar_one()
        )
    finally:
        link.close()
    assert found == durable


def test_keys_are_rotated_by_one_at_a_time_through_a_pooler_too(
    pooled: str, through: Engine, tmp_path: Path
) -> None:
    old, new = new_key(), new_key()
    config = settings.read(
        {"BG_DATABASE_URL": pooled, "BG_HOME": str(tmp_path), "BG_ENCRYPTION_KEYS": f"{new},{old}"}
    )
    with key_rotation._alone(through):
        for _ in range(3):
            with pytest.raises(key_rotation.RotationUnderWay):
                key_rotation.rotate(through, config, "tester", lambda *_: None)
    for _ in range(6):
        assert key_rotation.rotate(through, config, "tester", lambda *_: None).payloads == 0


def test_what_a_pooler_refuses_is_told_with_its_name_and_what_to_do(pooled: str) -> None:
    odd = make_url(pooled).update_query_dict({"options": "-c search_path=public"})
    engine = database.make_engine(odd.render_as_string(hide_password=False))
    said = r"the pooler \(PgBouncer\) .*options.*ignore_startup_parameters"
    with pytest.raises(DatabaseUnreachable, match=said), database.connect(engine) as conn:
        conn.exec_driver_sql("select 1")


def test_migrating_and_asking_what_is_due_work_through_a_pooler(
    pooled: str, through: Engine, databases: Callable[[], str]
) -> None:
    assert database.migrate(pooled) == []
    with in_front_of(databases()) as url:
        other = database.make_engine(url)
        with database.connect(other) as conn:
            conn.exec_driver_sql("drop schema bg cascade")
        assert database.migrate(url)[0].startswith("schema bg: empty -> ")
        other.dispose()
    with database.connect(through) as conn:
        database.check_schema(conn)
        assert claims.database_now(conn)
