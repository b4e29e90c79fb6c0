"""The running system for the tests of this folder, and its logs with each test that fails."""

import shutil
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from bg_assets_tests.conftest import temporary_folder
from bg_assets_tests.system import stack as stacks
from bg_assets_tests.system.stack import Stack

# Long enough that nothing is due again by itself within a few steps of a test, short enough to
# wait for.
INTERVAL = 6
SETTINGS = {
    "BG_REFRESH_INTERVAL": str(INTERVAL),
    "BG_SETTLE": "0.3",
    "BG_MAX_ATTEMPTS": "2",
}


@pytest.fixture(scope="session")
def template_home() -> Iterator[Path]:
    """A home with a migrated database, on which nothing runs; others are copies of it."""
    folder = temporary_folder(stacks.PREFIX)
    try:
        stacks.make_template(folder)
        yield folder
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="package")
def stack(template_home: Path) -> Iterator[Stack]:
    """The database, the code server, the daemon and the UI, shared by most tests of this folder."""
    with stacks.stack_in(template_home, SETTINGS) as made:
        made.start("postgres", "code", "daemon", "webserver")
        yield made


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the ends of the system's logs where a test of it failed."""
    report = yield
    if report.failed:
        for used in getattr(item, "funcargs", {}).values():
            if isinstance(used, Stack):
                report.sections += [(f"{name} (end)", text) for name, text in used.logs()]
    return report
