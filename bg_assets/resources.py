"""What assets and sensors are handed: the database."""

from typing import Any

import dagster as dg
import sqlalchemy as sa
from pydantic import PrivateAttr

from bg_assets import partitions
from bg_assets.instance import report
from bg_assets.storage import database


class Database(dg.ConfigurableResource[Any]):
    """The database that holds schema bg, checked once to be at this code's revision."""

    _engine: sa.Engine | None = PrivateAttr(default=None)

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Make the engine. Raises SchemaMismatch or DatabaseUnreachable, each one sentence."""
        report.stand_in(context.run, lambda company: _has_partition(context, company))
        self._engine = database.make_engine(database.bg_url(), pool_size=2)
        with database.connect(self._engine) as conn:
            database.check_schema(conn)

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """Close the connections."""
        if self._engine is not None:
            self._engine.dispose()

    @property
    def engine(self) -> sa.Engine:
        """The engine, while a run or a tick lasts."""
        assert self._engine is not None
        return self._engine


def _has_partition(context: dg.InitResourceContext, company: str) -> bool:
    assert context.instance is not None
    return context.instance.has_dynamic_partition(partitions.companies.name or "", company)


def defaults() -> dict[str, Any]:
    """The resources by the names that assets and sensors ask for."""
    return {"database": Database()}
