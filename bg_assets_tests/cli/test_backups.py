"""`backup` and `restore` as they are typed, on one database that holds both schemas and on two."""

import os
import stat
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa

from bg_assets import encryption, settings
from bg_assets.backups import making
from bg_assets.backups.servers import Databases
from bg_assets.embedded import clients
from bg_assets.instance.statuses import NOT_OVER
from bg_assets.local import programs
from bg_assets.storage import claims, refreshes
from bg_assets_tests.cli.command import Command
from bg_assets_tests.instance import code
from bg_assets_tests.instance.conftest import write_config
from bg_assets_tests.private import (
    RegisteredCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from bg_assets_tests.refreshing import World
from bg_assets_tests.storage import told

QUEUED = dg.DagsterRunStatus.QUEUED

_REFRESHES = """
    select company_id, status, attempt, outages, run_id, run_key, batch_id::text, error
    from bg.buyer_group_refresh_log order by company_id, requested_at
"""
_GROUPS = """
    select g.company_id, g.completeness, m.person_id, m.role, m.confidence
    from bg.buyer_groups as g join bg.buyer_group_members as m using (company_id, product)
    order by 1, 3
"""
_PENDING = """
    select company_id, count(*) from bg.changes
    where handled_at is null and refresh_id is null group by 1 order by 1
"""


@pytest.fixture
def instance(database_url: str, tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """Dagster's instance with its tables in the same database."""
    write_config(tmp_path / "dagster", database_url)
    with dg.DagsterInstance.from_config(str(tmp_path / "dagster")) as made:
        yield made


@pytest.fixture
def world(bg: Command, instance: dg.DagsterInstance) -> World:
    """A company with a group, one whose run is queued, one whose refresh is running."""
    made = World(bg.engine, instance)
    made.add("built", "queued", "running")
    for request in made.claim():
        if request.companies == ("built",):
            made.run(request)
            continue
        status = QUEUED if request.companies == ("queued",) else dg.DagsterRunStatus.STARTED
        run = instance.create_run_for_job(
            code.acting,
            status=status,
            tags={"dagster/run_key": request.run_key},
            remote_job_origin=RemoteJobOrigin(
                RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("code"), "__repository__"),
                "acting",
            ),
        )
        if request.companies == ("running",):
            with bg.engine.begin() as conn:
                now = claims.database_now(conn)
                held = (request.refresh_id or "", request.attempt)
                assert refreshes.take(conn, run.run_id, now, refresh=held)
    return made


def _leave(bg: Command) -> None:
    """Close the sessions of this test, those of its instances too: they are in a restore's way."""
    bg.engine.dispose()
    bg.execute("""
        select pg_terminate_backend(pid, 5000) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()
    """)
    bg.engine.dispose()


@pytest.fixture
def elsewhere(
    bg: Command, databases: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> Callable[[], Command]:
    """Turns to two databases of another installation that are as good as new."""

    def turn() -> Command:
        url, other = databases(), databases()
        monkeypatch.setenv("BG_DATABASE_URL", url)
        monkeypatch.setenv("BG_DAGSTER_URL", other)
        monkeypatch.setenv("BG_HOME", str(bg.folder / "other home"))
        engine = sa.create_engine(url, poolclass=sa.NullPool)
        return Command(engine, bg.folder)

    return turn


def test_what_stood_stands_again_and_what_was_under_way_is_asked_for_once_more(
    bg: Command, world: World, elsewhere: Callable[[], Command]
) -> None:
    file = bg.folder / "file"
    bg.execute("""insert into bg.workers (host, pid, started, kind, started_at, beat_at, memory)
        values ('there', 1, 'x', 'code', now(), now(), 1)""")
    made = bg.json("backup", file)
    assert made["file"] == str(file)
    assert made["bytes"] == file.stat().st_size > 1000
    assert made["encrypted"] is False
    groups, before = bg.rows(_GROUPS), bg.rows(_REFRESHES)
    assert [row[:2] for row in before] == [
        ("built", "completed"), ("queued", "requested"), ("running", "running"),
    ]  # fmt: skip
    there = elsewhere()
    done = there.json("restore", file)
    assert (done["runs_ended"], done["refreshes_asked"], done["migrated"]) == (2, 2, [])
    assert there.rows(_GROUPS) == groups
    assert there.rows("select * from bg.workers") == []
    over = "restored from a backup, in which it was under way"
    assert there.rows(_REFRESHES) == [
        before[0],
        ("queued", "requested", 2, 1, None, None, None, over),
        ("running", "requested", 2, 1, None, None, None, over),
    ]
    assert [company for company, _ in there.rows(_PENDING)] == ["queued", "running"]
    write_config(bg.folder / "its dagster", os.environ["BG_DAGSTER_URL"])
    with dg.DagsterInstance.from_config(str(bg.folder / "its dagster")) as its:
        assert its.get_runs(dg.RunsFilter(statuses=NOT_OVER)) == []
        assert len(its.get_runs()) == 3
        restored = World(there.engine, its)
        restored.sql("update bg.buyer_group_refresh_log set not_before = null")
        requests = restored.claim()
        assert sorted(request.companies for request in requests) == [("queued",), ("running",)]
        for request in requests:
            restored.run(request)
    assert there.rows(_PENDING) == []
    assert [row[1] for row in there.rows(_REFRESHES)] == ["completed"] * 3


def test_a_restore_in_its_own_place_takes_back_what_came_after(bg: Command, world: World) -> None:
    file = bg.folder / "file"
    assert bg("backup", file).code == 0
    groups = bg.rows(_GROUPS)
    bg.execute("delete from bg.buyer_group_members")
    bg.execute("create table bg.of_a_later_version (id integer)")
    bg.execute("create table public.of_somebody_else (id integer)")
    _leave(bg)
    assert bg("restore", file).code == 2
    done = bg("restore", file, "--replace")
    assert done.code == 0, done.err
    assert bg.rows(_GROUPS) == groups
    assert bg.value("select to_regclass('bg.of_a_later_version')") is None
    assert bg.value("select to_regclass('public.of_somebody_else')::text") == "of_somebody_else"
    assert bg.value("select count(*) from pg_stat_all_tables where analyze_count > 0") > 20
    assert [company for company, _ in bg.rows(_PENDING)] == ["queued", "running"]


def test_both_are_in_the_audit_log_with_time_and_size(bg: Command, engine: sa.Engine) -> None:
    file = bg.folder / "file"
    made = bg.json("backup", file)
    ((subject, detail),) = bg.rows(
        "select subject, detail from bg.audit_log where action = 'backup'"
    )
    assert (subject, detail["bytes"]) == ("file", made["bytes"])
    assert detail["made_at"][:19] == made["made_at"][:19]
    _leave(bg)
    assert bg("restore", file, "--replace").code == 0
    ((action, restored),) = bg.rows("select action, detail from bg.audit_log")
    assert (action, restored["made_at"][:19]) == ("restore", made["made_at"][:19])


def test_the_file_is_closed_to_others_whatever_was_there(bg: Command) -> None:
    file = bg.folder / "file"
    file.write_text("before")
    file.chmod(0o644)
    done = bg("backup", file)
    assert done.code == 0
    assert f"written to {file} in" in done.err
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert bg("restore", file, "--check").out.startswith("whole: made at ")
    assert [*bg.folder.glob(".file*")] == []


def test_a_backup_that_fails_leaves_the_file_of_before(bg: Command, engine: sa.Engine) -> None:
    file = bg.folder / "file"
    file.write_text("before")
    bg.execute("create role reader login; grant usage on schema bg to reader")
    bg.execute("grant select on bg.alembic_version, bg.capture_triggers to reader")
    url = sa.make_url(os.environ["BG_DATABASE_URL"]).set(username="reader")
    try:
        os.environ["BG_DATABASE_URL"] = url.render_as_string(hide_password=False)
        done = bg("backup", file)
    finally:
        bg.execute("drop owned by reader; drop role reader")
    assert done.code == 1
    assert "permission denied" in done.err
    assert file.read_text() == "before"
    assert [*bg.folder.glob(".file*")] == []


def _half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def _damaged(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _other(path: Path) -> None:
    path.write_text("id,name\n")


def _absent(path: Path) -> None:
    path.unlink()


def _of_a_later_version(path: Path) -> None:
    _rewritten(path, '"schema": "0', '"schema": "1')


def _of_a_later_dagster(path: Path) -> None:
    _rewritten(path, '"dagster": "1.', '"dagster": "2.')


def _rewritten(path: Path, old: str, new: str) -> None:
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    text = contents["manifest.json"].decode()
    assert old in text
    contents["manifest.json"] = text.replace(old, new).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)


@pytest.mark.parametrize(
    ("spoil", "exit_code", "message"),
    [
        (_half, 1, "ends too early: it is half of a backup"),
        (_damaged, 1, "is damaged: bg.dump is not what was written"),
        (_other, 1, "is not a backup of bg-assets"),
        (_absent, 1, "No such file or directory"),
        (_of_a_later_version, 2, "is not one that this code knows: install the bg_assets that"),
        (_of_a_later_dagster, 2, "it was made with Dagster 2.13"),
    ],
)
def test_a_file_that_can_t_be_restored_touches_nothing(
    bg: Command, spoil: Callable[[Path], None], exit_code: int, message: str
) -> None:
    bg.companies("kept")
    file = bg.folder / "file"
    assert bg("backup", file).code == 0
    spoil(file)
    _leave(bg)
    done = bg("restore", file, "--replace")
    assert (done.code, done.out) == (exit_code, "")
    assert message in done.err
    assert bg.value("select id from bg.companies") == "kept"


def test_keys_that_are_not_here_are_asked_for_before_anything_is_touched(
    bg: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    added = bg("webhook", "add-source", "crm", "--scheme", "standard")
    assert added.code == 0, added.err
    file = bg.folder / "file"
    old = os.environ["BG_ENCRYPTION_KEYS"]
    assert bg.json("backup", file)["encrypted"] is True
    assert old.encode() not in file.read_bytes()
    _leave(bg)
    monkeypatch.setenv("BG_ENCRYPTION_KEYS", encryption.new_key())
    refused = bg("restore", file, "--replace")
    assert refused.code == 2
    assert "1 of the 1 keys of that installation are not here" in refused.err
    assert "put them into BG_ENCRYPTION_KEYS first" in refused.err
    assert bg("restore", file, "--replace", "--without-keys").code == 0
    _leave(bg)
    monkeypatch.setenv("BG_ENCRYPTION_KEYS", f"{encryption.new_key()},{old}")
    assert bg("restore", file, "--replace").code == 0


def test_who_uses_the_target_is_named_and_nothing_is_touched(bg: Command) -> None:
    file = bg.folder / "file"
    assert bg("backup", file).code == 0
    _leave(bg)
    with bg.engine.connect() as conn:
        conn.execute(sa.text("set application_name = 'some report'"))
        done = bg("restore", file, "--replace")
    assert done.code == 2
    assert "sessions are open on the databases (1 of some report): stop what uses them" in done.err


def test_while_everything_runs_here_nothing_is_restored(bg: Command) -> None:
    file = bg.folder / "file"
    assert bg("backup", file).code == 0
    _leave(bg)
    with programs.only_one(Path(os.environ["BG_HOME"])):
        done = bg("restore", file, "--replace")
    assert (done.code, "running already" in done.err) == (2, True)


def test_what_others_made_upon_our_tables_is_named_and_not_dropped(bg: Command) -> None:
    file = bg.folder / "file"
    assert bg("backup", file).code == 0
    bg.execute("create view public.theirs as select id from bg.companies")
    bg.execute("create table public.more (company_id text references bg.companies)")
    _leave(bg)
    done = bg("restore", file, "--replace")
    assert done.code == 2
    assert "would be dropped (more, public.theirs): drop them first" in done.err
    assert bg.value("select count(*) from public.theirs") == 0


def test_without_programs_that_fit_the_server_the_error_says_what_to_install(
    bg: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "installed", list)
    done = bg("backup", bg.folder / "file")
    assert done.code == 2
    assert "Install postgresql-client-" in done.err
    assert not (bg.folder / "file").exists()


def test_the_schema_of_an_older_version_is_brought_up_to_date(bg: Command) -> None:
    with bg.engine.begin() as conn:
        conn.exec_driver_sql("drop schema bg cascade; create schema bg")
        told.upgrade(conn, "0008")
        conn.exec_driver_sql("insert into bg.companies (id, name) values ('old', 'Old & Co')")
    file, url = bg.folder / "file", os.environ["BG_DATABASE_URL"]
    making.make(file, Databases(url, url), settings.read(), "me", lambda _: None)
    _leave(bg)
    done = bg.json("restore", file, "--replace")
    assert done["schema"] == "0008"
    assert done["migrated"][0].startswith("schema bg: 0008 -> ")
    assert bg.value("select id from bg.companies") == "old"
