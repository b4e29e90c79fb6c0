"""Reaching the database, migrating it, and saying what is wrong without telling values."""

import subprocess
import sys
import uuid
from collections.abc import Iterator
from datetime import date

import pytest
import sqlalchemy as sa

from bg_assets.embedded.databases import DatabaseUnreachable
from bg_assets.storage import database, revisions
from bg_assets.storage.capture import triggers
from bg_assets.storage.copying import copy_rows
from bg_assets_tests.conftest import Cluster
from bg_assets_tests.storage.crashing import terminate
from bg_assets_tests.storage.rows import insert, rows, run, value

MIGRATE = "import sys; from bg_assets.storage import database; print(database.migrate(sys.argv[1]))"
HEAD = revisions.head()
SECRET = "secret-word"
NAME = "Margarete Musterfrau"


@pytest.fixture
def empty_url(postgres: Cluster) -> Iterator[str]:
    """The URL of a database without our schema."""
    name = f"bg_empty_{uuid.uuid4().hex[:12]}"
    postgres.run(f"create database {name} template template0 encoding 'UTF8'")
    yield postgres.url(name)
    postgres.drop(postgres.url(name))


@pytest.fixture
def guarded(database_url: str) -> Iterator[sa.Engine]:
    """An engine as the application makes it."""
    made = database.make_engine(database_url)
    yield made
    made.dispose()


def test_migrating_twice_does_something_once(empty_url: str) -> None:
    assert database.migrate(empty_url) == [
        f"schema bg: empty -> {HEAD}",
        "change capture: triggers and views installed",
    ]
    assert database.migrate(empty_url) == []


