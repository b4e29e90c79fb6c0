"""A database in which people and companies are tables of somebody else's."""

import pytest
import sqlalchemy as sa

from bg_assets_tests.storage.capture import foreign


@pytest.fixture
def crm(engine: sa.Engine) -> sa.Engine:
    with engine.begin() as conn:
        conn.exec_driver_sql(foreign.TABLES)
        assert foreign.install(conn)
        assert not foreign.install(conn)
    return engine
