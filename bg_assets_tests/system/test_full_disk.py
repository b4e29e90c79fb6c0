"""`bg-assets up` on a disk that fills up: it stays, says so, and goes on when there is room."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from bg_assets.encryption import new_key
from bg_assets.storage import database
from bg_assets_tests.conftest import temporary_folder
from bg_assets_tests.small_disk import SmallDisk, mounted
from bg_assets_tests.system import stack as stacks
from bg_assets_tests.system import world
from bg_assets_tests.system.stack import Stack, eventually, up

pytestmark = [pytest.mark.system, pytest.mark.slow]

SETTINGS = {"BG_REFRESH_INTERVAL": "0", "BG_SETTLE": "0"}
SECONDS = 180
# A megabyte in PostgreSQL's log ahead and nowhere else.
MUCH = "select pg_logical_emit_message(false, 'test', repeat('x', 1000000))"


@pytest.fixture
def disk() -> Iterator[SmallDisk]:
    """A disk that the database, the logs and Dagster's files fit on, with some room."""
    folder = temporary_folder(stacks.PREFIX)
    try:
        with mounted(folder, 800) as made:
            yield made
    finally:
        folder.rmdir()


@pytest.fixture
def stack(template_home: Path, disk: SmallDisk) -> Iterator[Stack]:
    """A home on that disk, on which nothing runs but the database."""
    with stacks.stack_in(template_home, SETTINGS, disk.root) as made:
        yield made


def test_up_outlives_a_full_disk_and_catches_up_by_itself(stack: Stack, disk: SmallDisk) -> None:
    process = up(stack)
    companies = world.grow(stack, "full-", 20, seconds=SECONDS)
    disk.fill(*(stack.home / "logs").iterdir())
    # What dies meanwhile is started again as far as that goes, and told in logs without room.
    daemon = stack.daemon()
    for killed in (daemon, stack.code_server()):
        stacks.kill(killed)
    server = stack.server.data / "postmaster.pid"
    before = server.read_text() if server.exists() else ""
    eventually(lambda: not _writes(stack), SECONDS, "the database finds no room for its log")
    said = stack.cli("status")
    assert said.returncode in (1, 3), said.stdout
    assert "full" in said.stdout + said.stderr
    eventually(lambda: stack.daemon().pid != daemon.pid, SECONDS, "there is a new daemon")
    assert process.poll() is None

    disk.empty()
    eventually(lambda: _writes(stack), SECONDS, "the database is there again")
    assert server.read_text() != before
    stack.execute(
        "update bg.people set title = 'Chief Financial Officer' where title = 'Controller'"
    )
    world.settle(stack, companies, SECONDS)
    assert stack.value("select count(*) from bg.buyer_group_refresh_log where status = 'dead'") == 0
    status = stack.cli("status")
    assert (status.returncode, "problem" in status.stdout) == (0, False), status.stdout
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 0


def test_where_the_database_has_room_refreshes_go_on_though_the_home_has_none(
    template_home: Path, disk: SmallDisk
) -> None:
    variables = {**SETTINGS, "BG_ENCRYPTION_KEYS": new_key(), "BG_MAX_ATTEMPTS": "1"}
    with (
        stacks.stack_in(template_home, variables) as elsewhere,
        stacks.stack_in(template_home, variables, disk.root) as stack,
    ):
        stack.env["BG_DATABASE_URL"] = elsewhere.server.url("bg_assets")
        stack.env["BG_DAGSTER_URL"] = elsewhere.server.url("dagster")
        stack.engine.dispose()
        stack.engine = database.make_engine(elsewhere.server.url("bg_assets"))
        process = up(stack)
        companies = world.grow(stack, "room-", 3, seconds=SECONDS)
        disk.fill(*(stack.home / "logs").iterdir(), *(stack.home / "dagster").rglob("*.log"))
        more = world.grow(stack, "none-", 3, seconds=SECONDS)
        stack.execute("update bg.people set title = 'CFO' where title = 'Controller'")
        world.settle(stack, [*companies, *more], SECONDS)
        statuses = "select distinct status from bg.buyer_group_refresh_log"
        assert [row.status for row in stack.rows(statuses)] == ["completed"]
        assert process.poll() is None
        disk.empty()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0


def _writes(stack: Stack) -> bool:
    try:
        stack.value(MUCH)
    except sa.exc.DBAPIError:
        return False
    return True
