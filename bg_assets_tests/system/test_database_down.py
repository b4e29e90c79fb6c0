"""The database goes away and comes back: ticks fail, commands say so, nothing is lost."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bg_assets.embedded.server import EmbeddedPostgres
from bg_assets.storage import database
from bg_assets_tests.conftest import NOT_DURABLE, temporary_folder
from bg_assets_tests.private import TickStatus
from bg_assets_tests.system import stack as stacks
from bg_assets_tests.system import world
from bg_assets_tests.system.stack import Stack, eventually

pytestmark = [pytest.mark.system, pytest.mark.slow]

SETTINGS = {"BG_REFRESH_INTERVAL": "0", "BG_SETTLE": "0"}


@pytest.fixture
def elsewhere(template_home: Path) -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL that nobody but the test starts or stops."""
    parent = temporary_folder(stacks.PREFIX)
    subprocess.run(["cp", "-a", template_home, parent / "home"], check=True)
    server = EmbeddedPostgres(parent / "home", options=NOT_DURABLE)
    try:
        server.acquire()
        yield server
    finally:
        server.destroy()
        shutil.rmtree(parent)


@pytest.fixture
def stack(template_home: Path, elsewhere: EmbeddedPostgres) -> Iterator[Stack]:
    """A system whose schema bg is on that server, and Dagster's storage on one that stays."""
    with stacks.stack_in(template_home, SETTINGS) as made:
        made.env["BG_DATABASE_URL"] = elsewhere.url("bg_assets")
        made.env["BG_DAGSTER_URL"] = made.server.url("dagster")
        made.engine.dispose()
        made.engine = database.make_engine(elsewhere.url("bg_assets"))
        made.start("code", "daemon")
        yield made


def failed_ticks(stack: Stack) -> list[str]:
    """What the failed ticks of all sensors say."""
    found = []
    for state in stack.instance.all_instigator_state():
        for tick in stack.instance.get_ticks(state.instigator_origin_id, state.selector_id):
            if tick.status is TickStatus.FAILURE and tick.error is not None:
                cause = tick.error.cause
                found.append(str(cause.message if cause else tick.error.message))
    return found


def test_while_the_database_is_away_ticks_fail_and_nothing_is_lost(
    stack: Stack, elsewhere: EmbeddedPostgres
) -> None:
    companies = world.grow(stack, "away-", 2, seconds=120)
    assert stack.status()["daemon"] == "running"
    with stack.engine.begin() as conn:
        conn.exec_driver_sql("update bg.people set title = 'Treasurer' where id = 'away-0001-2'")
    elsewhere.stop(force=True)
    said = eventually(lambda: failed_ticks(stack), 40, "a tick fails")
    # The first may still see it shut down.
    assert all("DatabaseUnreachable: PostgreSQL at " in one for one in said), said
    done = stack.cli("status")
    assert done.returncode == 3
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1
    assert "does not answer" in done.stderr
    elsewhere.ensure()
    world.settle(stack, companies, seconds=60)
    world.retitle(stack, "away-0002-2", "Group Treasurer")
    world.settle(stack, companies, seconds=60)
    assert [world.log_of(stack, one)[-1].reason for one in companies] == ["role_change"] * 2
    world.assert_groups_as_recomputed(stack, companies)
