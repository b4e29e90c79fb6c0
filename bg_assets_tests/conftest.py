"""What many tests share: a PostgreSQL for the session, a database for each test, the real data.

BG_TEST_DATABASE_URL names another PostgreSQL to run against, by the URL of a database in which
databases may be made. BG_SHARED_DATA names the folder of the real data.
"""

import contextlib
import gc
import importlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog
from sqlalchemy import Engine, NullPool, create_engine, make_url

from bg_assets.embedded.server import EmbeddedPostgres
from bg_assets.settings import psycopg2_url
from bg_assets_tests import scan

ROOT = Path(__file__).resolve().parent.parent
HOME_PREFIX = "bg-tests-"
MEMORY = Path("/dev/shm")
MEMORY_BYTES = 2 << 30
# A test's database need not survive a power cut.
NOT_DURABLE = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
# By chance it would look at a table while a test is at work there, and what a plan costs would be
# by chance: tests that need figures have them made.
REPEATABLE = {"autovacuum": "off"}
MIGRATIONS = "bg_assets.storage.database"


@dataclass(frozen=True)
class Cluster:
    """A PostgreSQL server that tests make databases in, known by the URL of one of its own."""

    maintenance_url: str
    durable: bool

    def url(self, database: str) -> str:
        """The URL of one of its databases, for SQLAlchemy."""
        url = make_url(self.maintenance_url).set(database=database)
        return url.render_as_string(hide_password=False)

    def run(self, *statements: str) -> None:
        """Run statements in the maintenance database, each in its own transaction."""
        engine = create_engine(
            self.maintenance_url, poolclass=NullPool, isolation_level="AUTOCOMMIT"
        )
        with engine.connect() as conn:
            for statement in statements:
                conn.exec_driver_sql(statement.replace("%", "%%"))

    def clone(self, template: str) -> str:
        """Make a database like the template and return its URL."""
        name = f"bg_test_{uuid.uuid4().hex[:12]}"
        # Copying files is the faster way where nothing is flushed to the disk, else the slower.
        strategy = "" if self.durable else " STRATEGY file_copy"
        self.run(f"create database {name} template {template}{strategy}")
        return self.url(name)

    def drop(self, url: str) -> None:
        """Drop the database of the URL, whoever is still connected to it."""
        self.run(f"drop database if exists {make_url(url).database} with (force)")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is imported and collected stays to the end, so that looking for garbage in it is idle.

    That was a quarter of the time of collecting, and 0.7 s for each look at everything.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long comes first, so that two workers end at about the same time."""
    items.sort(
        key=lambda item: not any(item.get_closest_marker(name) for name in ("system", "browser"))
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test in whose logs a secret stands, or somebody whom tests invent."""
    report = yield
    found = [*scan.needles().within(report.caplog)] if report.caplog else []
    if found and report.passed:
        report.outcome = "failed"
        report.longrepr = "\n".join(["left behind in the log:", *found])
    return report


@pytest.fixture(scope="session", autouse=True)
def logs_left_behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Fail at the end if one of the processes of all tests has written such a thing to a file."""
    yield
    logs = tmp_path_factory.getbasetemp().rglob("*.log*")
    scan.nothing(scan.in_files(scan.needles(), (path for path in logs if path.is_file())))


@pytest.fixture(autouse=True)
def nothing_bound() -> None:
    """No line of a test's carries ids that another test has bound."""
    structlog.contextvars.clear_contextvars()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """The server of this session."""
    other = os.environ.get("BG_TEST_DATABASE_URL")
    if other:
        yield Cluster(psycopg2_url(other), _durable(psycopg2_url(other)))
        return
    _sweep()
    home = temporary_folder(HOME_PREFIX)
    server = EmbeddedPostgres(home, options=NOT_DURABLE | REPEATABLE)
    try:
        with server.acquire():
            yield Cluster(server.url("postgres"), durable=False)
    finally:
        server.destroy()
        shutil.rmtree(home)


@pytest.fixture(scope="session")
def template(postgres: Cluster) -> Iterator[str]:
    """The name of a database with our schema and no rows, which others are cloned from."""
    name = f"bg_template_{uuid.uuid4().hex[:12]}"
    postgres.run(f"create database {name} template template0 encoding 'UTF8'")
    try:
        _migrate(postgres.url(name))
        postgres.run(
            f"alter database {name} allow_connections false",
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'",
        )
        yield name
    finally:
        postgres.run(f"drop database {name} with (force)")


@pytest.fixture
def databases(postgres: Cluster, template: str) -> Iterator[Callable[[], str]]:
    """Each call makes one more fresh database with our schema and returns its URL."""
    made: list[str] = []

    def make() -> str:
        made.append(postgres.clone(template))
        return made[-1]

    yield make
    for url in made:
        postgres.drop(url)


@pytest.fixture
def database_url(databases: Callable[[], str]) -> str:
    """The URL of a fresh database with our schema."""
    return databases()


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on a fresh database with our schema. A test that locks itself out fails."""
    made = create_engine(database_url, connect_args={"options": "-c lock_timeout=30s"})
    yield made
    made.dispose()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of the real data."""
    folder = Path(os.environ.get("BG_SHARED_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}: set BG_SHARED_DATA to its folder")
    return folder


def temporary_folder(prefix: str, disk: Path | None = None) -> Path:
    """A new folder that everybody may pass into, on the disk or in memory where there is plenty.

    A database is a thousand small files, which some disks take a second to make.
    """
    roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > MEMORY_BYTES
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=disk or (MEMORY if roomy else None)))
    folder.chmod(0o711)
    return folder


def _durable(url: str) -> bool:
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as conn:
        return str(conn.exec_driver_sql("show fsync").scalar_one()) == "on"


def _migrate(url: str) -> None:
    try:
        migrations = importlib.import_module(MIGRATIONS)
    except ModuleNotFoundError as err:
        if err.name != MIGRATIONS:
            raise
        return
    migrations.migrate(url)


def _sweep() -> None:
    """Remove what a session that was killed left behind."""
    for base in (MEMORY, Path(tempfile.gettempdir())):
        for home in base.glob(f"{HOME_PREFIX}*"):
            # Another session may be doing the same.
            with contextlib.suppress(FileNotFoundError):
                _sweep_home(home)


def _sweep_home(home: Path) -> None:
    if home.stat().st_uid != os.geteuid():
        return
    server = EmbeddedPostgres(home)
    # Without a lease file another session may be just about to start.
    if (server.folder / "lease").exists() and not server.leased():
        server.destroy()
        shutil.rmtree(home)
