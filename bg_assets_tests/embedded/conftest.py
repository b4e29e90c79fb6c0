"""A home of its own for each test of the embedded PostgreSQL, gone afterwards with its server."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg2
import pytest

from bg_assets.embedded.server import EmbeddedPostgres
from bg_assets_tests.conftest import temporary_folder
from bg_assets_tests.embedded.command import NOT_DURABLE


@pytest.fixture
def empty_homes() -> Iterator[Callable[[], Path]]:
    """Each call names one more folder for a home, below one that everybody may pass into."""
    made: list[Path] = []

    def make() -> Path:
        parent = temporary_folder("bg-home-")
        made.append(parent)
        return parent / "home"

    yield make
    for parent in made:
        for folder in parent.rglob("postgres/lock"):
            EmbeddedPostgres(folder.parent.parent).destroy()
        shutil.rmtree(parent)


@pytest.fixture
def empty_home(empty_homes: Callable[[], Path]) -> Path:
    """The name of a folder for a home."""
    return empty_homes()


@pytest.fixture(scope="session")
def made_home() -> Iterator[Path]:
    """A home with a database that nothing runs on, to be copied: initdb takes most of a second."""
    parent = temporary_folder("bg-home-")
    server = EmbeddedPostgres(parent, options=NOT_DURABLE)
    try:
        server.acquire().release()
        yield parent
    finally:
        server.destroy()
        shutil.rmtree(parent)


@pytest.fixture
def homes(empty_homes: Callable[[], Path], made_home: Path) -> Callable[[], Path]:
    """Each call makes one more home with a database that nothing runs on."""

    def make() -> Path:
        home = empty_homes()
        subprocess.run(["cp", "-a", made_home, home], check=True)
        return home

    return make


@pytest.fixture
def home(homes: Callable[[], Path]) -> Path:
    """A home with a database that nothing runs on."""
    return homes()


@pytest.fixture
def server(home: Path) -> EmbeddedPostgres:
    """The server of the home, not started."""
    return EmbeddedPostgres(home, options=NOT_DURABLE)


@pytest.fixture
def as_root() -> None:
    """Skip where the tests don't run as root."""
    if os.geteuid() != 0:
        pytest.skip("only root can work as other users")


def ask(url: str, statement: str) -> object:
    """Run one statement over a connection of its own; gives the first value, if there is one."""
    connection = psycopg2.connect(url)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
            row = cursor.fetchone() if cursor.description else None
            return row[0] if row else None
    finally:
        connection.close()
