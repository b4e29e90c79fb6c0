"""A company to refresh."""

import pytest
import sqlalchemy as sa

from bg_assets_tests.storage.rows import change, company


@pytest.fixture
def acme(engine: sa.Engine) -> sa.Engine:
    company(engine, "acme", ["ann", "bob"])
    change(engine, "acme")
    return engine
