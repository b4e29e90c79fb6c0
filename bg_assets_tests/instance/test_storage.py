"""Dagster's tables: made once by whoever comes first, reached through one pool, without secrets."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa
import yaml
from dagster_postgres import DagsterPostgresStorage

from bg_assets import settings
from bg_assets.embedded import EmbeddedUnavailable
from bg_assets.embedded.databases import DatabaseUnreachable
from bg_assets.embedded.server import EmbeddedPostgres
from bg_assets.instance import pinging
from bg_assets.instance.private.base import ConfigurableClassData
from bg_assets.instance.private.tables import COMPLETE
from bg_assets.instance.storage import PooledPostgresStorage
from bg_assets.local import code_server
from bg_assets.storage import database
from bg_assets_tests.conftest import Cluster
from bg_assets_tests.instance.conftest import write_config
from bg_assets_tests.private import InstanceRef, StepMaterializationData

# Four processes that have imported everything and open the storage at the same moment.
FOUR_AT_ONCE = """
import os, sys
from bg_assets.instance.storage import PooledPostgresStorage
read, write = os.pipe()
children = []
for number in range(4):
    children.append(os.fork())
    if children[-1] == 0:
        os.close(write)
        os.read(read, 1)
        storage = PooledPostgresStorage(sys.argv[1])
        storage.run_storage.set_cursor_values({f"process {number}": "seen"})
        assert storage.run_storage.get_runs() == []
        assert storage.event_log_storage.get_asset_records() == []
        assert storage.schedule_storage.all_instigator_state() == []
        sys.exit(0)
