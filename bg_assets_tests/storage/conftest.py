"""A company to refresh, and one that was."""

import pytest
import sqlalchemy as sa

from bg_assets_tests.storage.rows import change, company
from bg_assets_tests.storage.steps import complete, held_by_a_run


@pytest.fixture
def acme(engine: sa.Engine) -> sa.Engine:
    company(engine, "acme", ["ann", "bob"])
    change(engine, "acme")
    return engine


@pytest.fixture
def built(acme: sa.Engine) -> sa.Engine:
    """A group that stands, and a change that came after it."""
    complete(acme, "run-0", held_by_a_run(acme, "run-0"))
    change(acme, "acme")
    return acme
