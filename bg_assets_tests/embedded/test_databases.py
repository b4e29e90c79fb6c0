"""A database is made once, whoever asks and how many at a time."""

import shutil
import threading
import uuid
from collections.abc import Iterator

import pytest
from sqlalchemy import make_url

from bg_assets.embedded.databases import DatabaseNotMade, DatabaseUnreachable, ensure_database
from bg_assets.embedded.server import EmbeddedPostgres
from bg_assets.storage import database
from bg_assets_tests.conftest import HOME_PREFIX, NOT_DURABLE, Cluster, temporary_folder
from bg_assets_tests.embedded.conftest import ask


@pytest.fixture
def name(postgres: Cluster) -> Iterator[str]:
    """The name of a database that is not there, odd enough to need quoting."""
    name = f'bg "tést" 5% {uuid.uuid4().hex[:12]}'
    yield name
    quoted = name.replace('"', '""')
    postgres.run(f'DROP DATABASE IF EXISTS "{quoted}" WITH (FORCE)')


def test_a_missing_database_is_made_and_one_that_exists_is_left_alone(
    postgres: Cluster, name: str
) -> None:
    url = postgres.url(name)
    assert ensure_database(url) is True
    assert ensure_database(url) is False
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    assert ask(plain, "SHOW server_encoding") == "UTF8"


def test_of_four_that_ask_at_once_one_makes_it_and_none_fails(postgres: Cluster, name: str) -> None:
    url = postgres.url(name)
    start = threading.Barrier(4)
    made: list[bool] = []

    def ensure() -> None:
        start.wait(10)
        made.append(ensure_database(url))

    threads = [threading.Thread(target=ensure) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(made) == [False, False, False, True]


def test_a_user_who_may_make_no_database_is_told_what_to_ask_for(
    postgres: Cluster, name: str
) -> None:
    role = f"bg_role_{uuid.uuid4().hex[:12]}"
    postgres.run(f"create role {role} login password 'wordpass'")
    url = make_url(postgres.url(name)).set(username=role, password="wordpass")
    try:
        with pytest.raises(DatabaseNotMade, match="ask somebody who may to run CREATE DATABASE"):
            ensure_database(url.render_as_string(hide_password=False))
    finally:
        postgres.run(f"drop role {role}")


@pytest.mark.parametrize(
    ("url", "error", "said"),
    [
        ("postgresql+psycopg2://u:wordpass@127.0.0.1:1/x", DatabaseUnreachable, "refused"),
        ("postgresql+psycopg2://u:wordpass@/x?host=/nowhere", DatabaseUnreachable, "No such file"),
        ("postgresql+psycopg2://u:wordpass@127.0.0.1:1", DatabaseNotMade, "names no database"),
    ],
)
def test_a_url_that_leads_nowhere_is_one_line_without_the_password(
    url: str, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said) as raised:
        ensure_database(url)
    assert "wordpass" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_each_test_has_a_database_of_its_own(database_url: str, postgres: Cluster) -> None:
    other = postgres.clone(make_url(database_url).database or "")
    try:
        assert other != database_url
    finally:
        postgres.drop(other)


def test_a_start_makes_the_database_of_dagster_that_was_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home = temporary_folder(HOME_PREFIX)
    monkeypatch.setenv("BG_HOME", str(home))
    monkeypatch.delenv("BG_DATABASE_URL", raising=False)
    server = EmbeddedPostgres(home, options=NOT_DURABLE)
    database._embedded.cache_clear()
    try:
        with server.acquire():
            lost = make_url(database.dagster_url())
            plain = make_url(server.url("postgres")).set(drivername="postgresql")
            drop = Cluster(server.url("postgres"), durable=False).run
            drop("drop database dagster with (force)")
            ask_for = "select count(*) from pg_database where datname = 'dagster'"
            where = plain.render_as_string(hide_password=False)
            assert (lost.database, ask(where, ask_for)) == ("dagster", 0)
            database.make_missing()
            assert ask(where, ask_for) == 1
    finally:
        database._embedded.cache_clear()
        server.destroy()
        shutil.rmtree(home)