os.close(write)
assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
"""


@pytest.fixture
def empty(postgres: Cluster) -> Iterator[str]:
    url = postgres.clone("template0")
    yield url
    postgres.drop(url)


def tables(url: str) -> set[str]:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    return set(sa.inspect(engine).get_table_names())


def test_four_processes_at_once_make_the_tables_together(empty: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", FOUR_AT_ONCE, empty],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Retrying" not in done.stderr
    storage = PooledPostgresStorage(empty)
    found = storage.run_storage.get_cursor_values({f"process {number}" for number in range(4)})
    assert len(found) == 4


def test_tables_that_a_killed_process_left_half_made_are_completed(empty: str) -> None:
    PooledPostgresStorage(empty)
    whole = tables(empty)
    engine = sa.create_engine(empty, poolclass=sa.NullPool)
    with engine.begin() as conn:
        conn.exec_driver_sql("drop table jobs, instigators, job_ticks cascade")
        conn.exec_driver_sql("delete from secondary_indexes")
        conn.execute(sa.text("delete from kvs where key = :key"), {"key": COMPLETE})
    storage = PooledPostgresStorage(empty)
    assert tables(empty) == whole
    assert storage.schedule_storage.all_instigator_state() == []


def test_an_older_schema_is_brought_up_to_date(empty: str) -> None:
    PooledPostgresStorage(empty)
    engine = sa.create_engine(empty, poolclass=sa.NullPool)
    with engine.begin() as conn:
        head = conn.scalar(sa.text("select version_num from alembic_version"))
        conn.exec_driver_sql("update alembic_version set version_num = 'f495c27d5019'")
        conn.execute(sa.text("UPDATE kvs SET value = '1.0.0' WHERE key = :key"), {"key": COMPLETE})
    storage = PooledPostgresStorage(empty)
    assert storage.run_storage.alembic_version() == (head, head)


def test_one_pool_serves_all_and_survives_a_restart_of_the_server(
    empty: str, postgres: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    # However short the restart was.
    monkeypatch.setattr(pinging, "RESTED_SECONDS", 0.0)
    storage = PooledPostgresStorage(empty)
    assert storage.run_storage.get_runs() == []
    assert storage.schedule_storage.all_instigator_state() == []
    name = sa.make_url(empty).database
    postgres.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    assert storage.run_storage.get_runs() == []


def test_a_batch_of_events_is_stored_as_dagsters_own_storage_stores_it(empty: str) -> None:
    ours = PooledPostgresStorage(empty).event_log_storage
    dagsters = DagsterPostgresStorage(empty, should_autocreate_tables=False).event_log_storage
    batch = [_materialized(text) for text in ("Ärzte, {a}", "b'\\\"", "c:d %s", "e" * 10_000)]
    for storage in (ours, dagsters):
        storage.store_event_batch(batch)
    with sa.create_engine(empty, poolclass=sa.NullPool).connect() as conn:
        rows = conn.execute(
            sa.text(
                "select run_id, event, dagster_event_type, timestamp, step_key, asset_key, "
                "partition from event_logs order by id"
            )
        ).all()
        tags = conn.execute(
            sa.text(
                "select e.partition, t.value from event_logs as e "
                "join asset_event_tags as t on t.event_id = e.id order by e.id"
            )
        ).all()

    assert [row.partition for row in rows[:4]] == [f"of {one.message[:9]}" for one in batch]
    assert rows[:4] == rows[4:]
    assert [(row.partition, row.value) for row in tags] == [
        (row.partition, row.partition) for row in rows
    ]


def _materialized(text: str) -> dg.EventLogEntry:
    event = dg.AssetMaterialization(
        "company_people", partition=f"of {text[:9]}", metadata={"said": text},
        tags={"dagster/data_version": f"of {text[:9]}"},
    )  # fmt: skip
    return dg.EventLogEntry(  # type: ignore[no-untyped-call]
        error_info=None, level=20, user_message=text, run_id="", timestamp=1_790_000_000.5,
        dagster_event=dg.DagsterEvent(
            "ASSET_MATERIALIZATION", "job", message=text,
            event_specific_data=StepMaterializationData(event),
        ),
    )  # fmt: skip


def test_an_instance_without_a_url_asks_for_the_one_of_the_project(
    empty: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BG_HOME", str(tmp_path))
    monkeypatch.setenv("BG_DAGSTER_URL", empty)
    (tmp_path / "dagster.yaml").symlink_to(settings.PROJECT / "dagster.yaml")
    ref = InstanceRef.from_dir(str(tmp_path))
    assert "postgresql" not in dg.serialize_value(ref)
    with dg.DagsterInstance.from_ref(ref) as instance:
        assert instance.get_runs() == []
        assert instance.storage_directory() == str(tmp_path / "dagster" / "storage")


def test_an_instance_without_its_database_is_an_error_that_dagsters_code_server_passes_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BG_HOME", str(tmp_path))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.setenv("BG_DAGSTER_URL", "postgresql://nobody@127.0.0.1:9/nothing")
    (tmp_path / "dagster.yaml").symlink_to(settings.PROJECT / "dagster.yaml")
    with pytest.raises(dg.DagsterError, match=r"127\.0\.0\.1:9") as away:
        dg.DagsterInstance.get()
    assert isinstance(away.value, DatabaseUnreachable)

    def full(self: EmbeddedPostgres) -> None:
        raise EmbeddedUnavailable("the disk is full")

    monkeypatch.delenv("BG_DAGSTER_URL")
    monkeypatch.setattr(EmbeddedPostgres, "acquire", full)
    database._embedded.cache_clear()
    with pytest.raises(dg.DagsterError, match="the disk is full") as unavailable:
        dg.DagsterInstance.get()
    assert isinstance(unavailable.value, EmbeddedUnavailable)


def test_a_code_server_that_begins_while_the_database_is_away_serves_the_definitions(
    tmp_path: Path,
) -> None:
    (tmp_path / "dagster.yaml").symlink_to(settings.PROJECT / "dagster.yaml")
    away = "postgresql://nobody@127.0.0.1:9/nothing"
    homes = {"BG_HOME": str(tmp_path), "DAGSTER_HOME": str(tmp_path)}
    dagster = Path(sys.executable).with_name("dagster")
    with subprocess.Popen(
        code_server.command(str(dagster), tmp_path / "code.sock"),
        env={**os.environ, **homes, "BG_DATABASE_URL": away, "BG_DAGSTER_URL": away},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as server:
        assert server.stdout is not None
        log = ""
        while "Started Dagster code server" not in log:
            line = server.stdout.readline()
            assert line, log
            log += line
        # Where Ctrl-C is ignored, as in a background job of a script, Dagster ignores SIGTERM too.
        server.kill()
        server.stdout.read()
    assert "rror" not in log


def test_a_password_is_taken_from_the_environment_and_refused_in_the_file(
    empty: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "postgresql://user:hunter2@db/dagster"
    data = ConfigurableClassData(
        "bg_assets.instance.storage",
        "PooledPostgresStorage",
        yaml.safe_dump({"postgres_url": secret}),
    )
    with pytest.raises(settings.BadSetting, match="env: BG_DAGSTER_URL") as refusal:
        data.rehydrate(as_type=PooledPostgresStorage)
    assert "hunter2" not in str(refusal.value)
    monkeypatch.setenv("SOME_URL", empty)
    write_config(tmp_path, "x")
    config = yaml.safe_load((tmp_path / "dagster.yaml").read_text())
    config["storage"]["custom"]["config"] = {"postgres_url": {"env": "SOME_URL"}}
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(config))
    ref = InstanceRef.from_dir(str(tmp_path))
    assert empty not in str(ref)
    with dg.DagsterInstance.from_ref(ref) as instance:
        assert instance.get_runs() == []
