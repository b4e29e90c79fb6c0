"""A home of its own for each test of the embedded PostgreSQL, gone afterwards with its server."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg2
import pytest

from bg_assets.embedded.server import EmbeddedPostgres
from bg_assets_tests.embedded.command import NOT_DURABLE


@pytest.fixture
def homes() -> Iterator[Callable[[], Path]]:
    """Each call gives one more folder for a home, which everybody may pass into."""
    made: list[Path] = []

    def make() -> Path:
        parent = Path(tempfile.mkdtemp(prefix="bg-home-"))
        parent.chmod(0o711)
        made.append(parent)
        return parent / "home"

    yield make
    for parent in made:
        for folder in parent.rglob("postgres/lock"):
            EmbeddedPostgres(folder.parent.parent).destroy()
        shutil.rmtree(parent)


@pytest.fixture
def home(homes: Callable[[], Path]) -> Path:
    """A folder for a home, which everybody may pass into."""
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