def test_two_that_migrate_at_once_both_succeed_and_one_does_the_work(empty_url: str) -> None:
    started = [
        subprocess.Popen([sys.executable, "-c", MIGRATE, empty_url], stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    said = sorted(one.communicate(timeout=60)[0].decode().strip() for one in started)

    assert [one.returncode for one in started] == [0, 0]
    assert said[1] == "[]"
    assert HEAD in said[0]


def test_a_migration_that_fails_leaves_nothing_behind(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> bool:
        raise RuntimeError("interrupted")

    with monkeypatch.context() as patched:
        patched.setattr(triggers, "install", fail)
        with pytest.raises(RuntimeError, match="interrupted"):
            database.migrate(empty_url)
    assert database.migrate(empty_url)[0] == f"schema bg: empty -> {HEAD}"


def test_a_database_without_the_schema_is_refused_with_the_command(empty_url: str) -> None:
    engine = database.make_engine(empty_url)
    with (
        pytest.raises(database.SchemaMismatch, match="not there yet: run `bg-assets migrate`"),
        database.connect(engine) as conn,
    ):
        database.check_schema(conn)
    engine.dispose()


def test_a_schema_that_fits_is_accepted(guarded: sa.Engine) -> None:
    with database.connect(guarded) as conn:
        database.check_schema(conn)


def test_a_schema_that_is_behind_is_refused_with_the_command(guarded: sa.Engine) -> None:
    run(guarded, "update bg.alembic_version set version_num = '0001'")
    behind = rf"behind \(0001; this code wants {HEAD}\): run `bg-assets migrate`"
    with pytest.raises(database.SchemaMismatch, match=behind), database.connect(guarded) as conn:
        database.check_schema(conn)


def test_a_schema_that_is_ahead_is_refused_and_left_alone(
    guarded: sa.Engine, database_url: str
) -> None:
    run(guarded, "update bg.alembic_version set version_num = '9999'")
    with (
        pytest.raises(database.SchemaMismatch, match=r"ahead of this code .* newer bg_assets"),
        database.connect(guarded) as conn,
    ):
        database.check_schema(conn)
    with pytest.raises(database.SchemaMismatch, match="ahead of this code"):
        database.migrate(database_url)
    assert value(guarded, "select version_num from bg.alembic_version") == "9999"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (f"postgresql+psycopg2://u:{SECRET}@127.0.0.1:1/d", "does not answer: start it"),
        (f"postgresql+psycopg2://u:{SECRET}@/d?host=/nowhere", "does not answer: start it"),
        (f"postgresql+psycopg2://u:{SECRET}@no.such.host.invalid/d", "does not answer"),
    ],
)
def test_a_server_that_does_not_answer_is_one_sentence_without_the_password(
    url: str, said: str
) -> None:
    engine = database.make_engine(url)
    with pytest.raises(DatabaseUnreachable) as caught, database.connect(engine):
        pass
    with pytest.raises(DatabaseUnreachable):
        database.migrate(url)
    message = str(caught.value)
    assert said in message
    assert "BG_DATABASE_URL" in message
    assert SECRET not in message
    assert "\n" not in message
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_server_that_refuses_says_why(guarded: sa.Engine) -> None:
    nowhere = database.make_engine(
        guarded.url.set(database="not_there").render_as_string(hide_password=False)
    )
    with (
        pytest.raises(
            DatabaseUnreachable,
            match=r'refuses the connection \(database "not_there" does not exist\)',
        ),
        database.connect(nowhere),
    ):
        pass


def test_a_server_that_goes_away_meanwhile_is_unreachable(guarded: sa.Engine) -> None:
    def copy() -> None:
        with database.connect(guarded) as conn:
            terminate(guarded, conn)
            copy_rows(conn, "bg.people", ["id"], [["ann"]])

    with pytest.raises(DatabaseUnreachable):
        copy()
    with database.connect(guarded) as conn:
        assert value(conn, "select count(*) from bg.people") == 0


def refused(engine: sa.Engine, sql: str, **parameters: object) -> str:
    with pytest.raises(sa.exc.DBAPIError) as caught:
        run(engine, sql, **parameters)
    return f"{caught.value} {caught.value.orig} {caught.value.__cause__}"


def test_an_error_tells_neither_the_row_nor_the_parameters(guarded: sa.Engine) -> None:
    insert(guarded, "bg.people", id=NAME)
    said = [
        refused(guarded, "insert into bg.people (id, name, status) values ('a', :n, 'x')", n=NAME),
        refused(guarded, "insert into bg.people (id) values (:n)", n=NAME),
        refused(guarded, "insert into bg.people (id, end_date) values ('a', :n)", n=NAME),
        refused(guarded, "select cast(:n as integer)", n=NAME),
        refused(guarded, "select cast(:n as jsonb)", n=NAME),
    ]

    assert not any("Musterfrau" in one for one in said)
    assert "violates check constraint" in said[0]
    assert "duplicate key value violates unique constraint" in said[1]
    assert "invalid input syntax for type date" in said[2]


def test_a_row_that_copy_refuses_is_not_told_either(guarded: sa.Engine) -> None:
    def copy(columns: list[str], row: list[object]) -> str:
        with (
            pytest.raises(sa.exc.DBAPIError) as caught,
            database.connect(guarded) as conn,
        ):
            copy_rows(conn, "bg.people", columns, [row])
        return f"{caught.value} {caught.value.orig}"

    said = [
        copy(["id", "name", "status"], ["a", NAME, "x"]),
        copy(["id", "end_date"], ["a", NAME]),
        copy(["id", "name"], ["a", f"{NAME}\0"]),
    ]
    assert not any("Musterfrau" in one for one in said)
    assert "violates check constraint" in said[0]
    assert "copy bg.people" in said[0]


def test_what_goes_in_by_copy_comes_out_the_same(guarded: sa.Engine) -> None:
    odd = ["\\N", "\\.", "tab\tnew\nline\rreturn", "🚀 \u200fكبير", "", "'", "\\\\x", "x" * 100_000]
    with database.connect(guarded) as conn:
        copy_rows(
            conn,
            "bg.people",
            ["id", "title", "department", "start_date"],
            ([f"p{place}", text, None, date(2024, 2, 29)] for place, text in enumerate(odd)),
        )

    found = rows(guarded, "select title, department, start_date from bg.people order by id")
    assert [row["title"] for row in found] == odd
    assert {row["department"] for row in found} == {None}
    assert {row["start_date"] for row in found} == {date(2024, 2, 29)}


def test_dagster_has_a_database_of_its_own_beside_ours(
    database_url: str, postgres: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BG_DATABASE_URL", database_url)
    monkeypatch.delenv("BG_DAGSTER_URL", raising=False)
    beside = database.dagster_url()
    try:
        assert beside == postgres.url(f"{sa.make_url(database_url).database}_dagster")
        assert database.bg_url() == database_url
        engine = database.make_engine(beside)
        assert value(engine, "select 1") == 1
        engine.dispose()
    finally:
        postgres.drop(beside)


def test_dagsters_database_may_be_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BG_DAGSTER_URL", "postgresql://u@h/elsewhere")

    assert database.dagster_url() == "postgresql+psycopg2://u@h/elsewhere"


@pytest.mark.parametrize(
    ("code", "away"),
    [("08006", True), ("57P01", True), ("57P02", True), ("57P03", True), ("57014", False),
     ("22012", False), ("40001", False)],
)  # fmt: skip
def test_a_server_that_is_away_is_told_from_a_statement_that_fails(
    guarded: sa.Engine, code: str, *, away: bool
) -> None:
    raised = DatabaseUnreachable if away else sa.exc.DBAPIError
    with pytest.raises(raised), database.connect(guarded) as conn:
        run(conn, f"do $$ begin raise sqlstate '{code}'; end $$")


@pytest.mark.parametrize(("code", "tries"), [("40001", 3), ("40P01", 3), ("23505", 1)])
def test_only_what_another_got_in_between_is_run_again_in_a_view_of_one_moment(
    guarded: sa.Engine, code: str, tries: int
) -> None:
    levels: list[str] = []

    def work(conn: sa.Connection) -> str:
        levels.append(value(conn, "select current_setting('transaction_isolation')"))
        if len(levels) < 3:
            run(conn, f"do $$ begin raise sqlstate '{code}'; end $$")
        return "done"

    if tries == 3:
        assert database.repeatable_read(guarded, work) == "done"
    else:
        with pytest.raises(sa.exc.DBAPIError):
            database.repeatable_read(guarded, work)
    assert levels == ["repeatable read"] * tries


def test_a_connection_names_itself_and_is_looked_at_before_it_is_used(
    guarded: sa.Engine, database_url: str
) -> None:
    with database.connect(guarded) as conn:
        assert value(conn, "select current_setting('application_name')") == "bg_assets"
        pid = value(conn, "select pg_backend_pid()")
    other = database.make_engine(database_url, pool_size=1, name="other")
    with database.connect(other) as conn:
        assert value(conn, "select current_setting('application_name')") == "other"
        value(conn, f"select pg_terminate_backend({pid}, 10000)")
    other.dispose()
    with database.connect(guarded) as conn:
        assert value(conn, "select pg_backend_pid()") != pid
